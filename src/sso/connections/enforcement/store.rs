use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid};

use super::Affected;
use crate::db::schema::{break_glass, connections, members, organizations, users};
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{ConnectionId, OrganizationId, UserId};

/// Accounts with an address in a proved domain of the connection `$1`, in `a`.
const AFFECTED: &str = "
    WITH a AS (
        SELECT u.id, u.email, u.email_key, u.name, u.email_verified_at, u.disabled_at, u.password_hash,
            EXISTS (SELECT FROM members m WHERE m.user_id = u.id AND m.organization_id = c.organization_id) AS is_member,
            EXISTS (SELECT FROM passkeys p WHERE p.user_id = u.id) AS has_passkey,
            EXISTS (SELECT FROM break_glass b JOIN members m USING (user_id) WHERE b.user_id = u.id
                AND b.connection_id = c.id AND m.organization_id = c.organization_id AND m.role = 'owner') AS is_break_glass,
            (SELECT max(last_seen_at) FROM identities i WHERE i.user_id = u.id AND i.connection_id = c.id) AS last_at
        FROM connections c JOIN domains d ON d.connection_id = c.id AND d.proved_at IS NOT NULL
        JOIN users u ON split_part(u.email_key, '@', 2) = d.name
        WHERE c.id = $1 AND u.email_key IS NOT NULL AND u.deletes_at IS NULL
    )";

/// What was done for a day before is to be done again.
pub(super) fn set_enforced(tx: &mut Tx<'_>, id: ConnectionId, from: Option<DateTime<Utc>>) -> Result<(), db::Error> {
    diesel::update(connections::table.find(id))
        .set((
            connections::enforced_from.eq(from),
            connections::enforcement_told_at.eq(None::<DateTime<Utc>>),
            connections::enforcement_done_at.eq(None::<DateTime<Utc>>),
        ))
        .execute(tx.conn())?;
    Ok(())
}

pub(super) fn set_told(tx: &mut Tx<'_>, id: ConnectionId) -> Result<(), db::Error> {
    let now = tx.now;
    let row = connections::table.find(id);
    diesel::update(row).set(connections::enforcement_told_at.eq(now)).execute(tx.conn())?;
    Ok(())
}

pub(super) fn set_done(tx: &mut Tx<'_>, id: ConnectionId) -> Result<(), db::Error> {
    let now = tx.now;
    let row = connections::table.find(id);
    diesel::update(row).set(connections::enforcement_done_at.eq(now)).execute(tx.conn())?;
    Ok(())
}

/// One whose people do not know of it yet, and that no other node is busy with.
pub(super) fn lock_untold(tx: &mut Tx<'_>) -> Result<Option<ConnectionId>, db::Error> {
    let untold = connections::table
        .filter(connections::enforced_from.is_not_null().and(connections::enforcement_told_at.is_null()))
        .order(connections::id)
        .select(connections::id)
        .for_no_key_update()
        .skip_locked();
    Ok(untold.first(tx.conn()).optional()?)
}

/// One whose day has come, and that no other node is busy with.
pub(super) fn lock_due(tx: &mut Tx<'_>) -> Result<Option<ConnectionId>, db::Error> {
    let now = tx.now;
    let due = connections::table
        .filter(connections::enforced_from.le(now).and(connections::enforcement_done_at.is_null()))
        .order(connections::id)
        .select(connections::id)
        .for_no_key_update()
        .skip_locked();
    Ok(due.first(tx.conn()).optional()?)
}

/// All of them, how many have ever signed in by it, and how many are no members.
pub(super) fn count_affected(tx: &mut ReadTx<'_>, id: ConnectionId) -> Result<(i64, i64, i64), db::Error> {
    #[derive(QueryableByName)]
    struct Counts {
        #[diesel(sql_type = BigInt)]
        all: i64,
        #[diesel(sql_type = BigInt)]
        seen: i64,
        #[diesel(sql_type = BigInt)]
        strangers: i64,
    }
    let statement = format!(
        "{AFFECTED} SELECT count(*) AS all, count(last_at) AS seen, count(*) FILTER (WHERE NOT is_member) AS strangers FROM a"
    );
    let counts: Counts = sql_query(statement).bind::<Uuid, _>(id).get_result(tx.conn())?;
    Ok((counts.all, counts.seen, counts.strangers))
}

/// Those who never signed in by it first, then by address.
pub(super) fn list_affected(tx: &mut ReadTx<'_>, id: ConnectionId, most: i64) -> Result<Vec<Affected>, db::Error> {
    let statement = format!(
        "{AFFECTED} SELECT id, email, name, is_member, password_hash IS NOT NULL AS has_password, has_passkey,
            is_break_glass, last_at FROM a ORDER BY last_at IS NOT NULL, email_key LIMIT $2"
    );
    let rows: Vec<AffectedRow> = sql_query(statement).bind::<Uuid, _>(id).bind::<BigInt, _>(most).load(tx.conn())?;
    Ok(rows.into_iter().map(Affected::from).collect())
}

