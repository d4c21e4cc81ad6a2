//! What each table keeps about somebody. No digest, no sealed secret, no address of another person.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use ipnet::IpNet;
use serde::{Serialize, Serializer};

use crate::db::schema::{
    api_keys, connections, email_undos, email_verifications, ended_sessions, gate_decisions, group_members, groups,
    identities, invitations, known_devices, magic_links, mail_outbox, members, not_me_links, organizations, passkeys,
    password_resets, pending_sign_ins, places, provider_sessions, recovery_codes, restore_links, sessions,
    totp_factors, users,
};
use crate::db::{self, ReadTx};
use crate::kernel::{
    ApiKeyId, DeviceId, KnownDeviceId, LetterId, OrganizationId, PasskeyId, ProviderSessionId, SessionId, UserId,
};

type At = DateTime<Utc>;
/// From when, and until when if it has an end of its own.
pub(super) type Link = (At, Option<At>);

#[derive(Queryable, Selectable, Serialize)]
#[diesel(table_name = users)]
pub(super) struct Account {
    id: UserId,
    email: String,
    #[serde(skip)]
    pub email_key: String,
    pub email_verified_at: Option<At>,
    name: String,
    #[serde(rename = "has_password", serialize_with = "is_there")]
    password_hash: Option<String>,
    created_at: At,
    came_by: String,
    disabled_at: Option<At>,
    #[serde(rename = "administrator")]
    is_admin: bool,
    deletion_asked_at: Option<At>,
    deletes_at: Option<At>,
}

#[derive(Queryable, Selectable, Serialize)]
#[diesel(table_name = email_undos)]
pub(super) struct AddressBefore {
    email: String,
    #[serde(rename = "left_at")]
    created_at: At,
    #[serde(rename = "can_be_had_back_until")]
    expires_at: At,
}

#[derive(Queryable, Selectable, Serialize)]
#[diesel(table_name = totp_factors)]
pub(super) struct AuthenticatorApp {
    created_at: At,
    enabled_at: Option<At>,
}

#[derive(Queryable, Selectable, Serialize)]
#[diesel(table_name = recovery_codes)]
pub(super) struct RecoveryCode {
    created_at: At,
    used_at: Option<At>,
}

#[derive(Queryable, Selectable, Serialize)]
#[diesel(table_name = passkeys)]
pub(super) struct Passkey {
    id: PasskeyId,
    name: String,
    backed_up: bool,
    created_at: At,
    last_used_at: Option<At>,
}

#[derive(Queryable, Selectable, Serialize)]
#[diesel(table_name = sessions)]
pub(super) struct Session {
    id: SessionId,
    device_id: DeviceId,
    #[serde(rename = "ip", serialize_with = "address")]
    address: Option<IpNet>,
    user_agent: Option<String>,
    methods: Vec<String>,
    remember: bool,
    created_at: At,
    last_active_at: At,
    last_auth_at: At,
    confirmed_at: Option<At>,
    expires_at: At,
}

#[derive(Queryable, Selectable, Serialize)]
#[diesel(table_name = ended_sessions)]
pub(super) struct EndedSession {
    reason: String,
    ended_at: At,
}

#[derive(Queryable, Selectable, Serialize)]
#[diesel(table_name = pending_sign_ins)]
pub(super) struct HalfSignedIn {
    method: String,
    remember: bool,
    created_at: At,
    expires_at: At,
}

#[derive(Queryable, Selectable, Serialize)]
#[diesel(table_name = known_devices)]
pub(super) struct KnownDevice {
    id: KnownDeviceId,
    device_id: DeviceId,
    created_at: At,
    last_seen_at: At,
}

#[derive(Queryable, Selectable, Serialize)]
#[diesel(table_name = places)]
pub(super) struct Place {
    network: IpNet,
    first_seen_at: At,
    last_seen_at: At,
}

#[derive(Queryable, Serialize)]
pub(super) struct ProviderIdentity {
    provider: String,
    name_id: String,
    name_id_format: Option<String>,
    linked_at: At,
    last_seen_at: At,
}

