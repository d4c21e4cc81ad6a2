//! Whose account it is: second factors, addresses that nobody has proved, and what ends a link.

use chrono::TimeDelta;
use serde_json::{Value, json};
use vestibule::accounts::magic_link;
use vestibule::db;
use vestibule::kernel::Origin;

use super::{ANN, answered, ask, asked, by_code, by_link, events, letters, mailed, shown, who};
use crate::support::TestApp;
use crate::support::authenticator::set_up;
use crate::support::browser::Browser;
use crate::support::people::{PASSWORD, code, token_in};

const NEW: &str = "saffron tunnel kite";

#[test]
fn a_second_factor_is_still_asked_for() {
    let app = TestApp::start();
    let (authenticator, _) = set_up(&app, &mut app.verified(ANN));
    app.mail().to(ANN);
    for way in ["link", "code"] {
        let mut browser = asked(&app, ANN);
        let token = mailed(&app, ANN);
        let answer = match way {
            "link" => by_link(&mut browser, &token),
            _ => by_code(&mut browser, &shown(&app, &token)),
        };
        assert_eq!((answer.status, code(&answer).as_str()), (401, "mfa_required"), "{way}");
        assert_eq!(answer.json::<Value>()["methods"][0], "totp");
        assert_eq!(who(&mut browser), None, "half signed in opens nothing");
        assert_eq!(by_link(&mut browser, &token).status, 410, "and the link is used up");
        let right = authenticator.code(&app);
        assert_eq!(browser.api("POST", "/auth/login/totp", json!({ "code": right })).status, 200, "{way}");
        let sessions: Value = browser.api("GET", "/me/sessions", Value::Null).json();
        let current = sessions["sessions"].as_array().unwrap().iter().find(|session| session["current"] == true);
        assert_eq!(current.expect("this one")["methods"], json!(["magic_link", "totp"]));
        app.clock().advance(TimeDelta::seconds(30));
    }
}

#[test]
fn the_pages_ask_for_the_second_factor_and_remember_where_somebody_was_going() {
    let app = TestApp::start();
    let (authenticator, _) = set_up(&app, &mut app.verified(ANN));
    app.mail().to(ANN);
    let mut browser = app.browser();
    browser.get("/login?return_to=%2Faccount%2Fsessions");
    browser.press("Email me a link to sign in", &[("email", ANN), ("remember", "true")]);
    browser.get(&app.mail().to(ANN).link());
    browser.submit("/magic-link", &[]);
    let page = browser.follow();
    assert_eq!(page.url.path(), "/login/second-factor");
    browser.submit("/login/second-factor", &[("code", &authenticator.code(&app))]);
    assert_eq!(browser.follow().url.path(), "/account/sessions");
    assert_eq!(app.count("SELECT count(*) AS n FROM sessions WHERE remember"), 1);
}

/// The attacker signs up with the victim's address and waits; the victim asks for a link.
#[test]
fn a_link_proves_the_address_and_takes_everything_from_whoever_signed_up_before() {
    let app = TestApp::start();
    let mut attacker = app.unverified("victim@example.com");
    set_up(&app, &mut attacker);
    let planted = app.mail().to("victim@example.com").link();
    let mut victim = asked(&app, "victim@example.com");
    let answer = by_link(&mut victim, &mailed(&app, "victim@example.com"));
    assert_eq!(answer.status, 200, "no factor of theirs is asked for: {}", answer.answer.text());
    let user = &answer.json::<Value>()["user"];
    assert_eq!((&user["email_verified"], &user["name"]), (&json!(true), &json!("")));
    assert_eq!(user["mfa"]["totp"], json!(false));
    assert_eq!(who(&mut attacker), None, "their session has ended");
    assert_eq!(app.log_in("victim@example.com", PASSWORD).1.status, 401, "their password is gone");
    assert_eq!(attacker.get(&planted).status, 410, "the link of their sign-up is worth nothing");
    assert_eq!((events(&app, "email.verified"), events(&app, "password.removed")), (1, 1));
    assert_eq!(who(&mut victim).as_deref(), Some("victim@example.com"));
    // Their own password, whenever they want one.
    victim.api("POST", "/auth/forgot-password", json!({ "email": "victim@example.com" }));
    let token = token_in(&app.mail().to("victim@example.com").link());
    victim.api("POST", "/auth/reset-password", json!({ "token": token, "new_password": NEW }));
    assert_eq!(app.log_in("victim@example.com", NEW).1.status, 200);
}