/// Whom a letter reaches, in the order of their ids.
pub(super) fn list_reachable(
    tx: &mut ReadTx<'_>,
    id: ConnectionId,
    after: Option<UserId>,
    most: usize,
) -> Result<Vec<(UserId, String)>, db::Error> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Uuid)]
        id: UserId,
        #[diesel(sql_type = Text)]
        email: String,
    }
    let statement = format!(
        "{AFFECTED} SELECT id, email FROM a WHERE email_verified_at IS NOT NULL AND disabled_at IS NULL
            AND ($2 IS NULL OR id > $2) ORDER BY id LIMIT $3"
    );
    let rows: Vec<Row> = sql_query(statement)
        .bind::<Uuid, _>(id)
        .bind::<Nullable<Uuid>, _>(after)
        .bind::<BigInt, _>(i64::try_from(most).unwrap_or(i64::MAX))
        .load(tx.conn())?;
    Ok(rows.into_iter().map(|row| (row.id, row.email)).collect())
}

/// Those affected, but for break glass, with a session that is not of this connection.
pub(super) fn list_signed_in_otherwise(
    tx: &mut ReadTx<'_>,
    id: ConnectionId,
    most: usize,
) -> Result<Vec<UserId>, db::Error> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Uuid)]
        id: UserId,
    }
    let statement = format!(
        "{AFFECTED} SELECT id FROM a WHERE NOT is_break_glass AND EXISTS (
            SELECT FROM sessions s LEFT JOIN provider_sessions p ON p.id = s.provider_session_id
            WHERE s.user_id = a.id AND p.connection_id IS DISTINCT FROM $1
        ) ORDER BY id LIMIT $2"
    );
    let rows: Vec<Row> = sql_query(statement)
        .bind::<Uuid, _>(id)
        .bind::<BigInt, _>(i64::try_from(most).unwrap_or(i64::MAX))
        .load(tx.conn())?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// With their addresses: those who could sign in.
pub(super) fn list_owners(
    tx: &mut ReadTx<'_>,
    organization: OrganizationId,
) -> Result<Vec<(UserId, String)>, db::Error> {
    let owners = members::table
        .inner_join(users::table)
        .filter(members::organization_id.eq(organization).and(members::role.eq("owner")))
        .filter(users::disabled_at.is_null().and(users::email_verified_at.is_not_null()))
        .select((users::id, users::email));
    Ok(owners.load(tx.conn())?)
}

pub(super) fn find_organization_name(tx: &mut ReadTx<'_>, id: OrganizationId) -> Result<String, db::Error> {
    Ok(organizations::table.find(id).select(organizations::name).first(tx.conn())?)
}

/// In the order of their ids.
pub(super) fn list_break_glass(tx: &mut ReadTx<'_>, id: ConnectionId) -> Result<Vec<UserId>, db::Error> {
    let named = break_glass::table.filter(break_glass::connection_id.eq(id)).order(break_glass::user_id);
    Ok(named.select(break_glass::user_id).load(tx.conn())?)
}

pub(super) fn insert_break_glass(tx: &mut Tx<'_>, id: ConnectionId, user: UserId) -> Result<(), db::Error> {
    let now = tx.now;
    diesel::insert_into(break_glass::table)
        .values((break_glass::connection_id.eq(id), break_glass::user_id.eq(user), break_glass::named_at.eq(now)))
        .execute(tx.conn())?;
    Ok(())
}

pub(super) fn delete_break_glass(tx: &mut Tx<'_>, id: ConnectionId, user: UserId) -> Result<(), db::Error> {
    diesel::delete(break_glass::table.find((id, user))).execute(tx.conn())?;
    Ok(())
}

#[derive(QueryableByName)]
#[expect(clippy::struct_excessive_bools, reason = "each is a column")]
struct AffectedRow {
    #[diesel(sql_type = Uuid)]
    id: UserId,
    #[diesel(sql_type = Text)]
    email: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Bool)]
    is_member: bool,
    #[diesel(sql_type = Bool)]
    has_password: bool,
    #[diesel(sql_type = Bool)]
    has_passkey: bool,
    #[diesel(sql_type = Bool)]
    is_break_glass: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last_at: Option<DateTime<Utc>>,
}

impl From<AffectedRow> for Affected {
    fn from(row: AffectedRow) -> Self {
        Self {
            user: row.id,
            email: row.email,
            name: row.name,
            is_member: row.is_member,
            has_password: row.has_password,
            has_passkey: row.has_passkey,
            last_by_provider: row.last_at,
            is_break_glass: row.is_break_glass,
        }
    }
}
