//! Being told to stop: `SIGTERM`, Ctrl-C and the terminal's closing ask for an orderly end, a second one for an end
//! at once.

use std::time::Duration;
use std::{io, process, thread};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// The orderly end: what is still under way after that is cut off. A little less than the ten seconds that those
/// who start services give them before they kill.
const IN_ORDER: Duration = Duration::from_millis(9_700);

/// The same after a second signal. A private cluster needs a moment.
const AT_ONCE: Duration = Duration::from_secs(2);

/// How often the process was told to stop. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Stop(watch::Receiver<u8>);

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
            }
        };
        let follow = move || runtime.block_on(follow(signals, &times));
        thread::Builder::new().name("signals".to_owned()).spawn(follow)?;
        Ok(Self(stop))
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
        let mut told = self.0.clone();
        // An error says that the process is about to be ended.
        let _ = told.wait_for(|so_far| *so_far >= times).await;
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = self.hangup.recv() => {}
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
