//! Two at once.

use std::thread;

use serde_json::json;

use super::{ann, create, key_for, revoke};
use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::people::code;

fn at_once(browsers: Vec<Browser>, act: impl Fn(&mut Browser) -> u16 + Sync) -> Vec<u16> {
    let act = &act;
    let mut statuses: Vec<u16> = thread::scope(|scope| {
        let acts: Vec<_> = browsers.into_iter().map(|mut one| scope.spawn(move || act(&mut one))).collect();
        acts.into_iter().map(|act| act.join().unwrap()).collect()
    });
    statuses.sort_unstable();
    statuses
}

#[test]
fn nobody_has_more_than_fifty_keys_however_fast_they_ask() {
    let app = TestApp::start();
    let mut ann = ann(&app);
    let (_, id) = key_for(&mut ann, &["gateway"]);
    app.execute(
        "INSERT INTO api_keys SELECT gen_random_uuid(), user_id, sha256(n::text::bytea), hint, name, scopes, created_at, \
         expires_at FROM api_keys, generate_series(1, 47) n",
    );
    let crowd = vec![ann.clone(); 6];
    let statuses = at_once(crowd, |browser| create(browser, json!({ "name": "one more" })).status);
    assert_eq!(statuses, [201, 201, 409, 409, 409, 409]);
    assert_eq!(app.count("SELECT count(*) AS n FROM api_keys"), 50);
    let full = create(&mut ann, json!({ "name": "one more" }));
    assert_eq!((full.status, code(&full).as_str()), (409, "conflict"));
    assert_eq!(revoke(&mut ann, &id).status, 204);
    assert_eq!(create(&mut ann, json!({ "name": "one more" })).status, 201);
}

#[test]
fn of_many_who_revoke_one_key_at_once_one_does_and_one_letter_is_written() {
    let app = TestApp::start();
    let mut ann = ann(&app);
    let (_, id) = key_for(&mut ann, &["gateway"]);
    let statuses = at_once(vec![ann; 5], |browser| revoke(browser, &id).status);
    assert_eq!(statuses, [204, 404, 404, 404, 404]);
    assert_eq!(app.count("SELECT count(*) AS n FROM mail_outbox WHERE details ->> 'change' = 'revoked'"), 1);
}

/// Whoever is signed out meanwhile leaves no key behind.
#[test]
fn a_session_that_ends_while_it_asks_gets_no_key() {
    let app = TestApp::start();
    for _ in 0..10 {
        let (mut browser, _) = {
            let known = app.count("SELECT count(*) AS n FROM users") > 0;
            if !known {
                app.verified(super::ANN);
            }
            app.log_in(super::ANN, crate::support::people::PASSWORD)
        };
        browser.confirm();
        let before = app.count("SELECT count(*) AS n FROM api_keys");
        let mut other = browser.clone();
        let (made, ended) = thread::scope(|scope| {
            let made = scope.spawn(|| create(&mut browser, json!({ "name": "x" })).status);
            let ended = scope.spawn(|| other.api("POST", "/auth/logout", serde_json::Value::Null).status);
            (made.join().unwrap(), ended.join().unwrap())
        });
        assert_eq!(ended, 204);
        let after = app.count("SELECT count(*) AS n FROM api_keys");
        assert!([201, 401].contains(&made), "{made}");
        assert_eq!(after - before, i64::from(made == 201));
    }
}
