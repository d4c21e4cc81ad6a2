//! Being told to stop: `SIGTERM`, Ctrl-C and the terminal's closing ask for an orderly end, a second one for an end
//! at once. `SIGHUP` from anybody else asks for the configuration to be read again.

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;
use std::{io, process, thread};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, watch};

/// The orderly end: what is still under way after that is cut off. A little less than the ten seconds that those
/// who start services give them before they kill.
const IN_ORDER: Duration = Duration::from_millis(9_700);

/// The same after a second signal. A private cluster needs a moment.
const AT_ONCE: Duration = Duration::from_secs(2);

/// How often the process was told to stop, and whether it was asked to read its configuration again. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    told: watch::Receiver<u8>,
    reload: Arc<Notify>,
}

impl Stop {
    /// From now on the signals are requests, and the process ends within a bound after the first of them, whatever
    /// it is doing.
    pub(super) fn listen() -> io::Result<Self> {
        let (times, stop) = watch::channel(0);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let signals = {
            let _inside = runtime.enter();
            Signals {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
                hangup: signal(SignalKind::hangup())?,
                reload: Arc::default(),
                had_terminal: has_terminal(),
            }
        };
        let reload = Arc::clone(&signals.reload);
        let follow = move || runtime.block_on(follow(signals, &times));
        thread::Builder::new().name("signals".to_owned()).spawn(follow)?;
        Ok(Self { told: stop, reload })
    }

    /// Waits until somebody asks for the configuration to be read again. What is asked for meanwhile is done once.
    pub(super) async fn reload_asked(&self) {
        self.reload.notified().await;
    }

    /// Waits until somebody asks.
    pub(super) async fn requested(&self) {
        self.told(1).await;
    }

    /// Waits until somebody asks a second time.
    pub(super) async fn insisted(&self) {
        self.told(2).await;
    }

    async fn told(&self, times: u8) {
        let mut told = self.told.clone();
        // An error says that the process is about to be ended.
        let _ = told.wait_for(|so_far| *so_far >= times).await;
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    reload: Arc<Notify>,
    had_terminal: bool,
}

/// A process loses its terminal when that is closed.
fn has_terminal() -> bool {
    File::open("/dev/tty").is_ok()
}

impl Signals {
    /// The next that asks for an end.
    async fn next(&mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hangup.recv() => {}
            }
            if self.had_terminal && !has_terminal() {
                return;
            }
            self.reload.notify_one();
        }
    }
}

async fn follow(mut signals: Signals, times: &watch::Sender<u8>) {
    signals.next().await;
    times.send_replace(1);
    if tokio::time::timeout(IN_ORDER, signals.next()).await.is_ok() {
        log::warn!("stopping at once");
        times.send_replace(2);
        tokio::time::sleep(AT_ONCE).await;
    }
    log::error!("something does not end; leaving it behind");
    process::exit(1);
}
