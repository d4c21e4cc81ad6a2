use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{
    ANEW, ANN, NEW, THIEF, address, ask, audited, change_from, letter, may_sign_in, me, prove, thief_of, undo,
    undo_and_choose,
};
use crate::support::authenticator::set_up;
use crate::support::passkey::register;
use crate::support::people::{PASSWORD, code, token_in};
use crate::support::{TestApp, eventually};

/// Sessions that last for as long as a story takes.
const LONG: &[(&str, &str)] = &[("session.absolute_timeout", "20d"), ("session.idle_timeout", "10d")];

#[test]
fn the_way_back_gives_the_account_to_its_owner_and_everybody_else_is_out() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    let mut thief = thief_of(&app, ANN);
    let token = change_from(&app, &mut thief, ANN, THIEF);
    prove(&app, &mut thief, THIEF);
    thief.confirm();
    assert_eq!(thief.api("PUT", "/me/password", json!({ "new_password": "saffron tunnel kite" })).status, 200);
    app.browser().api("POST", "/auth/forgot-password", json!({ "email": THIEF }));
    let reset = token_in(&letter(&app, THIEF, "Choose a new password").link());

    let answer = undo(&app, &token);
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    let told: Value = answer.json();
    assert_eq!(told["email"], ANN);
    assert_eq!(me(&mut thief).json::<Value>()["reason"], "email_restored");
    assert_eq!(me(&mut ann).status, 401, "all sessions, since nobody knows whose is whose");
    for email in [ANN, THIEF] {
        for password in [PASSWORD, "saffron tunnel kite"] {
            assert!(!may_sign_in(&app, email, password), "{email}: {password}");
        }
    }
    let body = json!({ "token": reset, "new_password": "granite pillow comet" });
    assert_eq!(app.browser().api("POST", "/auth/reset-password", body).status, 410, "the thief's link");

    let body = json!({ "token": told["reset_token"], "new_password": ANEW });
    assert_eq!(app.browser().api("POST", "/auth/reset-password", body).status, 204);
    let (mut ann, _) = app.log_in(ANN, ANEW);
    assert_eq!(address(&mut ann), (ANN.to_owned(), true));
    assert_eq!(audited(&app, "email.restored"), 1);
    let again = undo(&app, &token);
    assert_eq!((again.status, code(&again).as_str()), (410, "gone"), "it works once");
}

#[test]
fn its_owner_is_told_what_came_of_it() {
    let app = TestApp::start();
    app.verified(ANN);
    let token = change_from(&app, &mut thief_of(&app, ANN), ANN, THIEF);
    assert_eq!(undo(&app, &token).status, 200);
    let letter = app.mail().to(ANN);
    assert_eq!(letter.subject(), "Your address at Vestibule is back");
    assert!(letter.link().ends_with("/forgot-password"));
    for part in [letter.text(), letter.html()] {
        assert!(part.contains("none of it was set up lately") && !part.contains(THIEF), "{part}");
    }
    app.browser().api("POST", "/auth/forgot-password", json!({ "email": ANN }));
    let body = json!({ "token": token_in(&app.mail().to(ANN).link()), "new_password": ANEW });
    assert_eq!(app.browser().api("POST", "/auth/reset-password", body).status, 204, "a page closed too early");
}

#[test]
fn looking_uses_nothing_up_and_three_days_later_it_is_over() {
    let app = TestApp::start();
    app.verified(ANN);
    let token = change_from(&app, &mut thief_of(&app, ANN), ANN, THIEF);
    let link = format!("/undo-email?token={token}");
    app.clock().advance(TimeDelta::hours(72) - TimeDelta::seconds(1));
    for _ in 0..3 {
        let page = app.browser().get(&link);
        assert_eq!((page.status, page.header("referrer-policy")), (200, Some("no-referrer")));
    }
    app.clock().advance(TimeDelta::seconds(1));
    let page = app.browser().get(&link);
    assert_eq!((page.status, page.header("referrer-policy")), (410, Some("no-referrer")));
    assert!(page.has("It works once, for 3 days"), "{}", page.text());
    assert_eq!(undo(&app, &token).status, 410);
    for strange in ["", "short", &"A".repeat(43)] {
        assert_eq!(undo(&app, strange).status, 410);
        assert_eq!(app.browser().get(&format!("/undo-email?token={strange}")).status, 410);
    }
}

