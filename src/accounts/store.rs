use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Timestamptz};

use super::verify_email::Pending;
use super::{Credentials, Name, User};
use crate::crypto::PasswordHash;
use crate::db::schema::{email_verifications as links, identities, setup_links as setup, users};
use crate::db::{self, Change, ReadTx, Tx};
use crate::kernel::{Digest, EmailAddress, UserId};

type UserRow = (UserId, String, Option<DateTime<Utc>>, String, DateTime<Utc>, Option<DateTime<Utc>>);
type CredentialsRow = (UserId, Option<String>, Option<DateTime<Utc>>, Option<DateTime<Utc>>);
type LinkRow = (UserId, String, Option<Vec<u8>>, Option<String>, Option<String>, Option<String>, String);

const USER: (users::id, users::email, users::email_verified_at, users::name, users::created_at, users::deletes_at) =
    (users::id, users::email, users::email_verified_at, users::name, users::created_at, users::deletes_at);

const CREDENTIALS: (users::id, users::password_hash, users::disabled_at, users::deletes_at) =
    (users::id, users::password_hash, users::disabled_at, users::deletes_at);

const LINK: (
    links::user_id,
    users::email,
    links::browser_digest,
    links::password_hash,
    links::name,
    users::password_hash,
    users::name,
) = (
    links::user_id,
    users::email,
    links::browser_digest,
    links::password_hash,
    links::name,
    users::password_hash,
    users::name,
);

pub(super) struct NewLink {
    pub digest: Digest,
    pub user: UserId,
    pub email: EmailAddress,
    pub expires_at: DateTime<Utc>,
    /// The browser that signed up, the password and the name it chose.
    pub sign_up: Option<(Digest, PasswordHash, Name)>,
}

/// `false` when the address has an account already.
pub(super) fn insert<'a>(
    tx: &mut Tx<'_>,
    id: UserId,
    email: &EmailAddress,
    name: &Name,
    hash: impl Into<Option<&'a PasswordHash>>,
) -> Result<bool, db::Error> {
    let (now, hash) = (tx.now, hash.into());
    let inserted = diesel::insert_into(users::table)
        .values((
            users::id.eq(id),
            users::email.eq(email.as_str()),
            users::email_key.eq(email.key()),
            users::name.eq(name.as_str()),
            users::password_hash.eq(hash.map(PasswordHash::as_str)),
            users::created_at.eq(now),
        ))
        .on_conflict(users::email_key)
        .filter_target(users::email_key.is_not_null())
        .do_nothing()
        .execute(tx.conn())?;
    Ok(inserted == 1)
}

/// Takes back what was inserted a moment ago.
pub(super) fn delete(tx: &mut Tx<'_>, id: UserId) -> Result<(), db::Error> {
    diesel::delete(users::table.find(id)).execute(tx.conn())?;
    Ok(())
}

pub(super) fn find(tx: &mut ReadTx<'_>, id: UserId) -> Result<Option<User>, db::Error> {
    let row: Option<UserRow> = users::table.find(id).select(USER).first(tx.conn()).optional()?;
    row.map(user).transpose()
}

/// Held against everybody else who locks a person, and not against rows that only refer to one: those are written by
/// transactions which hold sessions of theirs, and the two must not wait for each other.
pub(super) fn lock(tx: &mut Tx<'_>, id: UserId) -> Result<Option<User>, db::Error> {
    let row: Option<UserRow> = users::table.find(id).select(USER).for_no_key_update().first(tx.conn()).optional()?;
    row.map(user).transpose()
}

pub(super) fn lock_by_key(tx: &mut Tx<'_>, key: &str) -> Result<Option<User>, db::Error> {
    let holder = users::table.filter(users::email_key.eq(key)).select(USER).for_no_key_update();
    holder.first(tx.conn()).optional()?.map(user).transpose()
}

pub(super) fn find_by_key(tx: &mut ReadTx<'_>, key: &str) -> Result<Option<User>, db::Error> {
    let holder = users::table.filter(users::email_key.eq(key)).select(USER);
    holder.first(tx.conn()).optional()?.map(user).transpose()
}

