//! Proving once more who one is, before something dangerous.

use std::sync::Barrier;

use chrono::TimeDelta;
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use serde_json::{Value, json};
use url::Url;

use crate::support::browser::Browser;
use crate::support::page::Page;
use crate::support::people::{PASSWORD, code};
use crate::support::{TestApp, eventually};

const ANN: &str = "ann@example.com";

/// Something dangerous that changes nothing: the new password is too weak.
fn try_something(browser: &mut Browser) -> Page {
    browser.api("PUT", "/me/password", json!({ "new_password": "weak" }))
}

fn is_open(browser: &mut Browser) -> bool {
    match try_something(browser).status {
        422 => true,
        403 => false,
        other => panic!("{other}"),
    }
}

fn confirm(browser: &mut Browser, password: &str) -> Page {
    browser.api("POST", "/auth/confirm", json!({ "password": password }))
}

fn audited(app: &TestApp, kind: &str) -> i64 {
    app.count(&format!("SELECT count(*) AS n FROM audit_events WHERE kind = '{kind}'"))
}

#[test]
fn signing_in_opens_nothing_dangerous_and_the_refusal_says_what_to_do() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    let refused = try_something(&mut ann);
    assert_eq!((refused.status, code(&refused).as_str()), (403, "reauth_required"));
    let problem: Value = refused.json();
    assert_eq!(problem["error"], "Re-authentication required");
    assert_eq!(problem["action"], "POST /auth/confirm with your password");
    assert_eq!((&problem["max_age"], &problem["methods"]), (&json!(300), &json!(["password"])));
    let url = Url::parse(problem["confirm_url"].as_str().unwrap()).unwrap();
    assert_eq!((url.origin(), url.path()), (app.public_url().origin(), "/confirm"));
    assert_eq!(url.query(), Some("return_to=%2Faccount%2Fpassword"));
    let challenge = "Bearer error=\"insufficient_user_authentication\", max_age=\"300\"";
    assert_eq!(refused.header("www-authenticate"), Some(challenge));
}

#[test]
fn a_confirmation_opens_it_for_five_minutes_to_the_second() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    let before: Value = ann.api("GET", "/auth/confirm", Value::Null).json();
    assert_eq!(before, json!({ "methods": ["password"], "confirmed_at": null, "expires_in": 0 }));
    app.clock().advance(TimeDelta::minutes(10));
    let confirmed = confirm(&mut ann, PASSWORD);
    assert_eq!(confirmed.status, 200);
    assert_eq!(confirmed.json::<Value>(), json!({ "message": "Identity confirmed.", "expires_in": 300 }));
    assert_eq!(audited(&app, "session.confirmed"), 1);
    app.clock().advance(TimeDelta::seconds(299));
    let state: Value = ann.api("GET", "/auth/confirm", Value::Null).json();
    let at = (app.clock().now() - TimeDelta::seconds(299)).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    assert_eq!((&state["expires_in"], &state["confirmed_at"]), (&json!(1), &json!(at)));
    assert!(is_open(&mut ann));
    let sessions: Value = ann.api("GET", "/me/sessions", Value::Null).json();
    let current = sessions["sessions"].as_array().unwrap().iter().find(|session| session["current"] == true);
    assert_eq!(current.unwrap()["last_auth_at"], json!(at), "a confirmation is the last proof");
    app.clock().advance(TimeDelta::seconds(1));
    assert!(!is_open(&mut ann));
    let state: Value = ann.api("GET", "/auth/confirm", Value::Null).json();
    assert_eq!(state["expires_in"], 0);
}

#[test]
fn an_action_with_a_window_of_its_own_closes_by_that() {
    let app = TestApp::with(&[("step_up.windows", "1m for password")]);
    let mut ann = app.verified(ANN);
    assert_eq!(try_something(&mut ann).json::<Value>()["max_age"], 60);
    ann.confirm();
    app.clock().advance(TimeDelta::seconds(59));
    assert!(is_open(&mut ann));
    app.clock().advance(TimeDelta::seconds(1));
    let refused = try_something(&mut ann);
    assert_eq!(refused.status, 403);
    assert!(refused.header("www-authenticate").unwrap().ends_with("max_age=\"60\""));
    let state: Value = ann.api("GET", "/auth/confirm", Value::Null).json();
    assert_eq!(state["expires_in"], 240, "for everything else it goes on");
}

