//! Confirming by the provider that it is them.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{Sent, Stage, said, sent};
use crate::support::browser::Browser;
use crate::support::page::Page;
use crate::support::people::code;

fn ask(browser: &mut Browser) -> Value {
    let answer = browser.api("PUT", "/me/password", json!({ "new_password": "weak" }));
    assert_eq!(code(&answer), "reauth_required");
    answer.json()
}

fn is_open(browser: &mut Browser) -> bool {
    browser.api("PUT", "/me/password", json!({ "new_password": "weak" })).status == 422
}

fn leave(browser: &mut Browser) -> Sent {
    let url = ask(browser)["sso_url"].as_str().expect("a way to confirm").to_owned();
    let page = browser.get(&url);
    assert_eq!(page.status, 302, "{}", page.text());
    sent(&page)
}

fn answer(stage: &Stage, browser: &mut Browser, change: impl FnOnce(&mut crate::support::idp::Draft)) -> Page {
    let sent = leave(browser);
    let mut draft = stage.draft(&sent);
    change(&mut draft);
    stage.bring(browser, &draft, Some(&sent.relay_state))
}

#[test]
fn whoever_came_by_a_provider_confirms_there_and_is_asked_again() {
    let stage = Stage::start();
    let mut ann = stage.ann();
    let instructions = ask(&mut ann);
    assert_eq!(instructions["methods"], json!(["sso"]));
    assert!(instructions["action"].as_str().unwrap().contains("sso_url"), "{instructions}");
    let standing: Value = ann.api("GET", "/auth/confirm", Value::Null).json();
    assert_eq!(standing["methods"], json!(["sso"]));
    assert!(standing["sso_url"].as_str().unwrap().contains(&stage.id));

    let page = ann.get("/account/password");
    assert_eq!(page.location().unwrap().path(), "/confirm");
    let page = ann.follow();
    assert!(page.has("Your organization signs you in"), "{}", page.text());
    let page = ann.click("Go to your organization’s sign-in");
    let asked = sent(&page);
    let request = page.location().unwrap();
    assert!(xml_of(&request).contains("ForceAuthn=\"true\""));
    let page = stage.bring(&mut ann, &stage.draft(&asked), Some(&asked.relay_state));
    assert_eq!((page.status, page.location().unwrap().path()), (303, "/account/password"), "{}", page.text());
    assert!(is_open(&mut ann));
    assert_eq!(
        stage
            .app
            .count("SELECT count(*) AS n FROM sessions s JOIN users u ON u.id = s.user_id WHERE u.email LIKE 'ann@%'"),
        1
    );
    let by = "SELECT details->>'method' AS t FROM audit_events WHERE kind = 'session.confirmed'";
    assert_eq!(stage.app.text(by), "sso");
}

#[test]
fn a_proof_from_before_or_of_somebody_else_confirms_nothing() {
    let stage = Stage::start();
    let mut ann = stage.ann();
    stage.app.clock().advance(TimeDelta::minutes(10));
    let old = stage.app.clock().now() - TimeDelta::minutes(4);
    let page = answer(&stage, &mut ann, |draft| draft.authn_instant = old);
    assert_eq!((page.status, stage.refused_for().as_str()), (403, "proved_again"), "{}", page.text());
    let page = answer(&stage, &mut ann, |draft| {
        draft.name_id = "eve".to_owned();
        draft.attributes = said("eve@corp.example", &[]);
    });
    assert_eq!((page.status, stage.refused_for().as_str()), (403, "same_person"));
    // Their name, and another's address.
    let page = answer(&stage, &mut ann, |draft| draft.name_id = "bea".to_owned());
    assert_eq!((page.status, stage.refused_for().as_str()), (403, "same_person"));
    assert!(!is_open(&mut ann));
    assert_eq!(answer(&stage, &mut ann, |_| {}).status, 303);
    assert!(is_open(&mut ann));
}

#[test]
fn another_browsers_answer_confirms_nothing_and_an_answer_to_sign_in_does_not_either() {
    let stage = Stage::start();
    let (mut ann, mut eve) = (stage.ann(), stage.ann());
    let asked = leave(&mut eve);
    let page = stage.bring(&mut ann, &stage.draft(&asked), Some(&asked.relay_state));
    assert_eq!(page.status, 403);
    assert!(!is_open(&mut ann) && !is_open(&mut eve));
    assert_eq!(stage.come(&mut ann, |_| {}).status, 303);
    assert!(!is_open(&mut ann), "signing in is no confirmation");
}

#[test]
fn a_session_that_ended_meanwhile_is_not_confirmed() {
    let stage = Stage::start();
    let mut ann = stage.ann();
    let asked = leave(&mut ann);
    stage.app.execute("DELETE FROM sessions");
    assert_ne!(stage.bring(&mut ann, &stage.draft(&asked), Some(&asked.relay_state)).status, 500);
    assert_eq!(stage.app.count("SELECT count(*) AS n FROM audit_events WHERE kind = 'session.confirmed'"), 0);
}

#[test]
fn a_confirmation_brings_the_end_forward_that_the_provider_wants_and_never_puts_it_off() {
    let stage = Stage::start();
    let mut ann = stage.ann();
    let ends_at = |ann: &mut Browser| {
        let listed: Value = ann.api("GET", "/me/sessions", Value::Null).json();
        listed["sessions"][0]["expires_at"].clone()
    };
    let usual = ends_at(&mut ann);
    assert_eq!(answer(&stage, &mut ann, |_| {}).status, 303);
    assert_eq!(ends_at(&mut ann), usual, "where it says nothing");
    let begun = stage.app.clock().now();
    let (sooner, later) = (begun + TimeDelta::minutes(50), begun + TimeDelta::hours(300));
    // A confirmation lasts for a while.
    stage.app.clock().advance(TimeDelta::minutes(20));
    assert_eq!(answer(&stage, &mut ann, |draft| draft.session_ends_at = Some(sooner)).status, 303);
    assert_eq!(ends_at(&mut ann), json!(sooner));
    assert_eq!(stage.app.count("SELECT count(*) AS n FROM provider_sessions WHERE ends_at IS NOT NULL"), 1);
    stage.app.clock().advance(TimeDelta::minutes(20));
    assert_eq!(answer(&stage, &mut ann, |draft| draft.session_ends_at = Some(later)).status, 303);
    assert_eq!(ends_at(&mut ann), json!(sooner), "it was said");
    stage.app.clock().advance(TimeDelta::minutes(11));
    assert!(!super::is_in(&mut ann));
}

#[test]
fn who_came_by_no_provider_cannot_confirm_by_one() {
    let stage = Stage::start();
    let mut owner = stage.owner.clone();
    let path = format!("{}?purpose=confirm", stage.path("login"));
    assert_eq!(owner.get(&path).status, 404);
    assert_eq!(stage.app.browser().get(&path).location().unwrap().path(), "/login");
}

fn xml_of(url: &url::Url) -> String {
    use base64::Engine as _;
    use std::io::Read as _;
    let text = url.query_pairs().find(|(name, _)| name == "SAMLRequest").unwrap().1.into_owned();
    let deflated = base64::engine::general_purpose::STANDARD.decode(text).unwrap();
    let mut xml = String::new();
    flate2::read::DeflateDecoder::new(deflated.as_slice()).read_to_string(&mut xml).unwrap();
    xml
}