pub(super) fn find_credentials(tx: &mut ReadTx<'_>, key: &str) -> Result<Option<Credentials>, db::Error> {
    let now = tx.now;
    let row: Option<CredentialsRow> =
        users::table.filter(users::email_key.eq(key)).select(CREDENTIALS).first(tx.conn()).optional()?;
    Ok(row.map(|row| credentials(row, now)))
}

pub(super) fn find_credentials_of(tx: &mut ReadTx<'_>, id: UserId) -> Result<Option<Credentials>, db::Error> {
    let now = tx.now;
    let row: Option<CredentialsRow> = users::table.find(id).select(CREDENTIALS).first(tx.conn()).optional()?;
    Ok(row.map(|row| credentials(row, now)))
}

pub(super) fn lock_credentials(tx: &mut Tx<'_>, id: UserId) -> Result<Option<Credentials>, db::Error> {
    let now = tx.now;
    let row: Option<CredentialsRow> =
        users::table.find(id).select(CREDENTIALS).for_no_key_update().first(tx.conn()).optional()?;
    Ok(row.map(|row| credentials(row, now)))
}

pub(super) fn has_password(tx: &mut Tx<'_>, id: UserId, hash: &PasswordHash) -> Result<bool, db::Error> {
    let stored: Option<String> = users::table.find(id).select(users::password_hash).first(tx.conn())?;
    Ok(stored.as_deref() == Some(hash.as_str()))
}

pub(super) fn set_password(tx: &mut Tx<'_>, id: UserId, hash: &PasswordHash) -> Result<(), db::Error> {
    tx.tell(Change::Person(id));
    diesel::update(users::table.find(id)).set(users::password_hash.eq(hash.as_str())).execute(tx.conn())?;
    Ok(())
}

pub(super) fn clear_password(tx: &mut Tx<'_>, id: UserId) -> Result<(), db::Error> {
    tx.tell(Change::Person(id));
    diesel::update(users::table.find(id)).set(users::password_hash.eq(None::<String>)).execute(tx.conn())?;
    Ok(())
}

pub(super) fn set_name(tx: &mut Tx<'_>, id: UserId, name: &Name) -> Result<(), db::Error> {
    tx.tell(Change::Person(id));
    diesel::update(users::table.find(id)).set(users::name.eq(name.as_str())).execute(tx.conn())?;
    Ok(())
}

pub(super) fn set_verified(tx: &mut Tx<'_>, id: UserId) -> Result<(), db::Error> {
    tx.tell(Change::Person(id));
    let now = tx.now;
    diesel::update(users::table.find(id)).set(users::email_verified_at.eq(now)).execute(tx.conn())?;
    Ok(())
}

pub(super) fn set_made_by_operator(tx: &mut Tx<'_>, id: UserId) -> Result<(), db::Error> {
    diesel::update(users::table.find(id)).set(users::came_by.eq("operator")).execute(tx.conn())?;
    Ok(())
}

pub(super) fn set_came_by_provider(tx: &mut Tx<'_>, id: UserId) -> Result<(), db::Error> {
    diesel::update(users::table.find(id)).set(users::came_by.eq("sso")).execute(tx.conn())?;
    Ok(())
}

/// Whether they have not come of themselves.
pub(super) fn is_made_for_them(tx: &mut ReadTx<'_>, id: UserId) -> Result<bool, db::Error> {
    let made = users::table.find(id).filter(users::came_by.ne("sign_up"));
    Ok(diesel::select(diesel::dsl::exists(made)).get_result(tx.conn())?)
}

/// `false` for somebody who was disabled already.
pub(super) fn set_disabled(tx: &mut Tx<'_>, id: UserId) -> Result<bool, db::Error> {
    tx.tell(Change::Person(id));
    let now = tx.now;
    let enabled = users::table.find(id).filter(users::disabled_at.is_null());
    Ok(diesel::update(enabled).set(users::disabled_at.eq(now)).execute(tx.conn())? == 1)
}

