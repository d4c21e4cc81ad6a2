//! There and back, as a browser goes.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::house::{House, is_in};
use crate::documentation;
use crate::support::browser::Browser;
use crate::support::page::Page;
use crate::support::samlify::Samlify;
use crate::support::simplesamlphp::SimpleSamlPhp;

#[test]
fn people_come_by_simplesamlphp_however_it_signs_and_encrypts() {
    let (mut provider, house) = with_simplesamlphp(&json!({}));
    for (response, assertion, encrypt) in [(true, true, false), (false, true, false), (true, false, true)] {
        provider.set("sign_response", json!(response));
        provider.set("sign_assertion", json!(assertion));
        provider.set("encrypt", json!(encrypt));
        let mut browser = house.app.browser();
        let page = come(&provider, &house, &mut browser, "?return_to=%2Faccount%2Fsessions");
        assert_eq!((page.status, page.location().unwrap().path()), (303, "/account/sessions"), "{}", page.text());
        let me: Value = browser.api("GET", "/me", Value::Null).json();
        let is = (&me["email"], &me["name"], &me["email_verified"], &me["organizations"][0]["role"]);
        assert_eq!(is, (&json!("ann@example.com"), &json!("Ann Lee"), &json!(true), &json!("member")));
    }
    assert_eq!(house.app.count("SELECT count(*) AS n FROM users WHERE email = 'ann@example.com'"), 1);
}

#[test]
fn simplesamlphp_as_the_documentation_sets_it_up_signs_people_in_and_out() {
    let shown = documentation::blocks(&documentation::read("docs/sso.md"), "php");
    let with = |word: &str| shown.iter().find(|block| block.contains(word)).unwrap().as_str();
    let provider = SimpleSamlPhp::start_as_packaged(
        ["enable.saml20-idp", "$config['people']", "'host'", "metadata.sources"].map(with),
    );
    let house = House::of(&provider.metadata(), &json!({}));
    provider.trust(&house.metadata());
    let mut browser = house.app.browser();
    assert_eq!(come(&provider, &house, &mut browser, "").status, 303, "{}", house.refused_for());
    let name = "SELECT name_id || ' ' || (name_id_format LIKE '%persistent')::text AS t FROM identities";
    assert_eq!(house.app.text(name), "ann true");
    super::signing_out::sign_out_at(&provider, &mut browser);
    assert!(!is_in(&mut browser));
}

#[test]
fn people_come_by_samlify_however_it_signs_and_encrypts() {
    let mut provider = Samlify::start();
    let house = House::of(&provider.metadata(), &json!({}));
    provider.trust(&house.metadata());
    for (response, assertion, encrypt) in [(true, true, false), (false, true, false), (true, false, true)] {
        provider.set("sign_response", json!(response));
        provider.set("sign_assertion", json!(assertion));
        provider.set("encrypt", json!(encrypt));
        let mut browser = house.app.browser();
        let page = come_by_samlify(&house, &mut browser);
        assert_eq!(page.status, 303, "{} {}", house.refused_for(), page.text());
        assert!(is_in(&mut browser));
    }
}

#[test]
fn what_the_provider_begins_is_taken_where_the_connection_says_so_and_only_there() {
    for (allowed, expected) in [(false, (403, "")), (true, (303, ""))] {
        let (provider, house) = with_simplesamlphp(&json!({ "allow_idp_initiated": allowed }));
        let mut browser = house.app.browser();
        let begin = format!("saml2/idp/SSOService.php?spentityid={}", house.url("metadata"));
        let page = browser.get(&provider.url(&begin));
        let page = provider.pass(&mut browser, page, "ann");
        let page = house.take(&mut browser, &page);
        assert_eq!((page.status, house.refused_for().as_str()), expected, "{}", page.text());
        assert_eq!(is_in(&mut browser), allowed);
    }
}

#[test]
fn a_provider_that_changes_its_key_is_believed_again_once_its_certificate_is_known() {
    let (mut provider, mut house) = with_simplesamlphp(&json!({}));
    let before = provider.metadata();
    provider.set("key", json!("second"));
    let mut browser = house.app.browser();
    assert_eq!(come(&provider, &house, &mut browser, "").status, 403);
    assert_eq!(house.refused_for(), "signature");
    house.change(json!({ "metadata_xml": provider.metadata() }));
    assert_eq!(come(&provider, &house, &mut browser, "").status, 303);
    // Both at once, while it changes back.
    let (old, new) = (certificate_in(&before), certificate_in(&provider.metadata()));
    assert_ne!(old, new);
    house.change(json!({ "certificates": [old, new] }));
    for key in ["first", "second"] {
        provider.set("key", json!(key));
        assert_eq!(come(&provider, &house, &mut house.app.browser(), "").status, 303, "{key}");
    }
}

