//! What a node remembers of keys, and how it learns that they have ended.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use serde_json::{Value, json};
use vestibule::sessions::LEASE;

use super::gate::{API, house, settings};
use super::weather::{gate, made_in, serve};
use super::{ann, create, key_for, revoke};
use crate::gate::house::{DOORS, Door, Question};
use crate::resilience::service::Service;
use crate::support::postgres::TestDb;
use crate::support::tcp::{Of, Way, Wire};
use crate::support::{TestApp, eventually};

fn check(app: &TestApp, key: &str) -> u16 {
    Question::about(Door::ForwardAuth, API).with("Authorization", &format!("Bearer {key}")).ask(app).status
}

/// A node that remembers this key now.
fn remember(app: &TestApp, key: &str) {
    eventually("a check that is answered from memory", || {
        let before = app.live.figures().remembered;
        assert_eq!(check(app, key), 200);
        (app.live.figures().remembered > before).then_some(())
    });
}

#[test]
fn a_check_of_a_key_that_is_remembered_asks_postgresql_nothing() {
    let app = house();
    let (key, _) = key_for(&mut ann(&app), &["gateway"]);
    remember(&app, &key);
    let before = app.live.figures();
    for door in DOORS {
        for _ in 0..50 {
            let question = Question::about(door, API).with("Authorization", &format!("Bearer {key}"));
            assert_eq!(question.ask(&app).status, 200);
        }
    }
    let after = app.live.figures();
    // On a busy machine a heartbeat may be late, and then one or the other check asks.
    assert!(after.remembered - before.remembered > 50, "{before:?} {after:?}");
    assert_eq!(after.passes, 1, "writing down its use is no reason to forget it");
    let used = "SELECT count(*) AS n FROM api_keys WHERE last_used_at IS NOT NULL";
    eventually("the use to be written", || (app.count(used) == 1).then_some(()));
}

#[test]
fn a_key_revoked_on_this_node_is_refused_by_its_very_next_check() {
    let app = house();
    let mut ann = ann(&app);
    for _ in 0..10 {
        let (key, id) = key_for(&mut ann, &["gateway"]);
        remember(&app, &key);
        assert_eq!(revoke(&mut ann, &id).status, 204);
        assert_eq!(check(&app, &key), 401);
    }
}

#[test]
fn a_disabled_persons_key_is_refused_at_every_node_and_opens_again_for_the_enabled_one() {
    let one = house();
    let other = one.again_with(&settings());
    let (key, _) = key_for(&mut ann(&one), &["gateway"]);
    for _ in 0..3 {
        remember(&one, &key);
        remember(&other, &key);
        one.vestibule(&["user", "disable", super::ANN]).text();
        for node in [&one, &other] {
            eventually("the refusal", || (check(node, &key) == 401).then_some(()));
        }
        one.vestibule(&["user", "enable", super::ANN]).text();
        for node in [&one, &other] {
            eventually("the door to open again", || (check(node, &key) == 200).then_some(()));
        }
    }
}

#[test]
fn a_key_revoked_on_another_node_is_refused_as_soon_as_that_is_heard() {
    let one = house();
    let other = one.again_with(&settings());
    let mut ann = ann(&one);
    for _ in 0..10 {
        let (key, id) = key_for(&mut ann, &["gateway"]);
        remember(&one, &key);
        remember(&other, &key);
        assert_eq!(revoke(&mut ann, &id).status, 204);
        eventually("the other node's refusal", || (check(&other, &key) == 401).then_some(()));
        assert_eq!(check(&one, &key), 401);
    }
}

/// Nothing has to be told by hand: the tables tell.
#[test]
fn whatever_is_done_to_a_key_in_psql_is_heard_as_well() {
    let app = house();
    let mut ann = ann(&app);
    let (key, _) = key_for(&mut ann, &["gateway"]);
    let ends = [
        ("UPDATE users SET disabled_at = now()", "UPDATE users SET disabled_at = NULL"),
        (
            "UPDATE api_keys SET expires_at = created_at",
            "UPDATE api_keys SET expires_at = created_at + interval '1 day'",
        ),
        ("UPDATE api_keys SET scopes = '{account:read}'", "UPDATE api_keys SET scopes = '{gateway}'"),
        ("UPDATE api_keys SET digest = sha256(digest)", "DELETE FROM api_keys"),
    ];
    for (end, undo) in ends {
        remember(&app, &key);
        app.execute(end);
        eventually(end, || (check(&app, &key) == 401).then_some(()));
        app.execute(undo);
    }
    for end in ["DELETE FROM api_keys", "TRUNCATE api_keys", "DELETE FROM users"] {
        let (key, _) = key_for(&mut ann, &["gateway"]);
        remember(&app, &key);
        app.execute(end);
        eventually(end, || (check(&app, &key) == 401).then_some(()));
    }
}

