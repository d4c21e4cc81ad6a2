//! Between one of the nodes and PostgreSQL.

use std::time::{Duration, Instant};

use vestibule::sessions::LEASE;

use super::scene::{Meanwhile, Scene};
use super::side_by_side;
use crate::support::eventually;
use crate::support::tcp::{Of, Way};

/// A silent connection that listens is given up after some five seconds.
const GIVEN_UP: Duration = Duration::from_secs(7);

#[test]
fn a_network_in_which_the_changes_alone_are_not_heard_lets_nothing_pass_and_signs_nobody_out() {
    side_by_side(&[
        ("everything works", |name| Scene::set().play(name, Meanwhile::AllIsWell, Scene::sign_out)),
        ("the listening connection is silent both ways", |name| unheard(name, Way::Both)),
        ("the listening connection is half open: nothing arrives at the server", |name| unheard(name, Way::ToServer)),
        ("the listening connection is half open: nothing comes from the server", |name| unheard(name, Way::FromServer)),
        ("a silence shorter than the lease", |name| {
            Scene::set().play(name, Meanwhile::AllIsWell, |scene| {
                scene.wire.silence_only(Of::Listening, Way::FromServer);
                scene.sign_out();
                scene.wait(LEASE / 2);
                scene.wire.mend();
                scene.wait(LEASE);
            });
        }),
        ("the listening connection is lost without a word", |name| {
            Scene::set().play(name, Meanwhile::AllIsWell, |scene| {
                scene.wire.lose(Of::Listening);
                scene.sign_out();
                scene.wait(2 * LEASE);
            });
        }),
    ]);
}

fn unheard(name: &str, way: Way) {
    Scene::set().play(name, Meanwhile::AllIsWell, |scene| {
        scene.wire.silence_only(Of::Listening, way);
        scene.sign_out();
        scene.wait(GIVEN_UP);
        scene.wire.mend();
    });
}

#[test]
fn a_network_that_is_broken_altogether_lets_nothing_pass_and_signs_nobody_out() {
    side_by_side(&[
        ("the wire is cut", |name| {
            Scene::set().play(name, Meanwhile::MayBeUnavailable, |scene| {
                scene.wire.cut();
                scene.sign_out();
                scene.wait(2 * LEASE);
                scene.wire.mend();
            });
        }),
        ("the wire is silent both ways", |name| silent(name, Way::Both)),
        ("the wire is half open: nothing arrives at the server", |name| silent(name, Way::ToServer)),
        ("the wire is half open: nothing comes from the server", |name| silent(name, Way::FromServer)),
        ("the wire is a little slow", |name| {
            Scene::set().play(name, Meanwhile::AllIsWell, |scene| {
                scene.wire.delay(Duration::from_millis(200));
                scene.sign_out();
                scene.wait(4 * LEASE);
                // A beat takes less than its lease.
                eventually("B to remember", || scene.is_remembered(&scene.stays).then_some(()));
                scene.wire.mend();
            });
        }),
        ("the wire is very slow", very_slow),
    ]);
}

fn silent(name: &str, way: Way) {
    Scene::set().play(name, Meanwhile::MayBeUnavailable, |scene| {
        scene.wire.silence_only(Of::All, way);
        scene.sign_out();
        scene.wait(2 * LEASE);
        scene.wire.mend();
    });
}

/// By the time that a beat is back its lease is over. Nor can a connection be made within a request's patience.
fn very_slow(name: &str) {
    let by = Duration::from_secs(2);
    Scene::set().play(name, Meanwhile::MayBeUnavailable, |scene| {
        scene.wire.delay(by);
        scene.sign_out();
        scene.wait(4 * LEASE);
        for _ in 0..3 {
            let asked = Instant::now();
            let status = scene.at_b(&scene.stays);
            assert!(status == 503 || asked.elapsed() >= 2 * by, "{status} after {:?}", asked.elapsed());
        }
        scene.wire.mend();
    });
}