#[test]
fn whoever_signed_up_in_the_same_browser_keeps_what_they_chose() {
    let app = TestApp::start();
    let mut browser = app.signed_up(ANN);
    let verification = app.mail().to(ANN).link();
    ask(&mut browser, ANN);
    let answer = by_link(&mut browser, &mailed(&app, ANN));
    let user = &answer.json::<Value>()["user"];
    assert_eq!((&user["email_verified"], &user["name"]), (&json!(true), &json!("Ann Lee")));
    assert_eq!(app.log_in(ANN, PASSWORD).1.status, 200);
    assert_eq!(app.browser().get(&verification).status, 410, "there is nothing left to prove");
}

/// The attacker signs up with the victim's address, and talks the victim into telling the code.
#[test]
fn a_code_takes_everything_from_whoever_signed_up_in_the_browser_where_it_is_entered() {
    let app = TestApp::start();
    let mut attacker = app.unverified("victim@example.com");
    app.mail().to("victim@example.com");
    set_up(&app, &mut attacker);
    ask(&mut attacker, "victim@example.com");
    let token = mailed(&app, "victim@example.com");
    assert_eq!(by_code(&mut attacker, &shown(&app, &token)).status, 200);
    assert_eq!(app.log_in("victim@example.com", PASSWORD).1.status, 401, "their password is gone");
    let person: Value = attacker.api("GET", "/me", Value::Null).json();
    assert_eq!((&person["name"], &person["mfa"]["totp"]), (&json!(""), &json!(false)));
    // Nothing of theirs is left once the victim chooses a password.
    app.browser().api("POST", "/auth/forgot-password", json!({ "email": "victim@example.com" }));
    let body = json!({ "token": token_in(&app.mail().to("victim@example.com").link()), "new_password": NEW });
    assert_eq!(app.browser().api("POST", "/auth/reset-password", body).status, 204);
    assert_eq!(who(&mut attacker), None);
    assert_eq!(app.log_in("victim@example.com", NEW).1.status, 200, "no factor of theirs is asked for");
}

#[test]
fn whoever_loses_a_password_by_proving_the_address_is_told_and_can_choose_one() {
    let app = TestApp::start();
    app.signed_up(ANN);
    app.mail().to(ANN);
    let mut desk = app.browser();
    desk.get("/login");
    desk.press("Email me a link to sign in", &[("email", ANN)]);
    desk.get(&app.mail().to(ANN).link());
    desk.submit("/magic-link", &[]);
    let page = desk.follow();
    assert!(page.has("The password from before is gone"), "{}", page.text());
    let page = desk.get("/account/password");
    assert_eq!(page.status, 303);
    assert!(desk.follow().has("Your account has no password. Choose one by a letter"), "{}", page.text());
}

#[test]
fn whoever_is_signed_in_to_the_account_keeps_what_they_chose() {
    let app = TestApp::start();
    let mut browser = app.unverified(ANN);
    app.mail().to(ANN);
    browser.jar.store(app.public_url(), "vestibule_signup=; Path=/; Max-Age=0");
    ask(&mut browser, ANN);
    let answer = by_link(&mut browser, &mailed(&app, ANN));
    assert_eq!(answer.json::<Value>()["user"]["name"], "Ann Lee", "{}", answer.answer.text());
    assert_eq!(app.log_in(ANN, PASSWORD).1.status, 200);
}

#[test]
fn a_disabled_account_gets_no_letter_and_its_links_are_worth_nothing() {
    let app = TestApp::start();
    app.verified(ANN);
    let mut browser = asked(&app, ANN);
    let token = mailed(&app, ANN);
    let code = shown(&app, &token);
    app.execute("UPDATE users SET disabled_at = now()");
    asked(&app, ANN);
    answered(&app);
    assert_eq!(letters(&app, "magic_link"), 1, "the one from before");
    assert_eq!(by_link(&mut browser, &token).status, 410);
    assert_eq!(by_code(&mut browser, &code).status, 401, "as for an address without an account");
    assert_eq!(app.browser().get(&format!("/magic-link?token={token}")).status, 410);
    app.execute("UPDATE users SET disabled_at = NULL");
    assert_eq!(by_link(&mut browser, &token).status, 200);
}

