//! The same on the pages. The script of a browser is played by the tests here; a real one is in `tests/browser`.

use serde_json::{Value, json};

use super::{ANN, holder, is_in, listed, mfa};
use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::page::Page;
use crate::support::passkey::{Passkey, register, start};
use crate::support::people::PASSWORD;

const LIST: &str = "/account/security/passkeys";

/// What the script fills in, and sends.
fn add(browser: &mut Browser, asked: &Value, passkey: &mut Passkey, name: &str) -> Page {
    browser.get(LIST);
    let credential = passkey.create(&asked["publicKey"]).to_string();
    let ceremony = asked["ceremony"].as_str().unwrap();
    browser.submit(LIST, &[("name", name), ("ceremony", ceremony), ("credential", &credential)])
}

fn path_of(said: &Value) -> String {
    format!("{LIST}/{}", said["passkey"]["id"].as_str().unwrap())
}

#[test]
fn the_first_key_is_added_on_the_page_which_then_shows_the_recovery_codes() {
    let app = TestApp::start();
    let mut browser = app.verified(ANN);
    let page = browser.get("/account/security");
    assert!(page.has("With a passkey or an authenticator app, whoever learns the password still stays out."));
    let page = browser.click("Add a passkey");
    assert!(page.has("You have no passkey yet.") && page.has("This browser cannot make passkeys"), "without scripts");
    let name = page.form(LIST).unwrap().fields.into_iter().find(|(name, _)| name == "name").unwrap().1;
    assert_eq!(name, "Linux");
    let asked = start(&mut browser);
    let page = add(&mut browser, &asked, &mut Passkey::on(&app), &name);
    assert_eq!((page.status, page.header("cache-control")), (200, Some("no-store")));
    assert_eq!(page.title(), "Your recovery codes - Vestibule");
    assert_eq!(page.answer.text().matches("<li><code>").count(), 10);
    assert!(page.has("The passkey is added."));
    let page = browser.get(LIST);
    assert!(page.has("Linux") && page.has("Not used yet") && page.has("on one device"), "{}", page.text());

    let asked = start(&mut browser);
    let page = add(&mut browser, &asked, &mut Passkey::on(&app), "Key <ring>");
    assert_eq!(page.location().unwrap().path(), "/account/security", "no codes beside those there are");
    assert!(browser.follow().has("The passkey is added."));
    assert!(browser.get(LIST).has("Key <ring>"));
}

#[test]
fn what_is_wrong_with_a_new_key_stands_on_the_page() {
    let app = TestApp::start();
    let mut browser = app.verified(ANN);
    let asked = start(&mut browser);
    let page = add(&mut browser, &asked, &mut Passkey::on(&app), "  ");
    assert_eq!((page.status, page.title().as_str()), (422, "Error: Your passkeys - Vestibule"));
    // Not seen as long as no script shows the form.
    assert!(page.answer.text().contains("<span>Give it a name.</span>"), "{}", page.answer.text());
    let mut phished = Passkey::on(&app).at("https://evil.example");
    let page = add(&mut browser, &asked, &mut phished, "Phished");
    assert_eq!(page.status, 422);
    assert!(page.has("This passkey was not accepted."), "{}", page.text());
    let page = add(&mut browser, &asked, &mut Passkey::on(&app), "Again");
    assert_eq!(page.status, 409);
    assert!(page.has("begin again"), "{}", page.text());
    let page = browser.submit(LIST, &[("name", "Nothing")]);
    assert_eq!(page.status, 409, "as a browser without scripts would send it");
    assert_eq!(listed(&mut browser), Vec::<Value>::new());
}

