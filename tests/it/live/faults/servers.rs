//! PostgreSQL itself.

use std::fs;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use vestibule::sessions::LEASE;

use super::processes::{go_on, pause};
use super::scene::{Meanwhile, Scene};
use super::side_by_side;
use crate::resilience::fail_over::{copy, take_writes};
use crate::resilience::sql::count;
use crate::support::eventually;
use crate::support::postgres::OwnServer;
use crate::support::tcp::{Of, Way, Wire};

/// The one of the node that is broken: the other's has another name.
const LISTENER: &str = "application_name = 'vestibule live' AND datname = 'vestibule'";

#[test]
fn a_postgresql_that_restarts_lets_nothing_pass_and_signs_nobody_out() {
    side_by_side(&[
        ("PostgreSQL restarts", |name| restarted(name, OwnServer::stop)),
        ("PostgreSQL restarts in haste", |name| restarted(name, OwnServer::stop_in_haste)),
        ("PostgreSQL is killed", |name| restarted(name, OwnServer::kill)),
        ("PostgreSQL is killed while nothing is heard", |name| {
            let mut server = OwnServer::start();
            Scene::on_own(&server).play(name, Meanwhile::MayBeUnavailable, |scene| {
                scene.wire.silence_only(Of::Listening, Way::FromServer);
                scene.sign_out();
                server.kill();
                server.resume();
                scene.wait(2 * LEASE);
                scene.wire.mend();
            });
        }),
        ("a session ends as soon as PostgreSQL is back", |name| {
            let mut server = OwnServer::start();
            Scene::on_own(&server).play(name, Meanwhile::MayBeUnavailable, |scene| {
                server.restart();
                scene.execute("DELETE FROM sessions WHERE user_id = (SELECT id FROM users WHERE email LIKE 'ann@%')");
                scene.has_ended();
                scene.wait(2 * LEASE);
            });
        }),
    ]);
}

fn restarted(name: &str, stop: fn(&mut OwnServer)) {
    let mut server = OwnServer::start();
    Scene::on_own(&server).play(name, Meanwhile::MayBeUnavailable, |scene| {
        scene.sign_out();
        stop(&mut server);
        scene.wait(LEASE);
        server.resume();
        scene.wait(2 * LEASE);
    });
}

#[test]
fn a_backend_that_ends_or_stops_lets_nothing_pass_and_signs_nobody_out() {
    side_by_side(&[
        ("the listening backend is killed", |name| {
            let server = OwnServer::start();
            Scene::on_own(&server).play(name, Meanwhile::AllIsWell, |scene| {
                let killed = "SELECT count(pg_terminate_backend(pid)) AS n FROM pg_stat_activity WHERE ";
                assert_eq!(count(&scene.url, &format!("{killed}{LISTENER}")), 1);
                scene.sign_out();
                scene.wait(LEASE);
            });
        }),
        ("the listening backend is stopped for three seconds", |name| {
            let server = OwnServer::start();
            Scene::on_own(&server).play(name, Meanwhile::AllIsWell, |scene| {
                let backend = stop_the_listener(scene);
                scene.sign_out();
                scene.wait(2 * LEASE);
                go_on(backend);
            });
        }),
    ]);
}

/// Not in the middle of something: it might hold what everybody needs in order to commit.
fn stop_the_listener(scene: &Scene) -> u32 {
    let pid = count(&scene.url, &format!("SELECT pid::bigint AS n FROM pg_stat_activity WHERE {LISTENER}"));
    let pid = u32::try_from(pid).expect("a process");
    let idle = format!("SELECT count(*) AS n FROM pg_stat_activity WHERE {LISTENER} AND wait_event = 'ClientRead'");
    loop {
        pause(pid);
        if count(&scene.url, &idle) == 1 {
            return pid;
        }
        go_on(pid);
    }
}

/// The old one stays up, and the connection that listens hangs on it: there it would hear of nothing.
#[test]
fn a_fail_over_lets_nothing_pass_and_signs_nobody_out() {
    let (old, new) = (OwnServer::start(), OwnServer::start());
    let folder = |server: &OwnServer| server.socket().parent().expect("a folder").display().to_string();
    let (first, second) = (folder(&old), folder(&new));
    let url = format!(
        "postgresql:///vestibule?host={first},{second}&port=5432,5432&user=vestibule&target_session_attrs=read-write"
    );
    Scene::at(&url, &url, Wire::to(&old.socket())).play("fail-over", Meanwhile::AllIsWell, |scene| {
        copy(&old, &new);
        take_writes(&old, false);
        scene.sign_out();
        scene.wait(LEASE + Duration::from_secs(1));
    });
}

/// Without `target_session_attrs` libpq goes to the next server when it cannot get to the first, and that one may lag
/// behind. Then the first can be reached again, and all the while the connection that listens to it was there.
#[test]
fn what_a_server_said_that_lags_behind_is_not_remembered() {
    let (first, second) = (OwnServer::start(), OwnServer::start());
    let folder = |server: &OwnServer| server.socket().parent().expect("a folder").display().to_string();
    let hosts = format!("host={},{}&port=5432,5432&user=vestibule", folder(&first), folder(&second));
    let wire = Wire::to(&first.socket());
    let near = format!("{}&application_name=near", first.url());
    let scene = Scene::at(&near, &format!("postgresql:///vestibule?{hosts}"), wire);
    eventually("B to remember", || scene.is_remembered(&scene.ends).then_some(()));
    copy(&first, &second);
    let hang_up = "SELECT count(pg_terminate_backend(pid)) AS n FROM pg_stat_activity
        WHERE application_name = '' AND datname = 'vestibule' AND pid <> pg_backend_pid()";
    let mut sql = PgConnection::establish(&near).expect("PostgreSQL");
    let (socket, aside) = (first.socket(), first.socket().with_extension("aside"));
    fs::rename(&socket, &aside).expect("our own folder");
    sql.batch_execute(hang_up).expect(hang_up);
    let reached = || (scene.stays.at(scene.b.port()).me().expect("an answer").status == 200).then_some(());
    eventually("the second server", reached);
    sql.batch_execute("DELETE FROM sessions WHERE user_id = (SELECT id FROM users WHERE email LIKE 'ann@%')").unwrap();
    let ended = Instant::now();
    while ended.elapsed() < LEASE {
        assert_eq!(scene.at_b(&scene.ends), 200, "the second server does not know");
    }
    fs::rename(&aside, &socket).expect("our own folder");
    assert!(count(&second.url(), hang_up) > 0);
    eventually("the first server", reached);
    eventually("B to remember", || scene.is_remembered(&scene.stays).then_some(()));
    assert_eq!(scene.at_b(&scene.ends), 401);
}
