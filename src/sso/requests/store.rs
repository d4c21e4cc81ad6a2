use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Binary, Uuid};

use super::{Asking, OPEN_FOR, Open, Purpose};
use crate::db::schema::saml_requests as requests;
use crate::db::{self, Tx};
use crate::kernel::{ConnectionId, Digest, SessionId, UserId};

pub(super) fn insert(tx: &mut Tx<'_>, id: &str, relay_state: &Digest, asking: &Asking) -> Result<(), db::Error> {
    let (now, known_by) = (tx.now, tx.origin.known_by);
    diesel::insert_into(requests::table)
        .values((
            requests::id.eq(id),
            requests::connection_id.eq(asking.connection),
            requests::browser.eq(asking.browser.as_bytes()),
            requests::relay_state.eq(relay_state.as_bytes()),
            requests::purpose.eq(asking.purpose.as_str()),
            requests::user_id.eq(asking.person.map(|(user, _)| user)),
            requests::session_id.eq(asking.person.map(|(_, session)| session)),
            requests::replaces.eq(asking.replaces),
            requests::known_by.eq(known_by.as_ref().map(Digest::as_bytes)),
            requests::return_to.eq(&asking.return_to),
            requests::created_at.eq(now),
            requests::expires_at.eq(now + OPEN_FOR),
        ))
        .execute(tx.conn())?;
    Ok(())
}

/// All but the last `most` of one browser.
pub(super) fn delete_oldest(
    tx: &mut Tx<'_>,
    connection: ConnectionId,
    browser: &Digest,
    most: i64,
) -> Result<(), db::Error> {
    let statement = "DELETE FROM saml_requests WHERE id IN ( \
            SELECT id FROM saml_requests WHERE browser = $1 AND connection_id = $2 AND purpose <> 'sign_out' \
            ORDER BY created_at DESC, id OFFSET $3)";
    sql_query(statement)
        .bind::<Binary, _>(browser.as_bytes())
        .bind::<Uuid, _>(connection)
        .bind::<BigInt, _>(most)
        .execute(tx.conn())?;
    Ok(())
}

type Row = (
    String,
    String,
    Option<UserId>,
    Option<SessionId>,
    Option<SessionId>,
    Option<Vec<u8>>,
    Option<String>,
    DateTime<Utc>,
);

const OPEN: (
    requests::id,
    requests::purpose,
    requests::user_id,
    requests::session_id,
    requests::replaces,
    requests::known_by,
    requests::return_to,
    requests::created_at,
) = (
    requests::id,
    requests::purpose,
    requests::user_id,
    requests::session_id,
    requests::replaces,
    requests::known_by,
    requests::return_to,
    requests::created_at,
);

/// `None` where there is none, or it is too old. It is gone.
pub(super) fn take_named(
    tx: &mut Tx<'_>,
    connection: ConnectionId,
    browser: &Digest,
    relay_state: &Digest,
) -> Result<Option<Open>, db::Error> {
    let now = tx.now;
    let named = requests::table
        .filter(requests::connection_id.eq(connection).and(requests::browser.eq(browser.as_bytes())))
        .filter(requests::relay_state.eq(relay_state.as_bytes()).and(requests::expires_at.gt(now)))
        .filter(requests::purpose.ne("sign_out"));
    let row: Option<Row> = diesel::delete(named).returning(OPEN).get_result(tx.conn()).optional()?;
    Ok(row.and_then(open))
}

/// Those that are not too old, the oldest first. They are gone.
pub(super) fn take_all(tx: &mut Tx<'_>, connection: ConnectionId, browser: &Digest) -> Result<Vec<Open>, db::Error> {
    let now = tx.now;
    let all = requests::table
        .filter(requests::connection_id.eq(connection).and(requests::browser.eq(browser.as_bytes())))
        .filter(requests::purpose.ne("sign_out").and(requests::expires_at.gt(now)));
    let rows: Vec<Row> = diesel::delete(all).returning(OPEN).get_results(tx.conn())?;
    let mut taken: Vec<Open> = rows.into_iter().filter_map(open).collect();
    taken.sort_by_key(|open| open.asked_at);
    Ok(taken)
}

fn open((id, purpose, user, session, replaces, known_by, return_to, asked_at): Row) -> Option<Open> {
    Some(Open {
        id,
        // A newer node may know more purposes than this one.
        purpose: Purpose::from_stored(&purpose)?,
        person: user.zip(session),
        replaces,
        known_by: known_by.as_deref().and_then(Digest::from_stored),
        return_to,
        asked_at,
    })
}

/// Browser and `RelayState` of nobody.
pub(super) fn insert_departure(tx: &mut Tx<'_>, id: &str, connection: ConnectionId) -> Result<(), db::Error> {
    let (now, nobodys) = (tx.now, Digest::of(id.as_bytes()));
    diesel::insert_into(requests::table)
        .values((
            requests::id.eq(id),
            requests::connection_id.eq(connection),
            requests::browser.eq(nobodys.as_bytes()),
            requests::relay_state.eq(nobodys.as_bytes()),
            requests::purpose.eq("sign_out"),
            requests::created_at.eq(now),
            requests::expires_at.eq(now + OPEN_FOR),
        ))
        .execute(tx.conn())?;
    Ok(())
}

/// `false` where it is not there, or too old.
pub(super) fn take_departure(tx: &mut Tx<'_>, connection: ConnectionId, id: &str) -> Result<bool, db::Error> {
    let now = tx.now;
    let open = requests::table
        .find(id)
        .filter(requests::connection_id.eq(connection).and(requests::purpose.eq("sign_out")))
        .filter(requests::expires_at.gt(now));
    Ok(diesel::delete(open).execute(tx.conn())? == 1)
}
