//! The page that asks once more who one is, and the way back from it.

use chrono::TimeDelta;

use crate::gate::house::house;
use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::people::PASSWORD;

const ANN: &str = "ann@example.com";
const ANEW: &str = "nine patient otters";

/// Where a redirect leads, without the host.
fn led(browser: &mut Browser, path: &str) -> String {
    let page = browser.get(path);
    assert_eq!(page.status, 303, "{}", page.text());
    let url = page.location().unwrap();
    url[url::Position::BeforePath..].to_owned()
}

#[test]
fn on_the_way_to_a_dangerous_page_people_are_asked_and_get_there() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    assert_eq!(led(&mut ann, "/account/password?x=1"), "/confirm?return_to=%2Faccount%2Fpassword%3Fx%3D1");
    let page = ann.follow();
    assert_eq!((page.status, page.header("cache-control")), (200, Some("no-store")));
    assert!(page.has("To change your password, prove once more that it is you."), "{}", page.text());
    let html = page.answer.text();
    assert!(html.contains("autocomplete=\"current-password\""), "{html}");
    assert!(html.contains("value=\"ann@example.com\" autocomplete=\"username\""), "{html}");

    let page = ann.submit("/confirm", &[("password", "wrong")]);
    assert_eq!((page.status, page.field_error("password").as_deref()), (401, Some("The password is not right.")));
    assert!(page.title().starts_with("Error: ") && !page.answer.text().contains("\"wrong\""));
    let page = ann.submit("/confirm", &[("password", PASSWORD)]);
    assert_eq!(
        (page.status, page.location().unwrap().as_str()),
        (303, format!("{}account/password?x=1", app.public_url()).as_str())
    );
    assert!(ann.follow().has("Change your password"));
    assert_eq!(led(&mut ann, "/confirm?return_to=%2Faccount%2Fpassword"), "/account/password", "once is enough");
}

#[test]
fn too_many_wrong_ones_are_told_how_long_to_wait() {
    let app = TestApp::with(&[("limits.login_per_account", "1 per 15m")]);
    let mut ann = app.verified(ANN);
    ann.get("/confirm");
    ann.submit("/confirm", &[("password", "wrong")]);
    let page = ann.submit("/confirm", &[("password", PASSWORD)]);
    assert_eq!(page.status, 429);
    assert!(page.has("Too many attempts. Try again in 30 seconds."), "{}", page.text());
}

/// A form that was open for too long is neither sent later nor kept: there is a password in it.
#[test]
fn a_form_that_came_too_late_changes_nothing_and_is_shown_again_empty() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    ann.confirm();
    ann.get("/account/password");
    app.clock().advance(TimeDelta::minutes(5));
    let late = ann.submit("/account/password", &[("new_password", ANEW)]);
    assert_eq!(late.status, 303);
    let asked = late.location().unwrap();
    assert_eq!(&asked[url::Position::BeforePath..], "/confirm?return_to=%2Faccount%2Fpassword%3Fdone%3Dunsent");
    let page = ann.follow();
    assert!(!page.answer.text().contains(ANEW));
    ann.submit("/confirm", &[("password", PASSWORD)]);
    let page = ann.follow();
    assert!(page.has("Nothing was changed yet. Please send it again."), "{}", page.text());
    assert!(!page.answer.text().contains(ANEW));
    assert_eq!(app.log_in(ANN, ANEW).1.status, 401, "nothing was replayed");
    ann.submit("/account/password", &[("new_password", ANEW)]);
    assert_eq!(app.log_in(ANN, ANEW).1.status, 200);
}

#[test]
fn nobody_is_led_to_a_stranger() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    let strangers =
        ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "https:evil.example"];
    for to in strangers {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("return_to", to).finish();
        let page = ann.get(&format!("/confirm?{query}"));
        assert!(page.status == 200 && !page.answer.text().contains("evil"), "{to}");
        let page = ann.submit("/confirm", &[("password", PASSWORD), ("return_to", to)]);
        assert_eq!(page.location().unwrap().as_str(), app.public_url().as_str(), "{to}");
    }
}

#[test]
fn an_app_that_asks_for_it_is_named_and_gets_its_visitor_back() {
    let app = house();
    let mut ann = app.verified(ANN);
    let page = ann.get("/confirm?return_to=https%3A%2F%2Fapp.example.com%2Fx%3Fy%3D1");
    assert!(page.has("app.example.com asks you to prove it once more."), "{}", page.text());
    let page = ann.submit("/confirm", &[("password", PASSWORD)]);
    assert_eq!(page.link("Continue to app.example.com").unwrap().as_str(), "https://app.example.com/x?y=1");
    let again = ann.get("/confirm?return_to=https%3A%2F%2Fapp.example.com%2F");
    assert_eq!(again.status, 200, "how recent it has to be, the app decides");
}

#[test]
fn whoever_is_not_signed_in_does_that_first() {
    let app = TestApp::start();
    let page = app.browser().get("/confirm?return_to=%2Faccount%2Fpassword");
    assert_eq!((page.status, page.location().unwrap().path()), (303, "/login"));
}
