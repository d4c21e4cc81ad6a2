use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Binary, Nullable, Text, Timestamptz, Uuid};

use super::{Invitation, Inviter, Named, Offer};
use crate::db::schema::{invitations, users};
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{Digest, EmailAddress, InvitationId, OrganizationId, UserId};
use crate::orgs::store::{organization, stored_address, stored_role};

type InviterRow = (UserId, String, Option<DateTime<Utc>>, String);
type Row = ((InvitationId, String, String), (DateTime<Utc>, DateTime<Utc>, DateTime<Utc>), Option<InviterRow>);

const INVITER: (users::id, users::email, users::email_verified_at, users::name) =
    (users::id, users::email, users::email_verified_at, users::name);

const INVITATION: (invitations::id, invitations::email, invitations::role) =
    (invitations::id, invitations::email, invitations::role);

const TIMES: (invitations::created_at, invitations::sent_at, invitations::expires_at) =
    (invitations::created_at, invitations::sent_at, invitations::expires_at);

/// The newest first.
pub(super) fn list(tx: &mut ReadTx<'_>, organization: OrganizationId) -> Result<Vec<Invitation>, db::Error> {
    let rows: Vec<Row> = invitations::table
        .left_join(users::table.on(invitations::invited_by.eq(users::id.nullable())))
        .filter(invitations::organization_id.eq(organization))
        .order(invitations::id.desc())
        .select((INVITATION, TIMES, INVITER.nullable()))
        .load(tx.conn())?;
    rows.into_iter().map(invitation).collect()
}

pub(super) fn find(
    tx: &mut ReadTx<'_>,
    organization: OrganizationId,
    id: InvitationId,
) -> Result<Option<Invitation>, db::Error> {
    let row: Option<Row> = invitations::table
        .left_join(users::table.on(invitations::invited_by.eq(users::id.nullable())))
        .filter(invitations::id.eq(id).and(invitations::organization_id.eq(organization)))
        .select((INVITATION, TIMES, INVITER.nullable()))
        .first(tx.conn())
        .optional()?;
    row.map(invitation).transpose()
}

pub(super) fn find_by_key(
    tx: &mut ReadTx<'_>,
    organization: OrganizationId,
    key: &str,
) -> Result<Option<Invitation>, db::Error> {
    let row: Option<Row> = invitations::table
        .left_join(users::table.on(invitations::invited_by.eq(users::id.nullable())))
        .filter(invitations::email_key.eq(key).and(invitations::organization_id.eq(organization)))
        .select((INVITATION, TIMES, INVITER.nullable()))
        .first(tx.conn())
        .optional()?;
    row.map(invitation).transpose()
}

pub(super) fn count(tx: &mut ReadTx<'_>, organization: OrganizationId) -> Result<i64, db::Error> {
    let theirs = invitations::table.filter(invitations::organization_id.eq(organization));
    Ok(theirs.count().get_result(tx.conn())?)
}

/// Those that hold: they have not run out, and whoever has invited an admin or an owner could still do so. A condition is
/// to be added.
const OFFERS: &str = "
    SELECT i.id, i.email, i.role, i.expires_at,
        o.id AS organization, o.slug, o.name, o.created_at, o.second_factor_from,
        u.id AS inviter, u.email AS inviter_email, u.email_verified_at AS inviter_verified_at, u.name AS inviter_name
    FROM invitations i JOIN organizations o ON o.id = i.organization_id LEFT JOIN users u ON u.id = i.invited_by
    WHERE i.expires_at > $1 AND (i.role = 'member' OR u.disabled_at IS NULL AND EXISTS (
        SELECT FROM members m
        WHERE m.organization_id = i.organization_id AND m.user_id = i.invited_by AND m.role IN ('owner', i.role)))";

pub(super) fn find_offer(tx: &mut ReadTx<'_>, named: Named) -> Result<Option<Offer>, db::Error> {
    let now = tx.now;
    let row: Option<OfferRow> = match named {
        Named::Link(digest) => sql_query(format!("{OFFERS} AND i.digest = $2"))
            .bind::<Timestamptz, _>(now)
            .bind::<Binary, _>(digest.as_bytes())
            .get_result(tx.conn()),
        Named::Listed(id) => sql_query(format!("{OFFERS} AND i.id = $2"))
            .bind::<Timestamptz, _>(now)
            .bind::<Uuid, _>(id)
            .get_result(tx.conn()),
    }
    .optional()?;
    row.map(Offer::try_from).transpose()
}

/// The newest first.
pub(super) fn list_offers(tx: &mut ReadTx<'_>, key: &str) -> Result<Vec<Offer>, db::Error> {
    let now = tx.now;
    let rows: Vec<OfferRow> = sql_query(format!("{OFFERS} AND i.email_key = $2 ORDER BY i.id DESC LIMIT 100"))
        .bind::<Timestamptz, _>(now)
        .bind::<Text, _>(key)
        .load(tx.conn())?;
    rows.into_iter().map(Offer::try_from).collect()
}

