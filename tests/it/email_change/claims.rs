//! Whose an account is while its address is not proved, and whose an address is that was left.

use chrono::TimeDelta;
use serde_json::{Value, json};
use vestibule::accounts::change_email;
use vestibule::kernel::Origin;

use super::{ANEW, ANN, NEW, THIEF, address, ask, change, change_from, letters, me, prove, thief_of, undo_and_choose};
use crate::support::browser::Browser;
use crate::support::page::Page;
use crate::support::people::{PASSWORD, code, sign_in, token_in};
use crate::support::{TestApp, eventually};

const VICTIM: &str = "victim@example.org";

fn sign_up(app: &TestApp, email: &str, password: &str) -> Browser {
    let mut browser = app.browser();
    let answer = browser.api("POST", "/auth/signup", json!({ "email": email, "password": password }));
    assert_eq!(answer.status, 202);
    browser
}

fn follow(browser: &mut Browser, token: &str, password: Option<&str>) -> Page {
    browser.api("POST", "/auth/verify-email", json!({ "token": token, "password": password }))
}

/// Mallory gives their own account the address of somebody else, and waits for them to follow the letter.
#[test]
fn a_letter_that_was_not_asked_for_makes_nobody_the_holder_of_a_strangers_account() {
    let app = TestApp::start();
    let mut mallory = app.verified(THIEF);
    change_from(&app, &mut mallory, THIEF, VICTIM);
    let letter = app.mail().to(VICTIM);
    let token = token_in(&letter.link());
    for password in [None, Some(ANEW), Some(PASSWORD)] {
        let answer = follow(&mut app.browser(), &token, password);
        assert_eq!((answer.status, code(&answer).as_str()), (401, "unauthenticated"), "{password:?}");
    }
    let mut victim = app.browser();
    let page = victim.get(&letter.link());
    assert!(page.has("Sign in to confirm your address") && page.form("/verify-email").is_none(), "{}", page.text());
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(address(&mut mallory), (VICTIM.to_owned(), false));
}

#[test]
fn whoever_has_changed_it_signs_in_and_proves_it_on_another_device() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    change_from(&app, &mut ann, ANN, NEW);
    let mut phone = app.browser();
    phone.get(&app.mail().to(NEW).link());
    assert!(phone.click("Sign in").has("Sign in"));
    phone.submit("/login", &[("email", NEW), ("password", PASSWORD)]);
    phone.follow();
    assert_eq!(phone.submit("/verify-email", &[]).status, 303);
    assert!(phone.follow().has("Your address is confirmed."));
    assert_eq!(address(&mut ann), (NEW.to_owned(), true));
}

/// The account is Mallory's, whatever address they gave it: the victim gets one of their own.
#[test]
fn whoever_signs_up_with_an_address_that_another_account_has_taken_gets_an_own_account() {
    let app = TestApp::start();
    let mut mallory = app.verified(THIEF);
    let way_back = change_from(&app, &mut mallory, THIEF, VICTIM);
    let id: Value = me(&mut mallory).json();
    let planted = token_in(&app.mail().to(VICTIM).link());
    let mut victim = sign_up(&app, VICTIM, ANEW);
    let own = token_in(&app.mail().to(VICTIM).link());
    let answer = follow(&mut victim, &own, None);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let user = answer.json::<Value>()["user"].clone();
    assert_eq!((&user["email"], &user["email_verified"]), (&json!(VICTIM), &json!(true)));
    assert_ne!(user["id"], id["id"]);

    assert_eq!(address(&mut mallory), (THIEF.to_owned(), true), "they have what they had before");
    assert_eq!(follow(&mut mallory, &planted, None).status, 410);
    assert_eq!(super::undo(&app, &way_back).status, 410);
    assert_eq!(address(&mut app.log_in(VICTIM, ANEW).0), (VICTIM.to_owned(), true));
    assert_eq!(change(&mut mallory, VICTIM).status, 409);
}

#[test]
fn the_same_holds_for_whoever_follows_their_letter_in_another_browser() {
    let app = TestApp::start();
    let mut mallory = app.verified(THIEF);
    change_from(&app, &mut mallory, THIEF, VICTIM);
    app.mail().to(VICTIM);
    sign_up(&app, VICTIM, ANEW);
    let own = token_in(&app.mail().to(VICTIM).link());
    assert_eq!(follow(&mut app.browser(), &own, None).status, 422);
    let answer = follow(&mut app.browser(), &own, Some(ANEW));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(address(&mut mallory), (THIEF.to_owned(), true));
    assert_eq!(address(&mut app.log_in(VICTIM, ANEW).0), (VICTIM.to_owned(), true));
}

/// The thief signs up with the address that they gave to the stolen account: that gives it back.
#[test]
fn a_thief_cannot_get_rid_of_the_owners_way_back_by_signing_up() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    let mut thief = thief_of(&app, ANN);
    let owners = change_from(&app, &mut thief, ANN, THIEF);
    prove(&app, &mut thief, THIEF);
    change_from(&app, &mut thief, THIEF, "thief@two.example");
    app.mail().to("thief@two.example");
    let mut other = sign_up(&app, "thief@two.example", ANEW);
    let own = token_in(&app.mail().to("thief@two.example").link());
    assert_eq!(follow(&mut other, &own, None).status, 200);
    assert_eq!(address(&mut ann), (THIEF.to_owned(), true), "the last address that was proved");
    undo_and_choose(&app, &owners);
    assert_eq!(address(&mut app.log_in(ANN, ANEW).0), (ANN.to_owned(), true));
}

