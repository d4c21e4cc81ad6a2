use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::{Address, Disabled, Keeper, Kinds, Webhook, Why};
use crate::db::schema::{members, organizations, users, webhooks};
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{OrganizationId, UserId, WebhookId};

pub(super) fn count(tx: &mut ReadTx<'_>, organization: OrganizationId) -> Result<i64, db::Error> {
    Ok(webhooks::table.filter(webhooks::organization_id.eq(organization)).count().get_result(tx.conn())?)
}

pub(super) fn insert(tx: &mut Tx<'_>, webhook: &Webhook, secret: &[u8]) -> Result<(), db::Error> {
    diesel::insert_into(webhooks::table)
        .values((
            webhooks::id.eq(webhook.id),
            webhooks::organization_id.eq(webhook.organization),
            webhooks::url.eq(webhook.address.as_str()),
            webhooks::kinds.eq(webhook.kinds.words()),
            webhooks::secret.eq(secret),
            webhooks::created_at.eq(webhook.created_at),
            webhooks::created_by.eq(webhook.created_by),
        ))
        .execute(tx.conn())?;
    Ok(())
}

/// The oldest first.
pub(super) fn list(tx: &mut ReadTx<'_>, keeper: Keeper) -> Result<Vec<Webhook>, db::Error> {
    let kept = kept_by(keeper).order(webhooks::id).select(Row::as_select());
    kept.load(tx.conn())?.into_iter().map(Webhook::try_from).collect()
}

pub(super) fn find(tx: &mut ReadTx<'_>, keeper: Keeper, id: WebhookId) -> Result<Option<Webhook>, db::Error> {
    let kept = kept_by(keeper).filter(webhooks::id.eq(id)).select(Row::as_select());
    kept.first(tx.conn()).optional()?.map(Webhook::try_from).transpose()
}

/// Before any of its deliveries, whoever locks both. It is not held against events that are recorded meanwhile.
pub(super) fn lock(tx: &mut Tx<'_>, keeper: Keeper, id: WebhookId) -> Result<Option<Webhook>, db::Error> {
    let mut kept = webhooks::table.into_boxed::<diesel::pg::Pg>().filter(webhooks::id.eq(id));
    if let Keeper::Organization(organization) = keeper {
        kept = kept.filter(webhooks::organization_id.eq(organization));
    }
    let ids = kept.select(webhooks::id);
    let row = webhooks::table
        .filter(webhooks::id.eq_any(ids))
        .select(Row::as_select())
        .for_no_key_update()
        .first(tx.conn())
        .optional()?;
    row.map(Webhook::try_from).transpose()
}

pub(super) fn set_address(tx: &mut Tx<'_>, id: WebhookId, address: &Address) -> Result<(), db::Error> {
    diesel::update(webhooks::table.find(id)).set(webhooks::url.eq(address.as_str())).execute(tx.conn())?;
    Ok(())
}

pub(super) fn set_kinds(tx: &mut Tx<'_>, id: WebhookId, kinds: &Kinds) -> Result<(), db::Error> {
    diesel::update(webhooks::table.find(id)).set(webhooks::kinds.eq(kinds.words())).execute(tx.conn())?;
    Ok(())
}

/// With nothing held against it.
pub(super) fn enable(tx: &mut Tx<'_>, id: WebhookId) -> Result<(), db::Error> {
    diesel::update(webhooks::table.find(id))
        .set((
            webhooks::disabled_at.eq(None::<DateTime<Utc>>),
            webhooks::disabled_why.eq(None::<String>),
            webhooks::failures.eq(0),
            webhooks::failing_since.eq(None::<DateTime<Utc>>),
        ))
        .execute(tx.conn())?;
    Ok(())
}

pub(super) fn disable(tx: &mut Tx<'_>, id: WebhookId, why: Why) -> Result<(), db::Error> {
    let now = tx.now;
    diesel::update(webhooks::table.find(id))
        .set((webhooks::disabled_at.eq(now), webhooks::disabled_why.eq(why.as_str())))
        .execute(tx.conn())?;
    Ok(())
}

/// The secret before the one before it is no more.
pub(super) fn replace_secret(
    tx: &mut Tx<'_>,
    id: WebhookId,
    secret: &[u8],
    old_until: DateTime<Utc>,
) -> Result<(), db::Error> {
    diesel::update(webhooks::table.find(id))
        .set((
            webhooks::old_secret.eq(webhooks::secret.nullable()),
            webhooks::old_secret_until.eq(old_until),
            webhooks::secret.eq(secret),
        ))
        .execute(tx.conn())?;
    Ok(())
}

