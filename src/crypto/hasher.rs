use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use argon2::Params;
use tokio::sync::oneshot;

use super::PasswordHash;
use super::argon::Worker;
use super::foreign::Extra;
use crate::config::settings;
use crate::kernel::Redacted;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    Right,
    /// Right, but not hashed as one would be hashed now, here: hash it again.
    RightButDated,
    Wrong,
}

/// The queue is full: too many people are signing in at this very moment.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("too many passwords are waiting to be checked")]
pub struct Busy;

/// How many passwords may wait for each thread: about two seconds' worth.
const QUEUE_PER_THREAD: usize = 128;

/// A bounded pool of hashing threads at a lower priority than the rest of the service.
///
/// As many threads as cores, each with one block of memory it uses again, so memory is bounded by
/// `max_concurrent × memory_kib` whatever happens outside, and by [`Extra`] for hashes made elsewhere.
#[derive(Clone)]
pub struct Hasher {
    queue: SyncSender<Job>,
}

enum Job {
    Hash(Redacted, oneshot::Sender<Option<PasswordHash>>),
    Verify(Redacted, Option<PasswordHash>, oneshot::Sender<Verdict>),
    /// Slow work of another kind; it answers by itself.
    Other(Box<dyn FnOnce() + Send>),
}

impl Hasher {
    /// # Errors
    /// When the parameters are not ones that argon2 takes.
    pub fn new(settings: &settings::Password) -> Result<Self, String> {
        let params = Params::new(settings.memory_kib, settings.iterations, settings.parallelism, None)
            .map_err(|error| format!("argon2 parameters: {error}"))?;
        let (queue, jobs) = sync_channel(settings.max_concurrent * QUEUE_PER_THREAD);
        let (jobs, extra) = (Arc::new(Mutex::new(jobs)), Arc::new(Extra::default()));
        for n in 0..settings.max_concurrent {
            let (jobs, worker) = (Arc::clone(&jobs), Worker::new(params.clone(), Arc::clone(&extra)));
            thread::Builder::new()
                .name(format!("hasher-{n}"))
                .spawn(move || run(&jobs, worker))
                .map_err(|error| format!("starting a hashing thread: {error}"))?;
        }
        Ok(Self { queue })
    }

    pub async fn hash(&self, password: Redacted) -> Result<PasswordHash, Busy> {
        let (answer, answered) = oneshot::channel();
        self.enqueue(Job::Hash(password, answer))?;
        answered.await.ok().flatten().ok_or(Busy)
    }

    /// Checks a password. `None` (there is no such person, or they have no password) takes as long as a
    /// wrong one and is wrong.
    pub async fn verify(&self, password: Redacted, stored: Option<PasswordHash>) -> Result<Verdict, Busy> {
        let (answer, answered) = oneshot::channel();
        self.enqueue(Job::Verify(password, stored, answer))?;
        answered.await.map_err(|_| Busy)
    }

    /// Anything else that is slow and that strangers can ask for: judging a password takes as long as hashing it.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        let (answer, answered) = oneshot::channel();
        self.enqueue(Job::Other(Box::new(move || {
            if !answer.is_closed() {
                let _ = answer.send(work());
            }
        })))?;
        answered.await.map_err(|_| Busy)
    }

    fn enqueue(&self, job: Job) -> Result<(), Busy> {
        self.queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) | TrySendError::Disconnected(_) => Busy,
        })
    }
}

fn run(jobs: &Mutex<Receiver<Job>>, mut worker: Worker) {
    // On Linux this is the calling thread's own priority.
    if let Err(error) = rustix::process::nice(10) {
        log::debug!("hashing threads keep their priority: {error}");
    }
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        // A thread that dies would be missed for good; whoever waits for its answer is told that we are busy.
        if catch_unwind(AssertUnwindSafe(|| work_on(job, &mut worker))).is_err() {
            log::error!("a hashing thread lost a job");
        }
    }
}

/// Whoever has gone away meanwhile needs no answer.
fn work_on(job: Job, worker: &mut Worker) {
    match job {
        Job::Hash(password, answer) if !answer.is_closed() => {
            let hash = worker.hash(password.expose().as_bytes());
            let _ = answer.send(hash.inspect_err(|error| log::error!("argon2: {error}")).ok());
        }
        Job::Verify(password, stored, answer) if !answer.is_closed() => {
            let password = password.expose().as_bytes();
            let _ = answer.send(match stored {
                Some(stored) => worker.verify(password, &stored),
                None => worker.pretend(password),
            });
        }
        Job::Other(work) => work(),
        Job::Hash(..) | Job::Verify(..) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_job_that_panics_takes_no_thread_with_it() {
        let hasher = hasher(64);
        assert!(hasher.run(|| panic!("on purpose")).await.is_err());
        assert_eq!(hasher.run(|| 7).await.unwrap(), 7);
    }

    fn hasher(memory_kib: u32) -> Hasher {
        let settings = settings::Password {
            min_length: 8,
            min_strength: 2,
            memory_kib,
            iterations: 1,
            parallelism: 1,
            max_concurrent: 1,
            breach_api: None,
            breach_file: None,
        };
        Hasher::new(&settings).unwrap()
    }

    fn word(text: &str) -> Redacted {
        Redacted::new(text.to_owned())
    }

    #[tokio::test]
    async fn only_the_right_password_is_right() {
        let hasher = hasher(64);
        let hash = hasher.hash(word("correct horse")).await.unwrap();
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
        assert_eq!(hasher.verify(word("correct horse"), Some(hash.clone())).await.unwrap(), Verdict::Right);
        assert_eq!(hasher.verify(word("wrong horse"), Some(hash)).await.unwrap(), Verdict::Wrong);
        assert_eq!(hasher.verify(word("correct horse"), None).await.unwrap(), Verdict::Wrong);
    }

    #[tokio::test]
    async fn a_hash_with_smaller_parameters_is_right_but_weak() {
        let old = hasher(32).hash(word("correct horse")).await.unwrap();
        let today = hasher(64);
        assert_eq!(today.verify(word("correct horse"), Some(old)).await.unwrap(), Verdict::RightButDated);
    }

    #[tokio::test]
    async fn a_hash_made_by_the_crates_own_interface_is_understood() {
        let made = by_the_crate_itself();
        let verdict = hasher(64).verify(word("password"), Some(PasswordHash::from_stored(made))).await.unwrap();
        assert_eq!(verdict, Verdict::Right);
    }

    fn by_the_crate_itself() -> String {
        use argon2::password_hash::CustomizedPasswordHasher as _;
        let params = Params::new(64, 1, 1, None).unwrap();
        let hash =
            argon2::Argon2::default().hash_password_customized(b"password", b"somesalt", None, None, params).unwrap();
        hash.to_string()
    }
}
