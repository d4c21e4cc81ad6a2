//! What somebody may do in an organization, by what they are in it: every endpoint there is below `/orgs/{slug}`, tried
//! by a stranger, a member, an admin and an owner.

use serde_json::{Value, json};
use vestibule::web::routes;

use super::{ADMIN, MEMBER, OWNER, staffed};
use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::page::Page;
use crate::support::people::code;

/// What a stranger, a member, an admin and an owner are answered, all of whom have just confirmed. A problem by its code.
const TABLE: &[(&str, &str, [&str; 4])] = &[
    ("GET", "/orgs/{slug}", ["404 not_found", "200", "200", "200"]),
    ("PATCH", "/orgs/{slug}", ["404 not_found", "403 forbidden", "200", "200"]),
    ("GET", "/orgs/{slug}/activity", ["404 not_found", "403 forbidden", "200", "200"]),
    ("GET", "/orgs/{slug}/members", ["404 not_found", "200", "200", "200"]),
    // Of a member, to an admin.
    ("PATCH", "/orgs/{slug}/members/{user_id}", ["404 not_found", "403 forbidden", "200", "200"]),
    ("DELETE", "/orgs/{slug}/members/{user_id}", ["404 not_found", "403 forbidden", "204", "204"]),
    ("POST", "/orgs/{slug}/owner", ["404 not_found", "403 forbidden", "403 forbidden", "200"]),
    ("GET", "/orgs/{slug}/domains", ["404 not_found", "403 forbidden", "200", "200"]),
    ("POST", "/orgs/{slug}/domains", ["404 not_found", "403 forbidden", "403 forbidden", "201"]),
    ("POST", "/orgs/{slug}/domains/{name}/check", ["404 not_found", "403 forbidden", "403 forbidden", "200"]),
    ("DELETE", "/orgs/{slug}/domains/{name}", ["404 not_found", "403 forbidden", "403 forbidden", "204"]),
    ("GET", "/orgs/{slug}/sso", ["404 not_found", "403 forbidden", "200", "200"]),
    ("POST", "/orgs/{slug}/sso", ["404 not_found", "403 forbidden", "403 forbidden", "201"]),
    ("GET", "/orgs/{slug}/sso/{id}", ["404 not_found", "403 forbidden", "200", "200"]),
    ("PATCH", "/orgs/{slug}/sso/{id}", ["404 not_found", "403 forbidden", "403 forbidden", "200"]),
    ("GET", "/orgs/{slug}/sso/{id}/preflight", ["404 not_found", "403 forbidden", "200", "200"]),
    ("POST", "/orgs/{slug}/sso/{id}/test", ["404 not_found", "403 forbidden", "200", "200"]),
    ("GET", "/orgs/{slug}/sso/{id}/reports", ["404 not_found", "403 forbidden", "200", "200"]),
    // There is none.
    (
        "GET",
        "/orgs/{slug}/sso/{id}/reports/{reference}",
        ["404 not_found", "403 forbidden", "404 not_found", "404 not_found"],
    ),
    // It has no address.
    ("POST", "/orgs/{slug}/sso/{id}/refresh", ["404 not_found", "403 forbidden", "403 forbidden", "409 conflict"]),
    ("POST", "/orgs/{slug}/sso/{id}/keys", ["404 not_found", "403 forbidden", "403 forbidden", "201"]),
    ("POST", "/orgs/{slug}/sso/{id}/keys/{key}/activate", ["404 not_found", "403 forbidden", "403 forbidden", "204"]),
    ("DELETE", "/orgs/{slug}/sso/{id}/keys/{key}", ["404 not_found", "403 forbidden", "403 forbidden", "204"]),
    // Nobody has come by it.
    (
        "DELETE",
        "/orgs/{slug}/sso/{id}/identities/{user_id}",
        ["404 not_found", "403 forbidden", "403 forbidden", "404 not_found"],
    ),
    ("DELETE", "/orgs/{slug}/sso/{id}", ["404 not_found", "403 forbidden", "403 forbidden", "204"]),
    ("GET", "/orgs/{slug}/webhooks", ["404 not_found", "403 forbidden", "200", "200"]),
    ("POST", "/orgs/{slug}/webhooks", ["404 not_found", "403 forbidden", "201", "201"]),
    ("GET", "/orgs/{slug}/webhooks/{id}", ["404 not_found", "403 forbidden", "200", "200"]),
    ("PATCH", "/orgs/{slug}/webhooks/{id}", ["404 not_found", "403 forbidden", "200", "200"]),
    ("POST", "/orgs/{slug}/webhooks/{id}/rotate", ["404 not_found", "403 forbidden", "200", "200"]),
    ("POST", "/orgs/{slug}/webhooks/{id}/test", ["404 not_found", "403 forbidden", "202", "202"]),
    ("GET", "/orgs/{slug}/webhooks/{id}/deliveries", ["404 not_found", "403 forbidden", "200", "200"]),
    (
        "POST",
        "/orgs/{slug}/webhooks/{id}/deliveries/{delivery}/redeliver",
        ["404 not_found", "403 forbidden", "202", "202"],
    ),
    ("DELETE", "/orgs/{slug}/webhooks/{id}", ["404 not_found", "403 forbidden", "204", "204"]),
    ("DELETE", "/orgs/{slug}", ["404 not_found", "403 forbidden", "403 forbidden", "204"]),
    // Of somebody to be a member.
    ("GET", "/orgs/{slug}/invitations", ["404 not_found", "403 forbidden", "200", "200"]),
    ("POST", "/orgs/{slug}/invitations", ["404 not_found", "403 forbidden", "201", "201"]),
    ("POST", "/orgs/{slug}/invitations/{id}/resend", ["404 not_found", "403 forbidden", "200", "200"]),
    ("DELETE", "/orgs/{slug}/invitations/{id}", ["404 not_found", "403 forbidden", "204", "204"]),
    ("GET", "/orgs/{slug}/groups", ["404 not_found", "200", "200", "200"]),
    ("GET", "/orgs/{slug}/groups/{id}", ["404 not_found", "200", "200", "200"]),
    ("POST", "/orgs/{slug}/groups", ["404 not_found", "403 forbidden", "201", "201"]),
    ("PATCH", "/orgs/{slug}/groups/{id}", ["404 not_found", "403 forbidden", "200", "200"]),
    ("POST", "/orgs/{slug}/groups/{id}/members", ["404 not_found", "403 forbidden", "204", "204"]),
    ("DELETE", "/orgs/{slug}/groups/{id}/members/{user_id}", ["404 not_found", "403 forbidden", "204", "204"]),
    ("DELETE", "/orgs/{slug}/groups/{id}", ["404 not_found", "403 forbidden", "204", "204"]),
];