#[derive(Queryable, Serialize)]
pub(super) struct ProviderSession {
    id: ProviderSessionId,
    provider: String,
    name_id: String,
    authn_instant: At,
    authn_context: Option<String>,
    ends_at: Option<At>,
    created_at: At,
}

#[derive(Queryable, Selectable, Serialize)]
#[diesel(table_name = api_keys)]
pub(super) struct ApiKey {
    id: ApiKeyId,
    #[serde(rename = "prefix")]
    hint: String,
    name: String,
    scopes: Vec<String>,
    created_at: At,
    expires_at: At,
    last_used_at: Option<At>,
    #[serde(rename = "last_used_ip", serialize_with = "address")]
    last_used_from: Option<IpNet>,
}

#[derive(Queryable)]
pub(super) struct Membership {
    pub id: OrganizationId,
    pub slug: String,
    pub name: String,
    pub role: String,
    pub joined_at: At,
}

#[derive(Queryable)]
pub(super) struct Group {
    pub organization_id: OrganizationId,
    pub name: String,
    pub added_at: At,
}

#[derive(Queryable, Serialize)]
pub(super) struct Invitation {
    organization: String,
    role: String,
    created_at: At,
    sent_at: At,
    expires_at: At,
}

#[derive(Queryable, Selectable, Serialize)]
#[diesel(table_name = mail_outbox)]
pub(super) struct Mailed {
    id: LetterId,
    #[serde(rename = "kind")]
    letter: String,
    created_at: At,
    attempts: i32,
    sent_at: Option<At>,
    gave_up_at: Option<At>,
}

/// Says that there is something, and not what.
#[expect(clippy::ref_option, reason = "serde hands it over like this")]
fn is_there<S: Serializer, T>(value: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_bool(value.is_some())
}

#[expect(clippy::ref_option, reason = "serde hands it over like this")]
fn address<S: Serializer>(network: &Option<IpNet>, to: S) -> Result<S::Ok, S::Error> {
    network.map(|network| network.addr()).serialize(to)
}

fn address_alone<S: Serializer>(network: &IpNet, to: S) -> Result<S::Ok, S::Error> {
    network.addr().serialize(to)
}

pub(super) fn account(tx: &mut ReadTx<'_>, user: UserId) -> Result<Option<Account>, db::Error> {
    Ok(users::table.find(user).select(Account::as_select()).first(tx.conn()).optional()?)
}

pub(super) fn addresses_before(tx: &mut ReadTx<'_>, user: UserId) -> Result<Vec<AddressBefore>, db::Error> {
    let theirs = email_undos::table.filter(email_undos::user_id.eq(user)).order(email_undos::number);
    Ok(theirs.select(AddressBefore::as_select()).load(tx.conn())?)
}

pub(super) fn verification_links(tx: &mut ReadTx<'_>, user: UserId) -> Result<Vec<Link>, db::Error> {
    use email_verifications::dsl;
    let theirs = dsl::email_verifications.filter(dsl::user_id.eq(user)).order(dsl::created_at);
    Ok(theirs.select((dsl::created_at, dsl::expires_at.nullable())).load(tx.conn())?)
}

pub(super) fn reset_links(tx: &mut ReadTx<'_>, user: UserId) -> Result<Vec<Link>, db::Error> {
    use password_resets::dsl;
    let theirs = dsl::password_resets.filter(dsl::user_id.eq(user)).order(dsl::created_at);
    Ok(theirs.select((dsl::created_at, dsl::expires_at.nullable())).load(tx.conn())?)
}

pub(super) fn magic_links(tx: &mut ReadTx<'_>, user: UserId) -> Result<Vec<Link>, db::Error> {
    use magic_links::dsl;
    let theirs = dsl::magic_links.filter(dsl::user_id.eq(user)).order(dsl::asked_at);
    Ok(theirs.select((dsl::asked_at, dsl::expires_at.nullable())).load(tx.conn())?)
}

/// As long as the account is about to be deleted.
pub(super) fn restore_links(tx: &mut ReadTx<'_>, user: UserId) -> Result<Vec<Link>, db::Error> {
    use restore_links::dsl;
    let theirs = dsl::restore_links.filter(dsl::user_id.eq(user)).order(dsl::created_at);
    let made: Vec<At> = theirs.select(dsl::created_at).load(tx.conn())?;
    Ok(made.into_iter().map(|at| (at, None)).collect())
}

