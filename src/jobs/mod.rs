//! What happens by itself, for as long as the service runs.
//!
//! Every node runs every job: whatever must be done by one of them only is claimed with row locks, so a node that is
//! killed leaves its share to the others. A job is a file with how often it wants to run, what it does in a sentence,
//! and a round of it that says how much was done; [`Job`] is the list of them. Each round is counted for the metrics,
//! and written down in the [`ledger`] for all to see. The operator may ask for a round at any time ([`run_once`]).

mod answer_requests;
mod check_domains;
mod deliver_webhooks;
mod erase_accounts;
mod forget_addresses;
mod forget_attempts;
mod forget_decisions;
mod forget_deliveries;
mod forget_letters;
mod forget_links;
mod forget_sign_ons;
mod house;
mod keep_signing_keys;
mod ledger;
mod refresh_metadata;
mod remove_unverified;
mod require_providers;
mod send_letters;
mod store;
mod sweep_api_keys;
mod sweep_passkeys;
mod sweep_sessions;

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

pub use house::House;
pub use ledger::{Entry, Outcome, Ran, Round, Standing, list};

use crate::app::App;
use crate::audit::{self, Event};
use crate::db::{self, Tx};
use crate::kernel::{Origin, Shutdown, clock};
use crate::mail::Transport;
use ledger::Ledger;

/// After a failure: the database may be away for a while.
const AFTER_A_FAILURE: Duration = Duration::from_secs(5);

/// How long what is in hand may take to finish when the service ends.
const GRACE: Duration = Duration::from_secs(4);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Job {
    AnswerRequests,
    SendLetters,
    EraseAccounts,
    RemoveUnverified,
    RefreshMetadata,
    RequireProviders,
    DeliverWebhooks,
    CheckDomains,
    KeepSigningKeys,
    ForgetAttempts,
    ForgetDecisions,
    ForgetDeliveries,
    ForgetLetters,
    ForgetLinks,
    ForgetAddresses,
    ForgetSignOns,
    SweepApiKeys,
    SweepPasskeys,
    SweepSessions,
}

/// What there is to know of a job.
#[derive(Clone, Copy, Debug)]
pub struct Card {
    /// The stable word by which operators and metrics call it.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub about: &'static str,
    /// From the end of one round to the beginning of the next.
    pub every: Duration,
}

impl Job {
    pub const ALL: [Self; 19] = [
        Self::AnswerRequests,
        Self::SendLetters,
        Self::DeliverWebhooks,
        Self::EraseAccounts,
        Self::RemoveUnverified,
        Self::RefreshMetadata,
        Self::RequireProviders,
        Self::CheckDomains,
        Self::KeepSigningKeys,
        Self::ForgetAttempts,
        Self::ForgetDecisions,
        Self::ForgetDeliveries,
        Self::ForgetLetters,
        Self::ForgetLinks,
        Self::ForgetAddresses,
        Self::ForgetSignOns,
        Self::SweepApiKeys,
        Self::SweepPasskeys,
        Self::SweepSessions,
    ];

    pub fn card(self) -> Card {
        let (name, about, every) = match self {
            Self::AnswerRequests => ("answer_requests", answer_requests::ABOUT, answer_requests::EVERY),
            Self::SendLetters => ("send_letters", send_letters::ABOUT, send_letters::EVERY),
            Self::EraseAccounts => ("erase_accounts", erase_accounts::ABOUT, erase_accounts::EVERY),
            Self::RemoveUnverified => ("remove_unverified", remove_unverified::ABOUT, remove_unverified::EVERY),
            Self::RefreshMetadata => ("refresh_metadata", refresh_metadata::ABOUT, refresh_metadata::EVERY),
            Self::RequireProviders => ("require_providers", require_providers::ABOUT, require_providers::EVERY),
            Self::DeliverWebhooks => ("deliver_webhooks", deliver_webhooks::ABOUT, deliver_webhooks::EVERY),
            Self::CheckDomains => ("check_domains", check_domains::ABOUT, check_domains::EVERY),
            Self::KeepSigningKeys => ("keep_signing_keys", keep_signing_keys::ABOUT, keep_signing_keys::EVERY),
            Self::ForgetAttempts => ("forget_attempts", forget_attempts::ABOUT, forget_attempts::EVERY),
            Self::ForgetDecisions => ("forget_decisions", forget_decisions::ABOUT, forget_decisions::EVERY),
            Self::ForgetDeliveries => ("forget_deliveries", forget_deliveries::ABOUT, forget_deliveries::EVERY),
            Self::ForgetLetters => ("forget_letters", forget_letters::ABOUT, forget_letters::EVERY),
            Self::ForgetLinks => ("forget_links", forget_links::ABOUT, forget_links::EVERY),
            Self::ForgetAddresses => ("forget_addresses", forget_addresses::ABOUT, forget_addresses::EVERY),
            Self::ForgetSignOns => ("forget_sign_ons", forget_sign_ons::ABOUT, forget_sign_ons::EVERY),
            Self::SweepApiKeys => ("sweep_api_keys", sweep_api_keys::ABOUT, sweep_api_keys::EVERY),
            Self::SweepPasskeys => ("sweep_passkeys", sweep_passkeys::ABOUT, sweep_passkeys::EVERY),
            Self::SweepSessions => ("sweep_sessions", sweep_sessions::ABOUT, sweep_sessions::EVERY),
        };
        Card { name, about, every }
    }

    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|job| job.card().name == name)
    }

    /// How much was done.
    async fn run(self, house: Arc<House>) -> Result<usize, db::Error> {
        match self {
            Self::AnswerRequests => answer_requests::run(&house).await,
            Self::SendLetters => send_letters::run(&house).await,
            Self::EraseAccounts => erase_accounts::run(&house).await,
            Self::RemoveUnverified => remove_unverified::run(&house).await,
            Self::RefreshMetadata => refresh_metadata::run(&house).await,
            Self::RequireProviders => require_providers::run(&house).await,
            Self::DeliverWebhooks => deliver_webhooks::run(&house).await,
            Self::CheckDomains => check_domains::run(&house).await,
            Self::KeepSigningKeys => keep_signing_keys::run(&house).await,
            Self::ForgetAttempts => forget_attempts::run(&house).await,
            Self::ForgetDecisions => forget_decisions::run(&house).await,
            Self::ForgetDeliveries => forget_deliveries::run(&house).await,
            Self::ForgetLetters => forget_letters::run(&house).await,
            Self::ForgetLinks => forget_links::run(&house).await,
            Self::ForgetAddresses => forget_addresses::run(&house).await,
            Self::ForgetSignOns => forget_sign_ons::run(&house).await,
            Self::SweepApiKeys => sweep_api_keys::run(&house).await,
            Self::SweepPasskeys => sweep_passkeys::run(&house).await,
            Self::SweepSessions => sweep_sessions::run(&house).await,
        }
    }
}

