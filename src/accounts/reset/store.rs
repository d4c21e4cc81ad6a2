use chrono::{DateTime, Utc};
use diesel::prelude::*;
use ipnet::IpNet;

use crate::db::schema::{password_reset_requests as requests, password_resets as links, users};
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{Digest, EmailAddress, Origin, ResetRequestId, SessionId, UserId};

type RequestRow = (ResetRequestId, String, Option<UserId>, Option<SessionId>, Option<IpNet>, Option<String>, String);

/// Somebody wants a new password.
pub(super) struct Request {
    pub id: ResetRequestId,
    pub email: EmailAddress,
    pub origin: Origin,
}

pub(super) fn insert_request(tx: &mut Tx<'_>, email: &EmailAddress) -> Result<(), db::Error> {
    let origin = tx.origin.clone();
    diesel::insert_into(requests::table)
        .values((
            requests::id.eq(ResetRequestId::new(tx.now)),
            requests::email.eq(email.as_str()),
            requests::actor_id.eq(origin.actor),
            requests::session_id.eq(origin.session),
            requests::address.eq(origin.address.map(IpNet::from)),
            requests::user_agent.eq(origin.user_agent),
            requests::request_id.eq(origin.request_id),
        ))
        .execute(tx.conn())?;
    Ok(())
}

/// The oldest one, passing over those that others hold just now.
pub(super) fn lock_request(tx: &mut Tx<'_>) -> Result<Option<Request>, db::Error> {
    let row: Option<RequestRow> =
        requests::table.order(requests::id).for_update().skip_locked().first(tx.conn()).optional()?;
    row.map(request).transpose()
}

pub(super) fn delete_request(tx: &mut Tx<'_>, id: ResetRequestId) -> Result<(), db::Error> {
    diesel::delete(requests::table.find(id)).execute(tx.conn())?;
    Ok(())
}

pub(super) struct NewLink {
    pub digest: Digest,
    pub user: UserId,
    pub email: EmailAddress,
    pub expires_at: DateTime<Utc>,
}

pub(super) fn insert_link(tx: &mut Tx<'_>, link: &NewLink) -> Result<(), db::Error> {
    let now = tx.now;
    diesel::insert_into(links::table)
        .values((
            links::digest.eq(link.digest.as_bytes()),
            links::user_id.eq(link.user),
            links::email_key.eq(link.email.key()),
            links::created_at.eq(now),
            links::expires_at.eq(link.expires_at),
        ))
        .execute(tx.conn())?;
    Ok(())
}

/// Whose password a link is for, while it holds: for the address that its person has now, and not for somebody
/// disabled.
pub(super) fn find_holder(tx: &mut ReadTx<'_>, digest: &Digest) -> Result<Option<UserId>, db::Error> {
    let now = tx.now;
    let holder = links::table
        .inner_join(users::table)
        .filter(links::digest.eq(digest.as_bytes()).and(links::expires_at.gt(now)))
        .filter(links::email_key.eq(users::email_key).and(users::disabled_at.is_null()))
        .select(users::id)
        .first(tx.conn())
        .optional()?;
    Ok(holder)
}

pub(super) fn delete_links(tx: &mut Tx<'_>, user: UserId) -> Result<(), db::Error> {
    diesel::delete(links::table.filter(links::user_id.eq(user))).execute(tx.conn())?;
    Ok(())
}

pub(super) fn delete_expired_links(tx: &mut Tx<'_>, user: UserId) -> Result<(), db::Error> {
    let now = tx.now;
    let expired = links::table.filter(links::user_id.eq(user).and(links::expires_at.le(now)));
    diesel::delete(expired).execute(tx.conn())?;
    Ok(())
}

fn request((id, email, actor, session, address, user_agent, request_id): RequestRow) -> Result<Request, db::Error> {
    let email = EmailAddress::parse(&email)
        .map_err(|error| db::Error::Internal(format!("the address of the request {id}: {error}")))?;
    let address = address.map(|network| network.addr());
    Ok(Request { id, email, origin: Origin { actor, session, address, user_agent, known_by: None, request_id } })
}