#[test]
fn the_window_of_an_action_is_no_longer_where_its_address_is_written_otherwise() {
    let app = TestApp::with(&[("step_up.windows", "1m for password")]);
    let mut ann = app.verified(ANN);
    ann.confirm();
    app.clock().advance(TimeDelta::seconds(60));
    let refused = ann.api("PUT", "/me/%70assword", json!({ "new_password": "weak" }));
    assert_eq!((refused.status, &refused.json::<Value>()["max_age"]), (403, &json!(60)));
    let page = ann.get("/account/%70assword");
    assert_eq!(page.status, 303);
    let page = ann.follow();
    assert!(page.has("change your password"), "{}", page.text());
}

#[test]
fn one_confirmation_serves_three_dangerous_actions() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    ann.confirm();
    for (minute, password) in ["nine patient otters", "saffron tunnel kite", "granite pillow comet"].iter().enumerate()
    {
        let answer = ann.api("PUT", "/me/password", json!({ "new_password": password }));
        assert_eq!(answer.status, 200, "{minute}: {}", answer.text());
        app.clock().advance(TimeDelta::seconds(99));
    }
    assert_eq!((audited(&app, "session.confirmed"), audited(&app, "password.changed")), (1, 3));
    assert!(is_open(&mut ann), "each of the three has rotated the session");
    app.clock().advance(TimeDelta::seconds(3));
    assert!(!is_open(&mut ann));
}

#[test]
fn signing_in_counts_for_those_who_want_it() {
    let app = TestApp::with(&[("step_up.login_counts", "true")]);
    let mut ann = app.verified(ANN);
    assert!(is_open(&mut ann));
    app.clock().advance(TimeDelta::minutes(5));
    assert!(!is_open(&mut ann), "no longer than a confirmation");
    ann.confirm();
    assert!(is_open(&mut ann));
}

#[test]
fn wrong_passwords_wait_longer_and_longer_and_only_for_confirming() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN).unknown();
    for _ in 0..5 {
        let wrong = confirm(&mut ann, "wrong");
        assert_eq!((wrong.status, code(&wrong).as_str()), (401, "invalid_credentials"));
        assert_eq!(wrong.json::<Value>()["error"], "The password is not right.");
    }
    for wait in [30, 60, 120] {
        let waits = confirm(&mut ann, PASSWORD);
        assert_eq!((waits.status, code(&waits).as_str()), (429, "rate_limited"));
        assert_eq!(waits.header("retry-after"), Some(wait.to_string().as_str()));
        assert_eq!(waits.json::<Value>()["retry_after"], wait);
        assert!(!is_open(&mut ann), "the right password has not been looked at");
        app.clock().advance(TimeDelta::seconds(wait));
        assert_eq!(confirm(&mut ann, "wrong").status, 401, "an attempt in between has not made it longer");
    }
    let (elsewhere, signed_in) = app.log_in(ANN, PASSWORD);
    assert_eq!(signed_in.status, 200, "a thief of a session does not keep its owner from signing in");
    let mut elsewhere = elsewhere.unknown();
    assert_eq!(confirm(&mut elsewhere, PASSWORD).status, 429, "but may not go on in another session");
    assert_eq!(confirm(&mut app.verified("bob@example.com"), PASSWORD).status, 200);
    app.clock().advance(TimeDelta::seconds(240));
    assert_eq!(confirm(&mut elsewhere, PASSWORD).status, 200);
    assert_eq!(audited(&app, "session.confirmation_failed"), 8);
    for _ in 0..5 {
        assert_eq!(confirm(&mut elsewhere, "wrong").status, 401, "who has shown who they are starts afresh");
    }
}

