//! Organizations: founding them, who belongs to them, and who may do what there.

mod api;
mod handing_over;
mod members;
mod pages;
mod permissions;
mod races;
mod second_factor;

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::page::Page;
use crate::support::people::PASSWORD;

pub const OWNER: &str = "olive@example.com";
pub const ADMIN: &str = "adam@example.com";
pub const MEMBER: &str = "mia@example.com";

/// The organization "acme", founded by the first of these, of which the others are members. With their ids.
pub fn acme<const N: usize>(app: &TestApp, people: [&str; N]) -> ([Browser; N], [String; N]) {
    let mut browsers = people.map(|email| app.verified(email));
    let answer = browsers[0].api("POST", "/orgs", json!({ "name": "Acme" }));
    assert_eq!(answer.status, 201, "{}", answer.answer.text());
    let ids = people.map(|email| id_of(app, email));
    for id in &ids[1..] {
        join(app, id, "member");
    }
    (browsers, ids)
}

/// An owner, an admin and a member of "acme", with their ids.
pub fn staffed(app: &TestApp) -> ([Browser; 3], [String; 3]) {
    let (browsers, ids) = acme(app, [OWNER, ADMIN, MEMBER]);
    app.execute(&format!("UPDATE members SET role = 'admin' WHERE user_id = '{}'", ids[1]));
    (browsers, ids)
}

/// Somebody is one of "acme" from now on, without having been invited.
pub fn join(app: &TestApp, id: &str, role: &str) {
    app.execute(&format!(
        "INSERT INTO members SELECT o.id, '{id}', '{role}', to_timestamp(1800000000) + interval '1 second' * count(m.*)
        FROM organizations o LEFT JOIN members m ON m.organization_id = o.id WHERE o.slug = 'acme' GROUP BY o.id"
    ));
}

pub fn id_of(app: &TestApp, email: &str) -> String {
    app.text(&format!("SELECT id::text AS t FROM users WHERE email = '{email}'"))
}

/// What they are in "acme"; "" for nothing.
fn role_of(app: &TestApp, id: &str) -> String {
    app.text(&format!(
        "SELECT coalesce(max(m.role), '') AS t FROM members m JOIN organizations o ON o.id = m.organization_id
        WHERE o.slug = 'acme' AND m.user_id = '{id}'"
    ))
}

/// Somebody who has just confirmed that it is them, in a session of their own.
fn confirmed(app: &TestApp, email: &str) -> Browser {
    let (mut browser, _) = app.log_in(email, PASSWORD);
    browser.confirm();
    browser
}

fn get(browser: &mut Browser, path: &str) -> Page {
    browser.api("GET", path, Value::Null)
}

fn set_role(browser: &mut Browser, id: &str, role: &str) -> Page {
    browser.api("PATCH", &format!("/orgs/acme/members/{id}"), json!({ "role": role }))
}

fn remove(browser: &mut Browser, id: &str) -> Page {
    browser.api("DELETE", &format!("/orgs/acme/members/{id}"), Value::Null)
}

/// The kinds of events within organizations, in their order: rows are only ever appended.
fn events(app: &TestApp) -> String {
    app.text(
        "SELECT coalesce(string_agg(e.kind, ' ' ORDER BY e.ctid), '') AS t FROM audit_events e
        WHERE e.organization_id IS NOT NULL",
    )
}
