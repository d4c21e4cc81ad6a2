//! The same on the pages, without scripts.

use serde_json::Value;

use super::{ANN, half_in, is_in, protected};
use crate::support::TestApp;
use crate::support::authenticator::{Authenticator, wrong_code};
use crate::support::browser::Browser;
use crate::support::page::Page;
use crate::support::people::PASSWORD;
use crate::support::people::sign_in;

/// What stands between the tags, in order.
fn codes_on(page: &Page) -> Vec<String> {
    let text = page.answer.text();
    text.split("<li><code>").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned()).collect()
}

fn secret_on(page: &Page) -> String {
    let text = page.answer.text();
    let (_, after) = text.split_once("<code class=\"code\">").expect("the secret");
    after.split('<').next().unwrap().to_owned()
}

fn sets_up(app: &TestApp, browser: &mut Browser) -> (Authenticator, Vec<String>) {
    browser.get("/account/security/totp");
    assert_eq!(browser.press("Show me the code to scan", &[]).status, 303);
    let page = browser.follow();
    assert!(page.answer.text().contains("<svg xmlns="), "the QR code is in the page");
    let authenticator = Authenticator::of(&secret_on(&page));
    let page = browser.submit("/account/security/totp/enable", &[("code", &authenticator.code(app))]);
    assert_eq!(page.status, 200, "{}", page.text());
    (authenticator, codes_on(&page))
}

#[test]
fn an_app_is_set_up_used_and_turned_off_on_the_pages() {
    let app = TestApp::start();
    let mut browser = app.verified(ANN);
    browser.confirm();
    browser.get("/");
    let page = browser.click("How you prove that it is you");
    assert_eq!(page.title(), "Signing in to your account - Vestibule");
    assert!(page.has("Your password alone opens your account."));
    browser.click("Set up an app");
    let (authenticator, codes) = sets_up(&app, &mut browser);
    assert_eq!(codes.len(), 10);
    assert!(browser.get("/account/security").has("10 of 10 left"));

    app.clock().advance(chrono::TimeDelta::seconds(30));
    let mut elsewhere = app.browser();
    elsewhere.get("/login?return_to=%2Faccount%2Fsessions");
    let page = elsewhere.submit("/login", &[("email", ANN), ("password", PASSWORD)]);
    let location = page.location().unwrap();
    assert_eq!((location.path(), location.query()), ("/login/second-factor", Some("return_to=%2Faccount%2Fsessions")));
    let page = elsewhere.follow();
    assert_eq!(page.title(), "Enter your code - Vestibule");
    let text = page.answer.text();
    assert!(text.contains("inputmode=\"numeric\"") && text.contains("autocomplete=\"one-time-code\""), "{text}");
    let page = elsewhere.submit("/login/second-factor", &[("code", &wrong_code(&app, &authenticator))]);
    assert_eq!(page.status, 401);
    assert!(page.field_error("code").unwrap().contains("This code is not right."), "{}", page.text());
    let page = elsewhere.submit("/login/second-factor", &[("code", &authenticator.code(&app))]);
    assert_eq!((page.status, page.location().unwrap().path()), (303, "/account/sessions"));
    assert!(elsewhere.follow().has("your password and a code"));

    browser.confirm();
    browser.get("/account/security/totp");
    assert_eq!(browser.press("Turn it off", &[]).location().unwrap().path(), "/account/security");
    let page = browser.follow();
    assert!(
        page.has("The app is turned off") && page.has("Your password alone opens your account."),
        "{}",
        page.text()
    );
    assert!(is_in(&mut browser));
}

#[test]
fn who_has_no_phone_at_hand_uses_a_recovery_code_and_gets_where_they_were_going() {
    let app = TestApp::start();
    let (_, _, codes) = protected(&app);
    let mut browser = app.browser();
    browser.get("/login?return_to=http%3A%2F%2Flocalhost%3A9999%2Fx");
    browser.submit("/login", &[("email", ANN), ("password", PASSWORD)]);
    let page = browser.follow();
    assert!(page.has("One more step to localhost:9999."), "{}", page.text());
    let page = browser.click("Use a recovery code");
    assert!(page.has("One more step to localhost:9999."));
    let page = browser.submit("/login/second-factor", &[("code", "0000-0000-0000")]);
    assert_eq!((page.status, page.title().as_str()), (401, "Error: Enter a recovery code - Vestibule"));
    let page = browser.submit("/login/second-factor", &[("code", &codes[0])]);
    assert_eq!(page.status, 200);
    assert_eq!(page.link("Continue to localhost:9999").unwrap().as_str(), "http://localhost:9999/x");
}