#[test]
fn a_network_waits_whoever_is_guessed_from_there() {
    let app = TestApp::with(&[("limits.login_per_network", "6 per 15m")]);
    let (mut ann, mut bob) = (app.verified(ANN).unknown(), app.verified("bob@example.com").unknown());
    for _ in 0..3 {
        assert_eq!(confirm(&mut ann, PASSWORD).status, 200, "what was right does not count");
        assert_eq!((confirm(&mut ann, "wrong").status, confirm(&mut bob, "wrong").status), (401, 401));
    }
    assert_eq!((confirm(&mut ann, PASSWORD).status, confirm(&mut bob, PASSWORD).status), (429, 429));
    let mut elsewhere = bob.clone().with_header("X-Forwarded-For", "198.51.100.7");
    assert_eq!(confirm(&mut elsewhere, PASSWORD).status, 200);
}

#[test]
fn a_crowd_of_guesses_at_once_gets_no_more_than_is_allowed() {
    let app = TestApp::with(&[("limits.login_per_account", "3 per 15m")]);
    let ann = app.verified(ANN);
    let start = Barrier::new(8);
    let answers: Vec<u16> = std::thread::scope(|scope| {
        let guess = || {
            let mut ann = ann.clone();
            start.wait();
            confirm(&mut ann, "wrong").status
        };
        let guesses: Vec<_> = (0..8).map(|_| scope.spawn(guess)).collect();
        guesses.into_iter().map(|guess| guess.join().unwrap()).collect()
    });
    let count = |status: u16| answers.iter().filter(|answer| **answer == status).count();
    assert_eq!((count(401), count(429)), (3, 5), "{answers:?}");
}

#[test]
fn two_right_ones_at_once_are_both_taken() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    let start = Barrier::new(2);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut ann = ann.clone();
                start.wait();
                ann.confirm();
            });
        }
    });
    assert!(is_open(&mut ann));
    assert_eq!(audited(&app, "session.confirmed"), 2);
}

#[test]
fn a_confirmation_opens_no_other_session_than_its_own() {
    let app = TestApp::start();
    let (mut ann, mut bob) = (app.verified(ANN), app.signed_up("bob@example.com"));
    bob.api("POST", "/auth/login", json!({ "email": "bob@example.com", "password": PASSWORD }));
    let (mut elsewhere, _) = app.log_in(ANN, PASSWORD);
    ann.confirm();
    assert!(is_open(&mut ann));
    assert!(!is_open(&mut elsewhere), "of the same person");
    assert!(!is_open(&mut bob));
    ann.api("POST", "/auth/login", json!({ "email": ANN, "password": PASSWORD }));
    assert!(!is_open(&mut ann), "nor the next one in the same browser");
    bob.confirm();
    assert_eq!(bob.api("PUT", "/me/password", json!({ "new_password": "nine patient otters" })).status, 200);
    assert_eq!(confirm(&mut ann, "nine patient otters").status, 401, "another person's password");
}

/// While the hash is computed, everything may change.
#[test]
fn what_ends_while_the_password_is_checked_is_not_confirmed() {
    let app = TestApp::start();
    let ann = app.verified(ANN);
    let changes = [
        ("DELETE FROM sessions", 401, "unauthenticated"),
        ("UPDATE sessions SET expires_at = created_at", 401, "unauthenticated"),
        ("UPDATE sessions SET id = gen_random_uuid()", 401, "unauthenticated"),
        ("UPDATE users SET disabled_at = created_at", 401, "unauthenticated"),
        ("UPDATE users SET password_hash = 'another'", 401, "invalid_credentials"),
    ];
    let keep = "CREATE TABLE kept_users AS TABLE users; CREATE TABLE kept_sessions AS TABLE sessions;
        CREATE TABLE kept_gate_tokens AS TABLE gate_tokens";
    app.execute(keep);
    for (change, status, word) in changes {
        let mut holder = PgConnection::establish(app.database_url()).unwrap();
        // What makes the second half wait; a gate token's row would keep the session from getting another id.
        holder.batch_execute("BEGIN; SELECT 1 FROM users FOR UPDATE; DELETE FROM gate_tokens").unwrap();
        let answer = std::thread::scope(|scope| {
            let answer = scope.spawn(|| confirm(&mut ann.clone(), PASSWORD));
            let waiting = "SELECT count(*) AS n FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock'";
            eventually("the confirmation to wait", || (app.count(waiting) == 1).then_some(()));
            holder.batch_execute(&format!("{change}; COMMIT")).unwrap();
            answer.join().unwrap()
        });
        assert_eq!((answer.status, code(&answer).as_str()), (status, word), "{change}");
        assert_eq!(audited(&app, "session.confirmed"), 0, "{change}");
        app.execute(
            "DELETE FROM sessions; UPDATE users u SET disabled_at = k.disabled_at, password_hash = k.password_hash
             FROM kept_users k WHERE k.id = u.id; INSERT INTO sessions TABLE kept_sessions;
             INSERT INTO gate_tokens TABLE kept_gate_tokens; DELETE FROM throttles",
        );
    }
    assert_eq!(confirm(&mut ann.clone(), PASSWORD).status, 200);
}