/// `false` for somebody who was not disabled.
pub(super) fn set_enabled(tx: &mut Tx<'_>, id: UserId) -> Result<bool, db::Error> {
    tx.tell(Change::Person(id));
    let disabled = users::table.find(id).filter(users::disabled_at.is_not_null());
    Ok(diesel::update(disabled).set(users::disabled_at.eq(None::<DateTime<Utc>>)).execute(tx.conn())? == 1)
}

pub(super) fn insert_link(tx: &mut Tx<'_>, link: &NewLink) -> Result<(), db::Error> {
    let now = tx.now;
    let sign_up = link.sign_up.as_ref();
    diesel::insert_into(links::table)
        .values((
            links::digest.eq(link.digest.as_bytes()),
            links::user_id.eq(link.user),
            links::email_key.eq(link.email.key()),
            links::created_at.eq(now),
            links::expires_at.eq(link.expires_at),
            links::browser_digest.eq(sign_up.map(|(browser, ..)| browser.as_bytes())),
            links::password_hash.eq(sign_up.map(|(_, hash, _)| hash.as_str())),
            links::name.eq(sign_up.map(|(.., name)| name.as_str())),
        ))
        .execute(tx.conn())?;
    Ok(())
}

/// A link that still holds, for the address its person has now.
pub(super) fn find_link(tx: &mut ReadTx<'_>, digest: &Digest) -> Result<Option<Pending>, db::Error> {
    let now = tx.now;
    let row: Option<LinkRow> = links::table
        .inner_join(users::table)
        .filter(links::digest.eq(digest.as_bytes()).and(links::expires_at.gt(now)))
        .filter(links::email_key.eq(users::email_key).and(users::email_verified_at.is_null()))
        .select(LINK)
        .first(tx.conn())
        .optional()?;
    row.map(pending).transpose()
}

/// What the holder of this browser chose when they last signed up, as long as the link of that holds.
pub(super) fn find_sign_up(
    tx: &mut ReadTx<'_>,
    user: UserId,
    browser: &Digest,
) -> Result<Option<(PasswordHash, Name)>, db::Error> {
    let now = tx.now;
    let row: Option<(Option<String>, Option<String>)> = links::table
        .filter(links::user_id.eq(user).and(links::expires_at.gt(now)))
        .filter(links::browser_digest.eq(browser.as_bytes()))
        .select((links::password_hash, links::name))
        .order(links::created_at.desc())
        .first(tx.conn())
        .optional()?;
    Ok(row.and_then(|(hash, name)| {
        let name = Name::parse(&name.unwrap_or_default()).unwrap_or_default();
        Some((PasswordHash::from_stored(hash?), name))
    }))
}

/// In the links of whoever signed up with the password `before`.
pub(super) fn replace_in_links(
    tx: &mut Tx<'_>,
    user: UserId,
    before: &PasswordHash,
    hash: &PasswordHash,
) -> Result<(), db::Error> {
    let theirs = links::table.filter(links::user_id.eq(user).and(links::password_hash.eq(before.as_str())));
    diesel::update(theirs).set(links::password_hash.eq(hash.as_str())).execute(tx.conn())?;
    Ok(())
}

/// After verifying, none of a person's links is good for anything.
pub(super) fn delete_links(tx: &mut Tx<'_>, user: UserId) -> Result<(), db::Error> {
    diesel::delete(links::table.filter(links::user_id.eq(user))).execute(tx.conn())?;
    Ok(())
}