#[test]
fn a_link_is_for_the_address_that_it_was_sent_to() {
    let app = TestApp::start();
    app.verified(ANN);
    let mut browser = asked(&app, ANN);
    let token = mailed(&app, ANN);
    let code = shown(&app, &token);
    app.execute("UPDATE users SET email = 'new@example.com', email_key = 'new@example.com'");
    assert_eq!((by_link(&mut browser, &token).status, by_code(&mut browser, &code).status), (410, 401));
}

fn reset(app: &TestApp) {
    app.browser().api("POST", "/auth/forgot-password", json!({ "email": ANN }));
    let token = token_in(&app.mail().to(ANN).link());
    let body = json!({ "token": token, "new_password": NEW });
    assert_eq!(app.browser().api("POST", "/auth/reset-password", body).status, 204);
}

fn change(browser: &mut Browser) {
    browser.confirm();
    assert_eq!(browser.api("PUT", "/me/password", json!({ "new_password": NEW })).status, 200);
}

#[test]
fn a_new_password_ends_every_link_that_was_mailed() {
    for way in ["reset", "change"] {
        let app = TestApp::start();
        let mut ann = app.verified(ANN);
        let (mut desk, mut phone) = (asked(&app, ANN), asked(&app, ANN));
        let tokens = [mailed(&app, ANN), mailed(&app, ANN)];
        let codes = tokens.each_ref().map(|token| shown(&app, token));
        match way {
            "reset" => reset(&app),
            _ => change(&mut ann),
        }
        for browser in [&mut desk, &mut phone] {
            for token in &tokens {
                assert_eq!(by_link(browser, token).status, 410, "{way}");
            }
            for code in &codes {
                assert_eq!(by_code(browser, code).status, 410, "{way}");
            }
        }
    }
}

#[test]
fn a_sign_in_by_link_from_a_new_place_is_told_and_forgives_the_wrong_passwords_of_strangers() {
    let app = TestApp::start();
    app.verified(ANN);
    let mut stranger = app.browser().with_header("X-Forwarded-For", "198.51.100.7");
    for _ in 0..5 {
        let guess = json!({ "email": ANN, "password": "wrong" });
        assert_eq!(stranger.api("POST", "/auth/login", guess).status, 401);
    }
    assert_eq!(app.log_in(ANN, PASSWORD).1.status, 429);
    let mut elsewhere = app.browser().with_header("X-Forwarded-For", "203.0.113.9");
    ask(&mut elsewhere, ANN);
    assert_eq!(by_link(&mut elsewhere, &mailed(&app, ANN)).status, 200);
    assert!(app.mail().to(ANN).subject().starts_with("New sign-in to your account"));
    assert_eq!(app.log_in(ANN, PASSWORD).1.status, 200);
}

#[test]
fn signing_in_by_a_link_is_no_confirmation() {
    let app = TestApp::start();
    app.verified(ANN);
    let mut browser = asked(&app, ANN);
    by_link(&mut browser, &mailed(&app, ANN));
    let answer = browser.api("PUT", "/me/password", json!({ "new_password": NEW }));
    assert_eq!((answer.status, code(&answer).as_str()), (403, "reauth_required"));
}

#[test]
fn what_is_too_old_is_forgotten_and_nothing_else() {
    let app = TestApp::start();
    app.verified(ANN);
    asked(&app, ANN);
    asked(&app, "bob@example.com");
    let old = mailed(&app, ANN);
    app.clock().advance(TimeDelta::minutes(15));
    let mut browser = asked(&app, ANN);
    let origin = Origin::system("test");
    let forget = || {
        let forgotten = app.app.db.write::<_, db::Error, _>(&origin, magic_link::forget_old);
        actix_web::rt::System::new().block_on(forgotten).expect("a round")
    };
    assert_eq!([forget(), forget()], [2, 0]);
    assert_eq!(app.count("SELECT count(*) AS n FROM magic_links"), 1);
    let new = mailed(&app, ANN);
    assert_eq!([old, new].map(|token| by_link(&mut browser, &token).status), [410, 200]);
}
