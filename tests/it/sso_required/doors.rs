//! What somebody can begin who is not at the sign-in page.

use serde_json::{Value, json};

use super::{ANN, STRANGER, assert_led, enforce, provided, sessions_of};
use crate::support::TestApp;
use crate::support::passkey::register;
use crate::support::people::{PASSWORD, token_in};

#[test]
fn a_link_for_a_new_password_from_before_leads_to_the_provider() {
    let app = TestApp::start();
    provided(&app);
    app.verified(ANN);
    assert_eq!(app.browser().api("POST", "/auth/forgot-password", json!({ "email": ANN })).status, 202);
    let token = token_in(&app.mail().to(ANN).link());
    enforce(&app);
    let body = json!({ "token": token, "new_password": "saffron tunnel kite" });
    assert_led(&app, "a reset", &app.browser().api("POST", "/auth/reset-password", body));
    assert_eq!(app.count("SELECT count(*) AS n FROM audit_events WHERE kind = 'password.reset'"), 0);
}

#[test]
fn nobody_signs_up_by_an_invitation_whose_organization_has_a_provider_for_them() {
    let app = TestApp::start();
    let mut owner = provided(&app);
    enforce(&app);
    let invited = owner.api("POST", "/orgs/acme/invitations", json!({ "email": STRANGER, "role": "member" }));
    assert_eq!(invited.status, 201, "{}", invited.answer.text());
    let token = token_in(&app.mail().to(STRANGER).link());
    let mut browser = app.browser();
    let page = browser.get(&format!("/invitation?token={token}"));
    assert!(page.has("sign in by their organization's provider"), "{}", page.text());
    assert!(page.form("/invitation").is_none() && page.link("Sign in").is_some());
    let body = json!({ "token": token, "name": "Nobody", "password": PASSWORD });
    assert_led(&app, "an invitation", &app.browser().api("POST", "/auth/invitations/accept", body));
    assert_eq!(app.count(&format!("SELECT count(*) AS n FROM users WHERE email = '{STRANGER}'")), 0);
    assert_eq!(app.count("SELECT count(*) AS n FROM invitations"), 1, "it waits for who comes by the provider");
}

#[test]
fn nobody_changes_their_address_into_the_domain_whether_or_not_it_is_taken() {
    let app = TestApp::start();
    let mut owner = provided(&app);
    app.verified(ANN);
    enforce(&app);
    owner.confirm();
    for address in [ANN, STRANGER, "Nobody@CORP.example"] {
        assert_led(&app, address, &owner.api("PUT", "/me/email", json!({ "email": address })));
    }
    let below = owner.api("PUT", "/me/email", json!({ "email": "olive@mail.corp.example" }));
    assert_eq!(below.status, 200, "{}", below.answer.text());
}

#[test]
fn a_password_confirms_nothing_any_more_and_is_not_offered_to() {
    let app = TestApp::start();
    provided(&app);
    let mut ann = app.verified(ANN);
    register(&app, &mut ann, "Phone");
    enforce(&app);
    assert_led(&app, "a confirmation", &ann.api("POST", "/auth/confirm", json!({ "password": PASSWORD })));
    let offered: Value = ann.api("GET", "/auth/confirm", Value::Null).json();
    let methods = offered["methods"].as_array().unwrap();
    assert!(!methods.contains(&json!("password")) && methods.contains(&json!("passkey")), "{offered}");
    assert_eq!(
        app.count("SELECT count(*) AS n FROM audit_events WHERE kind = 'session.confirmed'"),
        1,
        "the one before"
    );
}

#[test]
fn somebody_of_the_domain_who_belongs_to_another_organization_or_to_none_comes_by_the_provider_too() {
    let app = TestApp::start();
    provided(&app);
    let mut ann = app.verified(ANN);
    assert_eq!(ann.api("POST", "/orgs", json!({ "name": "Elsewhere" })).status, 201);
    app.verified("lone@corp.example");
    enforce(&app);
    for email in [ANN, "lone@corp.example"] {
        assert_led(&app, email, &super::log_in(&app, email));
    }
    assert_eq!(sessions_of(&app, ANN), 1, "what is open stays open until the cut-over ends it");
}

#[test]
fn members_with_addresses_elsewhere_sign_in_as_before() {
    let app = TestApp::start();
    provided(&app);
    enforce(&app);
    assert_eq!(super::log_in(&app, crate::orgs::OWNER).status, 200);
}

#[test]
fn nobody_takes_their_account_out_of_the_domain_but_whom_the_provider_is_no_must_for() {
    let app = TestApp::start();
    provided(&app);
    let mut ann = app.verified(ANN);
    let mut olga = super::break_glass(&app, "olga@corp.example");
    ann.confirm();
    olga.confirm();
    enforce(&app);
    let elsewhere = |name: &str| json!({ "email": format!("{name}@private.example") });
    assert_led(&app, "a change", &ann.api("PUT", "/me/email", elsewhere("ann")));
    assert_eq!(app.count(&format!("SELECT count(*) AS n FROM users WHERE email = '{ANN}'")), 1);
    assert_eq!(olga.api("PUT", "/me/email", elsewhere("olga")).status, 200, "break glass");
    app.execute("UPDATE connections SET enforced_from = NULL");
    assert_eq!(ann.api("PUT", "/me/email", elsewhere("ann")).status, 200);
}
