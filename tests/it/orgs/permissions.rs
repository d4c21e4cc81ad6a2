//! What somebody may do in an organization, by what they are in it: every endpoint there is below `/orgs/{slug}`, tried
//! by a stranger, a member, an admin and an owner.

use serde_json::{Value, json};
use vestibule::web::routes;

use super::{ADMIN, MEMBER, OWNER, staffed};
use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::people::code;

/// What a stranger, a member, an admin and an owner are answered, all of whom have just confirmed. A problem by its code.
const TABLE: &[(&str, &str, [&str; 4])] = &[
    ("GET", "/orgs/{slug}", ["404 not_found", "200", "200", "200"]),
    ("PATCH", "/orgs/{slug}", ["404 not_found", "403 forbidden", "200", "200"]),
    ("GET", "/orgs/{slug}/members", ["404 not_found", "200", "200", "200"]),
    // Of a member, to an admin.
    ("PATCH", "/orgs/{slug}/members/{user_id}", ["404 not_found", "403 forbidden", "200", "200"]),
    ("DELETE", "/orgs/{slug}/members/{user_id}", ["404 not_found", "403 forbidden", "204", "204"]),
    ("POST", "/orgs/{slug}/owner", ["404 not_found", "403 forbidden", "403 forbidden", "200"]),
    ("DELETE", "/orgs/{slug}", ["404 not_found", "403 forbidden", "403 forbidden", "204"]),
];

#[test]
fn what_somebody_may_do_depends_on_what_they_are_in_the_organization() {
    let endpoints = routes::personal().into_iter().filter(|endpoint| endpoint.path.starts_with("/orgs/{slug}"));
    for endpoint in endpoints {
        let (method, path) = (endpoint.method.to_string(), endpoint.path);
        let is_known = TABLE.iter().any(|(known, at, _)| *known == method && *at == path);
        assert!(is_known, "{method} {path} is not in the table: say who may use it");
    }
    let app = TestApp::start();
    let people = ["stranger@example.com", MEMBER, ADMIN, OWNER];
    app.verified(people[0]);
    staffed(&app);
    app.verified("other@example.com");
    let mut wrong = Vec::new();
    for (method, path, expected) in TABLE {
        for (email, expected) in people.iter().zip(expected) {
            restore(&app);
            let seen = attempt(&app, email, method, path);
            if seen != *expected {
                wrong.push(format!("{method} {path} by {email}: {seen}, not {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Everybody is what they were, and there is one more member, to whom things are done.
fn restore(app: &TestApp) {
    app.execute(&format!(
        "INSERT INTO organizations SELECT gen_random_uuid(), 'acme', 'Acme', now() ON CONFLICT DO NOTHING;
        INSERT INTO members SELECT o.id, u.id,
            CASE u.email WHEN '{OWNER}' THEN 'owner' WHEN '{ADMIN}' THEN 'admin' ELSE 'member' END, now()
        FROM organizations o, users u WHERE u.email IN ('{OWNER}', '{ADMIN}', '{MEMBER}', 'other@example.com')
        ON CONFLICT (organization_id, user_id) DO UPDATE SET role = excluded.role"
    ));
}

fn attempt(app: &TestApp, email: &str, method: &str, path: &str) -> String {
    let mut browser = super::confirmed(app, email);
    let other = super::id_of(app, "other@example.com");
    let at = path.replace("{slug}", "acme").replace("{user_id}", &other);
    let answer = ask(&mut browser, method, path, &at, &other);
    match answer.header("content-type") {
        Some("application/problem+json") => format!("{} {}", answer.status, code(&answer)),
        _ => answer.status.to_string(),
    }
}

fn ask(browser: &mut Browser, method: &str, path: &str, at: &str, other: &str) -> crate::support::page::Page {
    let body = match (method, path) {
        ("PATCH", "/orgs/{slug}") => json!({ "name": "Acme Holding" }),
        ("PATCH", "/orgs/{slug}/members/{user_id}") => json!({ "role": "admin" }),
        ("POST", "/orgs/{slug}/owner") => json!({ "user_id": other }),
        _ => Value::Null,
    };
    browser.api(method, at, body)
}
