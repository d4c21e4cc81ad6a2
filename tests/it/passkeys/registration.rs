//! A key is registered.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{ANN, holder, is_in, listed, mfa};
use crate::support::TestApp;
use crate::support::authenticator::{Authenticator, set_up};
use crate::support::passkey::{Passkey, bytes, finish, register, start};
use crate::support::people::{PASSWORD, code};

#[test]
fn a_key_is_asked_for_that_its_device_can_find_and_that_verifies_its_holder() {
    let app = TestApp::start();
    let mut browser = app.verified(ANN);
    let asked = start(&mut browser);
    assert_eq!(asked["ceremony"].as_str().unwrap().len(), 43);
    let options = &asked["publicKey"];
    let selection = &options["authenticatorSelection"];
    assert_eq!(
        (&selection["residentKey"], &selection["requireResidentKey"], &selection["userVerification"]),
        (&json!("required"), &json!(true), &json!("required"))
    );
    assert_eq!(options["rp"], json!({ "name": "Vestibule", "id": "localhost" }));
    assert_eq!(bytes(&options["challenge"]).len(), 32);
    assert_eq!((&options["user"]["name"], &options["user"]["displayName"]), (&json!(ANN), &json!("Ann Lee")));
    assert_eq!(bytes(&options["user"]["id"]).len(), 16, "an id, and nothing that says who it is");
    assert_eq!((&options["attestation"], &options["timeout"]), (&json!("none"), &json!(300_000)));
}

#[test]
fn the_first_key_brings_recovery_codes_and_from_then_on_the_password_alone_is_not_enough() {
    let app = TestApp::start();
    let (mut browser, _, said) = holder(&app);
    assert_eq!(said["recovery_codes"].as_array().unwrap().len(), 10);
    assert_eq!(mfa(&mut browser), json!({ "totp": false, "passkeys": 1, "recovery_codes_left": 10 }));
    let shown = listed(&mut browser);
    assert_eq!(shown, [said["passkey"].clone()]);
    let expected = json!({
        "id": shown[0]["id"],
        "name": "Ann's phone",
        "backed_up": false,
        "created_at": "2027-01-15T08:00:00Z",
        "last_used_at": null,
    });
    assert_eq!(shown[0], expected);
    let (mut elsewhere, answer) = app.log_in(ANN, PASSWORD);
    assert_eq!((answer.status, code(&answer).as_str()), (401, "mfa_required"));
    let by_code = json!({ "code": said["recovery_codes"][0] });
    assert_eq!(elsewhere.api("POST", "/auth/login/recovery-code", by_code).status, 200);
    assert_eq!(app.count("SELECT count(*) AS n FROM passkey_ceremonies"), 0);
    let audited = "SELECT count(*) AS n FROM audit_events WHERE kind = 'passkey.added' AND actor_id = subject_id";
    assert_eq!(app.count(audited), 1);
}

#[test]
fn a_further_factor_leaves_the_recovery_codes_as_they_are() {
    let app = TestApp::start();
    let (mut browser, _, said) = holder(&app);
    let (_, second) = register(&app, &mut browser, "Key on the ring");
    assert!(second["recovery_codes"].is_null());
    browser.confirm();
    let told: Value = browser.api("POST", "/me/totp", Value::Null).json();
    let phone = Authenticator::of(told["secret"].as_str().unwrap());
    let answer = browser.api("POST", "/me/totp/enable", json!({ "code": phone.code(&app) }));
    assert_eq!((answer.status, answer.json::<Value>()), (200, json!({ "recovery_codes": null })));
    assert_eq!(mfa(&mut browser), json!({ "totp": true, "passkeys": 2, "recovery_codes_left": 10 }));
    let (mut elsewhere, _) = app.log_in(ANN, PASSWORD);
    let by_code = json!({ "code": said["recovery_codes"][3] });
    assert_eq!(elsewhere.api("POST", "/auth/login/recovery-code", by_code).status, 200);

    let app = TestApp::start();
    let mut browser = app.verified(ANN);
    set_up(&app, &mut browser);
    assert!(register(&app, &mut browser, "A key").1["recovery_codes"].is_null());
}

