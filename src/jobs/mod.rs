//! What happens by itself, for as long as the service runs.
//!
//! Every node runs every job: whatever must be done by one of them only is claimed with row locks. A job is a
//! file with how often it wants to run and what it does; [`Job`] is the list of them.

mod answer_requests;
mod forget_addresses;
mod forget_attempts;
mod forget_letters;
mod forget_links;
mod send_letters;
mod sweep_api_keys;
mod sweep_passkeys;
mod sweep_sessions;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use crate::app::App;
use crate::db;
use crate::kernel::Shutdown;
use crate::mail::Transport;

/// After a failure: the database may be away for a while.
const AFTER_A_FAILURE: Duration = Duration::from_secs(5);

/// How long what is in hand may take to finish when the service ends.
const GRACE: Duration = Duration::from_secs(4);

#[derive(Clone, Copy, Debug)]
enum Job {
    AnswerRequests,
    SendLetters,
    ForgetAttempts,
    ForgetLetters,
    ForgetLinks,
    ForgetAddresses,
    SweepApiKeys,
    SweepPasskeys,
    SweepSessions,
}

/// What jobs are given.
struct House {
    app: App,
    transport: Transport,
    shutdown: Shutdown,
}

impl Job {
    const ALL: [Self; 9] = [
        Self::AnswerRequests,
        Self::SendLetters,
        Self::ForgetAttempts,
        Self::ForgetLetters,
        Self::ForgetLinks,
        Self::ForgetAddresses,
        Self::SweepApiKeys,
        Self::SweepPasskeys,
        Self::SweepSessions,
    ];

    fn every(self) -> Duration {
        match self {
            Self::AnswerRequests => answer_requests::EVERY,
            Self::SendLetters => send_letters::EVERY,
            Self::ForgetAttempts => forget_attempts::EVERY,
            Self::ForgetLetters => forget_letters::EVERY,
            Self::ForgetLinks => forget_links::EVERY,
            Self::ForgetAddresses => forget_addresses::EVERY,
            Self::SweepApiKeys => sweep_api_keys::EVERY,
            Self::SweepPasskeys => sweep_passkeys::EVERY,
            Self::SweepSessions => sweep_sessions::EVERY,
        }
    }

    async fn run(self, house: Arc<House>) -> Result<(), db::Error> {
        match self {
            Self::AnswerRequests => answer_requests::run(&house).await,
            Self::SendLetters => send_letters::run(&house).await,
            Self::ForgetAttempts => forget_attempts::run(&house).await,
            Self::ForgetLetters => forget_letters::run(&house).await,
            Self::ForgetLinks => forget_links::run(&house).await,
            Self::ForgetAddresses => forget_addresses::run(&house).await,
            Self::SweepApiKeys => sweep_api_keys::run(&house).await,
            Self::SweepPasskeys => sweep_passkeys::run(&house).await,
            Self::SweepSessions => sweep_sessions::run(&house).await,
        }
    }
}

/// Runs all jobs until the shutdown, and ends soon after it. What is then still under way is dropped: each job
/// is made so that it can be.
pub async fn run(app: App, transport: Transport, shutdown: Shutdown) {
    let house = Arc::new(House { app, transport, shutdown: shutdown.clone() });
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
    while !house.shutdown.is_requested() {
        // A task of its own, so that a panic ends one round and not the job.
        let round = tokio::spawn(job.run(Arc::clone(&house)));
        let pause = match round.await {
            Ok(Ok(())) => job.every(),
            Ok(Err(error)) => after_failure(job, &error),
            Err(panic) => after_failure(job, &panic),
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = house.shutdown.requested() => {}
        }
    }
}

fn after_failure(job: Job, error: &dyn std::error::Error) -> Duration {
    log::error!(job:? = job; "a job failed: {error}");
    job.every().max(AFTER_A_FAILURE)
}
