//! An app is set up, enabled and turned off again.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{ANN, half_in, is_in, mfa, protected, totp};
use crate::support::TestApp;
use crate::support::authenticator::{Authenticator, codes_in, set_up, wrong_code};
use crate::support::browser::Browser;
use crate::support::page::Page;
use crate::support::people::{PASSWORD, code, token_in};

fn start(browser: &mut Browser) -> Value {
    browser.confirm();
    let answer = browser.api("POST", "/me/totp", Value::Null);
    assert_eq!(answer.status, 200, "{}", answer.answer.text());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer.json()
}

fn enable(browser: &mut Browser, code: &str) -> Page {
    browser.api("POST", "/me/totp/enable", json!({ "code": code }))
}

fn app_of(set_up: &Value) -> Authenticator {
    Authenticator::of(set_up["secret"].as_str().unwrap())
}

#[test]
fn an_app_is_told_the_secret_in_three_ways() {
    let app = TestApp::start();
    let mut browser = app.verified(ANN);
    let told = start(&mut browser);
    let secret = told["secret"].as_str().unwrap();
    assert_eq!(secret.len(), 32, "160 bits in base32");
    let url = url::Url::parse(told["otpauth_url"].as_str().unwrap()).unwrap();
    assert_eq!((url.scheme(), url.host_str(), url.path()), ("otpauth", Some("totp"), "/Vestibule:ann%40example.com"));
    let query: std::collections::HashMap<_, _> = url.query_pairs().into_owned().collect();
    assert_eq!((query["secret"].as_str(), query["issuer"].as_str()), (secret, "Vestibule"));
    let qr = told["qr_svg"].as_str().unwrap();
    assert!(qr.starts_with("<svg ") && qr.ends_with("</svg>"), "{qr}");
    assert_eq!(mfa(&mut browser), json!({ "totp": false, "passkeys": 0, "recovery_codes_left": 0 }));
}

#[test]
fn a_set_up_asks_nobody_for_anything_until_a_right_code_has_enabled_it() {
    let app = TestApp::start();
    let mut browser = app.verified(ANN);
    let authenticator = app_of(&start(&mut browser));
    assert_eq!(app.log_in(ANN, PASSWORD).1.status, 200);
    let answer = enable(&mut browser, &wrong_code(&app, &authenticator));
    assert_eq!((answer.status, code(&answer).as_str()), (422, "validation"));
    assert!(answer.json::<Value>()["fields"]["code"].is_string());
    assert_eq!(app.log_in(ANN, PASSWORD).1.status, 200);

    let answer = enable(&mut browser, &authenticator.code(&app));
    assert_eq!((answer.status, codes_in(&answer.json()).len()), (200, 10));
    assert_eq!(mfa(&mut browser), json!({ "totp": true, "passkeys": 0, "recovery_codes_left": 10 }));
    half_in(&app);
}

#[test]
fn the_code_that_enabled_an_app_does_not_sign_in_as_well() {
    let app = TestApp::start();
    let mut browser = app.verified(ANN);
    let authenticator = app_of(&start(&mut browser));
    let first = authenticator.code(&app);
    assert_eq!(enable(&mut browser, &first).status, 200);
    assert_eq!(totp(&mut half_in(&app), &first).status, 401);
}

#[test]
fn beginning_anew_replaces_what_was_begun() {
    let app = TestApp::start();
    let mut browser = app.verified(ANN);
    let (first, second) = (app_of(&start(&mut browser)), app_of(&start(&mut browser)));
    assert_eq!(enable(&mut browser, &first.code(&app)).status, 422);
    assert_eq!(enable(&mut browser, &second.code(&app)).status, 200);
}

#[test]
fn a_set_up_waits_for_an_hour() {
    let app = TestApp::start();
    let mut browser = app.verified(ANN);
    let authenticator = app_of(&start(&mut browser));
    for _ in 0..3 {
        app.clock().advance(TimeDelta::minutes(20) - TimeDelta::seconds(1));
        assert!(is_in(&mut browser), "somebody who is there");
    }
    let in_time = authenticator.code(&app);
    app.clock().advance(TimeDelta::seconds(3));
    let answer = enable(&mut browser, &in_time);
    assert_eq!((answer.status, code(&answer).as_str()), (409, "conflict"));
    assert!(!mfa(&mut browser)["totp"].as_bool().unwrap());
}

#[test]
fn an_app_that_is_on_is_not_replaced_by_beginning_another() {
    let app = TestApp::start();
    let (mut browser, authenticator, _) = protected(&app);
    browser.confirm();
    assert_eq!(code(&browser.api("POST", "/me/totp", Value::Null)), "conflict");
    assert_eq!(code(&enable(&mut browser, &authenticator.code(&app))), "conflict");
    assert_eq!(totp(&mut half_in(&app), &authenticator.code(&app)).status, 200, "it still counts");
}

