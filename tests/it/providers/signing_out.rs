//! Signing out, there and here.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::house::{House, is_in};
use super::signing_in::{come, come_by_samlify, with_simplesamlphp};
use crate::support::browser::Browser;
use crate::support::page::Page;
use crate::support::samlify::Samlify;
use crate::support::simplesamlphp::SimpleSamlPhp;

#[test]
fn whoever_signs_out_at_simplesamlphp_is_signed_out_here() {
    let (provider, house) = with_simplesamlphp(&json!({}));
    let [mut here, mut elsewhere] = [house.app.browser(), house.app.browser()];
    for browser in [&mut here, &mut elsewhere] {
        assert_eq!(come(&provider, &house, browser, "").status, 303);
    }
    let page = sign_out_at(&provider, &mut here);
    assert_eq!(page.url.port(), provider_port(&provider), "back at the provider: {}", page.text());
    let told: Value = here.api("GET", "/me", Value::Null).json();
    assert_eq!(told["reason"], "by_provider");
    assert!(here.get("/login").has("by your organization’s identity provider"));
    assert!(is_in(&mut elsewhere), "it was another session at the provider");
    assert!(begin(&provider, &house, &mut here).has("Username"), "the provider has signed them out");
}

#[test]
fn whoever_signs_out_here_is_signed_out_at_simplesamlphp_and_comes_back() {
    let (provider, house) = with_simplesamlphp(&json!({}));
    let mut browser = house.app.browser();
    assert_eq!(come(&provider, &house, &mut browser, "").status, 303);
    assert!(begin(&provider, &house, &mut browser).form_with("SAMLResponse").is_some(), "the provider knows them");
    browser.get("/");
    let page = browser.submit("/logout", &[]);
    assert!(!is_in(&mut browser), "nobody waits for the provider");
    assert!(page.has("You are signed out here"), "{}", page.text());
    let mut page = browser.click("Continue to 127.0.0.1");
    while matches!(page.status, 301..=308) {
        page = browser.follow();
    }
    assert_eq!((page.status, page.url.path(), page.url.query()), (200, "/logged-out", None), "{}", page.text());
    assert!(begin(&provider, &house, &mut browser).has("Username"), "the provider has signed them out");
}

#[test]
fn a_program_that_signs_out_is_sent_nowhere() {
    let (provider, house) = with_simplesamlphp(&json!({}));
    let mut browser = house.app.browser();
    assert_eq!(come(&provider, &house, &mut browser, "").status, 303);
    assert_eq!(browser.api("POST", "/auth/logout", Value::Null).status, 204);
    assert!(!is_in(&mut browser));
}

#[test]
fn samlify_and_we_sign_people_out_for_each_other_in_either_binding() {
    for binding in ["redirect", "post"] {
        let (provider, house) = with_samlify(binding);
        let mut browser = house.app.browser();
        assert_eq!(come_by_samlify(&house, &mut browser).status, 303);
        let mut page = sign_out_by(&provider, &mut browser);
        if page.status == 200 {
            page = browser.submit("/slo", &[]);
        } else {
            page = browser.follow();
        }
        assert!(page.has("Signed out everywhere"), "{binding}: {}", page.answer.text());
        assert!(!is_in(&mut browser), "{binding}");

        let mut browser = house.app.browser();
        assert_eq!(come_by_samlify(&house, &mut browser).status, 303);
        browser.get("/");
        let page = browser.submit("/logout", &[]);
        assert!(!is_in(&mut browser), "{binding}");
        assert!(page.has("Continue to 127.0.0.1"), "{}", page.text());
        let page = if page.form_with("SAMLRequest").is_some() {
            let policy = page.header("content-security-policy").unwrap();
            assert!(policy.contains("form-action 'self' https: http://127.0.0.1:"), "{policy}");
            browser.submit("/slo", &[])
        } else {
            browser.click("Continue to 127.0.0.1")
        };
        let page = if page.status == 200 { browser.submit(&house.path("logout"), &[]) } else { browser.follow() };
        assert_eq!((page.status, page.location().unwrap().path()), (303, "/logged-out"), "{}", page.text());
    }
}