pub(super) fn delete(tx: &mut Tx<'_>, id: WebhookId) -> Result<(), db::Error> {
    diesel::delete(webhooks::table.find(id)).execute(tx.conn())?;
    Ok(())
}

/// As they are sealed: the present one, and the one before it with its end.
pub(super) struct Sealed {
    pub secret: Vec<u8>,
    pub old: Option<(Vec<u8>, DateTime<Utc>)>,
}

pub(super) fn load_secrets(tx: &mut ReadTx<'_>, id: WebhookId) -> Result<Sealed, db::Error> {
    type Row = (Vec<u8>, Option<Vec<u8>>, Option<DateTime<Utc>>);
    let columns = (webhooks::secret, webhooks::old_secret, webhooks::old_secret_until);
    let (secret, old, until): Row = webhooks::table.find(id).select(columns).first(tx.conn())?;
    Ok(Sealed { secret, old: old.zip(until) })
}

/// It was not taken.
pub(super) fn count_failure(tx: &mut Tx<'_>, webhook: &Webhook) -> Result<(), db::Error> {
    let since = webhook.failing_since.unwrap_or(tx.now);
    diesel::update(webhooks::table.find(webhook.id))
        .set((webhooks::failures.eq(webhooks::failures + 1), webhooks::failing_since.eq(since)))
        .execute(tx.conn())?;
    Ok(())
}

/// It was. Most of the time there is nothing to forget, and nothing is locked.
pub(super) fn forget_failures(tx: &mut Tx<'_>, id: WebhookId) -> Result<(), db::Error> {
    let failing = webhooks::table.find(id).filter(webhooks::failing_since.is_not_null());
    diesel::update(failing)
        .set((webhooks::failures.eq(0), webhooks::failing_since.eq(None::<DateTime<Utc>>)))
        .execute(tx.conn())?;
    Ok(())
}

/// With their slug.
pub(super) fn find_slug(tx: &mut ReadTx<'_>, id: OrganizationId) -> Result<Option<String>, db::Error> {
    Ok(organizations::table.find(id).select(organizations::slug).first(tx.conn()).optional()?)
}

/// Those who may look after an organization's webhooks, as far as letters reach them.
pub(super) fn list_admins(
    tx: &mut ReadTx<'_>,
    organization: OrganizationId,
) -> Result<Vec<(UserId, String)>, db::Error> {
    let admins = users::table
        .inner_join(members::table)
        .filter(members::organization_id.eq(organization).and(members::role.eq_any(["owner", "admin"])))
        .filter(users::email_verified_at.is_not_null().and(users::disabled_at.is_null()))
        .order(users::id)
        .select((users::id, users::email));
    Ok(admins.load(tx.conn())?)
}

/// The same for those of the instance.
pub(super) fn list_administrators(tx: &mut ReadTx<'_>) -> Result<Vec<(UserId, String)>, db::Error> {
    let administrators = users::table
        .filter(users::is_admin.and(users::email_verified_at.is_not_null()).and(users::disabled_at.is_null()))
        .order(users::id)
        .select((users::id, users::email));
    Ok(administrators.load(tx.conn())?)
}

fn kept_by(keeper: Keeper) -> webhooks::BoxedQuery<'static, diesel::pg::Pg> {
    match keeper {
        Keeper::Operator => webhooks::table.into_boxed(),
        Keeper::Organization(organization) => {
            webhooks::table.into_boxed().filter(webhooks::organization_id.eq(organization))
        }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = webhooks, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: WebhookId,
    organization_id: Option<OrganizationId>,
    url: String,
    kinds: Vec<String>,
    created_at: DateTime<Utc>,
    created_by: Option<UserId>,
    failures: i32,
    failing_since: Option<DateTime<Utc>>,
    disabled_at: Option<DateTime<Utc>>,
    disabled_why: Option<String>,
    old_secret_until: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for Webhook {
    type Error = db::Error;

    fn try_from(row: Row) -> Result<Self, db::Error> {
        let strange = || db::Error::Internal(format!("the stored URL of webhook {}", row.id));
        let why = row.disabled_why.and_then(|word| Why::ALL.into_iter().find(|why| why.as_str() == word));
        Ok(Self {
            id: row.id,
            organization: row.organization_id,
            address: Address::from_stored(&row.url).ok_or_else(strange)?,
            kinds: Kinds::from_stored(row.kinds),
            created_at: row.created_at,
            created_by: row.created_by,
            failures: row.failures,
            failing_since: row.failing_since,
            disabled: row.disabled_at.zip(why).map(|(at, why)| Disabled { at, why }),
            old_secret_until: row.old_secret_until,
        })
    }
}