pub(super) fn find_inviter(tx: &mut ReadTx<'_>, user: UserId) -> Result<Option<Inviter>, db::Error> {
    let row: Option<InviterRow> = users::table.find(user).select(INVITER).first(tx.conn()).optional()?;
    row.map(inviter).transpose()
}

/// Whose account has this address, proved or not.
pub(super) fn find_holder(tx: &mut ReadTx<'_>, key: &str) -> Result<Option<UserId>, db::Error> {
    Ok(users::table.filter(users::email_key.eq(key)).select(users::id).first(tx.conn()).optional()?)
}

pub(super) fn insert(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    new: &Invitation,
    digest: &Digest,
) -> Result<(), db::Error> {
    diesel::insert_into(invitations::table)
        .values((
            invitations::id.eq(new.id),
            invitations::organization_id.eq(organization),
            invitations::email.eq(new.email.as_str()),
            invitations::email_key.eq(new.email.key()),
            invitations::role.eq(new.role.as_str()),
            invitations::digest.eq(digest.as_bytes()),
            invitations::invited_by.eq(new.inviter.as_ref().map(|inviter| inviter.user)),
            invitations::created_at.eq(new.created_at),
            invitations::sent_at.eq(new.sent_at),
            invitations::expires_at.eq(new.expires_at),
        ))
        .execute(tx.conn())?;
    Ok(())
}

/// Another link, from another sender.
pub(super) fn renew(tx: &mut Tx<'_>, renewed: &Invitation, digest: &Digest) -> Result<(), db::Error> {
    diesel::update(invitations::table.find(renewed.id))
        .set((
            invitations::digest.eq(digest.as_bytes()),
            invitations::invited_by.eq(renewed.inviter.as_ref().map(|inviter| inviter.user)),
            invitations::sent_at.eq(renewed.sent_at),
            invitations::expires_at.eq(renewed.expires_at),
        ))
        .execute(tx.conn())?;
    Ok(())
}

pub(super) fn delete(tx: &mut Tx<'_>, id: InvitationId) -> Result<(), db::Error> {
    diesel::delete(invitations::table.find(id)).execute(tx.conn())?;
    Ok(())
}

/// At most `most`, those that nobody else is deleting.
pub(super) fn delete_expired(tx: &mut Tx<'_>, before: DateTime<Utc>, most: i64) -> Result<usize, db::Error> {
    let statement = "
        WITH old AS (
            SELECT id FROM invitations WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        DELETE FROM invitations USING old WHERE invitations.id = old.id";
    let deletion = sql_query(statement).bind::<Timestamptz, _>(before).bind::<BigInt, _>(most);
    Ok(deletion.execute(tx.conn())?)
}

fn invitation(((id, email, role), (created_at, sent_at, expires_at), by): Row) -> Result<Invitation, db::Error> {
    Ok(Invitation {
        id,
        email: address(&email)?,
        role: stored_role(&role)?,
        inviter: by.map(inviter).transpose()?,
        created_at,
        sent_at,
        expires_at,
    })
}

#[derive(QueryableByName)]
struct OfferRow {
    #[diesel(sql_type = Uuid)]
    id: InvitationId,
    #[diesel(sql_type = Text)]
    email: String,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Timestamptz)]
    expires_at: DateTime<Utc>,
    #[diesel(sql_type = Uuid)]
    organization: OrganizationId,
    #[diesel(sql_type = Text)]
    slug: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    second_factor_from: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Uuid>)]
    inviter: Option<UserId>,
    #[diesel(sql_type = Nullable<Text>)]
    inviter_email: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    inviter_verified_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Text>)]
    inviter_name: Option<String>,
}

impl TryFrom<OfferRow> for Offer {
    type Error = db::Error;

    fn try_from(row: OfferRow) -> Result<Self, db::Error> {
        let by = row.inviter.zip(row.inviter_email).zip(row.inviter_name);
        let by = by.map(|((user, email), name)| inviter((user, email, row.inviter_verified_at, name)));
        Ok(Self {
            id: row.id,
            organization: organization((row.organization, row.slug, row.name, row.created_at, row.second_factor_from))?,
            email: address(&row.email)?,
            role: stored_role(&row.role)?,
            inviter: by.transpose()?,
            expires_at: row.expires_at,
        })
    }
}

fn inviter((user, email, verified_at, name): InviterRow) -> Result<Inviter, db::Error> {
    Ok(Inviter { user, email: stored_address(user, &email)?, is_verified: verified_at.is_some(), name })
}

fn address(text: &str) -> Result<EmailAddress, db::Error> {
    EmailAddress::parse(text).map_err(|error| db::Error::Internal(format!("a stored address: {error}")))
}