#[test]
fn a_key_is_renamed_and_removed_on_its_page() {
    let app = TestApp::start();
    let (mut browser, _, said) = holder(&app);
    let here = path_of(&said);
    let page = browser.get(LIST).link("Change").unwrap();
    assert_eq!(page.path(), here);
    browser.get(&here);
    let page = browser.submit(&format!("{here}/name"), &[("name", &"x".repeat(65))]);
    assert_eq!((page.status, page.title().as_str()), (422, "Error: Change a passkey - Vestibule"));
    assert!(page.field_error("name").unwrap().contains("64 characters"));
    assert_eq!(browser.submit(&format!("{here}/name"), &[("name", "Old phone")]).status, 303);
    assert!(browser.follow().has("The passkey has another name now."));

    app.clock().advance(chrono::TimeDelta::minutes(6));
    let page = browser.get(&here);
    assert!(page.has("Then your password alone opens your account"), "{}", page.text());
    let page = browser.press("Remove this passkey", &[]);
    let way = page.location().unwrap();
    assert_eq!(
        (way.path(), way.query()),
        ("/confirm", Some("return_to=%2Faccount%2Fsecurity%2Fpasskeys%3Fdone%3Dunsent"))
    );
    browser.follow();
    browser.submit("/confirm", &[("password", PASSWORD)]);
    assert!(browser.follow().has("Nothing was changed yet."));
    let stolen = browser.clone();
    browser.get(&here);
    browser.press("Remove this passkey", &[]);
    let page = browser.follow();
    assert!(page.has("The passkey is removed.") && page.has("You have no passkey yet."), "{}", page.text());
    assert!(is_in(&mut browser) && !is_in(&mut { stolen }));
    assert_eq!(mfa(&mut browser)["recovery_codes_left"], json!(0));
    assert_eq!(browser.get(&here).status, 404);
}

#[test]
fn another_persons_key_has_no_page() {
    let app = TestApp::start();
    let (_, _, said) = holder(&app);
    let mut bob = app.verified("bob@example.com");
    bob.confirm();
    let here = path_of(&said);
    assert_eq!(bob.get(&here).status, 404);
    let page = bob.get(LIST);
    let csrf = page.form(LIST).unwrap().fields.into_iter().find(|(name, _)| name == "csrf").unwrap().1;
    for what in ["name", "remove"] {
        let fields = [("csrf", csrf.as_str()), ("name", "Mine")];
        assert_eq!(bob.post(&format!("{here}/{what}"), &fields).status, 404, "{what}");
    }
    assert!(!page.has("Ann's phone"));
    assert_eq!(app.text("SELECT name AS t FROM passkeys"), "Ann's phone");
}

#[test]
fn only_a_form_of_ours_changes_anything() {
    let app = TestApp::start();
    let (mut browser, _, said) = holder(&app);
    let here = path_of(&said);
    browser.confirm();
    for path in [LIST, &format!("{here}/name"), &format!("{here}/remove")] {
        let fields = [("name", "Mine"), ("ceremony", ""), ("credential", "")];
        assert_eq!(browser.post(path, &fields).status, 403, "{path}");
    }
    for path in [format!("{here}/name"), format!("{here}/remove")] {
        assert_eq!(browser.get(&path).status, 405, "{path}");
    }
    assert_eq!(listed(&mut browser)[0]["name"], json!("Ann's phone"));
}

#[test]
fn the_page_of_the_app_says_that_keys_stay_when_it_is_turned_off() {
    let app = TestApp::start();
    let (mut browser, ..) = holder(&app);
    crate::support::authenticator::set_up(&app, &mut browser);
    browser.confirm();
    let page = browser.get("/account/security/totp");
    assert!(page.has("Your passkeys and recovery codes stay as they are."), "{}", page.text());
    register(&app, &mut browser, "Another");
    let page = browser.get("/account/security");
    assert!(page.has("Passkeys 2") && page.has("10 of 10 left"), "{}", page.text());
}

#[test]
fn programs_that_keep_passkeys_find_the_way() {
    let app = TestApp::start();
    let answer = app.browser().api("GET", "/.well-known/passkey-endpoints", Value::Null);
    let page = app.public_url().join(LIST).unwrap();
    assert_eq!((answer.status, answer.json::<Value>()), (200, json!({ "enroll": page, "manage": page })));
    assert_eq!(answer.header("content-type"), Some("application/json"));

    let app = TestApp::with(&[("server.public_url", "http://127.0.0.1")]);
    assert_eq!(app.browser().get("/.well-known/passkey-endpoints").status, 404);
    let mut browser = app.verified(ANN);
    let page = browser.get(LIST);
    assert!(page.has("There can be no passkeys here") && page.form(LIST).is_none(), "{}", page.text());
}