#[test]
fn whoever_guesses_the_first_code_has_to_wait() {
    let app = TestApp::start();
    let mut browser = app.verified(ANN);
    let authenticator = app_of(&start(&mut browser));
    for _ in 0..5 {
        assert_eq!(enable(&mut browser, &wrong_code(&app, &authenticator)).status, 422);
    }
    let answer = enable(&mut browser, &authenticator.code(&app));
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("30")));
    app.clock().advance(TimeDelta::seconds(30));
    assert_eq!(enable(&mut browser, &authenticator.code(&app)).status, 200);
}

#[test]
fn turning_an_app_on_or_off_gives_every_session_another_id_and_other_cookies() {
    let app = TestApp::start();
    let mut here = app.verified(ANN);
    let (mut there, _) = app.log_in(ANN, PASSWORD);
    let stolen = (here.clone(), there.clone());
    let id = |browser: &mut Browser| {
        let listed: Value = browser.api("GET", "/me/sessions", Value::Null).json();
        let current = listed["sessions"].as_array().unwrap().iter().find(|s| s["current"] == true).cloned();
        current.unwrap()["id"].as_str().unwrap().to_owned()
    };
    let before = (id(&mut here), id(&mut there));
    set_up(&app, &mut here);
    let on = (id(&mut here), id(&mut there));
    assert!(before.0 != on.0 && before.1 != on.1);
    assert_eq!([stolen.0, stolen.1].each_mut().map(is_in), [false, false], "the cookies of before are dead");

    let stolen = here.clone();
    here.confirm();
    assert_eq!(here.api("DELETE", "/me/totp", Value::Null).status, 204);
    let off = (id(&mut here), id(&mut there));
    assert!(off.0 != on.0 && off.1 != on.1);
    assert!(!is_in(&mut { stolen }));
}

#[test]
fn turning_an_app_off_takes_the_recovery_codes_along() {
    let app = TestApp::start();
    let (mut browser, ..) = protected(&app);
    browser.confirm();
    let answer = browser.api("DELETE", "/me/totp", Value::Null);
    assert_eq!((answer.status, answer.answer.text().as_str()), (204, ""));
    assert_eq!(mfa(&mut browser), json!({ "totp": false, "passkeys": 0, "recovery_codes_left": 0 }));
    assert_eq!(app.count("SELECT count(*) AS n FROM recovery_codes"), 0);
    assert_eq!(app.log_in(ANN, PASSWORD).1.status, 200);
    assert_eq!(code(&browser.api("DELETE", "/me/totp", Value::Null)), "not_found", "there is none any more");
}

#[test]
fn every_change_is_told_by_a_letter_with_when_where_and_what_to_do() {
    let app = TestApp::start();
    let (mut browser, ..) = protected(&app);
    browser.confirm();
    assert_eq!(browser.api("POST", "/me/recovery-codes", Value::Null).status, 200);
    let replaced = app.mail().to(ANN);
    assert_eq!(browser.api("DELETE", "/me/totp", Value::Null).status, 204);
    let told = [replaced, app.mail().to(ANN)];
    assert_eq!(told[0].subject(), "You have new recovery codes for Vestibule");
    assert_eq!(told[1].subject(), "Your authenticator app at Vestibule was turned off");
    for letter in told {
        for (kind, text) in [("text", letter.text()), ("html", letter.html())] {
            for part in ["15 January 2027, 08:00 UTC", "127.0.0.1", "Where: Linux", "forgot-password"] {
                assert!(text.contains(part), "{part} is missing in the {kind} of {}:\n{text}", letter.subject());
            }
        }
        assert!(letter.text().contains("Was this not you? Then somebody else has got into your account."));
    }
}

#[test]
fn a_stranger_whose_address_was_given_is_not_written_to() {
    let app = TestApp::start();
    let mut browser = app.unverified(ANN);
    set_up(&app, &mut browser);
    assert_eq!(app.count("SELECT count(*) AS n FROM mail_outbox WHERE letter = 'factor_changed'"), 0);
    assert_eq!(app.count("SELECT count(*) AS n FROM audit_events WHERE kind = 'totp.enabled'"), 1);
}

