//! Letters on their way: over real SMTP, through a server that misbehaves, or into the local inbox.

mod command;
mod conversation;
mod crash;
mod delivery;
mod inbox;
mod queue;

use std::future::Future;

use vestibule::db;
use vestibule::kernel::{EmailAddress, LetterId, Origin, Token};
use vestibule::mail::{self, Letter, State, Waiting};

use crate::support::{TestApp, eventually};

/// Past every transaction that a page would have made.
fn enqueue(app: &TestApp, to: &str, letter: Letter) -> LetterId {
    enqueue_from(app, &Origin::system("a test"), to, letter)
}

fn enqueue_from(app: &TestApp, origin: &Origin, to: &str, letter: Letter) -> LetterId {
    let (to, sealer) = (EmailAddress::parse(to).unwrap(), app.app.sealer.clone());
    let enqueued = app.app.db.write(origin, move |tx| mail::enqueue(tx, &sealer, &to, None, letter));
    block_on(enqueued).unwrap()
}

fn a_link() -> Letter {
    Letter::VerifyEmail { token: Token::generate() }
}

/// What is neither sent nor forgotten.
fn waiting(app: &TestApp) -> Vec<Waiting> {
    block_on(app.app.db.read::<_, db::Error, _>(mail::list)).unwrap()
}

/// The only letter, once so many attempts have failed.
fn after_attempts(app: &TestApp, attempts: i32) -> Waiting {
    eventually("a failed attempt", || {
        let letter = waiting(app).into_iter().next()?;
        let is_over = !matches!(letter.state, State::Sending(_));
        (letter.attempts == attempts && is_over).then_some(letter)
    })
}

/// The reason that the operator is shown.
fn reason(letter: &Waiting) -> &str {
    letter.last_error.as_deref().unwrap_or_default()
}

/// Once the letter is marked as sent.
fn until_sent(app: &TestApp, id: LetterId) {
    eventually("the letter to be sent", || {
        let sent = format!("SELECT count(*) AS n FROM mail_outbox WHERE id = '{id}' AND sent_at IS NOT NULL");
        (app.count(&sent) == 1).then_some(())
    });
}

fn block_on<F: Future>(work: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}
