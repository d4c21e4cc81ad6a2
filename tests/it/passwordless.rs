//! Doing without a password.

use std::thread;

use chrono::TimeDelta;
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use serde_json::{Value, json};
use vestibule::accounts::mfa_reset::reset_mfa;
use vestibule::accounts::roster;
use vestibule::kernel::{EmailAddress, Origin};

use crate::support::browser::Browser;
use crate::support::page::Page;
use crate::support::passkey::{Passkey, register};
use crate::support::people::{PASSWORD, code};
use crate::support::{TestApp, eventually};

const ANN: &str = "ann@example.com";
const ANEW: &str = "nine patient otters";

/// Signed in and fresh, with a passkey; the letter about it is read.
fn keeper(app: &TestApp) -> (Browser, Passkey, String) {
    let mut ann = app.verified(ANN);
    let (passkey, added) = register(app, &mut ann, "Phone");
    app.mail().to(ANN);
    (ann, passkey, added["passkey"]["id"].as_str().unwrap().to_owned())
}

/// The same without a password.
fn without(app: &TestApp) -> (Browser, Passkey, String) {
    let (mut ann, passkey, id) = keeper(app);
    assert_eq!(remove(&mut ann).status, 204);
    app.mail().to(ANN);
    (ann, passkey, id)
}

fn remove(browser: &mut Browser) -> Page {
    browser.api("DELETE", "/me/password", Value::Null)
}

fn remove_passkey(browser: &mut Browser, id: &str) -> Page {
    browser.api("DELETE", &format!("/me/passkeys/{id}"), Value::Null)
}

fn prove(browser: &mut Browser, at: &str, passkey: &mut Passkey) -> Page {
    let asked: Value = browser.api("POST", &format!("{at}/start"), Value::Null).json();
    let credential = passkey.get(&asked["publicKey"]);
    browser.api("POST", &format!("{at}/finish"), json!({ "ceremony": asked["ceremony"], "credential": credential }))
}

fn is_in(browser: &mut Browser) -> bool {
    browser.api("GET", "/me", Value::Null).status == 200
}

fn has_password(app: &TestApp) -> bool {
    app.count("SELECT count(*) AS n FROM users WHERE password_hash IS NOT NULL") == 1
}

#[test]
fn whoever_has_a_passkey_may_remove_the_password_and_gets_in_without() {
    let app = TestApp::start();
    let (mut ann, mut passkey, _) = keeper(&app);
    let mut elsewhere = app.browser();
    assert_eq!(prove(&mut elsewhere, "/auth/login/passkey", &mut passkey).status, 200);
    let stolen = (ann.clone(), elsewhere.clone());
    assert_eq!(remove(&mut ann).status, 204);
    assert!(is_in(&mut ann) && is_in(&mut elsewhere), "under other ids");
    assert_eq!([stolen.0, stolen.1].each_mut().map(is_in), [false, false], "the cookies of before are dead");
    assert!(!has_password(&app));

    let letter = app.mail().to(ANN);
    assert_eq!(letter.subject(), "Your password for Vestibule was removed");
    for part in ["From now on you sign in with a passkey", "127.0.0.1", "/account/security", "Was this not you?"] {
        assert!(letter.text().contains(part), "{part} is missing:\n{}", letter.text());
    }
    assert!(!letter.text().contains("/forgot-password"), "that is of no use:\n{}", letter.text());
    assert_eq!(app.count("SELECT count(*) AS n FROM audit_events WHERE kind = 'password.removed'"), 1);

    let mut browser = app.browser();
    assert_eq!(prove(&mut browser, "/auth/login/passkey", &mut passkey).status, 200);
    let again = remove(&mut ann);
    assert_eq!((again.status, code(&again).as_str()), (404, "not_found"));
}

#[test]
fn a_stranger_learns_nothing_of_it() {
    let app = TestApp::start();
    without(&app);
    let [theirs, unknown] = [ANN, "nobody@example.com"].map(|email| app.log_in(email, PASSWORD).1);
    let said = |page: &Page| {
        let problem: Value = page.json();
        (page.status, problem["code"].clone(), problem["error"].clone())
    };
    assert_eq!(said(&theirs), said(&unknown));
    assert_eq!(theirs.status, 401);
    let forgot = |email: &str| app.browser().api("POST", "/auth/forgot-password", json!({ "email": email }));
    let [theirs, unknown] = [ANN, "nobody@example.com"].map(forgot);
    assert_eq!((theirs.status, theirs.json::<Value>()), (unknown.status, unknown.json::<Value>()));
}

