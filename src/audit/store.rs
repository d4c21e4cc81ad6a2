use diesel::prelude::*;
use ipnet::IpNet;

use super::Event;
use crate::db::schema::audit_events::dsl;
use crate::db::{self, Tx};
use crate::kernel::EventId;

pub(super) fn insert(tx: &mut Tx<'_>, id: EventId, event: Event) -> Result<(), db::Error> {
    let origin = tx.origin.clone();
    let now = tx.now;
    diesel::insert_into(dsl::audit_events)
        .values((
            dsl::id.eq(id),
            dsl::at.eq(now),
            dsl::kind.eq(event.kind),
            dsl::actor_id.eq(origin.actor),
            dsl::subject_id.eq(event.subject),
            dsl::session_id.eq(origin.session),
            dsl::address.eq(origin.address.map(IpNet::from)),
            dsl::user_agent.eq(origin.user_agent),
            dsl::request_id.eq(origin.request_id),
            dsl::details.eq(event.details),
            dsl::organization_id.eq(event.organization),
            dsl::hand.eq(origin.hand.as_str()),
        ))
        .execute(tx.conn())?;
    Ok(())
}
