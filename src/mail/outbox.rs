use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;

use super::failure::{Failure, Lasts};
use super::letter::Kind;
use super::message::{Draft, Message};
use super::transport::{Line, Transport};
use super::{purpose, smtp, store};
use crate::app::App;
use crate::audit::{self, Event};
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{EmailAddress, Origin, Redacted, Shutdown, backoff};

/// How many letters one node sends at the same time.
const AT_ONCE: usize = 4;

/// How long a letter is tried for, from the first attempt on.
const PATIENCE: TimeDelta = TimeDelta::days(1);

/// How often it looks for new letters while others are under way: a server that stalls over one must not hold
/// up those that come after it.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Sends what is due until nothing is, or until told to stop: then the letters in hand are finished and no
/// other is begun. Any number of nodes may do so at the same time. How many letters were sent.
pub async fn drain(app: &App, transport: &Transport, shutdown: &Shutdown) -> Result<usize, db::Error> {
    if !is_any_due(app).await? {
        return Ok(0);
    }
    let mut idle = Vec::new();
    let mut under_way = FuturesUnordered::new();
    let (mut sent, mut outcome) = (0, Ok(()));
    loop {
        while outcome.is_ok() && under_way.len() < AT_ONCE && !shutdown.is_requested() {
            match claim(app).await {
                Ok(Some(letter)) => {
                    let line = idle.pop().unwrap_or_else(|| transport.open());
                    under_way.push(deliver(app, line, letter));
                }
                Ok(None) => break,
                Err(error) => outcome = Err(error),
            }
        }
        if under_way.is_empty() {
            break;
        }
        tokio::select! {
            Some((line, delivered)) = under_way.next() => {
                idle.push(line);
                match delivered {
                    Ok(Delivered::Sent) => sent += 1,
                    Ok(Delivered::SetAside) => {}
                    Err(error) => outcome = outcome.and(Err(error)),
                }
            }
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
    }
    join_all(idle.into_iter().map(Line::close)).await;
    outcome.map(|()| sent)
}

async fn is_any_due(app: &App) -> Result<bool, db::Error> {
    let ask = |tx: &mut ReadTx<'_>| {
        let now = tx.now;
        store::is_any_due(tx, now)
    };
    app.db.look_up(ask).await
}

async fn claim(app: &App) -> Result<Option<store::Claimed>, db::Error> {
    let lease = lease(app.settings.mail.timeout);
    let step = move |tx: &mut Tx<'_>| {
        let Some(due) = store::lock_due(tx)? else { return Ok(None) };
        let (until, give_up_after) = (tx.now + lease, due.give_up_after.unwrap_or(tx.now + PATIENCE));
        store::lease(tx, due.id, until, give_up_after).map(Some)
    };
    app.db.write(&origin(), step).await
}

/// Longer than any attempt lasts, so that nobody else sends what is being sent.
fn lease(timeout: TimeDelta) -> TimeDelta {
    timeout * i32::try_from(smtp::STEPS).unwrap_or(i32::MAX) + TimeDelta::seconds(60)
}

/// What became of a letter in hand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Delivered {
    Sent,
    /// For later, or for good.
    SetAside,
}

/// Hands back the line, for the next letter.
async fn deliver<'a>(
    app: &App,
    mut line: Line<'a>,
    letter: store::Claimed,
) -> (Line<'a>, Result<Delivered, db::Error>) {
    let outcome = match compose(app, &letter) {
        Ok(message) => line.send(&message).await,
        Err(failure) => Err(failure),
    };
    let noted = match outcome {
        Ok(()) => note_sent(app, &letter).await.map(|()| Delivered::Sent),
        Err(failure) => set_aside(app, letter, failure).await.map(|()| Delivered::SetAside),
    };
    (line, noted)
}

fn compose(app: &App, letter: &store::Claimed) -> Result<Message, Failure> {
    // A newer version of ourselves may have written it: its turn comes when this node is updated.
    let kind = Kind::find(&letter.letter)
        .ok_or_else(|| Failure::for_now(format!("this version knows no letter called {}", letter.letter)))?;
    let to = EmailAddress::parse(&letter.recipient)
        .map_err(|error| Failure::for_good(format!("the recipient is not an address: {error}")))?;
    let secret = letter.sealed.as_deref().map(|blob| unseal(app, letter, blob)).transpose()?;
    let draft =
        Draft { id: letter.id, kind, to, written_at: letter.created_at, details: letter.details.clone(), secret };
    draft.render(&app.settings, &app.render, app.clock.now())
}

fn unseal(app: &App, letter: &store::Claimed, blob: &[u8]) -> Result<Redacted, Failure> {
    let plain = app.sealer.open(&purpose(letter.id), blob).map_err(|error| Failure::for_now(error.to_string()))?;
    let text = String::from_utf8(plain).map_err(|_| Failure::for_good("its secret is not text"))?;
    Ok(Redacted::new(text))
}