#[test]
fn a_confirmation_at_one_node_is_seen_at_the_next_and_after_a_rotation() {
    let one = TestApp::start();
    let two = one.again_with(&[]);
    let mut here = one.verified(ANN);
    let mut there = two.browser();
    there.jar = here.jar.clone();
    assert!(!is_open(&mut there));
    here.confirm();
    assert!(is_open(&mut there));
    one.execute("UPDATE sessions SET rotation_due = true");
    let answer = try_something(&mut here);
    assert_eq!((answer.status, answer.answer.headers("set-cookie").len()), (422, 2));
    assert_eq!(there.api("GET", "/me", Value::Null).status, 401, "the cookies of before");
    assert!(is_open(&mut here));
}

#[test]
fn nobody_without_a_session_confirms_anything() {
    let app = TestApp::start();
    let mut stranger = app.browser();
    for (method, body) in [("GET", Value::Null), ("POST", json!({ "password": PASSWORD }))] {
        let answer = stranger.api(method, "/auth/confirm", body);
        assert_eq!((answer.status, code(&answer).as_str()), (401, "unauthenticated"));
    }
    let mut ann = app.verified(ANN);
    let answer = ann.cross_site().api("POST", "/auth/confirm", json!({ "password": PASSWORD }));
    assert_eq!(answer.status, 401);
    let answer = ann.standing_on("http://localhost:9/").api("POST", "/auth/confirm", json!({ "password": PASSWORD }));
    assert_eq!((answer.status, code(&answer).as_str()), (403, "csrf"));
    assert!(!is_open(&mut ann));
}

#[test]
fn what_is_too_large_or_not_as_expected_is_refused_before_anything_is_counted() {
    let app = TestApp::with(&[("limits.login_per_account", "1 per 15m")]);
    let mut ann = app.verified(ANN);
    let huge = json!({ "password": "x".repeat(10_000_000) });
    assert_eq!(ann.api("POST", "/auth/confirm", huge).status, 413);
    let strange = [json!({}), json!([]), json!({ "password": 7 }), json!({ "password": null }), Value::Null];
    for body in strange {
        let answer = ann.api("POST", "/auth/confirm", body.clone());
        assert_eq!((answer.status, code(&answer).as_str()), (400, "invalid_request"), "{body}");
    }
    ann.confirm();
}

/// Who came without a password has something else, or nothing yet.
#[test]
fn somebody_without_a_password_is_told_so_and_waits_for_nothing() {
    let app = TestApp::with(&[("limits.login_per_account", "1 per 15m")]);
    let mut ann = app.verified(ANN);
    app.execute("UPDATE users SET password_hash = NULL");
    let state: Value = ann.api("GET", "/auth/confirm", Value::Null).json();
    assert_eq!(state["methods"], json!([]));
    let refusal: Value = try_something(&mut ann).json();
    assert_eq!(refusal["methods"], json!([]));
    assert!(refusal["action"].as_str().unwrap().ends_with("by /auth/forgot-password"), "{refusal}");
    for _ in 0..3 {
        let answer = confirm(&mut ann, PASSWORD);
        assert_eq!((answer.status, code(&answer).as_str()), (422, "validation"));
        assert_eq!(answer.json::<Value>()["fields"]["password"], "Your account has no password.");
    }
    let page = ann.get("/confirm");
    assert!(page.has("Your account has no password.") && page.form("/confirm").is_none(), "{}", page.text());
}
