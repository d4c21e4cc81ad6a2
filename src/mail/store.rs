use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Jsonb, Text};
use serde_json::Value;

use super::letter::Kind;
use crate::db::schema::mail_outbox::dsl;
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{EmailAddress, LetterId, UserId};

pub(super) struct NewLetter {
    pub id: LetterId,
    pub to: EmailAddress,
    pub about: Option<UserId>,
    pub letter: &'static str,
    pub details: Value,
    pub sealed: Option<Vec<u8>>,
}

pub(super) fn insert(tx: &mut Tx<'_>, letter: &NewLetter) -> Result<(), db::Error> {
    let now = tx.now;
    diesel::insert_into(dsl::mail_outbox)
        .values((
            dsl::id.eq(letter.id),
            dsl::recipient.eq(letter.to.as_str()),
            dsl::user_id.eq(letter.about),
            dsl::letter.eq(letter.letter),
            dsl::details.eq(&letter.details),
            dsl::sealed.eq(letter.sealed.as_deref()),
            dsl::created_at.eq(now),
            dsl::next_attempt_at.eq(now),
        ))
        .execute(tx.conn())?;
    Ok(())
}

/// A letter that somebody is about to send. The recipient is not parsed: one bad row must not stop the others.
#[derive(Queryable, Selectable)]
#[diesel(table_name = crate::db::schema::mail_outbox)]
pub(super) struct Claimed {
    pub id: LetterId,
    pub recipient: String,
    pub user_id: Option<UserId>,
    pub letter: String,
    pub details: Value,
    pub sealed: Option<Vec<u8>>,
    pub created_at: DateTime<Utc>,
    /// With this one.
    pub attempts: i32,
    pub give_up_after: Option<DateTime<Utc>>,
}

/// What is neither sent nor given up.
type Unsent = diesel::dsl::And<diesel::dsl::IsNull<dsl::sent_at>, diesel::dsl::IsNull<dsl::gave_up_at>>;

fn unsent() -> Unsent {
    dsl::sent_at.is_null().and(dsl::gave_up_at.is_null())
}

pub(super) fn is_any_due(tx: &mut ReadTx<'_>, at: DateTime<Utc>) -> Result<bool, db::Error> {
    let due = dsl::mail_outbox.filter(unsent().and(dsl::next_attempt_at.le(at)));
    Ok(diesel::select(diesel::dsl::exists(due)).get_result(tx.conn())?)
}

pub(super) fn count_unsent(tx: &mut ReadTx<'_>) -> Result<i64, db::Error> {
    Ok(dsl::mail_outbox.filter(unsent()).count().get_result(tx.conn())?)
}

/// With those that were given up.
pub(super) fn count_unsent_to(tx: &mut ReadTx<'_>, user: UserId) -> Result<i64, db::Error> {
    let theirs = dsl::mail_outbox.filter(dsl::user_id.eq(user).and(dsl::sent_at.is_null()));
    Ok(theirs.count().get_result(tx.conn())?)
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = crate::db::schema::mail_outbox)]
pub(super) struct Due {
    pub id: LetterId,
    /// `None` before the first attempt.
    pub give_up_after: Option<DateTime<Utc>>,
}

/// The letter that has been due for longest, passing over those that others hold just now.
pub(super) fn lock_due(tx: &mut Tx<'_>) -> Result<Option<Due>, db::Error> {
    let now = tx.now;
    let due = dsl::mail_outbox
        .filter(unsent().and(dsl::next_attempt_at.le(now)))
        .order(dsl::next_attempt_at)
        .select(Due::as_select())
        .for_update()
        .skip_locked()
        .first(tx.conn())
        .optional()?;
    Ok(due)
}

/// Counts an attempt. The letter is due again at the end of the lease, should its sender never come back.
pub(super) fn lease(
    tx: &mut Tx<'_>,
    id: LetterId,
    until: DateTime<Utc>,
    give_up_after: DateTime<Utc>,
) -> Result<Claimed, db::Error> {
    let leased = diesel::update(dsl::mail_outbox.find(id))
        .set((
            dsl::attempts.eq(dsl::attempts + 1),
            dsl::next_attempt_at.eq(until),
            dsl::leased_until.eq(until),
            dsl::give_up_after.eq(give_up_after),
        ))
        .returning(Claimed::as_returning())
        .get_result(tx.conn())?;
    Ok(leased)
}

/// An inviter may be nobody, and letters without one are as they were.
const WITHOUT_INVITER: &str = r#"jsonb_set(details, '{inviter}', '""', false)"#;

/// However late its sender is: it was sent.
pub(super) fn mark_sent(tx: &mut Tx<'_>, id: LetterId) -> Result<(), db::Error> {
    let now = tx.now;
    diesel::update(dsl::mail_outbox.find(id).filter(dsl::sent_at.is_null()))
        .set((
            dsl::sent_at.eq(now),
            dsl::gave_up_at.eq(None::<DateTime<Utc>>),
            dsl::leased_until.eq(None::<DateTime<Utc>>),
            dsl::last_error.eq(None::<String>),
            dsl::sealed.eq(None::<Vec<u8>>),
            // What its reader was told of somebody else is theirs from now on, and nothing of ours.
            dsl::details.eq(sql::<Jsonb>(WITHOUT_INVITER)),
        ))
        .execute(tx.conn())?;
    Ok(())
}

