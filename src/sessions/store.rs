use std::net::IpAddr;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use ipnet::IpNet;

use super::{EndReason, GateReach, Live, Method, Opening, Remember, Strength};
use crate::affiliations::{self, Affiliations};
use crate::config::settings::Organizations;
use crate::db::schema::{
    connections, ended_sessions, gate_tokens, provider_sessions, second_factor_due, sessions, users,
};
use crate::db::{self, Change, ReadTx, Tx};
use crate::kernel::{ConnectionId, DeviceId, Digest, EmailAddress, ProviderSessionId, SessionId, UserId};

pub(super) struct NewSession<'a> {
    pub id: SessionId,
    pub device: DeviceId,
    pub token: Digest,
    pub opening: &'a Opening<'a>,
    pub expires_at: DateTime<Utc>,
}

/// A row that may have run out.
pub(super) struct Found {
    pub live: Live,
    pub is_disabled: bool,
}

/// A row as its holder sees it. It may have run out.
pub(super) struct Listed {
    pub found: Found,
    pub address: Option<IpAddr>,
    pub user_agent: Option<String>,
    pub methods: Vec<String>,
    /// The name of the connection they came by.
    pub provider: Option<String>,
}

/// A row that nobody else can change until the transaction ends.
pub(super) struct Held {
    pub id: SessionId,
    pub device: DeviceId,
    pub user: UserId,
    pub remember: Remember,
    pub expires_at: DateTime<Utc>,
}

/// What is left of a row.
pub(super) struct Ended {
    pub id: SessionId,
    pub user: UserId,
    pub device: DeviceId,
    token_digest: Vec<u8>,
}

pub(super) fn insert(tx: &mut Tx<'_>, new: &NewSession<'_>) -> Result<(), db::Error> {
    let (now, strength) = (tx.now, new.opening.strength());
    let address = tx.origin.address.map(IpNet::from);
    let user_agent = tx.origin.user_agent.clone();
    diesel::insert_into(sessions::table)
        .values((
            sessions::id.eq(new.id),
            sessions::user_id.eq(new.opening.user),
            sessions::token_digest.eq(new.token.as_bytes()),
            sessions::remember.eq(new.opening.remember == Remember::Yes),
            sessions::address.eq(address),
            sessions::user_agent.eq(user_agent),
            sessions::created_at.eq(now),
            sessions::last_active_at.eq(now),
            sessions::last_auth_at.eq(now),
            sessions::expires_at.eq(new.expires_at),
            sessions::methods.eq(new.opening.by.iter().map(|method| method.as_str()).collect::<Vec<_>>()),
            sessions::device_id.eq(new.device),
            sessions::provider_session_id.eq(new.opening.provided.map(|provided| provided.session)),
            sessions::second_factor_at.eq((strength >= Strength::SecondFactor).then_some(now)),
            sessions::passkey_at.eq((strength >= Strength::Passkey).then_some(now)),
        ))
        .execute(tx.conn())?;
    Ok(())
}

/// Whether it is there; held until the transaction ends.
pub(super) fn lock(tx: &mut Tx<'_>, id: SessionId) -> Result<bool, db::Error> {
    let row = sessions::table.find(id).select(sessions::id).for_update();
    Ok(row.first::<SessionId>(tx.conn()).optional()?.is_some())
}

pub(super) fn find_provider_session(
    tx: &mut ReadTx<'_>,
    id: SessionId,
) -> Result<Option<(UserId, ProviderSessionId)>, db::Error> {
    let row: Option<(UserId, Option<ProviderSessionId>)> = sessions::table
        .find(id)
        .select((sessions::user_id, sessions::provider_session_id))
        .first(tx.conn())
        .optional()?;
    Ok(row.and_then(|(user, session)| Some((user, session?))))
}

pub(super) fn lock_by_digest(tx: &mut Tx<'_>, digest: &Digest) -> Result<Option<Held>, db::Error> {
    type Row = (SessionId, DeviceId, UserId, bool, DateTime<Utc>);
    let row: Option<Row> = sessions::table
        .filter(sessions::token_digest.eq(digest.as_bytes()))
        .select((sessions::id, sessions::device_id, sessions::user_id, sessions::remember, sessions::expires_at))
        .for_update()
        .first(tx.conn())
        .optional()?;
    Ok(row.map(|(id, device, user, remember, expires_at)| {
        let remember = if remember { Remember::Yes } else { Remember::No };
        Held { id, device, user, remember, expires_at }
    }))
}

