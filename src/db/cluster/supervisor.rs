//! Keeps the server running until it is told to stop.

use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::error::{Error, io_error};
use super::server::Running;

/// How soon a death is noticed. A plain wait for the child could not be interrupted by [`Supervisor::stop`].
const GLANCE: Duration = Duration::from_millis(500);
/// Between two tries when it keeps dying, doubling from a glance.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// The thread that owns the running server.
pub struct Supervisor {
    /// Nothing is ever sent: closing it is the message, so that a drop says it too.
    until: Option<Sender<()>>,
    thread: Option<JoinHandle<Result<(), Error>>>,
}

impl Supervisor {
    pub fn watch(running: Running) -> Result<Self, Error> {
        let (until, closed) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("postgres".to_owned())
            .spawn(move || keep_running(running, &closed))
            .map_err(io_error("start a thread for", Path::new("PostgreSQL")))?;
        Ok(Self { until: Some(until), thread: Some(thread) })
    }

    /// Stops the server and waits. The second time there is nothing left to do.
    pub fn stop(&mut self) -> Result<(), Error> {
        drop(self.until.take());
        let Some(thread) = self.thread.take() else { return Ok(()) };
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        drop(self.until.take());
        if let Some(Ok(Err(error))) = self.thread.take().map(JoinHandle::join) {
            log::error!("{error}");
        }
    }
}

fn keep_running(mut running: Running, closed: &mpsc::Receiver<()>) -> Result<(), Error> {
    let mut pause = GLANCE;
    while closed.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
        let Some(how) = running.has_ended() else {
            pause = GLANCE;
            continue;
        };
        log::error!("PostgreSQL ended ({how}); starting it again. Its log: {}", running.log().path().display());
        if let Err(error) = running.start_again() {
            log::error!("{error}");
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    running.stop()
}
