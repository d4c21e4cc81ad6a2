use chrono::{DateTime, Utc};
use diesel::prelude::*;
use ipnet::IpNet;

use super::{Live, Remember};
use crate::db::schema::{gate_tokens, sessions, users};
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{Digest, EmailAddress, SessionId, UserId};

pub(super) struct NewSession {
    pub id: SessionId,
    pub user: UserId,
    pub token: Digest,
    pub remember: Remember,
    pub expires_at: DateTime<Utc>,
}

/// A row that may have run out.
pub(super) struct Found {
    pub live: Live,
    pub is_disabled: bool,
}

pub(super) fn insert(tx: &mut Tx<'_>, new: &NewSession) -> Result<(), db::Error> {
    let now = tx.now;
    let address = tx.origin.address.map(IpNet::from);
    let user_agent = tx.origin.user_agent.clone();
    diesel::insert_into(sessions::table)
        .values((
            sessions::id.eq(new.id),
            sessions::user_id.eq(new.user),
            sessions::token_digest.eq(new.token.as_bytes()),
            sessions::remember.eq(new.remember == Remember::Yes),
            sessions::address.eq(address),
            sessions::user_agent.eq(user_agent),
            sessions::created_at.eq(now),
            sessions::last_active_at.eq(now),
            sessions::last_auth_at.eq(now),
            sessions::expires_at.eq(new.expires_at),
        ))
        .execute(tx.conn())?;
    Ok(())
}

/// Whether it is there; held until the transaction ends.
pub(super) fn lock(tx: &mut Tx<'_>, id: SessionId) -> Result<bool, db::Error> {
    let row = sessions::table.find(id).select(sessions::id).for_update();
    Ok(row.first::<SessionId>(tx.conn()).optional()?.is_some())
}

pub(super) fn insert_gate_token(
    tx: &mut Tx<'_>,
    session: SessionId,
    domain: &str,
    digest: &Digest,
) -> Result<(), db::Error> {
    let now = tx.now;
    diesel::insert_into(gate_tokens::table)
        .values((
            gate_tokens::digest.eq(digest.as_bytes()),
            gate_tokens::session_id.eq(session),
            gate_tokens::domain.eq(domain),
            gate_tokens::created_at.eq(now),
        ))
        .execute(tx.conn())?;
    Ok(())
}

pub(super) fn delete_gate_tokens(tx: &mut Tx<'_>, session: SessionId) -> Result<(), db::Error> {
    diesel::delete(gate_tokens::table.filter(gate_tokens::session_id.eq(session))).execute(tx.conn())?;
    Ok(())
}

pub(super) fn find_by_digest(tx: &mut ReadTx<'_>, digest: &Digest) -> Result<Option<Found>, db::Error> {
    let row = sessions::table
        .inner_join(users::table)
        .filter(sessions::token_digest.eq(digest.as_bytes()))
        .select(Row::as_select())
        .first(tx.conn())
        .optional()?;
    row.map(Found::try_from).transpose()
}

pub(super) fn find_by_gate_digest(tx: &mut ReadTx<'_>, digest: &Digest) -> Result<Option<Found>, db::Error> {
    let row = sessions::table
        .inner_join(users::table)
        .inner_join(gate_tokens::table)
        .filter(gate_tokens::digest.eq(digest.as_bytes()))
        .select(Row::as_select())
        .first(tx.conn())
        .optional()?;
    row.map(Found::try_from).transpose()
}

pub(super) fn find_id(tx: &mut Tx<'_>, digest: &Digest) -> Result<Option<SessionId>, db::Error> {
    let id = sessions::table
        .filter(sessions::token_digest.eq(digest.as_bytes()))
        .select(sessions::id)
        .first(tx.conn())
        .optional()?;
    Ok(id)
}

/// Never backwards, and never a row that is gone.
pub(super) fn touch(tx: &mut Tx<'_>, id: SessionId) -> Result<(), db::Error> {
    let now = tx.now;
    let older = sessions::table.filter(sessions::id.eq(id).and(sessions::last_active_at.lt(now)));
    diesel::update(older).set(sessions::last_active_at.eq(now)).execute(tx.conn())?;
    Ok(())
}

/// Whose session it was, if it was there.
pub(super) fn delete(tx: &mut Tx<'_>, id: SessionId) -> Result<Option<UserId>, db::Error> {
    let user =
        diesel::delete(sessions::table.find(id)).returning(sessions::user_id).get_result(tx.conn()).optional()?;
    Ok(user)
}

pub(super) fn delete_all(tx: &mut Tx<'_>, user: UserId, except: Option<SessionId>) -> Result<usize, db::Error> {
    let theirs = sessions::table.filter(sessions::user_id.eq(user));
    let ended = match except {
        Some(kept) => diesel::delete(theirs.filter(sessions::id.ne(kept))).execute(tx.conn())?,
        None => diesel::delete(theirs).execute(tx.conn())?,
    };
    Ok(ended)
}

#[derive(Queryable, Selectable)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct Row {
    #[diesel(select_expression = sessions::id)]
    session: SessionId,
    #[diesel(select_expression = users::id)]
    user: UserId,
    #[diesel(select_expression = users::email)]
    email: String,
    #[diesel(select_expression = users::email_verified_at)]
    email_verified_at: Option<DateTime<Utc>>,
    #[diesel(select_expression = users::name)]
    name: String,
    #[diesel(select_expression = users::disabled_at)]
    disabled_at: Option<DateTime<Utc>>,
    #[diesel(select_expression = sessions::remember)]
    remember: bool,
    #[diesel(select_expression = sessions::created_at)]
    created_at: DateTime<Utc>,
    #[diesel(select_expression = sessions::last_active_at)]
    last_active_at: DateTime<Utc>,
    #[diesel(select_expression = sessions::last_auth_at)]
    last_auth_at: DateTime<Utc>,
    #[diesel(select_expression = sessions::expires_at)]
    expires_at: DateTime<Utc>,
}

impl TryFrom<Row> for Found {
    type Error = db::Error;

    fn try_from(row: Row) -> Result<Self, db::Error> {
        let email = EmailAddress::parse(&row.email)
            .map_err(|error| db::Error::Internal(format!("the stored address of {}: {error}", row.user)))?;
        Ok(Self {
            is_disabled: row.disabled_at.is_some(),
            live: Live {
                session: row.session,
                user: row.user,
                email,
                email_verified: row.email_verified_at.is_some(),
                name: row.name,
                created_at: row.created_at,
                last_active_at: row.last_active_at,
                last_auth_at: row.last_auth_at,
                expires_at: row.expires_at,
                is_remembered: row.remember,
            },
        })
    }
}