#[test]
fn the_oldest_way_back_counts_more_than_the_thiefs_later_changes() {
    let app = TestApp::start();
    app.verified(ANN);
    let mut thief = thief_of(&app, ANN);
    let owners = change_from(&app, &mut thief, ANN, THIEF);
    prove(&app, &mut thief, THIEF);
    let thiefs = change_from(&app, &mut thief, THIEF, "thief@two.example");
    prove(&app, &mut thief, "thief@two.example");
    change_from(&app, &mut thief, "thief@two.example", "thief@three.example");
    app.clock().advance(TimeDelta::hours(71));
    undo_and_choose(&app, &owners);
    assert_eq!(undo(&app, &thiefs).status, 410, "the thief's own way back leads nowhere");
    assert_eq!(app.count("SELECT count(*) AS n FROM email_undos"), 0);
    assert_eq!(address(&mut app.log_in(ANN, ANEW).0), (ANN.to_owned(), true));
}

/// Before its owner has read the letter, the thief may go back and forth as they like.
#[test]
fn a_thief_who_uses_a_way_back_of_their_own_does_not_spoil_the_owners() {
    let app = TestApp::start();
    app.verified(ANN);
    let mut thief = thief_of(&app, ANN);
    let owners = change_from(&app, &mut thief, ANN, THIEF);
    prove(&app, &mut thief, THIEF);
    let thiefs = change_from(&app, &mut thief, THIEF, "thief@two.example");
    undo_and_choose(&app, &thiefs);
    let (mut thief, _) = app.log_in(THIEF, ANEW);
    assert_eq!(thief.api("POST", "/auth/confirm", json!({ "password": ANEW })).status, 200);
    // Back to the owner's address and away again: it is not proved now, so nobody is told.
    assert_eq!(ask(&mut thief, ANN).status, 200);
    assert_eq!(ask(&mut thief, "thief@three.example").status, 200);
    undo_and_choose(&app, &owners);
    assert_eq!(me(&mut thief).status, 401);
    assert_eq!(address(&mut app.log_in(ANN, ANEW).0), (ANN.to_owned(), true));
}

#[test]
fn after_an_own_change_the_newer_address_can_be_had_back_too() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    let first = change_from(&app, &mut ann, ANN, NEW);
    prove(&app, &mut ann, NEW);
    let second = change_from(&app, &mut thief_of(&app, NEW), NEW, THIEF);
    undo_and_choose(&app, &second);
    assert_eq!(address(&mut app.log_in(NEW, ANEW).0), (NEW.to_owned(), true));
    assert_eq!(app.browser().get(&format!("/undo-email?token={first}")).status, 200, "the earlier one stays");
}

/// A thief who is patient makes a way of their own first.
#[test]
fn what_a_thief_has_added_to_sign_in_with_is_removed_and_told_of() {
    for before in [TimeDelta::hours(71), TimeDelta::zero()] {
        let app = TestApp::with(LONG);
        app.verified(ANN);
        let mut thief = thief_of(&app, ANN);
        set_up(&app, &mut thief);
        assert!(app.mail().to(ANN).subject().contains("authenticator app"));
        app.clock().advance(before);
        let token = change_from(&app, &mut thief, ANN, THIEF);
        undo_and_choose(&app, &token);
        let (mut ann, answer) = app.log_in(ANN, ANEW);
        assert_eq!(answer.status, 200, "no code of the thief's app is asked for");
        let mfa = me(&mut ann).json::<Value>()["mfa"].clone();
        assert_eq!((&mfa["totp"], &mfa["recovery_codes_left"]), (&json!(false), &json!(0)));
        let letter = letter(&app, ANN, "is back");
        assert!(letter.text().contains("the authenticator app, the recovery codes"), "{}", letter.text());
    }
}

#[test]
fn recovery_codes_that_a_thief_has_made_go_and_the_owners_app_stays() {
    let app = TestApp::with(LONG);
    let mut ann = app.verified(ANN);
    set_up(&app, &mut ann);
    assert!(app.mail().to(ANN).subject().contains("authenticator app"));
    app.clock().advance(TimeDelta::hours(73));
    ann.confirm();
    assert_eq!(ann.api("POST", "/me/recovery-codes", Value::Null).status, 200);
    assert!(app.mail().to(ANN).subject().contains("recovery codes"));
    let token = change_from(&app, &mut ann, ANN, THIEF);
    undo_and_choose(&app, &token);
    assert_eq!(code(&app.log_in(ANN, ANEW).1), "mfa_required");
    assert_eq!(app.count("SELECT count(*) AS n FROM recovery_codes"), 0);
}

#[test]
fn an_app_that_was_there_for_long_stays_and_is_asked_for() {
    let app = TestApp::with(LONG);
    let mut ann = app.verified(ANN);
    let (authenticator, _) = set_up(&app, &mut ann);
    assert!(app.mail().to(ANN).subject().contains("authenticator app"));
    app.clock().advance(TimeDelta::hours(73));
    let token = change_from(&app, &mut ann, ANN, THIEF);
    undo_and_choose(&app, &token);
    let (mut browser, answer) = app.log_in(ANN, ANEW);
    assert_eq!((answer.status, code(&answer).as_str()), (401, "mfa_required"));
    let code = authenticator.code(&app);
    assert_eq!(browser.api("POST", "/auth/login/totp", json!({ "code": code })).status, 200);
    assert_eq!(me(&mut browser).json::<Value>()["mfa"]["recovery_codes_left"], 10);
}

