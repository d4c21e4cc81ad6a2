//! What a provider answers when it was asked to sign somebody out.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use serde_json::json;
use url::Url;
use vestibule::sso::saml::logout::LogoutResponse;

use super::{Stage, is_in};
use crate::support::browser::Browser;
use crate::support::page::Page;

fn start() -> Stage {
    Stage::with(&json!({ "slo_url": "https://idp.test/slo" }), &[])
}

/// Signs out here. The ID of what the provider is asked.
fn depart(browser: &mut Browser) -> String {
    browser.get("/");
    let page = browser.submit("/logout", &[]);
    let xml = message(&page.link("Continue to idp.test").expect("a way to the provider"));
    assert!(xml.contains("LogoutRequest"), "{xml}");
    xml.split(" ID=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("an ID").to_owned()
}

fn message(url: &Url) -> String {
    let text = url.query_pairs().find(|(name, _)| name == "SAMLRequest").expect("a message").1.into_owned();
    let deflated = STANDARD.decode(text).expect("base64");
    let mut xml = String::new();
    flate2::read::DeflateDecoder::new(deflated.as_slice()).read_to_string(&mut xml).expect("deflated text");
    xml
}

/// Signed by the provider, in a redirect.
fn answered(stage: &Stage, browser: &mut Browser, to: &str) -> Page {
    let place = stage.app.public_url().join(&stage.path("logout")).unwrap();
    let answer = LogoutResponse {
        id: "_answer",
        issuer: &stage.idp.entity_id,
        destination: place.as_str(),
        in_response_to: to,
        issued_at: stage.app.clock().now(),
    };
    let url = answer.message().redirect(None, Some(&stage.idp.key.pkcs8_der())).expect("a signature");
    browser.get(&url)
}

#[test]
fn an_answer_is_one_to_what_we_have_asked_and_taken_once() {
    let stage = start();
    let mut ann = stage.ann();
    let asked = depart(&mut ann);
    assert!(!is_in(&mut ann));
    let strange = answered(&stage, &mut ann, "_0000000000000000000000000000000000000000");
    assert_eq!(strange.status, 403, "{}", strange.text());
    let page = answered(&stage, &mut ann, &asked);
    assert_eq!((page.status, page.location().unwrap().path()), (303, "/logged-out"), "{}", page.text());
    assert_eq!(answered(&stage, &mut ann, &asked).status, 403, "once more");
    assert_eq!(stage.app.count("SELECT count(*) AS n FROM saml_requests"), 0);
}

#[test]
fn what_was_asked_long_ago_or_for_something_else_is_not_answered_by_it() {
    let stage = start();
    let mut ann = stage.ann();
    let asked = depart(&mut ann);
    stage.app.clock().advance(TimeDelta::minutes(10));
    assert_eq!(answered(&stage, &mut ann, &asked).status, 403, "too late");
    let sent = stage.leave(&mut ann, "");
    assert_eq!(answered(&stage, &mut ann, &sent.request).status, 403, "that was to sign in");
    let page = stage.bring(&mut ann, &stage.draft(&sent), Some(&sent.relay_state));
    assert_eq!(page.status, 303, "and is still open");
    assert!(is_in(&mut ann));
}