/// A letter that was sent and is not marked so is sent again, so this is tried for longer than anything else.
async fn note_sent(app: &App, letter: &store::Claimed) -> Result<(), db::Error> {
    let id = letter.id;
    log::info!(letter:% = id, kind = letter.letter.as_str(), attempt = letter.attempts; "a letter was sent");
    let is_last = is_last(letter);
    let note = move |tx: &mut Tx<'_>| if is_last { store::delete(tx, id) } else { store::mark_sent(tx, id) };
    for pause in [1, 2, 4, 8] {
        match app.db.write(&origin(), note).await {
            Err(db::Error::Unavailable(_)) => tokio::time::sleep(Duration::from_secs(pause)).await,
            outcome => return outcome,
        }
    }
    app.db.write(&origin(), note).await
}

/// Whether nothing may be kept of it.
fn is_last(letter: &store::Claimed) -> bool {
    Kind::find(&letter.letter).is_some_and(Kind::is_last)
}

/// What is to be done after a failed attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Next {
    TryAgain(DateTime<Utc>),
    GiveUp,
}

async fn set_aside(app: &App, letter: store::Claimed, failure: Failure) -> Result<(), db::Error> {
    let step = move |tx: &mut Tx<'_>| match next(&failure, letter.attempts, letter.give_up_after, tx.now) {
        Next::TryAgain(at) => put_off(tx, &letter, &failure, at),
        Next::GiveUp => give_up(tx, &letter, &failure),
    };
    app.db.write(&origin(), step).await
}

fn put_off(tx: &mut Tx<'_>, letter: &store::Claimed, failure: &Failure, at: DateTime<Utc>) -> Result<(), db::Error> {
    if store::put_off(tx, letter, at, &failure.reason)? {
        log::warn!(
            letter:% = letter.id, kind = letter.letter.as_str(), attempt = letter.attempts, next_attempt_at:% = at;
            "a letter was not sent: {failure}"
        );
    }
    Ok(())
}

fn give_up(tx: &mut Tx<'_>, letter: &store::Claimed, failure: &Failure) -> Result<(), db::Error> {
    if is_last(letter) {
        return give_up_last(tx, letter);
    }
    if store::give_up(tx, letter, &failure.reason)? {
        log::error!(
            letter:% = letter.id, kind = letter.letter.as_str(), attempt = letter.attempts;
            "a letter was given up: {failure}"
        );
        let event = letter
            .user_id
            .map_or_else(|| Event::about_nobody("letter.given_up"), |user| Event::about(user, "letter.given_up"));
        audit::record(tx, event.with("letter", letter.letter.as_str()).with("reason", failure.reason.as_str()))?;
    }
    Ok(())
}

/// What the mail server has said may name whom it was to.
fn give_up_last(tx: &mut Tx<'_>, letter: &store::Claimed) -> Result<(), db::Error> {
    store::delete(tx, letter.id)?;
    log::error!(letter:% = letter.id, kind = letter.letter.as_str(); "the last letter to somebody was given up");
    audit::record(tx, Event::about_nobody("letter.given_up").with("letter", letter.letter.as_str()))
}

fn next(failure: &Failure, attempts: i32, give_up_after: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Next {
    let end = give_up_after.unwrap_or(now);
    match failure.lasts {
        Lasts::ForGood => Next::GiveUp,
        Lasts::ForNow if now >= end => Next::GiveUp,
        // The last attempt is at the very end, however long the wait would have been.
        Lasts::ForNow => Next::TryAgain(end.min(now + backoff::wait(attempts))),
    }
}

fn origin() -> Origin {
    Origin::system("outbox")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_an_hour_and_end_with_an_attempt_after_a_day() {
        let start = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let failure = Failure::for_now("450 busy");
        let (mut now, mut attempts) = (start, 1);
        let mut waits = Vec::new();
        while let Next::TryAgain(at) = next(&failure, attempts, Some(start + PATIENCE), now) {
            waits.push((at - now).num_seconds());
            (now, attempts) = (at, attempts + 1);
        }
        assert_eq!(waits.get(..7), Some([15, 60, 300, 900, 1800, 3600, 3600].as_slice()));
        assert_eq!(now, start + PATIENCE);
    }

    #[test]
    fn what_is_refused_for_good_is_not_tried_again() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        assert_eq!(next(&Failure::for_good("550 no such user"), 1, Some(now + PATIENCE), now), Next::GiveUp);
    }

    #[test]
    fn a_lease_outlasts_every_attempt() {
        let timeout = TimeDelta::seconds(30);
        assert!(lease(timeout) > timeout * i32::try_from(smtp::STEPS).unwrap());
    }
}
