//! A passkey and a password of one person at once.

use std::thread;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use serde_json::json;

use super::{ANN, CONFIRM, SIGN_IN, answer, ask, keeper};
use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::eventually;
use crate::support::page::Page;
use crate::support::people::PASSWORD;

/// What both get when the second begins while the first, whose hash is computed, waits for the person's row.
fn one_behind_the_other(
    app: &TestApp,
    first: impl FnOnce() -> Page + Send,
    second: impl FnOnce() -> Page + Send,
) -> [u16; 2] {
    let mut holder = PgConnection::establish(app.database_url()).unwrap();
    holder.batch_execute("BEGIN; SELECT 1 FROM users FOR UPDATE").unwrap();
    let wait_for = |many: i64| {
        let waiting = "SELECT count(*) AS n FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        eventually("the attempts to wait", || (app.count(waiting) == many).then_some(()));
    };
    thread::scope(|scope| {
        let first = scope.spawn(|| first().status);
        wait_for(1);
        let second = scope.spawn(|| second().status);
        wait_for(2);
        holder.batch_execute("COMMIT").unwrap();
        [first.join().unwrap(), second.join().unwrap()]
    })
}

#[test]
fn signing_in_with_a_password_and_with_a_passkey_at_once_do_not_wait_for_each_other() {
    let app = TestApp::start();
    let (_, mut passkey, _) = keeper(&app, ANN);
    let mut other = app.browser();
    let asked = ask(&mut other, SIGN_IN, json!({}));
    let by_password = || app.log_in(ANN, PASSWORD).1;
    let statuses = one_behind_the_other(&app, by_password, || answer(&mut other, SIGN_IN, &asked, &mut passkey));
    assert_eq!(statuses, [401, 200], "a second proof is asked for, and none");
}

#[test]
fn confirming_with_a_password_and_with_a_passkey_at_once_do_not_wait_for_each_other() {
    let app = TestApp::start();
    let (ann, mut passkey, _) = keeper(&app, ANN);
    for ann in [ann.clone(), ann.unknown()] {
        let (mut here, mut there): (Browser, Browser) = (ann.clone(), ann);
        let asked = ask(&mut there, CONFIRM, json!({}));
        let by_password = || here.api("POST", "/auth/confirm", json!({ "password": PASSWORD }));
        let statuses = one_behind_the_other(&app, by_password, || answer(&mut there, CONFIRM, &asked, &mut passkey));
        assert_eq!(statuses, [200, 200]);
    }
}
