//! Somebody who asks the gate again and again, and notes what it says.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::scene::APP;
use crate::resilience::client::Client;

#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Before the connection was made.
    pub sent: Instant,
    pub answered: Instant,
    /// Or [`NO_ANSWER`].
    pub status: u16,
}

/// The connection ended without one.
pub const NO_ANSWER: u16 = 0;

pub struct Hammer {
    stop: Arc<AtomicBool>,
    asking: Vec<JoinHandle<Vec<Seen>>>,
}

impl Hammer {
    /// Every thread has had an answer when this returns.
    pub fn start(client: &Client, threads: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (says, answered) = mpsc::channel();
        let asking = (0..threads)
            .map(|_| {
                let (client, stop, says) = (client.clone(), Arc::clone(&stop), says.clone());
                thread::spawn(move || {
                    let first = ask(&client);
                    says.send(()).expect("somebody waits");
                    [vec![first], ask_until(&stop, &client)].concat()
                })
            })
            .collect();
        drop(says);
        answered.iter().take(threads).for_each(drop);
        Self { stop, asking }
    }

    pub fn stop(self) -> Vec<Seen> {
        self.stop.store(true, Ordering::SeqCst);
        self.asking.into_iter().flat_map(|asking| asking.join().expect("an answer to everything")).collect()
    }
}

fn ask_until(stop: &AtomicBool, client: &Client) -> Vec<Seen> {
    let mut seen = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        seen.push(ask(client));
        // Others want to use this machine as well.
        thread::sleep(Duration::from_millis(3));
    }
    seen
}

pub fn ask(client: &Client) -> Seen {
    let sent = Instant::now();
    let status = client.passes_the_gate(APP).map_or(NO_ANSWER, |answer| answer.status);
    Seen { sent, answered: Instant::now(), status }
}