#[test]
fn no_letter_to_an_unproved_address_leads_to_a_new_password_while_there_is_a_way_back() {
    let app = TestApp::start();
    let mut thief = {
        app.verified(ANN);
        thief_of(&app, ANN)
    };
    change_from(&app, &mut thief, ANN, THIEF);
    let forgot = || {
        app.browser().api("POST", "/auth/forgot-password", json!({ "email": THIEF }));
        let waiting = "SELECT count(*) AS n FROM letter_requests";
        crate::support::eventually("the answer", || (app.count(waiting) == 0).then_some(()));
        letters(&app, "reset_password")
    };
    assert_eq!(forgot(), 0);
    prove(&app, &mut thief, THIEF);
    assert_eq!(forgot(), 1);
}

#[test]
fn an_address_that_can_be_had_back_is_nobody_elses() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    let mut bob = app.verified("bob@example.com");
    let token = change_from(&app, &mut ann, ANN, NEW);
    assert_eq!(change(&mut bob, ANN).status, 409);
    let accounts = "SELECT count(*) AS n FROM users";
    assert_eq!(app.count(accounts), 2);
    sign_up(&app, "Ann@example.com", ANEW);
    assert_eq!(app.count(accounts), 2);
    let letter = app.mail().to(ANN);
    assert_eq!(letter.subject(), "Your address cannot be used at Vestibule yet");
    assert!(letter.text().contains("For 3 days after the change") && !letter.text().contains(NEW));
    undo_and_choose(&app, &token);
    assert_eq!(address(&mut app.log_in(ANN, ANEW).0), (ANN.to_owned(), true));
}

#[test]
fn after_that_it_is_anybodys() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    change_from(&app, &mut ann, ANN, NEW);
    prove(&app, &mut ann, NEW);
    app.clock().advance(TimeDelta::hours(72));
    let mut other = app.signed_up(ANN);
    assert_eq!(app.follow_the_letter(&mut other, ANN).status, 303);
    assert_eq!(sign_in(&mut other, ANN, PASSWORD).status, 303);
    assert_eq!(address(&mut other), (ANN.to_owned(), true));
}

/// Ann has typed somebody else's address, and noticed nothing for longer than the letter to her own one holds.
#[test]
fn an_account_moved_by_a_slip_of_the_pen_does_not_fall_to_whoever_reads_the_letters() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    change_from(&app, &mut ann, ANN, NEW);
    let link = app.mail().to(NEW).link();
    app.clock().advance(TimeDelta::days(30));
    let forgotten =
        actix_web::rt::System::new().block_on(app.app.db.write(&Origin::system("test"), change_email::forget_expired));
    assert_eq!(forgotten.unwrap(), 0, "it is not settled yet");
    let mut stranger = app.browser();
    for path in ["/auth/magic-link", "/auth/forgot-password"] {
        assert_eq!(stranger.api("POST", path, json!({ "email": NEW })).status, 202);
    }
    eventually("the answers", || (app.count("SELECT count(*) AS n FROM letter_requests") == 0).then_some(()));
    assert_eq!((letters(&app, "magic_link"), letters(&app, "reset_password")), (0, 0));
    assert_ne!(follow(&mut stranger, &token_in(&link), Some(ANEW)).status, 200);
    assert_eq!(sign_in(&mut app.browser(), NEW, PASSWORD).status, 303, "Ann herself still gets in");

    let mut other = sign_up(&app, NEW, ANEW);
    let own = token_in(&app.mail().to(NEW).link());
    assert_eq!(follow(&mut other, &own, None).status, 200);
    assert_eq!(address(&mut app.log_in(ANN, PASSWORD).0), (ANN.to_owned(), true), "she has what she had before");
}

#[test]
fn its_own_account_may_go_back_to_it_without_the_letter() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    let token = change_from(&app, &mut ann, ANN, NEW);
    assert_eq!(ask(&mut ann, ANN).status, 200);
    assert_eq!(address(&mut ann), (ANN.to_owned(), false), "to be proved anew");
    prove(&app, &mut ann, ANN);
    assert_eq!(super::undo(&app, &token).status, 200, "the letter is as good as before");
}

/// The letter about a new place went to the address of then.
#[test]
fn an_older_letter_about_a_new_place_does_not_tell_the_new_address() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    let mut elsewhere = app.browser().with_header("X-Forwarded-For", "198.51.100.7");
    elsewhere.api("POST", "/auth/login", json!({ "email": ANN, "password": PASSWORD }));
    let letter = app.mail().to(ANN);
    assert!(letter.subject().starts_with("New sign-in"), "{}", letter.subject());
    change_from(&app, &mut ann, ANN, NEW);
    let mut reader = app.browser();
    reader.get(&letter.link());
    assert_eq!(reader.press("Sign that browser out", &[]).status, 303);
    let page = reader.follow();
    assert!(
        page.has("That browser is signed out") && page.has("Your account has another address now"),
        "{}",
        page.text()
    );
    assert!(!page.answer.text().contains(NEW) && page.form("/forgot-password").is_none());
    assert_eq!(me(&mut elsewhere).status, 401);
    assert_eq!(me(&mut ann).status, 200);
}
