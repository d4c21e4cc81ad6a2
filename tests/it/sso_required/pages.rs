//! The sign-in pages, without a script.

use serde_json::{Value, json};

use super::{ANN, CONNECTION, STRANGER, enforce, provided, sso_url};
use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::page::Page;
use crate::support::people::{PASSWORD, code, sign_in};

/// The first step, and where it leads.
fn give_address(browser: &mut Browser, at: &str, email: &str) -> Page {
    assert!(browser.get(at).form("/login/address").is_some());
    let answer = browser.submit("/login/address", &[("email", email)]);
    assert_eq!(answer.status, 303, "{}", answer.text());
    let place = answer.location().unwrap();
    assert!(!place.as_str().contains("corp.example"), "no address in a URL: {place}");
    browser.follow()
}

#[test]
fn where_nobody_has_a_provider_the_page_is_as_it_was() {
    let app = TestApp::start();
    app.verified("ann@example.com");
    let page = app.browser().get("/login");
    assert!(page.form("/login").is_some() && page.form("/login/address").is_none());
    assert_eq!(sign_in(&mut app.browser(), "ann@example.com", PASSWORD).status, 303);
}

#[test]
fn the_address_leads_straight_on_to_the_provider_where_there_is_no_other_way() {
    let app = TestApp::start();
    provided(&app);
    app.verified(ANN);
    enforce(&app);
    for email in [ANN, STRANGER, " Ann@CORP.example "] {
        let mut browser = app.browser();
        let page = give_address(&mut browser, "/login?return_to=%2Faccount%2Fsecurity", email);
        assert_eq!(page.status, 200);
        let place = format!("/saml/{CONNECTION}/login?return_to=%2Faccount%2Fsecurity");
        assert!(page.answer.text().contains("http-equiv=\"refresh\""), "it goes on by itself");
        assert!(page.link("Continue to Acme Login").unwrap().as_str().ends_with(&place));
        let back = page.link("Use another address").unwrap();
        assert!(browser.get(back.as_str()).form("/login/address").is_some());
    }
}

#[test]
fn where_the_provider_is_one_way_among_others_there_is_a_choice() {
    let app = TestApp::start();
    provided(&app);
    app.verified(ANN);
    let mut browser = app.browser();
    let page = give_address(&mut browser, "/login?return_to=%2Faccount%2Fsecurity", ANN);
    let place = format!("/saml/{CONNECTION}/login?return_to=%2Faccount%2Fsecurity");
    assert!(page.link("Sign in with Acme Login").unwrap().as_str().ends_with(&place));
    let form = page.form("/login").unwrap();
    assert!(form.fields.contains(&("email".to_owned(), ANN.to_owned())), "kept");
    let answer = browser.submit("/login", &[("password", PASSWORD)]);
    assert_eq!(answer.location().unwrap().path(), "/account/security");
}

#[test]
fn whose_domain_has_no_provider_gives_the_password_next() {
    let app = TestApp::start();
    provided(&app);
    let mut browser = app.browser();
    let page = give_address(&mut browser, "/login", crate::orgs::OWNER);
    assert!(page.link("Sign in with Acme Login").is_none());
    assert_eq!(browser.submit("/login", &[("password", PASSWORD)]).status, 303);
    let refused = {
        let mut browser = app.browser();
        browser.get("/login");
        browser.submit("/login/address", &[("email", "no address")])
    };
    assert_eq!(refused.status, 422);
    assert!(refused.field_error("email").is_some());
    let alone = app.browser().get("/login?step=password");
    assert!(alone.form("/login").is_some(), "without an address it can be typed there");
}

#[test]
fn whoever_tries_another_way_on_a_page_is_told_in_words_and_shown_the_way() {
    let app = TestApp::start();
    let mut owner = provided(&app);
    app.verified(ANN);
    let mut stale = app.browser();
    give_address(&mut stale, "/login?return_to=%2Faccount%2Fsecurity", ANN);
    enforce(&app);
    let place = format!("/saml/{CONNECTION}/login");
    let is_led = |page: &Page| {
        let text = page.text();
        assert!(page.status == 403 && page.has("as their organization wants it"), "{} {text}", page.status);
        let link = page.link("Continue to Acme Login").or_else(|| page.link("Sign in with Acme Login"));
        assert!(link.unwrap().path() == place, "{text}");
    };
    let mut again = stale.clone();
    is_led(&stale.submit("/login", &[("password", PASSWORD)]));
    is_led(&again.press("Email me a link to sign in", &[]));
    let mut stranger = app.browser();
    stranger.get("/signup");
    is_led(&stranger.submit("/signup", &[("email", STRANGER), ("name", "N"), ("password", PASSWORD)]));
    stranger.get("/forgot-password");
    is_led(&stranger.submit("/forgot-password", &[("email", ANN)]));
    owner.confirm();
    owner.get("/account/email");
    is_led(&owner.submit("/account/email", &[("email", STRANGER)]));
}

#[test]
fn programs_ask_by_whom_an_address_signs_in() {
    let app = TestApp::with(&[("limits.login_per_network", "6 per 15m")]);
    provided(&app);
    app.execute("DELETE FROM throttles");
    let mut browser = app.browser();
    let mut ask = |email: &str| browser.api("GET", &format!("/sso?email={email}"), Value::Null);
    for email in [ANN, STRANGER, "x@CORP.example"] {
        let answer = ask(email);
        assert_eq!(answer.json::<Value>(), json!({ "sso_url": sso_url(&app) }), "{email}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    enforce(&app);
    assert_eq!(ask(ANN).json::<Value>()["sso_url"], json!(sso_url(&app)));
    for email in [crate::orgs::OWNER, "ann@mail.corp.example"] {
        assert_eq!(ask(email).json::<Value>(), json!({}), "{email}");
    }
    assert_eq!(code(&ask(ANN)), "rate_limited");
    assert_eq!(code(&ask("no-address")), "validation");
}

#[test]
fn nobody_finds_out_by_the_page_whose_domains_have_a_provider_without_end() {
    let app = TestApp::with(&[("limits.login_per_network", "1 per 15m")]);
    provided(&app);
    for n in 0..6 {
        let mut browser = app.browser();
        assert_eq!(give_address(&mut browser, "/login", &format!("x@company-{n}.example")).status, 200);
    }
    let mut browser = app.browser();
    let refused = give_address(&mut browser, "/login", ANN);
    assert_eq!(refused.status, 429, "{}", refused.text());
    assert!(refused.header("retry-after").is_some() && !refused.has("Acme Login"));
    assert_eq!(browser.get("/login?step=password").status, 429, "nor by the page that follows alone");
    assert_eq!(app.browser().get("/login").status, 200, "the sign-in page itself is there");
    app.clock().advance(chrono::TimeDelta::minutes(15));
    assert!(browser.get("/login?step=password").has("Acme Login"));
}
