//! Invitations into an organization: sent, answered, withdrawn, run out; and strangers who sign up by one.

mod admins;
mod answers;
mod letters;
mod pages;
mod races;
mod strangers;

use serde_json::{Value, json};

use crate::orgs::staffed;
use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::page::Page;
use crate::support::people::token_in;

const IVY: &str = "ivy@example.com";

fn invite(browser: &mut Browser, email: &str, role: &str) -> Page {
    browser.api("POST", "/orgs/acme/invitations", json!({ "email": email, "role": role }))
}

/// Its id, and the token of its letter.
fn invited(app: &TestApp, browser: &mut Browser, email: &str, role: &str) -> (String, String) {
    let answer = invite(browser, email, role);
    assert_eq!(answer.status, 201, "{}", answer.answer.text());
    (answer.json::<Value>()["id"].as_str().expect("an id").to_owned(), token_in(&app.mail().to(email).link()))
}

/// "acme" with its owner, its admin and its member; Ivy is invited to be a member. With the id and the token.
fn ivy_invited(app: &TestApp) -> ([Browser; 3], String, String) {
    let (mut people, _) = staffed(app);
    let (id, token) = invited(app, &mut people[1], IVY, "member");
    (people, id, token)
}

/// Where the letter leads.
fn page_of(token: &str) -> String {
    format!("/invitation?token={token}")
}

fn accept(browser: &mut Browser, token: &str) -> Page {
    browser.api("POST", "/auth/invitations/accept", json!({ "token": token }))
}

/// As a stranger, who signs up by it.
fn sign_up(browser: &mut Browser, token: &str, password: &str) -> Page {
    let body = json!({ "token": token, "name": "Ivy Poe", "password": password });
    browser.api("POST", "/auth/invitations/accept", body)
}

fn decline(browser: &mut Browser, token: &str) -> Page {
    browser.api("POST", "/auth/invitations/decline", json!({ "token": token }))
}

fn listed(browser: &mut Browser) -> Vec<Value> {
    let answer = browser.api("GET", "/orgs/acme/invitations", Value::Null);
    assert_eq!(answer.status, 200, "{}", answer.answer.text());
    answer.json::<Value>()["invitations"].as_array().expect("a list").clone()
}

/// What somebody is in "acme", as `/me` says; "" for nothing.
fn role_in_acme(browser: &mut Browser) -> String {
    let me: Value = browser.api("GET", "/me", Value::Null).json();
    let organizations = me["organizations"].as_array().expect("a list");
    let acme = organizations.iter().find(|organization| organization["slug"] == "acme");
    acme.map(|acme| acme["role"].as_str().expect("a role").to_owned()).unwrap_or_default()
}

fn count(app: &TestApp, event: &str) -> i64 {
    app.count(&format!("SELECT count(*) AS n FROM audit_events WHERE kind = '{event}' AND organization_id IS NOT NULL"))
}
