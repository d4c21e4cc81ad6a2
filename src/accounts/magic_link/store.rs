use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Timestamptz};
use ipnet::IpNet;

use super::{Asked, Written};
use crate::db::schema::{magic_links as links, users};
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{Digest, EmailAddress, UserId};
use crate::sessions::Remember;

type Row = (
    Vec<u8>,
    bool,
    Option<IpNet>,
    Option<String>,
    DateTime<Utc>,
    DateTime<Utc>,
    Option<UserId>,
    Option<String>,
    Option<Vec<u8>>,
);

const LINK: (
    links::browser_digest,
    links::remember,
    links::address,
    links::user_agent,
    links::asked_at,
    links::expires_at,
    links::user_id,
    links::email_key,
    links::code_digest,
) = (
    links::browser_digest,
    links::remember,
    links::address,
    links::user_agent,
    links::asked_at,
    links::expires_at,
    links::user_id,
    links::email_key,
    links::code_digest,
);

/// Where it is asked from comes from the transaction.
pub(super) fn insert(
    tx: &mut Tx<'_>,
    browser: &Digest,
    remember: Remember,
    expires_at: DateTime<Utc>,
) -> Result<(), db::Error> {
    let (now, origin) = (tx.now, tx.origin.clone());
    diesel::insert_into(links::table)
        .values((
            links::browser_digest.eq(browser.as_bytes()),
            links::remember.eq(remember == Remember::Yes),
            links::address.eq(origin.address.map(IpNet::from)),
            links::user_agent.eq(origin.user_agent),
            links::asked_at.eq(now),
            links::expires_at.eq(expires_at),
        ))
        .execute(tx.conn())?;
    Ok(())
}

/// `false` when nobody waits for it any more.
pub(super) fn set_letter(
    tx: &mut Tx<'_>,
    browser: &Digest,
    token: &Digest,
    (user, email): (UserId, &EmailAddress),
) -> Result<bool, db::Error> {
    let now = tx.now;
    let open = links::table.find(browser.as_bytes()).filter(links::expires_at.gt(now));
    let written = diesel::update(open)
        .set((links::user_id.eq(user), links::email_key.eq(email.key()), links::token_digest.eq(token.as_bytes())))
        .execute(tx.conn())?;
    Ok(written == 1)
}

/// `false` when the link is gone.
pub(super) fn set_code(tx: &mut Tx<'_>, token: &Digest, code: &[u8]) -> Result<bool, db::Error> {
    let link = links::table.filter(links::token_digest.eq(token.as_bytes()));
    Ok(diesel::update(link).set(links::code_digest.eq(code)).execute(tx.conn())? == 1)
}

/// A link that still holds, for the address that its person has now, and not for somebody disabled or gone. With that address.
pub(super) fn find_by_link(
    tx: &mut ReadTx<'_>,
    token: &Digest,
    most_tries: i32,
) -> Result<Option<(Asked, EmailAddress)>, db::Error> {
    let now = tx.now;
    let row: Option<(Row, String)> = links::table
        .inner_join(users::table)
        .filter(links::token_digest.eq(token.as_bytes()))
        .filter(links::expires_at.gt(now).and(links::attempts.lt(most_tries)))
        .filter(links::email_key.eq(users::email_key.nullable()).and(users::disabled_at.is_null()))
        .filter(users::deletes_at.is_null().or(users::deletes_at.gt(now)))
        .select((LINK, users::email))
        .first(tx.conn())
        .optional()?;
    let parse = |text: &str| {
        EmailAddress::parse(text).map_err(|error| db::Error::Internal(format!("a stored address: {error}")))
    };
    row.map(|(row, email)| Ok((asked(row)?, parse(&email)?))).transpose()
}

pub(super) fn find_by_browser(
    tx: &mut ReadTx<'_>,
    browser: &Digest,
    most_tries: i32,
) -> Result<Option<Asked>, db::Error> {
    let now = tx.now;
    let row: Option<Row> = links::table
        .find(browser.as_bytes())
        .filter(links::expires_at.gt(now).and(links::attempts.lt(most_tries)))
        .select(LINK)
        .first(tx.conn())
        .optional()?;
    row.map(asked).transpose()
}

pub(super) fn lock_by_browser(tx: &mut Tx<'_>, browser: &Digest, most_tries: i32) -> Result<Option<Asked>, db::Error> {
    let now = tx.now;
    let row: Option<Row> = links::table
        .find(browser.as_bytes())
        .filter(links::expires_at.gt(now).and(links::attempts.lt(most_tries)))
        .select(LINK)
        .for_update()
        .first(tx.conn())
        .optional()?;
    row.map(asked).transpose()
}

pub(super) fn count_try(tx: &mut Tx<'_>, browser: &Digest) -> Result<(), db::Error> {
    let link = links::table.find(browser.as_bytes());
    diesel::update(link).set(links::attempts.eq(links::attempts + 1)).execute(tx.conn())?;
    Ok(())
}

/// `false` when it was not there.
pub(super) fn delete(tx: &mut Tx<'_>, browser: &Digest) -> Result<bool, db::Error> {
    Ok(diesel::delete(links::table.find(browser.as_bytes())).execute(tx.conn())? == 1)
}

pub(super) fn delete_all(tx: &mut Tx<'_>, user: UserId) -> Result<(), db::Error> {
    diesel::delete(links::table.filter(links::user_id.eq(user))).execute(tx.conn())?;
    Ok(())
}

/// So many at most, passing over those that somebody holds.
pub(super) fn delete_expired(tx: &mut Tx<'_>, most: usize) -> Result<usize, db::Error> {
    let statement = "
        WITH old AS (
            SELECT browser_digest FROM magic_links WHERE expires_at <= $1
            ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        DELETE FROM magic_links USING old WHERE magic_links.browser_digest = old.browser_digest";
    let (now, most) = (tx.now, i64::try_from(most).unwrap_or(i64::MAX));
    Ok(sql_query(statement).bind::<Timestamptz, _>(now).bind::<BigInt, _>(most).execute(tx.conn())?)
}

fn asked(row: Row) -> Result<Asked, db::Error> {
    let (browser, remember, address, user_agent, asked_at, until, user, email_key, code) = row;
    let broken = || db::Error::Internal("a stored digest has another length".to_owned());
    Ok(Asked {
        browser: Digest::from_stored(&browser).ok_or_else(broken)?,
        remember: if remember { Remember::Yes } else { Remember::No },
        asker: super::asker((address.map(|network| network.addr()), user_agent), (asked_at, until)),
        letter: user.zip(email_key).map(|(user, email_key)| Written {
            user,
            email_key,
            code: code.as_deref().and_then(Digest::from_stored),
        }),
    })
}