/// A group, an invitation, a connection and a webhook of "acme", and something that the webhook was not told.
const THING: &str = "0190a3c2-7d5e-7cc3-98c4-dc0c0c07398f";
const TO_GROUPS: [&str; 4] = ["404", "403", "303 /orgs/acme/groups", "303 /orgs/acme/groups"];
const TO_GROUP: [&str; 4] = {
    let group = "303 /orgs/acme/groups/0190a3c2-7d5e-7cc3-98c4-dc0c0c07398f";
    ["404", "403", group, group]
};
const TO_DOMAINS: [&str; 4] = ["404", "403", "403", "303 /orgs/acme/domains"];
const TO_INVITATIONS: [&str; 4] = ["404", "403", "303 /orgs/acme/invitations", "303 /orgs/acme/invitations"];

/// The same by the pages, with what is sent by their forms. `{other}` is the id of one more member.
const PAGES: &[(&str, &str, Fields, [&str; 4])] = &[
    ("GET", "/orgs/{slug}", &[], ["404", "200", "200", "200"]),
    ("POST", "/orgs/{slug}/name", &[("name", "Acme Holding")], ["404", "403", "303 /orgs/acme", "303 /orgs/acme"]),
    // The last two have none themselves.
    ("POST", "/orgs/{slug}/second-factor", &[("days", "7")], ["404", "403", "409", "409"]),
    (
        "POST",
        "/orgs/{slug}/members/{user_id}/role",
        &[("role", "admin")],
        ["404", "403", "303 /orgs/acme", "303 /orgs/acme"],
    ),
    ("POST", "/orgs/{slug}/members/{user_id}/remove", &[], ["404", "403", "303 /orgs/acme", "303 /orgs/acme"]),
    ("GET", "/orgs/{slug}/domains", &[], ["404", "403", "200", "200"]),
    ("POST", "/orgs/{slug}/domains/add", &[("name", "example.org")], TO_DOMAINS),
    ("POST", "/orgs/{slug}/domains/{name}/check-now", &[], TO_DOMAINS),
    ("POST", "/orgs/{slug}/domains/{name}/remove", &[], TO_DOMAINS),
    ("POST", "/orgs/{slug}/sso/add", &[("name", "")], ["404", "403", "403", "422"]),
    (
        "POST",
        "/orgs/{slug}/sso/{id}/change",
        &[("name", "Staff")],
        ["404", "403", "403", "303 /orgs/acme/sso/0190a3c2-7d5e-7cc3-98c4-dc0c0c07398f"],
    ),
    (
        "POST",
        "/orgs/{slug}/sso/{id}/forget",
        &[("email", "nobody@example.com")],
        ["404", "403", "403", "303 /orgs/acme/sso/0190a3c2-7d5e-7cc3-98c4-dc0c0c07398f"],
    ),
    (
        "POST",
        "/orgs/{slug}/sso/{id}/fetch-again",
        &[],
        ["404", "403", "403", "303 /orgs/acme/sso/0190a3c2-7d5e-7cc3-98c4-dc0c0c07398f"],
    ),
    (
        "POST",
        "/orgs/{slug}/sso/{id}/add-key",
        &[],
        ["404", "403", "403", "303 /orgs/acme/sso/0190a3c2-7d5e-7cc3-98c4-dc0c0c07398f"],
    ),
    (
        "POST",
        "/orgs/{slug}/sso/{id}/keys/{key}/use",
        &[],
        ["404", "403", "403", "303 /orgs/acme/sso/0190a3c2-7d5e-7cc3-98c4-dc0c0c07398f"],
    ),
    (
        "POST",
        "/orgs/{slug}/sso/{id}/keys/{key}/remove",
        &[],
        ["404", "403", "403", "303 /orgs/acme/sso/0190a3c2-7d5e-7cc3-98c4-dc0c0c07398f"],
    ),
    // It serves nobody.
    ("POST", "/orgs/{slug}/sso/{id}/enforce", &[("when", "now")], ["404", "403", "403", "409"]),
    ("POST", "/orgs/{slug}/sso/{id}/remove", &[], ["404", "403", "403", "303 /orgs/acme/sso"]),
    ("GET", "/orgs/{slug}/sso", &[], ["404", "403", "200", "200"]),
    ("GET", "/orgs/{slug}/sso/{id}", &[], ["404", "403", "200", "200"]),
    ("GET", "/orgs/{slug}/sso/{id}/preflight", &[], ["404", "403", "200", "200"]),
    ("POST", "/orgs/{slug}/webhooks/add", WEBHOOK, ["404", "403", "200", "200"]),
    (
        "POST",
        "/orgs/{slug}/webhooks/{id}/change",
        WEBHOOK,
        [
            "404",
            "403",
            "303 /orgs/acme/webhooks/0190a3c2-7d5e-7cc3-98c4-dc0c0c07398f",
            "303 /orgs/acme/webhooks/0190a3c2-7d5e-7cc3-98c4-dc0c0c07398f",
        ],
    ),
    (
        "POST",
        "/orgs/{slug}/webhooks/{id}/enable",
        &[],
        [
            "404",
            "403",
            "303 /orgs/acme/webhooks/0190a3c2-7d5e-7cc3-98c4-dc0c0c07398f",
            "303 /orgs/acme/webhooks/0190a3c2-7d5e-7cc3-98c4-dc0c0c07398f",
        ],
    ),
    (
        "POST",
        "/orgs/{slug}/webhooks/{id}/disable",
        &[],
        [
            "404",
            "403",
            "303 /orgs/acme/webhooks/0190a3c2-7d5e-7cc3-98c4-dc0c0c07398f",
            "303 /orgs/acme/webhooks/0190a3c2-7d5e-7cc3-98c4-dc0c0c07398f",
        ],
    ),
    (
        "POST",
        "/orgs/{slug}/webhooks/{id}/send-test",
        &[],
        [
            "404",
            "403",
            "303 /orgs/acme/webhooks/0190a3c2-7d5e-7cc3-98c4-dc0c0c07398f",
            "303 /orgs/acme/webhooks/0190a3c2-7d5e-7cc3-98c4-dc0c0c07398f",
        ],
    ),
    ("POST", "/orgs/{slug}/webhooks/{id}/replace-secret", &[], ["404", "403", "200", "200"]),
    (
        "POST",
        "/orgs/{slug}/webhooks/{id}/deliveries/{delivery}/send-again",
        &[],
        [
            "404",
            "403",
            "303 /orgs/acme/webhooks/0190a3c2-7d5e-7cc3-98c4-dc0c0c07398f",
            "303 /orgs/acme/webhooks/0190a3c2-7d5e-7cc3-98c4-dc0c0c07398f",
        ],
    ),
    (
        "POST",
        "/orgs/{slug}/webhooks/{id}/remove",
        &[],
        ["404", "403", "303 /orgs/acme/webhooks", "303 /orgs/acme/webhooks"],
    ),
    ("GET", "/orgs/{slug}/webhooks", &[], ["404", "403", "200", "200"]),
    ("GET", "/orgs/{slug}/webhooks/{id}", &[], ["404", "403", "200", "200"]),
    ("POST", "/orgs/{slug}/leave", &[], ["404", "303 /orgs", "303 /orgs", "409"]),
    ("GET", "/orgs/{slug}/hand-over", &[], ["404", "403", "403", "200"]),
    ("POST", "/orgs/{slug}/hand-over", &[("user_id", "{other}")], ["404", "403", "403", "303 /orgs/acme"]),
    ("GET", "/orgs/{slug}/delete", &[], ["404", "403", "403", "200"]),
    ("POST", "/orgs/{slug}/delete", &[], ["404", "403", "403", "303 /orgs"]),
    ("GET", "/orgs/{slug}/invitations", &[], ["404", "403", "200", "200"]),
    ("POST", "/orgs/{slug}/invitations/new", &[("email", "new@example.com"), ("role", "member")], TO_INVITATIONS),
    ("POST", "/orgs/{slug}/invitations/{id}/send-again", &[], TO_INVITATIONS),
    ("POST", "/orgs/{slug}/invitations/{id}/withdraw", &[], TO_INVITATIONS),
    ("GET", "/orgs/{slug}/groups", &[], ["404", "200", "200", "200"]),
    ("GET", "/orgs/{slug}/groups/{id}", &[], ["404", "200", "200", "200"]),
    // The name of the group there is.
    ("POST", "/orgs/{slug}/groups/new", &[("name", "ops")], ["404", "403", "409", "409"]),
    ("POST", "/orgs/{slug}/groups/{id}/rename", &[("name", "Design")], TO_GROUP),
    ("POST", "/orgs/{slug}/groups/{id}/members/add", &[("email", "other@example.com")], TO_GROUP),
    ("POST", "/orgs/{slug}/groups/{id}/members/{user_id}/remove", &[], TO_GROUP),
    ("POST", "/orgs/{slug}/groups/{id}/delete", &[], TO_GROUPS),
];