/// Another id and another token. Its gate tokens must be gone by now.
pub(super) fn rename(tx: &mut Tx<'_>, id: SessionId, new: SessionId, digest: &Digest) -> Result<(), db::Error> {
    tx.tell(Change::Session(id));
    let now = tx.now;
    diesel::update(sessions::table.find(id))
        .set((
            sessions::id.eq(new),
            sessions::token_digest.eq(digest.as_bytes()),
            sessions::rotation_due.eq(false),
            // Whoever brought the old token was here, and what was noted of that is about the old id.
            sessions::last_active_at.eq(now),
        ))
        .execute(tx.conn())?;
    Ok(())
}

/// `false` when there is no such session, or it is too old.
pub(super) fn set_confirmed(tx: &mut Tx<'_>, id: SessionId, strength: Strength) -> Result<bool, db::Error> {
    tx.tell(Change::Session(id));
    let now = tx.now;
    let live = sessions::table.find(id).filter(sessions::expires_at.gt(now));
    // What is None stays as it was.
    let proved = (
        sessions::confirmed_at.eq(now),
        sessions::last_auth_at.eq(now),
        (strength >= Strength::SecondFactor).then_some(sessions::second_factor_at.eq(now)),
        (strength >= Strength::Passkey).then_some(sessions::passkey_at.eq(now)),
    );
    Ok(diesel::update(live).set(proved).execute(tx.conn())? == 1)
}

/// Nothing happens to one that ends before.
pub(super) fn bring_end_forward(tx: &mut Tx<'_>, id: SessionId, to: DateTime<Utc>) -> Result<(), db::Error> {
    tx.tell(Change::Session(id));
    let later = sessions::table.find(id).filter(sessions::expires_at.gt(to));
    diesel::update(later).set(sessions::expires_at.eq(to)).execute(tx.conn())?;
    Ok(())
}

