//! Every way to open a session, tried for somebody who may come by a provider alone.

use serde_json::{Value, json};
use vestibule::sessions::Method;

use super::{ANN, assert_led, enforce, log_in, provided, sessions_of};
use crate::support::TestApp;
use crate::support::authenticator::{Authenticator, set_up};
use crate::support::browser::Browser;
use crate::support::page::Page;
use crate::support::passkey::{Passkey, register};
use crate::support::people::{PASSWORD, token_in};

const SIGN_IN: &str = "/auth/login/passkey";

/// What somebody has in hand, all of it from before.
struct Ready {
    authenticator: Authenticator,
    recovery: Vec<String>,
    passkey: Passkey,
    half_in: [Browser; 3],
    asked: Browser,
    link: String,
    shown: (Browser, String),
}

fn ready(app: &TestApp, email: &str) -> Ready {
    let mut browser = app.verified(email);
    browser.confirm();
    let (authenticator, recovery) = set_up(app, &mut browser);
    let (passkey, _) = register(app, &mut browser, "Phone");
    app.clock().advance(chrono::TimeDelta::minutes(2));
    let half_in = [(); 3].map(|()| {
        let (browser, answer) = app.log_in(email, PASSWORD);
        assert_eq!(answer.json::<Value>()["code"], "mfa_required");
        browser
    });
    let (asked, link) = mailed(app, email);
    let (elsewhere, token) = mailed(app, email);
    let answer = app.browser().api("POST", "/auth/magic-link/code", json!({ "token": token }));
    let code = answer.json::<Value>()["code"].as_str().expect("a code").to_owned();
    Ready { authenticator, recovery, passkey, half_in, asked, link, shown: (elsewhere, code) }
}

/// A browser that has asked for a link, and the token of that.
fn mailed(app: &TestApp, email: &str) -> (Browser, String) {
    let mut browser = app.browser();
    assert_eq!(browser.api("POST", "/auth/magic-link", json!({ "email": email })).status, 202);
    let letter = (0..9).map(|_| app.mail().to(email)).find(|letter| letter.subject() == "Sign in to Vestibule");
    (browser, token_in(&letter.expect("a link").link()))
}

/// All that can be tried by this method, with what is in hand. Whoever adds a method says here how it is tried.
fn try_by(app: &TestApp, method: Method, ready: &mut Ready) -> Vec<Page> {
    let with_code = |browser: &mut Browser, way: &str, code: &str| {
        browser.api("POST", &format!("/auth/login/{way}"), json!({ "code": code }))
    };
    match method {
        Method::Password => vec![log_in(app, ANN)],
        Method::Totp => {
            let code = ready.authenticator.code(app);
            vec![with_code(&mut ready.half_in[0], "totp", &code)]
        }
        Method::RecoveryCode => vec![with_code(&mut ready.half_in[1], "recovery-code", &ready.recovery[0])],
        Method::MagicLink => vec![
            ready.asked.api("POST", "/auth/login/magic-link", json!({ "token": ready.link })),
            ready.shown.0.api("POST", "/auth/login/magic-link", json!({ "code": ready.shown.1 })),
        ],
        Method::Passkey => {
            let mut fresh = app.browser();
            let [alone, second] = [&mut fresh, &mut ready.half_in[2]].map(|browser| {
                let asked: Value = browser.api("POST", &format!("{SIGN_IN}/start"), Value::Null).json();
                let credential = ready.passkey.get(&asked["publicKey"]);
                let body = json!({ "ceremony": asked["ceremony"], "credential": credential, "alone": false });
                browser.api("POST", &format!("{SIGN_IN}/finish"), body)
            });
            vec![alone, second]
        }
        // The operator's, for the first administrator. And the one way that is left.
        Method::SetupLink | Method::Sso => Vec::new(),
    }
}

#[test]
fn nobody_who_has_to_come_by_the_provider_gets_in_by_anything_else_that_they_had_before() {
    let app = TestApp::start();
    provided(&app);
    let mut ready = ready(&app, ANN);
    enforce(&app);
    app.execute("DELETE FROM sessions");
    let mut tried = 0;
    for method in Method::ALL {
        for answer in try_by(&app, method, &mut ready) {
            assert_led(&app, method.as_str(), &answer);
            tried += 1;
        }
    }
    assert_eq!(tried, 7);
    assert_eq!(app.count("SELECT count(*) AS n FROM sessions"), 0);
    assert_eq!(sessions_of(&app, ANN), 0, "nor are they half signed in any more");
    assert_eq!(app.count("SELECT count(*) AS n FROM audit_events WHERE kind = 'sso.break_glass_used'"), 0);
}

#[test]
fn the_same_gets_them_in_while_the_provider_is_one_way_among_others() {
    let app = TestApp::start();
    provided(&app);
    let mut ready = ready(&app, ANN);
    for method in Method::ALL {
        for answer in try_by(&app, method, &mut ready) {
            let is_in = answer.status == 200 || (answer.status == 401 && answer.answer.text().contains("mfa_required"));
            assert!(is_in, "{}: {} {}", method.as_str(), answer.status, answer.answer.text());
        }
    }
}

/// The second step of a sign-in by a provider, at which her account asks for her own factor.
fn half_in_by(app: &TestApp, connection: &str) -> Browser {
    let (browser, _) = app.log_in(ANN, PASSWORD);
    app.execute(&format!(
        "INSERT INTO provider_sessions (id, connection_id, user_id, name_id, authn_instant, created_at)
        SELECT gen_random_uuid(), '{connection}', id, 'ann', now(), now() FROM users WHERE email = '{ANN}';
        UPDATE pending_sign_ins SET method = 'sso', provider_session_id = (SELECT id FROM provider_sessions)"
    ));
    browser
}

#[test]
fn another_provider_than_that_of_the_domain_lets_nobody_in_and_its_own_does() {
    let app = TestApp::start();
    provided(&app);
    let mut ann = app.verified(ANN);
    let (authenticator, _) = set_up(&app, &mut ann);
    let another = "0190a3c2-7d5e-7cc3-98c4-dc0c0c07398b";
    app.execute(&format!(
        "INSERT INTO connections (id, organization_id, name, idp_entity_id, sso_url, sso_binding, metadata_from,
            created_at, changed_at)
        SELECT '{another}', organization_id, 'Another', 'https://x.example/', 'https://x.example/', 'redirect', 'hand',
            now(), now() FROM connections"
    ));
    let prove = |mut browser: Browser| {
        let body = json!({ "code": authenticator.code(&app) });
        browser.api("POST", "/auth/login/totp", body)
    };
    let by_another = half_in_by(&app, another);
    app.execute(&format!("UPDATE connections SET enforced_from = to_timestamp(0) WHERE id = '{}'", super::CONNECTION));
    assert_led(&app, "by another", &prove(by_another));

    app.execute("UPDATE connections SET enforced_from = NULL; DELETE FROM provider_sessions");
    let by_its_own = half_in_by(&app, super::CONNECTION);
    enforce(&app);
    assert_eq!(prove(by_its_own).status, 200);
}