/// Whether it is still this attempt's to put off: its lease may have run out, and the letter be another's.
pub(super) fn put_off(
    tx: &mut Tx<'_>,
    letter: &Claimed,
    until: DateTime<Utc>,
    reason: &str,
) -> Result<bool, db::Error> {
    let ours = dsl::mail_outbox.find(letter.id).filter(unsent().and(dsl::attempts.eq(letter.attempts)));
    let changed = diesel::update(ours)
        .set((dsl::next_attempt_at.eq(until), dsl::leased_until.eq(None::<DateTime<Utc>>), dsl::last_error.eq(reason)))
        .execute(tx.conn())?;
    Ok(changed == 1)
}

/// As [`put_off`], for good.
pub(super) fn give_up(tx: &mut Tx<'_>, letter: &Claimed, reason: &str) -> Result<bool, db::Error> {
    let now = tx.now;
    let ours = dsl::mail_outbox.find(letter.id).filter(unsent().and(dsl::attempts.eq(letter.attempts)));
    let changed = diesel::update(ours)
        .set((
            dsl::gave_up_at.eq(now),
            dsl::leased_until.eq(None::<DateTime<Utc>>),
            dsl::last_error.eq(reason),
            dsl::sealed.eq(None::<Vec<u8>>),
        ))
        .execute(tx.conn())?;
    Ok(changed == 1)
}

/// A letter that is not sent, without its secret.
#[derive(Queryable, Selectable)]
#[diesel(table_name = crate::db::schema::mail_outbox)]
pub(super) struct Unfinished {
    pub id: LetterId,
    pub recipient: String,
    pub letter: String,
    pub created_at: DateTime<Utc>,
    pub attempts: i32,
    pub next_attempt_at: DateTime<Utc>,
    pub leased_until: Option<DateTime<Utc>>,
    pub gave_up_at: Option<DateTime<Utc>>,
    pub last_error: Option<String>,
}

/// Oldest first.
pub(super) fn list_unfinished(tx: &mut ReadTx<'_>) -> Result<Vec<Unfinished>, db::Error> {
    let letters = dsl::mail_outbox
        .filter(dsl::sent_at.is_null())
        .order(dsl::id)
        .select(Unfinished::as_select())
        .load(tx.conn())?;
    Ok(letters)
}

pub(super) fn lock_unfinished(tx: &mut Tx<'_>, id: LetterId) -> Result<Option<Unfinished>, db::Error> {
    let letter = dsl::mail_outbox
        .find(id)
        .filter(dsl::sent_at.is_null())
        .select(Unfinished::as_select())
        .for_update()
        .first(tx.conn())
        .optional()?;
    Ok(letter)
}

/// Due at once, with a day of its own again.
pub(super) fn restart(tx: &mut Tx<'_>, id: LetterId) -> Result<(), db::Error> {
    let now = tx.now;
    diesel::update(dsl::mail_outbox.find(id))
        .set((
            dsl::attempts.eq(0),
            dsl::next_attempt_at.eq(now),
            dsl::give_up_after.eq(None::<DateTime<Utc>>),
            dsl::gave_up_at.eq(None::<DateTime<Utc>>),
        ))
        .execute(tx.conn())?;
    Ok(())
}

pub(super) fn delete(tx: &mut Tx<'_>, id: LetterId) -> Result<(), db::Error> {
    diesel::delete(dsl::mail_outbox.find(id)).execute(tx.conn())?;
    Ok(())
}

/// Whatever their state, and whomever they are about. The addresses are in lower case.
pub(super) fn delete_to(tx: &mut Tx<'_>, recipients: &[String]) -> Result<(), db::Error> {
    let statement = "DELETE FROM mail_outbox WHERE lower(recipient) = ANY ($1)";
    sql_query(statement).bind::<Array<Text>, _>(recipients).execute(tx.conn())?;
    Ok(())
}

/// Whoever has one of these addresses has invited nobody, as far as letters tell that were not sent. Of those that were it
/// is not known any more.
pub(super) fn forget_inviter(tx: &mut Tx<'_>, addresses: &[String]) -> Result<(), db::Error> {
    let statement = format!(
        "UPDATE mail_outbox SET details = {WITHOUT_INVITER}
        WHERE (gave_up_at IS NOT NULL OR (sent_at IS NULL AND gave_up_at IS NULL))
            AND EXISTS (SELECT FROM unnest($1) address WHERE strpos(lower(details ->> 'inviter'), address) > 0)"
    );
    sql_query(statement).bind::<Array<Text>, _>(addresses).execute(tx.conn())?;
    Ok(())
}

pub(super) fn delete_sent_before(tx: &mut Tx<'_>, instant: DateTime<Utc>) -> Result<usize, db::Error> {
    Ok(diesel::delete(dsl::mail_outbox.filter(dsl::sent_at.lt(instant))).execute(tx.conn())?)
}

pub(super) fn delete_given_up_before(tx: &mut Tx<'_>, instant: DateTime<Utc>) -> Result<usize, db::Error> {
    Ok(diesel::delete(dsl::mail_outbox.filter(dsl::gave_up_at.lt(instant))).execute(tx.conn())?)
}

impl Unfinished {
    pub(super) fn has_lost_its_secret(&self) -> bool {
        self.gave_up_at.is_some() && Kind::find(&self.letter).is_some_and(Kind::has_secret)
    }
}