#[test]
fn whoever_asks_for_a_new_password_is_told_how_they_sign_in_instead() {
    let app = TestApp::start();
    let (mut ann, ..) = keeper(&app);
    app.browser().api("POST", "/auth/forgot-password", json!({ "email": ANN }));
    let before = crate::support::people::token_in(&app.mail().to(ANN).link());
    assert_eq!(remove(&mut ann).status, 204);
    app.mail().to(ANN);
    let body = json!({ "token": before, "new_password": ANEW });
    let late = app.browser().api("POST", "/auth/reset-password", body);
    assert_eq!((late.status, code(&late).as_str()), (410, "gone"), "a link from before leads nowhere");

    app.browser().api("POST", "/auth/forgot-password", json!({ "email": ANN }));
    let letter = app.mail().to(ANN);
    assert_eq!(letter.subject(), "You sign in to Vestibule with a passkey");
    for part in ["Your account has no password", "/login", "recovery codes", "Nothing was changed", "127.0.0.1"] {
        assert!(letter.text().contains(part), "{part} is missing:\n{}", letter.text());
    }
    assert!(!letter.text().contains("token="), "{}", letter.text());
    assert_eq!(app.count("SELECT count(*) AS n FROM password_resets"), 0);
}

#[test]
fn they_confirm_with_the_passkey_and_with_no_password() {
    let app = TestApp::start();
    let (mut ann, mut passkey, _) = without(&app);
    app.clock().advance(TimeDelta::minutes(5));
    let state: Value = ann.api("GET", "/auth/confirm", Value::Null).json();
    assert_eq!(state["methods"], json!(["passkey"]));
    let refusal: Value = ann.api("PUT", "/me/password", json!({ "new_password": ANEW })).json();
    assert_eq!(refusal["action"], "POST /auth/confirm with your passkey");
    let page = ann.api("POST", "/auth/confirm", json!({ "password": PASSWORD }));
    assert_eq!((page.status, code(&page).as_str()), (422, "validation"));

    assert_eq!(prove(&mut ann, "/auth/confirm/passkey", &mut passkey).status, 200);
    assert_eq!(ann.api("PUT", "/me/password", json!({ "new_password": ANEW })).status, 200, "and choose one again");
    assert_eq!(app.mail().to(ANN).subject(), "Your password for Vestibule was changed");
    assert_eq!(code(&app.log_in(ANN, PASSWORD).1), "invalid_credentials", "the earlier one is not back");
    assert_eq!(code(&app.log_in(ANN, ANEW).1), "mfa_required");
}

#[test]
fn the_last_passkey_stays_until_there_is_a_password_again() {
    let app = TestApp::start();
    let (mut ann, _, first) = keeper(&app);
    let (_, second) = register(&app, &mut ann, "Stick");
    let second = second["passkey"]["id"].as_str().unwrap().to_owned();
    assert_eq!(remove(&mut ann).status, 204);
    assert_eq!(remove_passkey(&mut ann, &second).status, 204);
    let refusal = remove_passkey(&mut ann, &first);
    assert_eq!((refusal.status, code(&refusal).as_str()), (409, "conflict"));
    assert!(refusal.json::<Value>()["error"].as_str().unwrap().contains("nothing else would let you in"));
    let page = ann.get(&format!("/account/security/passkeys/{first}"));
    assert!(page.has("so nothing else would let you in.") && !page.has("Remove this passkey"), "{}", page.text());
    assert_eq!(remove_passkey(&mut ann, &second).status, 404);
    assert_eq!(ann.api("PUT", "/me/password", json!({ "new_password": ANEW })).status, 200);
    assert_eq!(remove_passkey(&mut ann, &first).status, 204);
}

#[test]
fn it_takes_a_passkey_a_proved_address_and_a_confirmation() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    ann.confirm();
    let page = remove(&mut ann);
    assert_eq!((page.status, code(&page).as_str()), (409, "conflict"));
    register(&app, &mut ann, "Phone");
    app.clock().advance(TimeDelta::minutes(5));
    assert_eq!(code(&remove(&mut ann)), "reauth_required");
    let mut bob = app.unverified("bob@example.com");
    register(&app, &mut bob, "Phone");
    assert_eq!(code(&remove(&mut bob)), "email_unverified");
    assert_eq!(app.count("SELECT count(*) AS n FROM users WHERE password_hash IS NOT NULL"), 2);
}

#[test]
fn who_had_given_the_password_when_it_was_removed_begins_again() {
    let app = TestApp::start();
    let (mut ann, mut passkey, _) = keeper(&app);
    let (mut half, _) = app.log_in(ANN, PASSWORD);
    assert_eq!(remove(&mut ann).status, 204);
    assert_eq!(half.api("POST", "/auth/login/passkey/start", Value::Null).status, 401);
    assert_eq!(prove(&mut app.browser(), "/auth/login/passkey", &mut passkey).status, 200);
}

