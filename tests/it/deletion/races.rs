//! What happens at the same time, on one node or on two.

use std::thread;

use chrono::TimeDelta;
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use serde_json::Value;

use super::{ANN, GRACE, confirmed, erase_the_gone, events, leaving, letter};
use crate::orgs::{ADMIN, MEMBER, OWNER, staffed};
use crate::support::people::token_in;
use crate::support::{TestApp, eventually};

/// Lets both begin while the people are held, and go on together.
fn at_once(app: &TestApp, works: [Box<dyn FnOnce() -> u16 + Send + '_>; 2]) -> [u16; 2] {
    let mut holder = PgConnection::establish(app.database_url()).unwrap();
    holder.batch_execute("BEGIN; SELECT 1 FROM users FOR UPDATE").unwrap();
    let mut statuses = thread::scope(|scope| {
        let under_way = works.map(|work| scope.spawn(work));
        let waiting = "SELECT count(*) AS n FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        eventually("both to wait", || (app.count(waiting) == 2).then_some(()));
        holder.batch_execute("COMMIT").unwrap();
        under_way.map(|work| work.join().unwrap())
    });
    statuses.sort_unstable();
    statuses
}

#[test]
fn asked_for_twice_at_once_it_is_asked_for_once() {
    let app = TestApp::start();
    let mut ann = confirmed(&app, ANN);
    let mut copy = ann.clone();
    let ask = |browser: &mut crate::support::browser::Browser| browser.api("DELETE", "/me", Value::Null).status;
    assert_eq!(at_once(&app, [Box::new(|| ask(&mut ann)), Box::new(|| ask(&mut copy))]), [202, 202]);
    assert_eq!(events(&app, "user.deletion_requested"), 1);
    assert_eq!(app.count("SELECT count(*) AS n FROM restore_links"), 1);
}

#[test]
fn of_a_session_and_a_link_that_restore_at_once_one_does() {
    let app = TestApp::start();
    let mut ann = leaving(&app, ANN);
    let link = letter(&app, ANN, "will be deleted").link();
    let mut reader = app.browser();
    reader.get(&link);
    let statuses = at_once(
        &app,
        [
            Box::new(|| ann.api("POST", "/me/restore", Value::Null).status),
            Box::new(|| reader.submit("/restore", &[("token", &token_in(&link))]).status),
        ],
    );
    assert!([[200, 410], [303, 409]].contains(&statuses), "{statuses:?}");
    assert_eq!(events(&app, "user.restored"), 1);
}

/// One node's clock is a second behind: she is there for it still, and gone for the other.
#[test]
fn of_coming_back_and_being_erased_at_once_one_happens_and_the_other_not_at_all() {
    for _ in 0..4 {
        let app = TestApp::start();
        let behind = app.again_with(&[]);
        leaving(&app, ANN);
        let link = letter(&app, ANN, "will be deleted").link();
        behind.clock().advance(GRACE - TimeDelta::seconds(1));
        let mut reader = behind.browser();
        let form = reader.get(&format!("/restore?token={}", token_in(&link)));
        assert_eq!(form.status, 200);
        app.clock().advance(GRACE);
        let restored = thread::scope(|scope| {
            let coming_back = scope.spawn(|| reader.submit("/restore", &[]).status);
            app.run_job("erase_accounts");
            coming_back.join().unwrap()
        });
        let left = "SELECT count(*) AS n FROM users";
        if restored == 303 {
            assert_eq!((app.count(left), events(&app, "user.restored"), events(&app, "user.deleted")), (1, 1, 0));
            assert_eq!(app.count("SELECT count(*) AS n FROM sessions"), 1, "nothing of hers is missing");
        } else {
            assert_eq!(restored, 410);
            erase_the_gone(&app);
            assert_eq!((app.count(left), events(&app, "user.restored"), events(&app, "user.deleted")), (0, 0, 1));
        }
    }
}

#[test]
fn two_nodes_erase_everybody_once() {
    let one = TestApp::start();
    let two = one.again_with(&[]);
    people(&one, 200);
    for node in [&one, &two] {
        node.clock().advance(GRACE);
    }
    thread::scope(|scope| {
        for node in [&one, &two] {
            scope.spawn(move || node.run_job("erase_accounts"));
        }
    });
    erase_the_gone(&one);
    assert_eq!(one.count("SELECT count(*) AS n FROM users"), 0);
    assert_eq!(events(&one, "user.deleted"), 200);
    let of_whom = "SELECT count(DISTINCT subject_id) AS n FROM audit_events WHERE kind = 'user.deleted'";
    assert_eq!(one.count(of_whom), 200);
}

#[test]
fn an_owner_and_the_heir_who_are_erased_at_once_leave_it_to_the_next() {
    for _ in 0..3 {
        let one = TestApp::start();
        let two = one.again_with(&[]);
        let ([mut olive, mut adam, _], _) = staffed(&one);
        for browser in [&mut olive, &mut adam] {
            browser.confirm();
            super::leave(browser);
        }
        for node in [&one, &two] {
            node.clock().advance(GRACE);
        }
        thread::scope(|scope| {
            for node in [&one, &two] {
                scope.spawn(move || node.run_job("erase_accounts"));
            }
        });
        erase_the_gone(&one);
        let left =
            "SELECT string_agg(u.email || ' ' || m.role, ',') AS t FROM members m JOIN users u ON u.id = m.user_id";
        assert_eq!(one.text(left), format!("{MEMBER} owner"), "after {OWNER} and {ADMIN}");
    }
}

/// So many who have asked to be deleted, each with a session and some events, made behind the service's back.
pub fn people(app: &TestApp, count: usize) {
    app.execute(&crowd(count, "to_timestamp(1800000000) + interval '30 days'"));
}

/// The same as SQL.
pub fn crowd(count: usize, deletes_at: &str) -> String {
    format!(
        "INSERT INTO users (id, email, email_key, created_at, deletion_asked_at, deletes_at)
             SELECT gen_random_uuid(), 'p' || n || '@example.com', 'p' || n || '@example.com', now(), now(), {deletes_at}
             FROM generate_series(1, {count}) n;
         INSERT INTO sessions (id, user_id, token_digest, remember, created_at, last_active_at, last_auth_at, expires_at,
                               device_id)
             SELECT gen_random_uuid(), id, sha256(id::text::bytea), false, now(), now(), now(), 'infinity', gen_random_uuid()
             FROM users;
         INSERT INTO audit_events (id, at, kind, actor_id, subject_id, address, user_agent, request_id, details)
             SELECT gen_random_uuid(), now(), 'session.opened', u.id, u.id, '192.0.2.7', 'x', 'x', '{{}}'
             FROM users u, generate_series(1, 5) n;"
    )
}