#[test]
fn a_thiefs_passkey_key_and_mailed_link_are_worth_nothing_afterwards() {
    let app = TestApp::with(LONG);
    app.verified(ANN);
    let mut thief = thief_of(&app, ANN);
    register(&app, &mut thief, "not Ann's");
    let made = thief.api("POST", "/me/api-keys", json!({ "name": "way in", "scopes": ["account:read"] }));
    assert_eq!(made.status, 201, "{}", made.text());
    let key = format!("Bearer {}", made.json::<Value>()["key"].as_str().unwrap());
    let token = change_from(&app, &mut thief, ANN, THIEF);
    prove(&app, &mut thief, THIEF);
    let mut asker = app.browser();
    assert_eq!(asker.api("POST", "/auth/magic-link", json!({ "email": THIEF })).status, 202);
    let link = token_in(&letter(&app, THIEF, "Sign in to").link());
    assert_eq!(me(&mut app.browser().with_header("Authorization", &key)).status, 200);

    undo_and_choose(&app, &token);
    assert!(letter(&app, ANN, "is back").text().contains("passkeys, the recovery codes"));
    assert_eq!(me(&mut app.browser().with_header("Authorization", &key)).status, 401);
    assert_eq!(asker.api("POST", "/auth/login/magic-link", json!({ "token": link })).status, 410);
    assert!(may_sign_in(&app, ANN, ANEW), "no passkey of the thief is asked for");
}

#[test]
fn whoever_does_without_a_password_goes_on_so_by_the_passkey_that_was_there_for_long() {
    let app = TestApp::with(LONG);
    let mut ann = app.verified(ANN);
    register(&app, &mut ann, "Ann's phone");
    app.clock().advance(TimeDelta::hours(73));
    let token = change_from(&app, &mut ann, ANN, THIEF);
    app.execute("UPDATE users SET password_hash = NULL");
    let told: Value = undo(&app, &token).json();
    assert_eq!((&told["email"], &told["reset_token"]), (&json!(ANN), &Value::Null));
    assert!(told["message"].as_str().unwrap().ends_with("Sign in with a passkey."), "{told}");
    assert_eq!(app.count("SELECT count(*) AS n FROM passkeys"), 1);
}

#[test]
fn a_disabled_account_has_no_way_back_until_it_is_enabled() {
    let app = TestApp::start();
    app.verified(ANN);
    let token = change_from(&app, &mut thief_of(&app, ANN), ANN, THIEF);
    app.execute("UPDATE users SET disabled_at = now()");
    assert_eq!(undo(&app, &token).status, 410);
    app.execute("UPDATE users SET disabled_at = NULL");
    assert_eq!(undo(&app, &token).status, 200);
}

#[test]
fn whoever_is_half_signed_in_is_out_as_well_and_strangers_failures_are_forgotten() {
    let app = TestApp::with(LONG);
    let mut ann = app.verified(ANN);
    let (authenticator, _) = set_up(&app, &mut ann);
    assert!(app.mail().to(ANN).subject().contains("authenticator app"));
    app.clock().advance(TimeDelta::hours(73));
    let token = change_from(&app, &mut ann, ANN, THIEF);
    let (mut half_in, answer) = app.log_in(THIEF, PASSWORD);
    assert_eq!(answer.status, 401);
    for _ in 0..5 {
        assert_eq!(app.log_in(ANN, "wrong").1.status, 401);
    }
    undo_and_choose(&app, &token);
    let body = json!({ "code": authenticator.code(&app) });
    assert_eq!(half_in.api("POST", "/auth/login/totp", body).status, 401);
    assert_eq!(code(&app.log_in(ANN, ANEW).1), "mfa_required", "and not to wait");
}

#[test]
fn only_the_digest_of_a_way_back_is_stored_and_addresses_are_forgotten_with_it() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    let token = change_from(&app, &mut ann, ANN, NEW);
    let everywhere = "SELECT count(*) AS n FROM email_undos u, mail_outbox m, audit_events a
        WHERE (u::text || m::text || a::text) LIKE '%TOKEN%'";
    assert_eq!(app.count(&everywhere.replace("TOKEN", &token)), 0);
    prove(&app, &mut ann, NEW);
    app.execute("UPDATE email_undos SET expires_at = created_at");
    let _starts_and_looks = app.again_with(&[]);
    let rows = "SELECT count(*) AS n FROM email_undos";
    eventually("the address to be forgotten", || (app.count(rows) == 0).then_some(()));
}
