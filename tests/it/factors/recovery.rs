//! Recovery codes, for the day the phone is gone.

use serde_json::{Value, json};
use std::collections::HashSet;

use super::{ANN, half_in, mfa, protected, recover};
use crate::support::TestApp;
use crate::support::authenticator::codes_in;
use crate::support::people::code;

#[test]
fn ten_codes_are_given_that_can_be_read_and_typed() {
    let app = TestApp::start();
    let (_, _, codes) = protected(&app);
    assert_eq!(codes.iter().collect::<HashSet<_>>().len(), 10);
    for code in &codes {
        let groups: Vec<&str> = code.split('-').collect();
        assert!(groups.len() == 3 && groups.iter().all(|group| group.len() == 4), "{code}");
    }
    let typed = codes[0].to_lowercase().replace('-', "  ");
    assert_eq!(recover(&mut half_in(&app), &typed).status, 200);
}

#[test]
fn a_recovery_code_signs_in_once_and_that_is_told_by_a_letter() {
    let app = TestApp::start();
    let (_, _, codes) = protected(&app);
    let mut browser = half_in(&app);
    assert_eq!(recover(&mut browser, &codes[4]).status, 200);
    assert_eq!(mfa(&mut browser), json!({ "totp": true, "passkeys": 0, "recovery_codes_left": 9 }));
    let listed: Value = browser.api("GET", "/me/sessions", Value::Null).json();
    let current = listed["sessions"].as_array().unwrap().iter().find(|s| s["current"] == true).unwrap();
    assert_eq!(current["methods"], json!(["password", "recovery_code"]));

    let answer = recover(&mut half_in(&app), &codes[4]);
    assert_eq!((answer.status, code(&answer).as_str()), (401, "invalid_credentials"));
    let letter = app.mail().to(ANN);
    assert_eq!(letter.subject(), "A recovery code was used to sign in to Vestibule");
    for part in ["9 are left", "15 January 2027, 08:00 UTC", "127.0.0.1", "/account/security", "Was this not you?"] {
        assert!(letter.text().contains(part), "{part} is missing:\n{}", letter.text());
    }
}

#[test]
fn new_codes_replace_all_that_there_were() {
    let app = TestApp::start();
    let (mut browser, _, old) = protected(&app);
    browser.confirm();
    let answer = browser.api("POST", "/me/recovery-codes", Value::Null);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let new = codes_in(&answer.json());
    assert_eq!(new.len(), 10);
    assert_eq!(app.count("SELECT count(*) AS n FROM recovery_codes"), 10);
    assert_eq!(code(&recover(&mut half_in(&app), &old[0])), "invalid_credentials");
    assert_eq!(recover(&mut half_in(&app), &new[0]).status, 200);
}

#[test]
fn nobody_gets_in_with_the_code_of_another() {
    let app = TestApp::start();
    let (_, _, anns) = protected(&app);
    let mut eve = app.verified("eve@example.com");
    let (_, eves) = crate::support::authenticator::set_up(&app, &mut eve);
    assert_eq!(code(&recover(&mut half_in(&app), &eves[0])), "invalid_credentials");
    // Not even who can write into the table: the digest says whose it is.
    app.execute(
        "UPDATE recovery_codes SET digest = (SELECT r.digest FROM recovery_codes r JOIN users u ON u.id = r.user_id
        WHERE u.email LIKE 'eve@%' ORDER BY r.digest LIMIT 1)
        WHERE (user_id, digest) = (SELECT r.user_id, r.digest FROM recovery_codes r JOIN users u ON u.id = r.user_id
        WHERE u.email LIKE 'ann@%' LIMIT 1)",
    );
    let mut half = half_in(&app);
    for code_of_eve in &eves[..9] {
        assert_eq!(code(&recover(&mut half, code_of_eve)), "invalid_credentials");
    }
    assert!(anns.len() == 10);
}

#[test]
fn when_the_last_code_is_used_the_letter_and_the_next_sign_in_say_so() {
    let app = TestApp::with(&[("limits.mail_per_account", "100 per 1h")]);
    let (_, _, codes) = protected(&app);
    for code in &codes {
        assert_eq!(recover(&mut half_in(&app), code).status, 200);
    }
    // Letters written at one instant may overtake each other.
    let texts: Vec<String> = (0..10).map(|_| app.mail().to(ANN).text()).collect();
    let last = texts.iter().filter(|text| text.contains("It was the last one.")).count();
    assert_eq!(last, 1, "{texts:?}");
    let (_, answer) = app.log_in(ANN, crate::support::people::PASSWORD);
    assert_eq!(answer.json::<Value>()["methods"], json!(["totp"]));
}

#[test]
fn codes_outlive_a_rotation_of_the_keys() {
    let app = TestApp::start();
    let (_, authenticator, codes) = protected(&app);
    let old = "dGhlIGtleSBvZiBhIHRlc3QgdGhhdCBub2JvZHkgbmVlZHMgdG8gaGlkZQ==";
    let new = "YW5vdGhlciBrZXkgb2YgYSB0ZXN0IHRoYXQgbm9ib2R5IG5lZWRzIHRvIGhpZGU=";
    let rotated = app.again_with(&[("secrets.key", &format!("{new},{old}"))]);
    rotated.clock().advance(chrono::TimeDelta::seconds(30));
    assert_eq!(recover(&mut half_in(&rotated), &codes[0]).status, 200);
    assert_eq!(super::totp(&mut half_in(&rotated), &authenticator.code(&rotated)).status, 200);
}