#[test]
fn who_is_somebody_else_gets_back_to_the_first_step_and_forgets_nothing_but_who_they_were() {
    let app = TestApp::start();
    let (_, authenticator, _) = protected(&app);
    let mut browser = app.browser();
    browser.get("/login?return_to=%2Faccount%2Fsessions");
    browser.submit("/login", &[("email", ANN), ("password", PASSWORD)]);
    browser.follow();
    let mut copy = browser.clone();
    let page = browser.press("Use another account", &[]);
    let location = page.location().unwrap();
    assert_eq!((location.path(), location.query()), ("/login", Some("return_to=%2Faccount%2Fsessions")));
    assert!(browser.jar.find(app.public_url(), "vestibule_pending").is_none());
    assert!(browser.follow().has("Sign in"));
    let late = copy.submit("/login/second-factor", &[("code", &authenticator.code(&app))]);
    assert_eq!(late.location().unwrap().path(), "/login", "the first step is given up, not only its cookie");
    assert_eq!(copy.post("/login/second-factor/leave", &[]).status, 403, "only by a form of ours");

    app.verified("bob@example.com");
    let page = browser.submit("/login", &[("email", "bob@example.com"), ("password", PASSWORD)]);
    assert_eq!(page.location().unwrap().path(), "/account/sessions");
}

#[test]
fn the_second_step_leads_to_no_strangers_house() {
    let app = TestApp::start();
    let (_, authenticator, _) = protected(&app);
    let mut browser = half_in(&app);
    let page = browser.get("/login/second-factor?return_to=https%3A%2F%2Fevil.test%2F&with=%3Cscript%3E");
    assert!(!page.answer.text().contains("evil.test") && !page.answer.text().contains("<script>"));
    let form = page.form("/login/second-factor").unwrap();
    let csrf = form.fields.iter().find(|(name, _)| name == "csrf").unwrap().1.clone();
    let code = authenticator.code(&app);
    let fields = [("csrf", csrf.as_str()), ("code", &code), ("return_to", "https://evil.test/")];
    assert_eq!(browser.post("/login/second-factor", &fields).location().unwrap().path(), "/");
}

#[test]
fn whoever_comes_too_late_is_told_to_begin_again() {
    let app = TestApp::start();
    let (_, authenticator, _) = protected(&app);
    let mut browser = app.browser();
    browser.get("/login?return_to=%2Faccount%2Fsessions");
    browser.submit("/login", &[("email", ANN), ("password", PASSWORD)]);
    browser.follow();
    app.clock().advance(chrono::TimeDelta::minutes(11));
    let page = browser.submit("/login/second-factor", &[("code", &authenticator.code(&app))]);
    let location = page.location().unwrap();
    assert_eq!(location.query(), Some("done=again&return_to=%2Faccount%2Fsessions"));
    assert!(browser.follow().has("Begin again: the first step was too long ago"));
    assert_eq!(browser.get("/login/second-factor").location().unwrap().path(), "/login");
    assert_eq!(app.browser().get("/login/second-factor").location().unwrap().path(), "/login");
}

#[test]
fn a_wrong_first_code_keeps_the_picture() {
    let app = TestApp::start();
    let mut browser = app.verified(ANN);
    browser.confirm();
    browser.get("/account/security/totp");
    browser.press("Show me the code to scan", &[]);
    let secret = secret_on(&browser.follow());
    let wrong = wrong_code(&app, &Authenticator::of(&secret));
    let page = browser.submit("/account/security/totp/enable", &[("code", &wrong)]);
    assert_eq!((page.status, secret_on(&page)), (422, secret.clone()));
    assert!(page.field_error("code").unwrap().contains("This code is not right."));
    browser.press("Begin again", &[]);
    assert_ne!(secret_on(&browser.follow()), secret);
}

#[test]
fn recovery_codes_are_shown_once_to_be_printed_or_kept_as_a_file() {
    let app = TestApp::start();
    let (mut browser, ..) = protected(&app);
    browser.confirm();
    browser.get("/account/security");
    browser.get("/account/security/recovery-codes");
    let page = browser.press("Make new codes", &[]);
    assert_eq!((page.status, page.header("cache-control")), (200, Some("no-store")));
    let codes = codes_on(&page);
    assert_eq!(codes.len(), 10);
    let file = page.link("Download as text").unwrap();
    assert_eq!(file.scheme(), "data");
    for code in &codes {
        assert!(file.as_str().contains(code.as_str()), "{file}");
    }
    let again = browser.get("/account/security/recovery-codes");
    assert!(again.has("You have 10 left.") && codes.iter().all(|code| !again.answer.text().contains(code)));
}

#[test]
fn looking_at_the_pages_changes_nothing() {
    let app = TestApp::start();
    let mut browser = app.verified(ANN);
    browser.confirm();
    for path in ["/account/security", "/account/security/totp", "/account/security/recovery-codes"] {
        browser.get(path);
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM totp_factors"), 0);
    for path in ["/account/security/totp/enable", "/account/security/totp/disable"] {
        assert_eq!(browser.get(path).status, 405);
    }
    for path in ["totp", "totp/enable", "totp/disable", "recovery-codes"] {
        let page = browser.post(&format!("/account/security/{path}"), &[("code", "000000")]);
        assert_eq!(page.status, 403, "only a form of ours may do that: {path}");
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM totp_factors"), 0);
    assert_eq!(sign_in(&mut app.browser(), ANN, PASSWORD).status, 303);
    assert_eq!(browser.api("GET", "/me", Value::Null).status, 200);
}