/// Nothing is ever sent there: nobody is imported into an organization.
const WEBHOOK: Fields = &[("url", "https://1.1.1.1/"), ("kinds", "user.imported")];

type Fields = &'static [(&'static str, &'static str)];

#[test]
fn what_somebody_may_do_depends_on_what_they_are_in_the_organization() {
    let endpoints = routes::personal().into_iter().filter(|endpoint| endpoint.path.starts_with("/orgs/{slug}"));
    for endpoint in endpoints {
        let (method, path) = (endpoint.method.to_string(), endpoint.path);
        let by_api = TABLE.iter().any(|(known, at, _)| *known == method && *at == path);
        let by_page = PAGES.iter().any(|(known, at, ..)| *known == method && *at == path);
        assert!(by_api || by_page, "{method} {path} is not in the tables: say who may use it");
    }
    let app = TestApp::start();
    let people = ["stranger@example.com", MEMBER, ADMIN, OWNER];
    app.verified(people[0]);
    staffed(&app);
    app.verified("other@example.com");
    let other = super::id_of(&app, "other@example.com");
    let at = |path: &str| {
        let path = path
            .replace("{slug}", "acme")
            .replace("{user_id}", &other)
            .replace("{name}", "example.com")
            .replace("{reference}", "AAAAAAAA");
        path.replace("{id}", THING).replace("{delivery}", THING).replace("{key}", THING)
    };
    let mut wrong = Vec::new();
    for (method, path, expected) in TABLE {
        for (email, expected) in people.iter().zip(expected) {
            restore(&app);
            let body = body(method, path, &other);
            let answer = super::confirmed(&app, email).api(method, &at(path), body);
            compare(&mut wrong, (method, path, email), &answer, expected);
        }
    }
    for (method, path, fields, expected) in PAGES {
        for (email, expected) in people.iter().zip(expected) {
            restore(&app);
            let answer = by_page(&mut super::confirmed(&app, email), method, &at(path), fields, &other);
            compare(&mut wrong, (method, path, email), &answer, expected);
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn compare(wrong: &mut Vec<String>, (method, path, email): (&str, &str, &str), answer: &Page, expected: &str) {
    let seen = match (answer.location(), answer.header("content-type")) {
        (Some(url), _) => format!("{} {}", answer.status, url.path()),
        (None, Some("application/problem+json")) => format!("{} {}", answer.status, code(answer)),
        (None, _) => answer.status.to_string(),
    };
    if seen != expected {
        wrong.push(format!("{method} {path} by {email}: {seen}, not {expected}"));
    }
}

/// Everybody is what they were, and there is one more member, to whom things are done; a group with that member in it, and
/// an invitation.
fn restore(app: &TestApp) {
    app.execute(&format!(
        "INSERT INTO organizations SELECT gen_random_uuid(), 'acme', 'Acme', now() ON CONFLICT DO NOTHING;
        INSERT INTO members SELECT o.id, u.id,
            CASE u.email WHEN '{OWNER}' THEN 'owner' WHEN '{ADMIN}' THEN 'admin' ELSE 'member' END, now()
        FROM organizations o, users u WHERE u.email IN ('{OWNER}', '{ADMIN}', '{MEMBER}', 'other@example.com')
        ON CONFLICT (organization_id, user_id) DO UPDATE SET role = excluded.role;
        DELETE FROM domains; INSERT INTO domains (id, organization_id, name, token, created_at)
            SELECT '{THING}', id, 'example.com', 'x', now() FROM organizations;
        DELETE FROM groups; DELETE FROM invitations; DELETE FROM throttles;
        INSERT INTO groups SELECT '{THING}', id, 'Ops', 'ops', now() FROM organizations;
        INSERT INTO group_members SELECT '{THING}', m.organization_id, m.user_id, now() FROM members m
            JOIN users u ON u.id = m.user_id WHERE u.email = 'other@example.com';
        INSERT INTO invitations SELECT '{THING}', id, 'ivy@example.com', 'ivy@example.com', 'member', sha256('x'), NULL,
            now(), now(), to_timestamp(1800000000) + interval '7 days' FROM organizations;
        INSERT INTO webhooks (id, organization_id, url, kinds, secret, created_at)
        SELECT '{THING}', id, 'https://127.0.0.1:1/', '{{user.imported}}', '', now() FROM organizations WHERE slug = 'acme'
        ON CONFLICT (id) DO UPDATE SET disabled_at = NULL, disabled_why = NULL, url = excluded.url;
        INSERT INTO webhook_deliveries (id, webhook_id, event_id, kind, at, next_attempt_at, gave_up_at)
        VALUES ('{THING}', '{THING}', '{THING}', 'user.imported', now(), now(), now())
        ON CONFLICT (id) DO UPDATE SET gave_up_at = now(), delivered_at = NULL;
        DELETE FROM connections;
        INSERT INTO connections (id, organization_id, name, idp_entity_id, sso_url, sso_binding, metadata_from,
            created_at, changed_at)
        SELECT '{THING}', id, 'Staff', 'urn:idp', 'https://idp.example.com/', 'redirect', 'hand', now(), now()
        FROM organizations WHERE slug = 'acme';
        INSERT INTO connection_keys VALUES ('{THING}', '{THING}', '', '', false, now(), now())"
    ));
}

fn body(method: &str, path: &str, other: &str) -> Value {
    match (method, path) {
        ("PATCH", "/orgs/{slug}") => json!({ "name": "Acme Holding" }),
        ("PATCH", "/orgs/{slug}/members/{user_id}") => json!({ "role": "admin" }),
        ("POST", "/orgs/{slug}/invitations") => json!({ "email": "new@example.com", "role": "member" }),
        ("POST", "/orgs/{slug}/groups") | ("PATCH", "/orgs/{slug}/groups/{id}") => json!({ "name": "Design" }),
        ("POST", "/orgs/{slug}/owner" | "/orgs/{slug}/groups/{id}/members") => json!({ "user_id": other }),
        ("POST", "/orgs/{slug}/domains") => json!({ "name": "example.org" }),
        ("POST", "/orgs/{slug}/sso") => json!({
            "name": "Staff", "idp_entity_id": "urn:idp", "sso_url": "https://idp.example.com/",
            "certificates": [crate::connections::certificate("idp")],
        }),
        ("POST", "/orgs/{slug}/webhooks") => json!({ "url": WEBHOOK[0].1, "kinds": [WEBHOOK[1].1] }),
        ("PATCH", "/orgs/{slug}/sso/{id}" | "/orgs/{slug}/webhooks/{id}") => json!({}),
        _ => Value::Null,
    }
}

fn by_page(browser: &mut Browser, method: &str, at: &str, fields: Fields, other: &str) -> Page {
    if method == "GET" {
        return browser.get(at);
    }
    let form = browser.get("/").form("/logout").expect("a form");
    let token = form.fields.iter().find(|(name, _)| name == "csrf").expect("a token").1.clone();
    let fields: Vec<(&str, String)> =
        fields.iter().map(|(name, value)| (*name, value.replace("{other}", other))).collect();
    let all: Vec<(&str, &str)> = [("csrf", token.as_str())]
        .into_iter()
        .chain(fields.iter().map(|(name, value)| (*name, value.as_str())))
        .collect();
    browser.post(at, &all)
}