pub(super) fn not_me_links(tx: &mut ReadTx<'_>, user: UserId) -> Result<Vec<Link>, db::Error> {
    use not_me_links::dsl;
    let theirs = dsl::not_me_links.filter(dsl::user_id.eq(user)).order(dsl::created_at);
    Ok(theirs.select((dsl::created_at, dsl::expires_at.nullable())).load(tx.conn())?)
}

pub(super) fn authenticator_app(tx: &mut ReadTx<'_>, user: UserId) -> Result<Option<AuthenticatorApp>, db::Error> {
    Ok(totp_factors::table.find(user).select(AuthenticatorApp::as_select()).first(tx.conn()).optional()?)
}

pub(super) fn recovery_codes(tx: &mut ReadTx<'_>, user: UserId) -> Result<Vec<RecoveryCode>, db::Error> {
    let theirs = recovery_codes::table.filter(recovery_codes::user_id.eq(user)).order(recovery_codes::created_at);
    Ok(theirs.select(RecoveryCode::as_select()).load(tx.conn())?)
}

pub(super) fn passkeys(tx: &mut ReadTx<'_>, user: UserId) -> Result<Vec<Passkey>, db::Error> {
    let theirs = passkeys::table.filter(passkeys::user_id.eq(user)).order(passkeys::id);
    Ok(theirs.select(Passkey::as_select()).load(tx.conn())?)
}

pub(super) fn sessions(tx: &mut ReadTx<'_>, user: UserId) -> Result<Vec<Session>, db::Error> {
    let theirs = sessions::table.filter(sessions::user_id.eq(user)).order(sessions::id);
    Ok(theirs.select(Session::as_select()).load(tx.conn())?)
}

pub(super) fn ended_sessions(tx: &mut ReadTx<'_>, user: UserId) -> Result<Vec<EndedSession>, db::Error> {
    let theirs = ended_sessions::table.filter(ended_sessions::user_id.eq(user)).order(ended_sessions::ended_at);
    Ok(theirs.select(EndedSession::as_select()).load(tx.conn())?)
}

pub(super) fn half_signed_in(tx: &mut ReadTx<'_>, user: UserId) -> Result<Vec<HalfSignedIn>, db::Error> {
    let theirs = pending_sign_ins::table.filter(pending_sign_ins::user_id.eq(user)).order(pending_sign_ins::created_at);
    Ok(theirs.select(HalfSignedIn::as_select()).load(tx.conn())?)
}

pub(super) fn known_devices(tx: &mut ReadTx<'_>, user: UserId) -> Result<Vec<KnownDevice>, db::Error> {
    let theirs = known_devices::table.filter(known_devices::user_id.eq(user)).order(known_devices::id);
    Ok(theirs.select(KnownDevice::as_select()).load(tx.conn())?)
}

pub(super) fn places(tx: &mut ReadTx<'_>, user: UserId) -> Result<Vec<Place>, db::Error> {
    let theirs = places::table.filter(places::user_id.eq(user)).order(places::first_seen_at);
    Ok(theirs.select(Place::as_select()).load(tx.conn())?)
}

pub(super) fn provider_identities(tx: &mut ReadTx<'_>, user: UserId) -> Result<Vec<ProviderIdentity>, db::Error> {
    use identities::dsl;
    let theirs = dsl::identities.inner_join(connections::table).filter(dsl::user_id.eq(user)).order(dsl::linked_at);
    let columns = (connections::name, dsl::name_id, dsl::name_id_format, dsl::linked_at, dsl::last_seen_at);
    Ok(theirs.select(columns).load(tx.conn())?)
}