/// Runs all jobs until the shutdown, and ends soon after it. What is then still under way is dropped: each job
/// is made so that it can be.
pub async fn run(app: App, transport: Transport, shutdown: Shutdown) {
    let house = Arc::new(House::new(app, transport, shutdown.clone()));
    let all = join_all(Job::ALL.map(|job| repeat(job, Arc::clone(&house))));
    let patience = async {
        shutdown.requested().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        _ = all => {}
        () = patience => log::warn!("jobs were still running at the end"),
    }
}

async fn repeat(job: Job, house: Arc<House>) {
    let mut ledger = Ledger::of(job);
    while !house.shutdown.is_requested() {
        let round = round(job, &house).await;
        let every = job.card().every;
        let pause = match &round.outcome {
            Outcome::Done(_) => every,
            Outcome::Failed(_) | Outcome::Panicked(_) => every.max(AFTER_A_FAILURE),
        };
        ledger.note(&house.app, round).await;
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = house.shutdown.requested() => {}
        }
    }
}

/// One round now, whenever the last one was, because the operator wants it. Written down like any other, and audited.
pub async fn run_once(job: Job, app: App, transport: Transport, shutdown: Shutdown) -> Result<Round, db::Error> {
    let house = Arc::new(House::new(app, transport, shutdown));
    let round = round(job, &house).await;
    let noted = round.clone();
    let write_down = move |tx: &mut Tx<'_>| {
        ledger::write_down(tx, job, &noted)?;
        let event = Event::about_nobody("job.run").with("job", job.card().name);
        audit::record(tx, event.with("outcome", noted.outcome.as_str()).with("done", noted.outcome.done()))
    };
    // That it could not be written down is said by the round itself, if that has failed.
    match (house.app.db.write(&Origin::operator("jobs run"), write_down).await, &round.outcome) {
        (Err(error), Outcome::Done(_)) => Err(error),
        (Ok(()) | Err(_), _) => Ok(round),
    }
}

async fn round(job: Job, house: &Arc<House>) -> Round {
    let (started_at, begin) = (house.app.clock.now(), clock::steady());
    // A task of its own, so that a panic ends one round and not the job.
    let outcome = match tokio::spawn(job.run(Arc::clone(house))).await {
        Ok(Ok(done)) => Outcome::Done(done),
        Ok(Err(error)) => Outcome::Failed(error.to_string()),
        Err(end) => Outcome::Panicked(end.try_into_panic().map_or_else(|end| end.to_string(), |panic| words(&*panic))),
    };
    let round =
        Round { started_at, finished_at: house.app.clock.now(), took: clock::steady().saturating_sub(begin), outcome };
    let name = job.card().name;
    match &round.outcome {
        Outcome::Done(_) => {}
        Outcome::Failed(error) => log::error!(job = name; "a job failed: {error}"),
        Outcome::Panicked(panic) => log::error!(job = name; "a job failed: it panicked: {panic}"),
    }
    let succeeded_at = round.outcome.error().is_none().then_some(round.finished_at);
    house.app.db.meters().ran(name, round.outcome.as_str(), succeeded_at, round.took);
    round
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no words").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_stable_words_and_no_two_jobs_have_the_same() {
        for job in Job::ALL {
            let name = job.card().name;
            assert!(name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_'), "{name}");
            assert_eq!(Job::find(name), Some(job));
        }
        assert_eq!(Job::find("SendLetters"), None);
    }

    #[test]
    fn the_words_of_a_panic_are_kept() {
        let panic = |work: fn()| words(&*std::panic::catch_unwind(work).unwrap_err());
        assert_eq!(panic(|| panic!("plain")), "plain");
        assert_eq!(panic(|| panic!("{}", 7)), "7");
        assert_eq!(panic(|| std::panic::panic_any(7)), "no words");
    }
}
