//! The process that remembers, stopped and going on.

use std::process::Command;
use std::time::{Duration, Instant};

use vestibule::sessions::LEASE;

use super::scene::{APP, Meanwhile, Scene};
use super::side_by_side;

#[test]
fn a_process_that_was_paused_believes_nothing_from_before() {
    side_by_side(&[
        ("paused for 1 s", |name| paused(name, Duration::from_secs(1))),
        ("paused for 3 s", |name| paused(name, Duration::from_secs(3))),
        ("paused for 10 s", |name| paused(name, Duration::from_secs(10))),
    ]);
}

fn paused(name: &str, time: Duration) {
    Scene::set().play(name, Meanwhile::AllIsWell, |scene| {
        let pid = scene.b.pid();
        pause(pid);
        scene.sign_out();
        let ended = Instant::now();
        scene.wait(time);
        // The first thing it finds when it goes on.
        let visitor = scene.ends.at(scene.b.port());
        let knocks: Vec<_> = (0..8).map(|_| (Instant::now(), visitor.knock(APP).expect("a connection"))).collect();
        go_on(pid);
        for (sent, mut knock) in knocks {
            let status = knock.answer().expect("an answer").status;
            let late = sent.saturating_duration_since(ended);
            assert!(status == 401 || late < LEASE, "{name}: {status} to a knock {late:?} after the session had ended");
        }
        scene.wait(time + LEASE);
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