/// But the last use, which is no reason to ask again.
#[test]
fn no_column_of_a_key_can_change_without_a_word() {
    let app = TestApp::start();
    let silent = "SELECT coalesce(string_agg(attname, ' ' ORDER BY attname), '') AS t FROM pg_attribute a
        WHERE attrelid = 'api_keys'::regclass AND attnum > 0 AND NOT attisdropped AND NOT EXISTS (
            SELECT FROM pg_trigger t WHERE t.tgrelid = a.attrelid AND t.tgname = 'api_keys_tell_of_changes'
            AND a.attnum = ANY (t.tgattr))";
    assert_eq!(app.text(silent), "last_used_at last_used_from");
}

#[test]
fn a_key_that_is_remembered_still_runs_out_and_tells_the_app_the_name_of_now() {
    let app = house();
    let mut ann = ann(&app);
    let answer = create(&mut ann, json!({ "name": "short", "expires_in": 3600 }));
    let key = answer.json::<Value>()["key"].as_str().unwrap().to_owned();
    for name in ["Ann", "Anna"] {
        remember(&app, &key);
        assert_eq!(ann.api("PATCH", "/me", json!({ "name": name })).status, 200);
        let question = Question::about(Door::ForwardAuth, API).with("Authorization", &format!("Bearer {key}"));
        assert_eq!(question.ask(&app).headers("remote-name"), [name]);
    }
    remember(&app, &key);
    app.clock().advance(TimeDelta::seconds(3599));
    assert_eq!(check(&app, &key), 200);
    app.clock().advance(TimeDelta::seconds(1));
    assert_eq!(check(&app, &key), 401);
}

#[test]
fn keys_that_are_not_good_take_no_room() {
    let app = house();
    let mut ann = ann(&app);
    let (key, id) = key_for(&mut ann, &["gateway"]);
    remember(&app, &key);
    assert_eq!(revoke(&mut ann, &id).status, 204);
    for _ in 0..20 {
        assert_eq!(check(&app, &key), 401);
    }
    assert_eq!(app.live.figures().passes, 0);
}

/// As for sessions, counted on the safe side: from the moment at which the call that revoked it has returned to the moment
/// at which a request is sent.
#[test]
fn another_process_lets_a_revoked_key_pass_for_no_longer_than_the_lease_even_if_it_hears_nothing() {
    thread::scope(|scope| {
        scope.spawn(|| revoked_elsewhere("all is well", |_| ()));
        scope.spawn(|| revoked_elsewhere("nothing is heard", |wire| wire.silence_only(Of::Listening, Way::FromServer)));
    });
}

fn revoked_elsewhere(name: &str, meanwhile: impl FnOnce(&Wire)) {
    let database = TestDb::make();
    let wire = Wire::to(&TestDb::socket());
    let db = database.url().split("///").nth(1).and_then(|rest| rest.split('?').next()).expect("a database's name");
    let far = format!("postgresql://vestibule@127.0.0.1:{}/{db}?sslmode=disable", wire.port());
    let (a, b) = (serve(database.url()), serve(&far));
    let mut browser = a.browser();
    let (key, id) = made_in(&mut browser, database.url());
    eventually("B to remember", || is_remembered(&b, &key, database.url()).then_some(()));
    let over = AtomicBool::new(false);
    let (told, seen) = thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let mut seen = Vec::new();
            while !over.load(Ordering::SeqCst) {
                let sent = Instant::now();
                seen.push((sent, gate(b.port(), &key).status));
                // Others want to use this machine as well.
                thread::sleep(Duration::from_millis(3));
            }
            seen
        });
        meanwhile(&wire);
        assert_eq!(revoke(&mut browser, &id).status, 204, "{name}");
        let told = Instant::now();
        let refused = crate::support::within(crate::support::PATIENCE, || {
            let status = gate(b.port(), &key).status;
            (status == 401 && told.elapsed() > 2 * LEASE).then_some(())
        });
        over.store(true, Ordering::SeqCst);
        assert!(refused.is_some(), "{name}: never refused\n{}", b.log());
        (told, asking.join().expect("an answer to everything"))
    });
    let passed =
        seen.iter().filter(|(_, status)| *status == 200).map(|(sent, _)| *sent).max().expect("it was good once");
    assert!(passed < told + LEASE, "{name}: passed {:?} after it was revoked", passed - told);
    let refused = seen.iter().filter(|(_, status)| *status == 401).map(|(sent, _)| *sent).min().expect("refused");
    assert!(passed <= refused, "{name}: passed after it had been refused");
    assert!(seen.iter().all(|(_, status)| [200, 401].contains(status)), "{name}: {seen:?}");
    wire.mend();
}

/// Whether `b` lets it pass although nobody can read the keys.
fn is_remembered(b: &Service, key: &str, url: &str) -> bool {
    let mut lock = PgConnection::establish(url).expect("PostgreSQL");
    lock.batch_execute("BEGIN; LOCK TABLE api_keys IN ACCESS EXCLUSIVE MODE").expect("a lock");
    let (says, answer) = mpsc::channel();
    let (port, key) = (b.port(), key.to_owned());
    let asking = thread::spawn(move || says.send(gate(port, &key).status));
    let answer = answer.recv_timeout(Duration::from_millis(300));
    lock.batch_execute("ROLLBACK").expect("an end of the lock");
    let _ = asking.join();
    answer == Ok(200)
}