#[test]
fn keys_that_somebody_has_are_not_asked_for_again() {
    let app = TestApp::start();
    let (mut browser, first, _) = holder(&app);
    let (second, _) = register(&app, &mut browser, "Another");
    let asked = start(&mut browser);
    let excluded = asked["publicKey"]["excludeCredentials"].as_array().unwrap().clone();
    let ids: BTreeSet<Vec<u8>> = excluded.iter().map(|excluded| bytes(&excluded["id"])).collect();
    assert_eq!(ids, BTreeSet::from([first.id.clone(), second.id]));
    let answer = finish(&mut browser, &asked, &mut { first }, "Once more");
    assert_eq!((answer.status, code(&answer).as_str()), (422, "validation"));
    assert_eq!(listed(&mut browser).len(), 2);
}

#[test]
fn a_key_that_is_kept_in_several_places_says_so() {
    let app = TestApp::start();
    let mut browser = app.verified(ANN);
    let mut passkey = Passkey::on(&app);
    passkey.is_backed_up = true;
    let asked = start(&mut browser);
    assert_eq!(finish(&mut browser, &asked, &mut passkey, "Synced").status, 200);
    assert_eq!(listed(&mut browser)[0]["backed_up"], json!(true));
}

#[test]
fn a_new_key_gives_every_session_another_id_and_other_cookies() {
    let app = TestApp::start();
    let mut here = app.verified(ANN);
    let (mut there, _) = app.log_in(ANN, PASSWORD);
    let stolen = (here.clone(), there.clone());
    register(&app, &mut here, "Ann's phone");
    assert!(is_in(&mut here) && is_in(&mut there));
    assert_eq!([stolen.0, stolen.1].each_mut().map(is_in), [false, false], "the cookies of before are dead");
    assert_eq!(app.count("SELECT count(*) AS n FROM gate_tokens"), 2, "the gate is open to both");
}

#[test]
fn the_letter_about_a_new_key_says_which_when_and_where() {
    let app = TestApp::start();
    let mut browser = app.verified(ANN);
    register(&app, &mut browser, "<b>Phone</b>");
    let letter = app.mail().to(ANN);
    for part in ["“<b>Phone</b>”", "15 January 2027, 08:00 UTC", "127.0.0.1", "Where: ", "/forgot-password"] {
        assert!(letter.text().contains(part), "{part} is missing in\n{}", letter.text());
    }
    assert!(letter.html().contains("&lt;b&gt;Phone&lt;&#x2f;b&gt;"), "{}", letter.html());
    assert!(letter.text().contains("Was this not you?"));
}

#[test]
fn a_stranger_whose_address_was_given_is_not_written_to() {
    let app = TestApp::start();
    register(&app, &mut app.unverified(ANN), "Not hers");
    assert_eq!(app.count("SELECT count(*) AS n FROM mail_outbox WHERE letter = 'factor_changed'"), 0);
}

/// Somebody signs up with Ann's address and puts a key of theirs on the account, hoping that she will use it.
#[test]
fn who_proves_an_address_gets_rid_of_a_strangers_key() {
    let app = TestApp::start();
    let mut stranger = app.unverified(ANN);
    register(&app, &mut stranger, "Not hers");
    start(&mut stranger);
    let mut hers = app.browser();
    hers.get(&app.mail().to(ANN).link());
    assert_eq!(hers.submit("/verify-email", &[("password", "nine patient otters")]).status, 303);
    assert_eq!(app.log_in(ANN, "nine patient otters").1.status, 200);
    assert_eq!(app.count("SELECT (SELECT count(*) FROM passkeys) + (SELECT count(*) FROM passkey_ceremonies) AS n"), 0);
}

#[test]
fn a_service_that_is_reached_by_an_address_has_no_passkeys() {
    let app = TestApp::with(&[("server.public_url", "http://127.0.0.1")]);
    let mut browser = app.verified(ANN);
    browser.confirm();
    let answer = browser.api("POST", "/me/passkeys/start", Value::Null);
    assert_eq!((answer.status, code(&answer).as_str()), (409, "conflict"));
    assert!(answer.json::<Value>()["error"].as_str().unwrap().contains("belong to a name"));
}
