//! Somebody who has done everything there is to do leaves nothing behind that names them, in any column of any table.

use serde_json::{Value, json};

use super::{BOB, GRACE, erase_the_gone, leave};
use crate::orgs::id_of;
use crate::support::authenticator::set_up;
use crate::support::browser::Browser;
use crate::support::passkey::register;
use crate::support::people::{PASSWORD, token_in};
use crate::support::{TestApp, eventually};

const BEFORE: &str = "annabel.lee@example.com";
const NOW: &str = "annabel.lee@new.example";
const HOME: &str = "203.0.113.77";
const AWAY: &str = "198.51.100.78";

/// What would name her, wherever it stands and in whatever capitals.
const NAMES: [&str; 5] = ["annabel", "Quillfeather", HOME, AWAY, "AnnabelsOwnBrowser"];

#[test]
fn nothing_in_the_database_names_somebody_who_is_gone() {
    let app = TestApp::start();
    let mut bob = app.verified(BOB);
    let mut annabel = her_browser(&app, HOME);
    gets_in(&app, &mut annabel);
    let id = annabel.api("GET", "/me", Value::Null).json::<Value>()["id"].as_str().expect("an id").to_owned();
    uses_every_way_in(&app, &mut annabel);
    moves_to_another_address(&app, &mut annabel);
    takes_part(&app, &mut annabel, &mut bob);
    annabel.confirm();
    leave(&mut annabel);
    let mut back = her_browser(&app, AWAY);
    assert_eq!(signs_in(&mut back, NOW).status, 401, "her app is asked for");
    assert_eq!(back.api("POST", "/auth/login/totp", json!({ "code": "000000" })).status, 401);

    for name in NAMES.iter().copied().chain([id.as_str()]) {
        assert!(!app.traces_of(&[name]).is_empty(), "she was never called {name}, so this shows nothing");
    }
    app.clock().advance(GRACE);
    erase_the_gone(&app);
    let to_her = "SELECT count(*) AS n FROM mail_outbox WHERE recipient ILIKE '%annabel%'";
    eventually("the receipt to be sent and forgotten", || (app.count(to_her) == 0).then_some(()));
    for name in NAMES.iter().copied().chain([id.as_str()]) {
        assert_eq!(app.traces_of(&[name]), Vec::<String>::new(), "{name} is still there");
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM invitations"), 1, "those that she has sent are others' business");
    assert_eq!(app.count("SELECT count(*) AS n FROM members"), 2, "and so is what she belonged to");
}

fn her_browser(app: &TestApp, address: &str) -> Browser {
    app.browser()
        .with_header("X-Forwarded-For", address)
        .with_header("User-Agent", "AnnabelsOwnBrowser/1.0 Firefox/145.0")
}

fn post(browser: &mut Browser, path: &str, body: Value) -> u16 {
    browser.api("POST", path, body).status
}

fn signs_in(browser: &mut Browser, email: &str) -> crate::support::page::Page {
    browser.api("POST", "/auth/login", json!({ "email": email, "password": PASSWORD }))
}

/// With a slip, a visit from elsewhere, and a forgotten password that she remembers.
fn gets_in(app: &TestApp, annabel: &mut Browser) {
    let form = json!({ "email": BEFORE, "name": "Annabel Quillfeather", "password": PASSWORD });
    assert_eq!(post(annabel, "/auth/signup", form), 202);
    assert_eq!(app.follow_the_letter(annabel, BEFORE).status, 303);
    assert_eq!(post(annabel, "/auth/login", json!({ "email": BEFORE, "password": "not this one" })), 401);
    let mut away = her_browser(app, AWAY);
    for browser in [&mut *annabel, &mut away] {
        assert_eq!(signs_in(browser, BEFORE).status, 200);
    }
    assert_eq!(annabel.api("DELETE", "/me/sessions", Value::Null).status, 200);
    assert_eq!(away.get("/").status, 303);
    assert_eq!(post(annabel, "/auth/forgot-password", json!({ "email": BEFORE })), 202);
    let link = super::letter(app, BEFORE, "Choose a new password").link();
    assert_eq!(annabel.get(&link).status, 200);
    assert_eq!(post(annabel, "/auth/magic-link", json!({ "email": BEFORE })), 202);
    let token = token_in(&super::letter(app, BEFORE, "Sign in").link());
    assert_eq!(post(annabel, "/auth/login/magic-link", json!({ "token": token })), 200);
    // And one that she never follows.
    assert_eq!(post(annabel, "/auth/magic-link", json!({ "email": BEFORE })), 202);
    super::letter(app, BEFORE, "Sign in");
}

fn uses_every_way_in(app: &TestApp, annabel: &mut Browser) {
    register(app, annabel, "Annabel's phone");
    set_up(app, annabel);
    annabel.confirm();
    let made = annabel.api("POST", "/me/api-keys", json!({ "name": "Annabel's backup", "scopes": ["account:read"] }));
    assert_eq!(made.status, 201, "{}", made.text());
    let key = made.json::<Value>()["key"].as_str().expect("a key").to_owned();
    let mut program = app.browser().with_header("X-Forwarded-For", HOME);
    program = program.with_header("Authorization", &format!("Bearer {key}"));
    assert_eq!(program.api("GET", "/me", Value::Null).status, 200);
    eventually("the use to be written", || {
        (app.count("SELECT count(*) AS n FROM api_keys WHERE last_used_from IS NOT NULL") == 1).then_some(())
    });
    assert_eq!(annabel.api("PATCH", "/me", json!({ "name": "Annabel Q. Quillfeather" })).status, 200);
}

/// There, back again by the letter, and there once more.
fn moves_to_another_address(app: &TestApp, annabel: &mut Browser) {
    annabel.confirm();
    assert_eq!(annabel.api("PUT", "/me/email", json!({ "email": NOW })).status, 200);
    let link = super::letter(app, NOW, "Confirm").link();
    annabel.get(&link);
    assert_eq!(annabel.submit("/verify-email", &[]).status, 303);
}

/// An organization of hers with Bob in it, an invitation from her, one to her, one to the address that she has left.
fn takes_part(app: &TestApp, annabel: &mut Browser, bob: &mut Browser) {
    let founded = annabel.api("POST", "/orgs", json!({ "name": "Acme" }));
    assert_eq!(founded.status, 201, "{}", founded.text());
    crate::orgs::join(app, &id_of(app, BOB), "admin");
    let other = bob.api("POST", "/orgs", json!({ "name": "Other" }));
    assert_eq!(other.status, 201, "{}", other.text());
    app.execute(&format!(
        "INSERT INTO invitations (id, organization_id, email, email_key, role, digest, invited_by, created_at, sent_at,
                                  expires_at)
         SELECT gen_random_uuid(), o.id, i.email, i.email, 'member', sha256(i.email::bytea), u.id, now(), now(), now()
         FROM (VALUES ('acme', 'cleo@example.com', '{NOW}'), ('other', '{NOW}', '{BOB}'), ('other', '{BEFORE}', '{BOB}'))
                  AS i (slug, email, by)
              JOIN organizations o ON o.slug = i.slug JOIN users u ON u.email = i.by;
         INSERT INTO letter_requests (id, email, wish, address, user_agent, request_id)
         VALUES (gen_random_uuid(), '{NOW}', 'new_password', '{HOME}', 'AnnabelsOwnBrowser', 'x')"
    ));
}