/// Of the password and the only passkey, one stays.
#[test]
fn whoever_removes_both_at_once_keeps_one() {
    let app = TestApp::start();
    for turn in 0..4 {
        let email = format!("ann{turn}@example.com");
        let mut ann = app.verified(&email);
        let (_, added) = register(&app, &mut ann, "Phone");
        let id = added["passkey"]["id"].as_str().unwrap().to_owned();
        // Both as they are let in, before either has changed the session's id.
        let mut locker = PgConnection::establish(app.database_url()).unwrap();
        locker.batch_execute("BEGIN; SELECT 1 FROM users FOR UPDATE").unwrap();
        let (mut one, mut other) = (ann.clone(), ann.clone());
        thread::scope(|scope| {
            let first = scope.spawn(|| remove(&mut one).status);
            let second = scope.spawn(|| remove_passkey(&mut other, &id).status);
            let waiting = "SELECT count(*) AS n FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock'";
            eventually("both to wait", || (app.count(waiting) == 2).then_some(()));
            locker.batch_execute("COMMIT").unwrap();
            let statuses = [first.join().unwrap(), second.join().unwrap()];
            assert_eq!(statuses.iter().filter(|status| **status == 204).count(), 1, "{statuses:?}");
        });
        let ways = format!(
            "SELECT (SELECT count(*) FROM passkeys p WHERE p.user_id = u.id) + (password_hash IS NOT NULL)::int AS n
             FROM users u WHERE email = '{email}'"
        );
        assert_eq!(app.count(&ways), 1);
    }
}

#[test]
fn whoever_is_signed_out_meanwhile_removes_nothing() {
    let app = TestApp::start();
    let (mut ann, ..) = keeper(&app);
    let mut locker = PgConnection::establish(app.database_url()).unwrap();
    locker.batch_execute("BEGIN; SELECT 1 FROM users FOR UPDATE").unwrap();
    let status = thread::scope(|scope| {
        let answer = scope.spawn(|| remove(&mut ann).status);
        let waiting = "SELECT count(*) AS n FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        eventually("the change to wait", || (app.count(waiting) == 1).then_some(()));
        locker.batch_execute("DELETE FROM sessions; COMMIT").unwrap();
        answer.join().unwrap()
    });
    assert_eq!(status, 401);
    assert!(has_password(&app));
}

#[test]
fn who_has_lost_every_passkey_is_helped_by_the_operator_and_then_by_a_letter() {
    let app = TestApp::start();
    without(&app);
    let (sealer, email) = (app.app.sealer.clone(), EmailAddress::parse(ANN).unwrap());
    let operator = Origin::system("test");
    let work = app.app.db.write(&operator, move |tx| {
        let user = roster::find_holder(tx, &email)?.expect("an account");
        reset_mfa(tx, &sealer, user)
    });
    actix_web::rt::System::new().block_on(work).unwrap();
    app.mail().to(ANN);
    app.browser().api("POST", "/auth/forgot-password", json!({ "email": ANN }));
    let token = crate::support::people::token_in(&app.mail().to(ANN).link());
    let body = json!({ "token": token, "new_password": ANEW });
    assert_eq!(app.browser().api("POST", "/auth/reset-password", body).status, 204);
    assert_eq!(app.log_in(ANN, ANEW).1.status, 200);
}

#[test]
fn the_pages_say_what_it_means_and_how_things_stand() {
    let app = TestApp::start();
    let (mut ann, mut passkey, _) = keeper(&app);
    ann.get("/account/password");
    let page = ann.click("Do without a password");
    assert!(page.has("Then you sign in with your passkey") && page.has("add a second"), "{}", page.text());
    let page = ann.press("Remove my password", &[]);
    assert_eq!((page.status, page.location().unwrap().query()), (303, Some("done=password-removed")));
    let page = ann.follow();
    assert!(page.has("Your password is removed.") && page.has("None opens your account."), "{}", page.text());
    let page = ann.click("Choose");
    assert_eq!(page.title(), "Choose a password - Vestibule");
    assert!(page.link("Do without a password").is_none());
    assert_eq!(ann.get("/account/password/remove").location().unwrap().path(), "/account/security");
    app.clock().advance(TimeDelta::minutes(5));
    let page = ann.get("/confirm?return_to=%2Faccount%2Fpassword");
    assert!(page.form("/confirm").is_none(), "nothing is typed:\n{}", page.text());
    assert_eq!(prove(&mut ann, "/auth/confirm/passkey", &mut passkey).status, 200);
    ann.get("/account/password");
    assert_eq!(ann.submit("/account/password", &[("new_password", ANEW)]).status, 303);
    assert!(has_password(&app));
}

#[test]
fn one_page_says_how_somebody_gets_in_and_what_to_do_next() {
    let app = TestApp::start();
    app.signed_up("eve@example.com");
    let page = app.log_in("eve@example.com", PASSWORD).0.get("/account/security");
    let waiting = ["Your address is not confirmed yet.", "not confirmed", "Your password alone opens your account."];
    assert!(waiting.iter().all(|words| page.has(words)), "{}", page.text());
    assert!(!page.has("You are written to whenever something here changes."), "not before the address is theirs");

    let (mut browser, _, _) = without(&app);
    let page = browser.get("/account/security");
    assert!(page.has("one passkey is all you can confirm with") && !page.has("not confirmed"), "{}", page.text());
    let key = json!({ "name": "backup" });
    assert_eq!(browser.api("POST", "/me/api-keys", key).status, 201);
    let page = browser.get("/account/security");
    assert!(page.has("A mailed link is a way in as well, with a second step after it."), "{}", page.text());
    assert!(page.text().contains("API keys 1"), "{}", page.text());
}
