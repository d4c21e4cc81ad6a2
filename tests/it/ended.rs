//! Sessions that ended: when they do, what the browser is told, and the way back.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::gate::house::{DOORS, Person, Question, house, house_with};
use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::page::Page;
use crate::support::people::{PASSWORD, code, sign_in};

const ANN: &str = "ann@example.com";
const PLACE: &str = "https://app.example.com/x?y=1";

fn log_in(app: &TestApp, remember: bool) -> Browser {
    let mut browser = app.browser();
    let body = json!({ "email": ANN, "password": PASSWORD, "remember": remember });
    assert_eq!(browser.api("POST", "/auth/login", body).status, 200);
    browser
}

fn me(browser: &mut Browser) -> Page {
    browser.api("GET", "/me", Value::Null)
}

/// What the sign-in page says beside the form, and what the API says.
fn told(browser: &mut Browser) -> (bool, Value) {
    let problem: Value = me(browser).json();
    (browser.get("/login").has("You were signed out"), problem["reason"].clone())
}

#[test]
fn both_ends_are_the_configured_ones_at_the_portal_and_at_the_gate_kept_signed_in_or_not() {
    let app = house_with(&[
        ("session.idle_timeout", "10m"),
        ("session.absolute_timeout", "1h"),
        ("session.remember_idle_timeout", "2h"),
        ("session.remember_timeout", "5h"),
    ]);
    app.verified(ANN);
    let second = TimeDelta::seconds(1);
    // How often somebody comes by, and when it is over all the same.
    let ends = [(false, TimeDelta::minutes(10), TimeDelta::hours(1)), (true, TimeDelta::hours(2), TimeDelta::hours(5))];
    for (remember, idle, absolute) in ends {
        for ask in [at_the_portal, at_the_gate] {
            let mut person = Person::who_is(log_in(&app, remember));
            app.clock().advance(idle - second);
            assert!(ask(&app, &mut person), "{remember}: it was not idle for long enough");
            app.clock().advance(idle);
            assert!(!ask(&app, &mut person), "{remember}: idle for too long");

            let mut person = Person::who_is(log_in(&app, remember));
            let (mut lived, step) = (TimeDelta::zero(), idle - second);
            while lived + step < absolute {
                app.clock().advance(step);
                lived += step;
                assert!(ask(&app, &mut person), "{remember}: {lived} of {absolute}");
            }
            app.clock().advance(absolute - lived - second);
            assert!(ask(&app, &mut person), "{remember}: the last second");
            app.clock().advance(second);
            assert!(!ask(&app, &mut person), "{remember}: {absolute} are over");
        }
    }
}

fn at_the_portal(_: &TestApp, person: &mut Person) -> bool {
    me(&mut person.browser).status == 200
}

fn at_the_gate(app: &TestApp, person: &mut Person) -> bool {
    let [one, others @ ..] = DOORS.map(|door| Question::about(door, PLACE).by(person).ask(app).status);
    assert_eq!(others, [one; 2]);
    one == 200
}

#[test]
fn whoever_was_away_for_too_long_is_told_for_how_long() {
    let app = TestApp::with(&[("session.idle_timeout", "45m"), ("session.remember_idle_timeout", "3d")]);
    app.verified(ANN);
    for (remember, time) in [(false, "45 minutes"), (true, "3 days")] {
        let mut browser = log_in(&app, remember);
        app.clock().advance(TimeDelta::days(3));
        let page = browser.get("/login");
        let sentence = format!("You were signed out because you had not been here for {time}.");
        assert!(page.has(&sentence), "{}", page.text());
        assert_eq!(me(&mut browser).json::<Value>()["reason"], "idle");
    }
}

#[test]
fn whoever_was_here_for_too_long_is_told_so() {
    let app = TestApp::with(&[("session.idle_timeout", "24h")]);
    app.verified(ANN);
    let mut browser = log_in(&app, false);
    app.clock().advance(TimeDelta::hours(23));
    assert_eq!(me(&mut browser).status, 200);
    app.clock().advance(TimeDelta::hours(1));
    let page = browser.get("/login");
    assert!(page.has("You were signed out because signing in is good for 24 hours at most."), "{}", page.text());
    let answer = me(&mut browser);
    assert_eq!(
        (code(&answer).as_str(), answer.json::<Value>()["reason"].as_str()),
        ("unauthenticated", Some("too_old"))
    );
}

#[test]
fn whoever_was_signed_out_from_elsewhere_is_told_what_to_do() {
    let app = TestApp::start();
    app.verified(ANN);
    let (mut here, mut there) = (log_in(&app, false), log_in(&app, true));
    here.api("DELETE", "/me/sessions", Value::Null);
    let page = there.get("/login");
    assert!(page.has("You were signed out on this device from somewhere else"), "{}", page.text());
    assert!(page.has("If it was not you, choose a new password"), "{}", page.text());
    assert_eq!(told(&mut there), (true, json!("signed_out_elsewhere")));
    assert_eq!(me(&mut here).status, 200);
}