/// Somebody signs up with Ann's address and puts an app of theirs on the account, hoping that she will use it.
#[test]
fn who_proves_an_address_is_not_asked_for_a_strangers_code() {
    let app = TestApp::start();
    let mut stranger = app.unverified(ANN);
    set_up(&app, &mut stranger);
    let mut hers = app.browser();
    let link = app.mail().to(ANN).link();
    hers.get(&link);
    let page = hers.submit("/verify-email", &[("password", "nine patient otters")]);
    assert_eq!(page.status, 303, "{}", page.text());
    assert_eq!(app.log_in(ANN, "nine patient otters").1.status, 200);

    let mut stranger = app.unverified("bob@example.com");
    set_up(&app, &mut stranger);
    app.mail().to("bob@example.com");
    let mut his = app.browser();
    his.get("/forgot-password");
    his.submit("/forgot-password", &[("email", "bob@example.com")]);
    his.get(&app.mail().to("bob@example.com").link());
    his.submit("/reset-password", &[("new_password", "nine patient otters")]);
    assert_eq!(app.log_in("bob@example.com", "nine patient otters").1.status, 200);
}

#[test]
fn a_copy_of_the_database_holds_neither_secrets_nor_codes() {
    let app = TestApp::start();
    let mut browser = app.verified(ANN);
    let told = start(&mut browser);
    let authenticator = app_of(&told);
    let codes = codes_in(&enable(&mut browser, &authenticator.code(&app)).json());
    let secret = told["secret"].as_str().unwrap();
    let raw = totp_rs::Secret::try_from_base32(secret).unwrap();
    let as_hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let everything = ["totp_factors", "recovery_codes", "audit_events", "mail_outbox", "users", "sessions"]
        .map(|table| app.text(&format!("SELECT coalesce(string_agg({table}::text, ' '), '') AS t FROM {table}")))
        .join(" ")
        .to_lowercase();
    let sealed = app.text("SELECT sealed_secret::text AS t FROM totp_factors");
    assert!(everything.contains(&sealed), "the tables are looked at as a whole");
    assert!(!everything.contains(&as_hex(&raw)) && !everything.contains(&secret.to_lowercase()));
    for code in codes {
        let plain = code.replace('-', "");
        let unkeyed = vestibule::kernel::Digest::of(plain.as_bytes());
        for trace in [code.to_lowercase(), plain.to_lowercase(), as_hex(plain.as_bytes()), as_hex(unkeyed.as_bytes())] {
            assert!(!everything.contains(&trace), "{trace}");
        }
    }
    // Another person's row does not open with it.
    let mut eve = app.verified("eve@example.com");
    start(&mut eve);
    app.execute(
        "UPDATE totp_factors SET sealed_secret = (SELECT f.sealed_secret FROM totp_factors f JOIN users u ON u.id =
        f.user_id WHERE u.email LIKE 'ann@%') WHERE enabled_at IS NULL",
    );
    assert_eq!(enable(&mut eve, &authenticator.code(&app)).status, 500);
}

#[test]
fn new_recovery_codes_are_for_those_who_have_an_app() {
    let app = TestApp::start();
    let mut browser = app.verified(ANN);
    browser.confirm();
    assert_eq!(code(&browser.api("POST", "/me/recovery-codes", Value::Null)), "conflict");
}

/// The thief of a session who knows the password sets an app up and does not enable it. Its owner, who puts an end to
/// that and then wants an app, must not be led to enable one that the thief has too.
#[test]
fn a_secret_from_before_the_password_was_changed_is_not_offered_to_whoever_changed_it() {
    let app = TestApp::start();
    app.verified(ANN);
    let new = "saffron tunnel kite";
    for (way, password) in [("changed", PASSWORD), ("reset", new)] {
        let (mut ann, _) = app.log_in(ANN, password);
        let (mut thief, _) = app.log_in(ANN, password);
        for browser in [&mut thief, &mut ann] {
            assert_eq!(browser.api("POST", "/auth/confirm", json!({ "password": password })).status, 200);
        }
        let secret = thief.api("POST", "/me/totp", Value::Null).json::<Value>()["secret"].as_str().unwrap().to_owned();
        if way == "changed" {
            assert_eq!(ann.api("PUT", "/me/password", json!({ "new_password": new })).status, 200);
            app.mail().to(ANN);
        } else {
            ann.api("POST", "/auth/forgot-password", json!({ "email": ANN }));
            let body = json!({ "token": token_in(&app.mail().to(ANN).link()), "new_password": PASSWORD });
            assert_eq!(ann.api("POST", "/auth/reset-password", body).status, 204);
            (ann, _) = app.log_in(ANN, PASSWORD);
            ann.confirm();
        }
        let page = ann.get("/account/security/totp");
        assert!(page.status == 200 && !page.text().contains(&secret[..4]), "{way}: {}", page.text());
        let answer = enable(&mut ann, &Authenticator::of(&secret).code(&app));
        assert_eq!((answer.status, code(&answer).as_str()), (409, "conflict"), "{way}");
    }
}