#[test]
fn our_own_key_is_changed_without_anybody_being_kept_out() {
    let (mut provider, mut house) = with_simplesamlphp(&json!({}));
    provider.set("encrypt", json!(true));
    let place = format!("/orgs/acme/sso/{}/keys", house.id);
    house.owner.confirm();
    let added = house.owner.api("POST", &place, Value::Null);
    assert_eq!(added.status, 201, "{}", added.answer.text());
    let new = added.json::<Value>()["id"].as_str().unwrap().to_owned();
    let old = house.app.text("SELECT id::text AS t FROM connection_keys WHERE signs");
    assert_eq!(come(&provider, &house, &mut house.app.browser(), "").status, 303, "the provider knows the old one");
    provider.trust(&house.metadata());
    assert_eq!(come(&provider, &house, &mut house.app.browser(), "").status, 303, "it knows both");
    assert_eq!(house.owner.api("POST", &format!("{place}/{new}/activate"), Value::Null).status, 204);
    assert_eq!(come(&provider, &house, &mut house.app.browser(), "").status, 303, "the new one signs");
    assert_eq!(house.owner.api("DELETE", &format!("{place}/{old}"), Value::Null).status, 204);
    provider.trust(&house.metadata());
    assert_eq!(come(&provider, &house, &mut house.app.browser(), "").status, 303, "the old one is gone");
}

#[test]
fn clocks_may_differ_by_a_few_minutes_and_no_more() {
    let (provider, house) = with_simplesamlphp(&json!({}));
    // Ours is ahead of the provider's, and it gives an assertion five minutes.
    for (ahead, expected) in [(-2, 303), (2, 303), (7, 303), (9, 403), (-4, 403)] {
        house.app.clock().advance(TimeDelta::minutes(ahead));
        let page = come(&provider, &house, &mut house.app.browser(), "");
        assert_eq!(page.status, expected, "{ahead}: {} {}", house.refused_for(), page.text());
        house.app.clock().advance(TimeDelta::minutes(-ahead));
    }
}

#[test]
fn whoever_confirms_that_it_is_them_is_asked_again_by_the_provider() {
    let (provider, house) = with_simplesamlphp(&json!({}));
    let mut browser = house.app.browser();
    assert_eq!(come(&provider, &house, &mut browser, "").status, 303);
    house.app.clock().advance(TimeDelta::minutes(20));
    let page = browser.get("/account/security/totp");
    assert_eq!((page.status, page.location().unwrap().path()), (303, "/confirm"));
    house.app.clock().advance(super::now() - house.app.clock().now());
    let page = browser.get(&format!("{}?purpose=confirm&return_to=%2Faccount%2Fsecurity%2Ftotp", house.path("login")));
    let mut page = page;
    while matches!(page.status, 301..=308) {
        page = browser.follow();
    }
    assert!(page.has("Username"), "it does not ask again: {}", page.text());
    let page = provider.pass(&mut browser, page, "ann");
    let page = house.take(&mut browser, &page);
    assert_eq!((page.status, page.location().unwrap().path()), (303, "/account/security/totp"), "{}", page.text());
    assert_eq!(browser.follow().status, 200);
}

pub fn with_simplesamlphp(wish: &Value) -> (SimpleSamlPhp, House) {
    let provider = SimpleSamlPhp::start();
    let house = House::of(&provider.metadata(), wish);
    provider.trust(&house.metadata());
    (provider, house)
}

/// There and back as Ann; what we say at last.
pub fn come(provider: &SimpleSamlPhp, house: &House, browser: &mut Browser, query: &str) -> Page {
    let page = browser.get(&format!("{}{query}", house.path("login")));
    let page = provider.pass(browser, page, "ann");
    house.take(browser, &page)
}

pub fn come_by_samlify(house: &House, browser: &mut Browser) -> Page {
    assert_eq!(browser.get(&house.path("login")).status, 302);
    let page = browser.follow();
    house.take(browser, &page)
}

/// The first certificate of metadata, in base64.
fn certificate_in(metadata: &str) -> String {
    let (_, rest) = metadata.split_once("X509Certificate>").unwrap();
    rest.split('<').next().unwrap().to_owned()
}
