//! `/account/api-keys`, without a script.

use chrono::TimeDelta;
use serde_json::json;

use super::{ANN, ann, create, get, program};
use crate::support::TestApp;
use crate::support::page::Page;
use crate::support::people::PASSWORD;

const PLACE: &str = "/account/api-keys";

fn key_on(page: &Page) -> String {
    let text = page.text();
    let at = text.find("vst_").unwrap_or_else(|| panic!("no key in {text}"));
    text[at..].split(' ').next().unwrap().to_owned()
}

#[test]
fn somebody_makes_a_key_uses_it_and_revokes_it() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    ann.get("/");
    let page = ann.click("API keys");
    assert_eq!((page.status, page.has("You have no keys.")), (200, true), "{}", page.text());
    // Nothing that was typed is carried out before they have confirmed.
    let fields = [("name", "nightly backup"), ("lives", "30"), ("account_read", "yes")];
    let page = ann.submit(PLACE, &fields);
    assert_eq!(page.location().unwrap().path(), "/confirm");
    let page = ann.follow();
    assert!(page.has("change what your programs may do"), "{}", page.text());
    ann.submit("/confirm", &[("password", PASSWORD)]);
    let page = ann.follow();
    assert!(page.has("Nothing was changed yet."), "{}", page.text());
    let page = ann.submit(PLACE, &fields);
    assert_eq!((page.status, page.header("cache-control")), (200, Some("no-store")), "{}", page.text());
    let key = key_on(&page);
    assert!(page.has("It is shown only now.") && page.has("nightly backup"));
    assert_eq!(get(&mut program(&app, &key), "/me").status, 200);

    let page = ann.click("I have kept it");
    assert!(page.has("nightly backup") && page.has(&key[..8]) && !page.answer.text().contains(&key[8..]));
    assert!(page.has("for apps, and for looking at your account"), "{}", page.text());
    assert!(page.has("Good until 14 February 2027"), "{}", page.text());
    let page = ann.press("Revoke “nightly backup”", &[]);
    assert_eq!(page.location().unwrap().path(), PLACE);
    let page = ann.follow();
    assert!(page.has("That key is revoked.") && page.has("You have no keys."), "{}", page.text());
    assert_eq!(get(&mut program(&app, &key), "/me").status, 401);
    assert!(ann.get("/account/security").has("What your programs come in with."));
}

#[test]
fn a_form_with_something_wrong_in_it_comes_back_with_what_was_typed() {
    let app = TestApp::start();
    let mut ann = ann(&app);
    let page = ann.get(PLACE);
    let form = page.form(PLACE).unwrap();
    let token = form.fields.iter().find(|(name, _)| name == "csrf").unwrap().1.clone();
    let page = ann.post(PLACE, &[("csrf", &token), ("name", " "), ("lives", "4000")]);
    assert_eq!(page.status, 422);
    assert!(page.title().starts_with("Error: "), "{}", page.title());
    assert!(page.field_error("name").unwrap().contains("Give it a name."));
    assert!(page.field_error("gateway").unwrap().contains("Choose what the key may be used for."));
    assert!(page.field_error("lives").unwrap().contains("Choose how long"));
    let page = ann.post(PLACE, &[("csrf", &token), ("name", "kept"), ("lives", "365"), ("account_read", "yes")]);
    assert_eq!(page.status, 200);
    let page = ann.post(PLACE, &[("name", "kept"), ("lives", "365"), ("gateway", "yes")]);
    assert_eq!(page.status, 403, "without the token of our own form");
    assert_eq!(app.count("SELECT count(*) AS n FROM api_keys"), 1);
}

#[test]
fn what_somebody_calls_a_key_is_text_on_every_page() {
    let app = TestApp::start();
    let mut ann = ann(&app);
    ann.get(PLACE);
    let page = ann.submit(PLACE, &[("name", "<b>x</b>\"'&")]);
    assert!(page.has("<b>x</b>\"'&"), "{}", page.text());
    let page = ann.get(PLACE);
    assert!(page.has("<b>x</b>\"'&") && !page.answer.text().contains("<b>x"), "{}", page.text());
}

#[test]
fn somebody_unverified_is_told_what_to_do_first() {
    let app = TestApp::start();
    let mut browser = app.unverified("new@example.com");
    let page = browser.get(PLACE);
    assert!(page.has("Confirm your email address first") && page.form(PLACE).is_none(), "{}", page.text());
}

#[test]
fn a_key_that_has_run_out_is_shown_as_such_and_can_be_removed() {
    let app = TestApp::start();
    let mut browser = ann(&app);
    create(&mut browser, json!({ "name": "short", "expires_in": 60 }));
    app.clock().advance(TimeDelta::seconds(60));
    let page = browser.get(PLACE);
    assert!(page.has("short run out") && page.has("It ran out"), "{}", page.text());
    assert!(!page.has("Programs that use it are shut out"), "{}", page.text());
    browser.press("Remove “short”", &[]);
    assert!(browser.follow().has("You have no keys."));
}
