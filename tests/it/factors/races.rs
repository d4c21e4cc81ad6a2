//! Two at once.

use std::thread;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use serde_json::{Value, json};

use super::{ANN, half_in, mfa, protected, recover, totp};
use crate::support::authenticator::Authenticator;
use crate::support::browser::Browser;
use crate::support::page::Page;
use crate::support::people::PASSWORD;
use crate::support::{TestApp, eventually};

const CROWD: usize = 6;

/// What each of a crowd of browsers got, sorted.
fn all_at_once(browsers: Vec<Browser>, act: impl Fn(&mut Browser) -> Page + Sync) -> Vec<u16> {
    let act = &act;
    let mut statuses: Vec<u16> = thread::scope(|scope| {
        let acts: Vec<_> = browsers.into_iter().map(|mut one| scope.spawn(move || act(&mut one).status)).collect();
        acts.into_iter().map(|act| act.join().unwrap()).collect()
    });
    statuses.sort_unstable();
    statuses
}

fn one_wins() -> Vec<u16> {
    let mut expected = vec![401; CROWD];
    expected[0] = 200;
    expected
}

fn roomy() -> TestApp {
    TestApp::with(&[("limits.login_per_account", "100 per 15m")])
}

#[test]
fn of_many_who_bring_one_code_at_once_one_gets_in() {
    let app = roomy();
    let (_, authenticator, _) = protected(&app);
    let code = authenticator.code(&app);
    let crowd: Vec<Browser> = (0..CROWD).map(|_| half_in(&app)).collect();
    assert_eq!(all_at_once(crowd, |browser| totp(browser, &code)), one_wins());
    assert_eq!(app.count("SELECT count(*) AS n FROM sessions"), 2, "and she who set it up");
}

#[test]
fn of_many_who_bring_one_recovery_code_at_once_one_gets_in() {
    let app = roomy();
    let (_, _, codes) = protected(&app);
    let crowd: Vec<Browser> = (0..CROWD).map(|_| half_in(&app)).collect();
    assert_eq!(all_at_once(crowd, |browser| recover(browser, &codes[0])), one_wins());
    assert_eq!(app.count("SELECT count(*) AS n FROM recovery_codes WHERE used_at IS NOT NULL"), 1);
    assert_eq!(app.count("SELECT count(*) AS n FROM mail_outbox WHERE letter = 'recovery_code_used'"), 1);
}

#[test]
fn one_browser_that_sends_its_code_twice_is_let_in_once() {
    let app = roomy();
    let (_, _, codes) = protected(&app);
    let half = half_in(&app);
    let crowd = vec![half; CROWD];
    let statuses = all_at_once(crowd, |browser| recover(browser, &codes[0]));
    assert_eq!(statuses, one_wins());
}

#[test]
fn new_codes_asked_for_many_times_at_once_are_ten() {
    let app = roomy();
    let (mut browser, ..) = protected(&app);
    browser.confirm();
    let statuses = all_at_once(vec![browser; CROWD], |browser| browser.api("POST", "/me/recovery-codes", Value::Null));
    assert!(statuses.contains(&200) && !statuses.contains(&500), "{statuses:?}");
    assert_eq!(app.count("SELECT count(*) AS n FROM recovery_codes"), 10);
}

/// What somebody gets whose session ends while what they ask for waits for the rows of their factors.
pub fn signed_out_meanwhile(app: &TestApp, browser: &mut Browser, (method, path, body): (&str, &str, Value)) -> u16 {
    let mut owner = PgConnection::establish(app.database_url()).unwrap();
    let held = "BEGIN; SELECT 1 FROM users FOR NO KEY UPDATE; SELECT 1 FROM totp_factors FOR UPDATE";
    owner.batch_execute(held).unwrap();
    thread::scope(|scope| {
        let answer = scope.spawn(|| browser.api(method, path, body).status);
        let waiting = "SELECT count(*) AS n FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        eventually("the change to wait", || (app.count(waiting) == 1).then_some(()));
        owner.batch_execute("DELETE FROM sessions; COMMIT").unwrap();
        answer.join().unwrap()
    })
}

#[test]
fn whoever_is_signed_out_meanwhile_neither_sets_an_app_up_nor_turns_it_on() {
    let app = roomy();
    app.verified(ANN);
    let begin = || {
        let (mut browser, _) = app.log_in(ANN, PASSWORD);
        browser.confirm();
        let told: Value = browser.api("POST", "/me/totp", Value::Null).json();
        (browser, Authenticator::of(told["secret"].as_str().unwrap()))
    };
    let (mut thief, _) = begin();
    let before = app.text("SELECT sealed_secret::text || created_at AS t FROM totp_factors");
    assert_eq!(signed_out_meanwhile(&app, &mut thief, ("POST", "/me/totp", Value::Null)), 401);
    assert_eq!(app.text("SELECT sealed_secret::text || created_at AS t FROM totp_factors"), before);

    let (mut thief, authenticator) = begin();
    let enable = ("POST", "/me/totp/enable", json!({ "code": authenticator.code(&app) }));
    assert_eq!(signed_out_meanwhile(&app, &mut thief, enable), 401);
    assert_eq!(app.count("SELECT count(*) AS n FROM totp_factors WHERE enabled_at IS NOT NULL"), 0);
    assert_eq!(app.count("SELECT count(*) AS n FROM recovery_codes"), 0);
    assert_eq!(app.count("SELECT count(*) AS n FROM mail_outbox WHERE letter = 'factor_changed'"), 0);
    assert_eq!(app.log_in(ANN, PASSWORD).1.status, 200, "signing in takes the password and nothing else");
}

#[test]
fn whoever_is_signed_out_meanwhile_changes_no_factor() {
    let app = roomy();
    let (_, authenticator, codes) = protected(&app);
    for (method, path) in [("DELETE", "/me/totp"), ("POST", "/me/recovery-codes")] {
        app.clock().advance(chrono::TimeDelta::seconds(30));
        let mut thief = half_in(&app);
        assert_eq!(totp(&mut thief, &authenticator.code(&app)).status, 200);
        thief.confirm();
        assert_eq!(signed_out_meanwhile(&app, &mut thief, (method, path, Value::Null)), 401, "{method} {path}");
    }
    let mut ann = half_in(&app);
    assert_eq!(recover(&mut ann, &codes[0]).status, 200, "the codes of then are good");
    assert_eq!(mfa(&mut ann)["totp"], true);
}