/// Without what the provider calls the session, by which it could be ended.
pub(super) fn provider_sessions(tx: &mut ReadTx<'_>, user: UserId) -> Result<Vec<ProviderSession>, db::Error> {
    use provider_sessions::dsl;
    let theirs = dsl::provider_sessions.inner_join(connections::table).filter(dsl::user_id.eq(user)).order(dsl::id);
    let columns = (
        dsl::id,
        connections::name,
        dsl::name_id,
        dsl::authn_instant,
        dsl::authn_context,
        dsl::ends_at,
        dsl::created_at,
    );
    Ok(theirs.select(columns).load(tx.conn())?)
}

pub(super) fn api_keys(tx: &mut ReadTx<'_>, user: UserId) -> Result<Vec<ApiKey>, db::Error> {
    let theirs = api_keys::table.filter(api_keys::user_id.eq(user)).order(api_keys::id);
    Ok(theirs.select(ApiKey::as_select()).load(tx.conn())?)
}

pub(super) fn memberships(tx: &mut ReadTx<'_>, user: UserId) -> Result<Vec<Membership>, db::Error> {
    let columns = (organizations::id, organizations::slug, organizations::name, members::role, members::joined_at);
    let theirs = members::table.inner_join(organizations::table).filter(members::user_id.eq(user));
    Ok(theirs.order(members::joined_at).select(columns).load(tx.conn())?)
}

pub(super) fn groups(tx: &mut ReadTx<'_>, user: UserId) -> Result<Vec<Group>, db::Error> {
    let columns = (groups::organization_id, groups::name, group_members::added_at);
    let theirs = group_members::table.inner_join(groups::table).filter(group_members::user_id.eq(user));
    Ok(theirs.order(groups::name_key).select(columns).load(tx.conn())?)
}

/// Not to whom.
pub(super) fn invitations_sent(tx: &mut ReadTx<'_>, user: UserId) -> Result<Vec<Invitation>, db::Error> {
    let theirs = invitations::table.inner_join(organizations::table).filter(invitations::invited_by.eq(user));
    Ok(theirs.order(invitations::id).select(INVITATION).load(tx.conn())?)
}

/// Not from whom.
pub(super) fn invitations_received(tx: &mut ReadTx<'_>, email_key: &str) -> Result<Vec<Invitation>, db::Error> {
    let theirs = invitations::table.inner_join(organizations::table).filter(invitations::email_key.eq(email_key));
    Ok(theirs.order(invitations::id).select(INVITATION).load(tx.conn())?)
}

const INVITATION: (
    organizations::slug,
    invitations::role,
    invitations::created_at,
    invitations::sent_at,
    invitations::expires_at,
) = (organizations::slug, invitations::role, invitations::created_at, invitations::sent_at, invitations::expires_at);

/// Not where to, which may be an address that somebody else has typed.
pub(super) fn letters(tx: &mut ReadTx<'_>, user: UserId) -> Result<Vec<Mailed>, db::Error> {
    let theirs = mail_outbox::table.filter(mail_outbox::user_id.eq(user)).order(mail_outbox::id);
    Ok(theirs.select(Mailed::as_select()).load(tx.conn())?)
}

/// What the gate has decided about them; by which rule is the operator's.
#[derive(Queryable, Selectable, Serialize)]
#[diesel(table_name = gate_decisions)]
pub(super) struct GateDecision {
    #[serde(skip)]
    pub id: i64,
    at: At,
    request_id: String,
    method: String,
    scheme: String,
    host: String,
    port: i32,
    path: String,
    #[serde(rename = "ip", serialize_with = "address_alone")]
    client: IpNet,
    #[serde(rename = "as")]
    who: String,
    email: Option<String>,
    groups: Vec<String>,
    last_auth_at: Option<At>,
    second_factor_at: Option<At>,
    passkey_at: Option<At>,
    decision: String,
    reason: String,
}

/// The newest first, before the one with that number.
pub(super) fn gate_decisions(
    tx: &mut ReadTx<'_>,
    user: UserId,
    before: i64,
    most: i64,
) -> Result<Vec<GateDecision>, db::Error> {
    let theirs = gate_decisions::table.filter(gate_decisions::user_id.eq(user).and(gate_decisions::id.lt(before)));
    let some = theirs.order(gate_decisions::id.desc()).limit(most);
    Ok(some.select(GateDecision::as_select()).load(tx.conn())?)
}