/// So many at most, whosever they are, passing over those that somebody holds.
pub(super) fn delete_expired_links(tx: &mut Tx<'_>, most: usize) -> Result<usize, db::Error> {
    let statement = "
        WITH old AS (
            SELECT digest FROM email_verifications WHERE expires_at <= $1
            ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        DELETE FROM email_verifications USING old WHERE email_verifications.digest = old.digest";
    let (now, most) = (tx.now, i64::try_from(most).unwrap_or(i64::MAX));
    Ok(sql_query(statement).bind::<Timestamptz, _>(now).bind::<BigInt, _>(most).execute(tx.conn())?)
}

pub(super) fn has_administrator(tx: &mut ReadTx<'_>) -> Result<bool, db::Error> {
    let administrators = users::table.filter(users::is_admin);
    Ok(diesel::select(diesel::dsl::exists(administrators)).get_result(tx.conn())?)
}

/// `false` when they were an administrator already.
pub(super) fn set_admin(tx: &mut Tx<'_>, id: UserId) -> Result<bool, db::Error> {
    tx.tell(Change::Person(id));
    let not_yet = users::table.find(id).filter(users::is_admin.eq(false));
    Ok(diesel::update(not_yet).set(users::is_admin.eq(true)).execute(tx.conn())? == 1)
}

/// In the place of the one before, if there is one.
pub(super) fn put_setup_link(tx: &mut Tx<'_>, digest: &Digest, expires_at: DateTime<Utc>) -> Result<(), db::Error> {
    let now = tx.now;
    let link = (setup::digest.eq(digest.as_bytes()), setup::created_at.eq(now), setup::expires_at.eq(expires_at));
    diesel::insert_into(setup::table)
        .values(link)
        .on_conflict(setup::is_latest)
        .do_update()
        .set(link)
        .execute(tx.conn())?;
    Ok(())
}

pub(super) fn has_setup_link(tx: &mut ReadTx<'_>, digest: &Digest) -> Result<bool, db::Error> {
    let now = tx.now;
    let link = setup::table.filter(setup::digest.eq(digest.as_bytes()).and(setup::expires_at.gt(now)));
    Ok(diesel::select(diesel::dsl::exists(link)).get_result(tx.conn())?)
}

/// Uses it up; `false` when it is not there or no longer holds.
pub(super) fn take_setup_link(tx: &mut Tx<'_>, digest: &Digest) -> Result<bool, db::Error> {
    let now = tx.now;
    let link = setup::table.filter(setup::digest.eq(digest.as_bytes()).and(setup::expires_at.gt(now)));
    Ok(diesel::delete(link).execute(tx.conn())? == 1)
}

pub(super) fn delete_expired_setup_link(tx: &mut Tx<'_>) -> Result<usize, db::Error> {
    let now = tx.now;
    Ok(diesel::delete(setup::table.filter(setup::expires_at.le(now))).execute(tx.conn())?)
}

pub(super) fn delete_setup_link(tx: &mut Tx<'_>) -> Result<(), db::Error> {
    diesel::delete(setup::table).execute(tx.conn())?;
    Ok(())
}

fn user((id, email, email_verified_at, name, created_at, deletes_at): UserRow) -> Result<User, db::Error> {
    Ok(User { id, email: stored_address(&email)?, email_verified_at, name, created_at, deletes_at })
}

/// That any provider speaks for them, or those do that were connected at this moment and later. Whether there was one.
pub(super) fn forget_identities(
    tx: &mut Tx<'_>,
    user: UserId,
    since: Option<DateTime<Utc>>,
) -> Result<bool, db::Error> {
    let since = since.unwrap_or(DateTime::UNIX_EPOCH);
    let theirs = identities::table.filter(identities::user_id.eq(user).and(identities::linked_at.ge(since)));
    Ok(diesel::delete(theirs).execute(tx.conn())? > 0)
}

fn credentials((user, hash, disabled_at, deletes_at): CredentialsRow, now: DateTime<Utc>) -> Credentials {
    let is_disabled = disabled_at.is_some() || deletes_at.is_some_and(|end| end <= now);
    Credentials { user, password: hash.map(PasswordHash::from_stored), is_disabled }
}

fn pending((user, email, browser, hash, name, own_hash, own_name): LinkRow) -> Result<Pending, db::Error> {
    let browser = browser.as_deref().and_then(Digest::from_stored);
    let (hash, name) = match browser {
        Some(_) => (hash, name.unwrap_or_default()),
        None => (own_hash, own_name),
    };
    let name = Name::parse(&name).unwrap_or_default();
    let chosen = hash.map(|hash| (PasswordHash::from_stored(hash), name));
    Ok(Pending { user, email: stored_address(&email)?, browser, chosen })
}

pub(super) fn stored_address(text: &str) -> Result<EmailAddress, db::Error> {
    EmailAddress::parse(text).map_err(|error| db::Error::Internal(format!("a stored address: {error}")))
}