pub(super) fn make_rotation_due(tx: &mut Tx<'_>, user: UserId) -> Result<(), db::Error> {
    tx.tell(Change::Person(user));
    let theirs = sessions::table.filter(sessions::user_id.eq(user));
    diesel::update(theirs).set(sessions::rotation_due.eq(true)).execute(tx.conn())?;
    Ok(())
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

pub(super) fn delete_all_gate_tokens(tx: &mut Tx<'_>, user: UserId) -> Result<(), db::Error> {
    tx.tell(Change::Person(user));
    let theirs = sessions::table.filter(sessions::user_id.eq(user)).select(sessions::id);
    diesel::delete(gate_tokens::table.filter(gate_tokens::session_id.eq_any(theirs))).execute(tx.conn())?;
    Ok(())
}

/// Those that go by a domain.
pub(super) fn delete_domain_tokens(tx: &mut Tx<'_>, session: SessionId) -> Result<(), db::Error> {
    tx.tell(Change::Session(session));
    let own = gate_tokens::table.filter(gate_tokens::session_id.eq(session).and(gate_tokens::host.eq("")));
    diesel::delete(own).execute(tx.conn())?;
    Ok(())
}

pub(super) fn delete_gate_tokens(tx: &mut Tx<'_>, session: SessionId) -> Result<(), db::Error> {
    tx.tell(Change::Session(session));
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

/// One that the gate would take: not whose cookies are to be exchanged first.
pub(super) fn find_for_gate(tx: &mut ReadTx<'_>, id: SessionId) -> Result<Option<Found>, db::Error> {
    let row = sessions::table
        .inner_join(users::table)
        .filter(sessions::id.eq(id).and(sessions::rotation_due.eq(false)))
        .select(Row::as_select())
        .first(tx.conn())
        .optional()?;
    row.map(Found::try_from).transpose()
}

/// What a gate token leads to.
pub(super) struct AtGate {
    pub found: Found,
    /// What apps are told of its holder's organizations.
    pub affiliations: Affiliations,
    pub reach: GateReach,
}

/// `own` is the host of the portal.
pub(super) fn find_by_gate_digest(
    tx: &mut ReadTx<'_>,
    digest: &Digest,
    told: &Organizations,
    own: &str,
) -> Result<Option<AtGate>, db::Error> {
    let row: Option<(Row, Vec<String>, String, String)> = sessions::table
        .inner_join(users::table)
        .inner_join(gate_tokens::table)
        .filter(gate_tokens::digest.eq(digest.as_bytes()).and(sessions::rotation_due.eq(false)))
        .select((Row::as_select(), affiliations::column(told), gate_tokens::domain, gate_tokens::host))
        .first(tx.conn())
        .optional()?;
    let at_gate = |(row, words, domain, host): (Row, Vec<String>, String, String)| {
        let reach = GateReach::from_stored(&domain, &host, own);
        Ok(AtGate { found: row.try_into()?, affiliations: Affiliations::from_stored(words), reach })
    };
    row.map(at_gate).transpose()
}

type ListedRow = (Row, Option<IpNet>, Option<String>, Vec<String>, Option<String>);

/// In no order.
pub(super) fn list(tx: &mut ReadTx<'_>, user: UserId) -> Result<Vec<Listed>, db::Error> {
    let rows: Vec<ListedRow> = sessions::table
        .inner_join(users::table)
        .left_join(provider_sessions::table.inner_join(connections::table))
        .filter(sessions::user_id.eq(user))
        .select((
            Row::as_select(),
            sessions::address,
            sessions::user_agent,
            sessions::methods,
            connections::name.nullable(),
        ))
        .load(tx.conn())?;
    let listed = rows.into_iter().map(|(row, address, user_agent, methods, provider)| {
        Ok(Listed { found: row.try_into()?, address: address.map(|net| net.addr()), user_agent, methods, provider })
    });
    listed.collect()
}

/// How many there are that have not ended, and whose holder was active after that.
pub(super) fn count_active(
    tx: &mut ReadTx<'_>,
    active_after: DateTime<Utc>,
    active_after_if_remembered: DateTime<Utc>,
) -> Result<i64, db::Error> {
    let now = tx.now;
    let usual = sessions::remember.eq(false).and(sessions::last_active_at.gt(active_after));
    let remembered = sessions::remember.eq(true).and(sessions::last_active_at.gt(active_after_if_remembered));
    let active = sessions::table.filter(sessions::expires_at.gt(now).and(usual.or(remembered)));
    Ok(active.count().get_result(tx.conn())?)
}

/// What it was, if it was there.
pub(super) fn delete_by_digest(tx: &mut Tx<'_>, digest: &Digest) -> Result<Option<Ended>, db::Error> {
    let held = sessions::table.filter(sessions::token_digest.eq(digest.as_bytes()));
    let row: Option<EndedRow> = diesel::delete(held).returning(ENDED).get_result(tx.conn()).optional()?;
    Ok(row.map(|row| ended(tx, row)))
}

pub(super) fn delete(tx: &mut Tx<'_>, id: SessionId) -> Result<Option<Ended>, db::Error> {
    let row: Option<EndedRow> =
        diesel::delete(sessions::table.find(id)).returning(ENDED).get_result(tx.conn()).optional()?;
    Ok(row.map(|row| ended(tx, row)))
}

pub(super) fn delete_own(tx: &mut Tx<'_>, user: UserId, id: SessionId) -> Result<Option<Ended>, db::Error> {
    let own = sessions::table.filter(sessions::id.eq(id).and(sessions::user_id.eq(user)));
    let row: Option<EndedRow> = diesel::delete(own).returning(ENDED).get_result(tx.conn()).optional()?;
    Ok(row.map(|row| ended(tx, row)))
}

pub(super) fn delete_device(tx: &mut Tx<'_>, user: UserId, device: DeviceId) -> Result<Option<Ended>, db::Error> {
    let own = sessions::table.filter(sessions::device_id.eq(device).and(sessions::user_id.eq(user)));
    let row: Option<EndedRow> = diesel::delete(own).returning(ENDED).get_result(tx.conn()).optional()?;
    Ok(row.map(|row| ended(tx, row)))
}

pub(super) fn delete_all(tx: &mut Tx<'_>, user: UserId, except: Option<DeviceId>) -> Result<Vec<Ended>, db::Error> {
    let theirs = sessions::table.filter(sessions::user_id.eq(user));
    let rows: Vec<EndedRow> = match except {
        Some(kept) => {
            diesel::delete(theirs.filter(sessions::device_id.ne(kept))).returning(ENDED).get_results(tx.conn())?
        }
        None => diesel::delete(theirs).returning(ENDED).get_results(tx.conn())?,
    };
    Ok(rows.into_iter().map(|row| ended(tx, row)).collect())
}

pub(super) fn delete_of_providers(tx: &mut Tx<'_>, providers: &[ProviderSessionId]) -> Result<Vec<Ended>, db::Error> {
    let theirs = sessions::table.filter(sessions::provider_session_id.eq_any(providers));
    let rows: Vec<EndedRow> = diesel::delete(theirs).returning(ENDED).get_results(tx.conn())?;
    Ok(rows.into_iter().map(|row| ended(tx, row)).collect())
}

/// Those that are of another connection's sign-in, or of none.
pub(super) fn delete_others_than_of(
    tx: &mut Tx<'_>,
    user: UserId,
    connection: ConnectionId,
) -> Result<Vec<Ended>, db::Error> {
    let kept = provider_sessions::table
        .filter(provider_sessions::user_id.eq(user).and(provider_sessions::connection_id.eq(connection)))
        .select(provider_sessions::id);
    let others = sessions::table.filter(sessions::user_id.eq(user)).filter(
        sessions::provider_session_id
            .is_null()
            .or(diesel::dsl::not(sessions::provider_session_id.assume_not_null().eq_any(kept))),
    );
    let rows: Vec<EndedRow> = diesel::delete(others).returning(ENDED).get_results(tx.conn())?;
    Ok(rows.into_iter().map(|row| ended(tx, row)).collect())
}

type EndedRow = (SessionId, UserId, DeviceId, Vec<u8>);

const ENDED: (sessions::id, sessions::user_id, sessions::device_id, sessions::token_digest) =
    (sessions::id, sessions::user_id, sessions::device_id, sessions::token_digest);

fn ended(tx: &mut Tx<'_>, (id, user, device, token_digest): EndedRow) -> Ended {
    tx.tell(Change::Session(id));
    Ended { id, user, device, token_digest }
}

pub(super) fn insert_ended(tx: &mut Tx<'_>, ended: &[Ended], reason: EndReason) -> Result<(), db::Error> {
    let now = tx.now;
    let rows: Vec<_> = ended
        .iter()
        .map(|ended| {
            (
                ended_sessions::token_digest.eq(&ended.token_digest),
                ended_sessions::user_id.eq(ended.user),
                ended_sessions::reason.eq(reason.as_str()),
                ended_sessions::ended_at.eq(now),
            )
        })
        .collect();
    diesel::insert_into(ended_sessions::table).values(rows).on_conflict_do_nothing().execute(tx.conn())?;
    Ok(())
}

pub(super) fn find_end(tx: &mut ReadTx<'_>, digest: &Digest) -> Result<Option<EndReason>, db::Error> {
    let reason: Option<String> =
        ended_sessions::table.find(digest.as_bytes()).select(ended_sessions::reason).first(tx.conn()).optional()?;
    Ok(reason.as_deref().and_then(EndReason::from_stored))
}

#[derive(Queryable, Selectable)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct Row {
    #[diesel(select_expression = sessions::id)]
    session: SessionId,
    #[diesel(select_expression = sessions::device_id)]
    device: DeviceId,
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
    #[diesel(select_expression = sessions::confirmed_at)]
    confirmed_at: Option<DateTime<Utc>>,
    #[diesel(select_expression = sessions::methods)]
    methods: Vec<String>,
    #[diesel(select_expression = sessions::second_factor_at)]
    second_factor_at: Option<DateTime<Utc>>,
    #[diesel(select_expression = sessions::passkey_at)]
    passkey_at: Option<DateTime<Utc>>,
    #[diesel(select_expression = sessions::expires_at)]
    expires_at: DateTime<Utc>,
    #[diesel(select_expression = sessions::provider_session_id)]
    provider_session: Option<ProviderSessionId>,
    #[diesel(select_expression = sessions::rotation_due)]
    rotation_due: bool,
    #[diesel(select_expression = users::deletes_at)]
    deletes_at: Option<DateTime<Utc>>,
    #[diesel(select_expression = second_factor_due(users::id))]
    second_factor_due: Option<DateTime<Utc>>,
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
                device: row.device,
                user: row.user,
                email,
                email_verified: row.email_verified_at.is_some(),
                name: row.name,
                created_at: row.created_at,
                last_active_at: row.last_active_at,
                last_auth_at: row.last_auth_at,
                confirmed_at: row.confirmed_at,
                methods: row.methods.iter().filter_map(|word| Method::from_stored(word)).collect(),
                second_factor_at: row.second_factor_at,
                passkey_at: row.passkey_at,
                expires_at: row.expires_at,
                provider_session: row.provider_session,
                is_remembered: row.remember,
                is_rotation_due: row.rotation_due,
                deletes_at: row.deletes_at,
                second_factor_due: row.second_factor_due,
            },
        })
    }
}