#[test]
fn whoever_does_not_know_the_new_password_is_told_that_there_is_one() {
    let app = TestApp::start();
    app.verified(ANN);
    let mut browser = log_in(&app, false);
    let mut elsewhere = app.browser();
    elsewhere.api("POST", "/auth/forgot-password", json!({ "email": ANN }));
    let link = app.mail().to(ANN).link();
    let token = link.split("token=").nth(1).unwrap();
    let body = json!({ "token": token, "new_password": "nine patient otters" });
    assert_eq!(elsewhere.api("POST", "/auth/reset-password", body).status, 204);
    let page = browser.get("/login");
    assert!(page.has("You were signed out because the password of your account was changed."), "{}", page.text());
    assert_eq!(told(&mut browser), (true, json!("password_changed")));
}

#[test]
fn nobody_else_is_told_anything() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    let good = ann.jar.find(app.public_url(), "vestibule_session").unwrap().value.clone();
    let (signature, _token) = good.split_at(good.len() - 43);
    let copy = ann.clone();
    ann.api("POST", "/auth/logout", Value::Null);
    let forged = |value: &str| {
        let mut browser = app.browser();
        browser.jar.store(app.public_url(), &format!("vestibule_session={value}; Path=/"));
        browser
    };
    let forgeries = ["", "x", &"A".repeat(43), &format!("{signature}{}", "A".repeat(43))];
    for mut browser in forgeries.map(forged).into_iter().chain([app.browser(), copy]) {
        assert_eq!(told(&mut browser), (false, Value::Null));
    }
}

/// Ann pressed the button herself, or signed in once more: there is nothing to explain.
#[test]
fn whoever_signed_out_is_not_told_of_it_again() {
    let app = TestApp::start();
    app.verified(ANN);
    let mut browser = log_in(&app, false);
    let mut before = browser.clone();
    let body = json!({ "email": ANN, "password": PASSWORD });
    assert_eq!(browser.api("POST", "/auth/login", body).status, 200);
    assert_eq!(told(&mut before), (false, Value::Null));
}

#[test]
fn signing_in_again_leads_back_to_the_page_and_ends_the_telling() {
    let app = TestApp::start();
    app.verified(ANN);
    let mut browser = log_in(&app, false);
    app.clock().advance(TimeDelta::hours(1));
    let led = browser.get("/account/sessions");
    assert_eq!((led.status, led.location().unwrap().path()), (303, "/login"));
    let page = browser.follow();
    assert!(page.has("You were signed out because you had not been here for 30 minutes."), "{}", page.text());
    let wrong = browser.submit("/login", &[("email", ANN), ("password", "wrong")]);
    assert!(wrong.status == 401 && !wrong.has("You were signed out"), "{}", wrong.text());
    let back = browser.submit("/login", &[("email", ANN), ("password", PASSWORD)]);
    assert_eq!(back.location().unwrap().path(), "/account/sessions");
    assert_eq!(browser.follow().status, 200);
    assert_eq!(browser.api("POST", "/auth/logout", Value::Null).status, 204);
    assert!(!browser.get("/login").has("You were signed out"));
}

#[test]
fn a_form_sent_too_late_leads_back_to_its_page() {
    let app = TestApp::start();
    app.verified(ANN);
    let referer = |page: &str| app.public_url().join(page).unwrap().to_string();
    let pages = [
        (referer("/account/sessions?done=one"), Some("/account/sessions")),
        (referer("/"), None),
        (referer("/login?return_to=%2F"), None),
        ("https://evil.example/account".to_owned(), None),
        ("nonsense".to_owned(), None),
    ];
    for (page, back) in pages {
        let mut browser = log_in(&app, false).with_header("Referer", &page);
        app.clock().advance(TimeDelta::hours(1));
        let led = browser.post("/account/sessions/sign-out-others", &[]).location().unwrap();
        let return_to = led.query_pairs().find(|(name, _)| name == "return_to").map(|(_, value)| value.into_owned());
        assert_eq!((led.path(), return_to.as_deref()), ("/login", back), "{page}");
    }
}

#[test]
fn whoever_comes_from_an_app_is_told_at_the_portal_and_comes_back_to_the_app() {
    let app = house();
    let mut ann = Person::of_the_house(&app, ANN);
    app.clock().advance(TimeDelta::hours(1));
    let led = Question::about(DOORS[0], PLACE).by(&ann).in_a_browser().ask(&app);
    assert_eq!(led.status, 302);
    let page = ann.browser.get(led.header("location").unwrap());
    assert!(page.has("You were signed out because you had not been here for 30 minutes."), "{}", page.text());
    assert!(page.has("to continue to app.example.com"), "{}", page.text());
    let signed_in = ann.browser.submit("/login", &[("email", ANN), ("password", PASSWORD)]);
    assert_eq!(signed_in.link("Continue to app.example.com").unwrap().as_str(), PLACE);
    assert!(at_the_gate(&app, &mut ann));
}

#[test]
fn the_reason_is_known_for_as_long_as_it_is_kept_and_gone_with_the_person() {
    let app = TestApp::start();
    app.verified(ANN);
    let (mut here, mut there) = (log_in(&app, false), log_in(&app, false));
    here.api("DELETE", "/me/sessions", Value::Null);
    assert!(told(&mut there).0);
    app.execute("DELETE FROM users");
    assert_eq!(told(&mut there), (false, Value::Null));
    assert_eq!(sign_in(&mut there, ANN, PASSWORD).status, 401);
}