#[test]
fn a_request_to_sign_out_ends_every_session_of_the_name_and_is_taken_once() {
    let (provider, house) = with_samlify("redirect");
    let mut browsers = [house.app.browser(), house.app.browser()];
    for browser in &mut browsers {
        assert_eq!(come_by_samlify(&house, browser).status, 303);
    }
    // It calls all of Ann's sessions the same.
    let request = asked_to_sign_out(&provider);
    let mut anybody = house.app.browser();
    assert_eq!(anybody.get(&request).status, 303);
    for browser in &mut browsers {
        assert!(!is_in(browser));
    }
    let [mut again, _] = browsers;
    assert_eq!(come_by_samlify(&house, &mut again).status, 303);
    assert_eq!(anybody.get(&request).status, 303, "it is told that it is done");
    assert!(is_in(&mut again), "and nothing more is done");
    assert_eq!(house.app.count("SELECT count(*) AS n FROM audit_events WHERE details->>'reason' = 'by_provider'"), 2);
}

#[test]
fn what_is_not_signed_for_us_now_by_this_provider_ends_nothing() {
    let (provider, house) = with_samlify("redirect");
    let mut browser = house.app.browser();
    assert_eq!(come_by_samlify(&house, &mut browser).status, 303);
    let request = asked_to_sign_out(&provider);
    let (_, query) = request.split_once('?').unwrap();
    let unsigned = request.split("&SigAlg=").next().unwrap().to_owned();
    let changed = request.replace("RelayState=its", "RelayState=our");
    assert_ne!(changed, request);
    let other = Samlify::start();
    let mut anybody = house.app.browser();
    for refused in [unsigned.as_str(), &changed, &format!("{request}&SAMLRequest=x"), &house.url("logout")] {
        let page = anybody.get(refused);
        assert_eq!(page.status, 403, "{refused}: {}", page.text());
    }
    let foreign = House::of(&other.metadata(), &json!({}));
    assert_eq!(foreign.app.browser().get(&format!("{}?{query}", foreign.path("logout"))).status, 403);
    let unknown = "/saml/0190a3c2-7d5e-7cc3-98c4-dc0c0c07398f/logout";
    assert_eq!(anybody.get(&format!("{unknown}?{query}")).status, 404);
    house.app.clock().advance(TimeDelta::minutes(11));
    assert_eq!(anybody.get(&request).status, 403, "too old");
    house.app.clock().advance(TimeDelta::minutes(-11));
    let long = "x".repeat(100_000);
    assert_eq!(anybody.post(&house.path("logout"), &[("SAMLRequest", &long)]).status, 413);
    for fields in
        [&[][..], &[("SAMLRequest", "x"), ("SAMLRequest", "x")], &[("SAMLRequest", "x"), ("SAMLResponse", "x")]]
    {
        assert_eq!(anybody.post(&house.path("logout"), fields).status, 400, "{fields:?}");
    }
    assert_eq!(anybody.post(&house.path("logout"), &[("SAMLRequest", "x")]).status, 403);
    assert!(is_in(&mut browser));
    assert_eq!(anybody.get(&request).status, 303);
    assert!(!is_in(&mut browser));
}

fn with_samlify(binding: &str) -> (Samlify, House) {
    let mut provider = Samlify::start();
    let house = House::of(&provider.metadata_with(binding), &json!({}));
    provider.trust(&house.metadata());
    (provider, house)
}

/// From the page of the provider where one signs out, until it stays where it is.
pub fn sign_out_at(provider: &SimpleSamlPhp, browser: &mut Browser) -> Page {
    let back = provider.url("logout.php");
    let mut page = browser.get(&provider.url(&format!("saml2/idp/SingleLogoutService.php?ReturnTo={back}")));
    while matches!(page.status, 301..=308) {
        page = browser.follow();
    }
    page
}

/// To the provider, until it shows something.
fn begin(provider: &SimpleSamlPhp, house: &House, browser: &mut Browser) -> Page {
    let mut page = browser.get(&house.path("login"));
    while matches!(page.status, 301..=308) {
        page = browser.follow();
    }
    assert_eq!(page.url.port(), provider_port(provider));
    page
}

fn provider_port(provider: &SimpleSamlPhp) -> Option<u16> {
    url::Url::parse(&provider.url("")).unwrap().port()
}

/// A signed request of samlify's to sign Ann out, as it would have a browser bring it.
fn asked_to_sign_out(provider: &Samlify) -> String {
    let page = Browser::new("http://id.localhost", 80).get(&provider.url("sign-out"));
    assert_eq!(page.status, 302, "{}", page.answer.text());
    page.location().unwrap().into()
}

/// Up to what we say to it.
fn sign_out_by(provider: &Samlify, browser: &mut Browser) -> Page {
    let page = browser.get(&provider.url("sign-out"));
    match page.form_with("SAMLRequest") {
        Some(form) => browser.submit(form.action.path(), &[]),
        None => browser.follow(),
    }
}
