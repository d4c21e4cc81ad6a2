//! The process that remembers, stopped and going on.

use std::process::Command;
use std::time::{Duration, Instant};

use vestibule::sessions::LEASE;

use super::scene::{APP, Meanwhile, Scene};
use super::side_by_side;
use crate::support::tcp::{Of, Way};

#[test]
fn a_process_that_was_paused_believes_nothing_from_before() {
    side_by_side(&[
        ("paused for 1 s", |name| paused(name, Duration::from_secs(1), Word::Waits)),
        ("paused for 1 s, and nothing is heard", |name| paused(name, Duration::from_secs(1), Word::IsOnItsWay)),
        ("paused for 3 s", |name| paused(name, Duration::from_secs(3), Word::Waits)),
        ("paused for 3 s, and nothing is heard", |name| paused(name, Duration::from_secs(3), Word::IsOnItsWay)),
        ("paused for 10 s", |name| paused(name, Duration::from_secs(10), Word::Waits)),
        ("paused for 10 s, and nothing is heard", |name| paused(name, Duration::from_secs(10), Word::IsOnItsWay)),
    ]);
}

/// Where the word is that the session has ended, when the process goes on.
#[derive(Clone, Copy, PartialEq)]
enum Word {
    /// In its socket. Whether it is read before the first request is chance.
    Waits,
    IsOnItsWay,
}

fn paused(name: &str, time: Duration, word: Word) {
    Scene::set().play(name, Meanwhile::IsPaused, |scene| {
        let pid = scene.b.pid();
        pause(pid);
        if word == Word::IsOnItsWay {
            scene.wire.silence_only(Of::Listening, Way::FromServer);
        }
        scene.sign_out();
        let ended = Instant::now();
        scene.wait(time);
        // The first thing it finds when it goes on.
        let visitor = scene.ends.at(scene.b.port());
        let knocks: Vec<_> = (0..8).map(|_| (Instant::now(), visitor.knock(APP).expect("a connection"))).collect();
        go_on(pid);
        for (sent, mut knock) in knocks {
            let passes = knock.answer().is_ok_and(|answer| answer.status == 200);
            let late = sent.saturating_duration_since(ended);
            assert!(!passes || late < LEASE, "{name}: passed with a knock {late:?} after the session had ended");
        }
        scene.wait(time + LEASE);
        scene.wire.mend();
    });
}

/// Stopped when this returns.
pub fn pause(pid: u32) {
    signal(pid, "-STOP");
}

pub fn go_on(pid: u32) {
    signal(pid, "-CONT");
}

fn signal(pid: u32, signal: &str) {
    let done = Command::new("kill").args([signal, &pid.to_string()]).status().expect("kill");
    assert!(done.success(), "kill {signal} {pid}");
}
