//! Founding, listing, renaming, deleting.

use serde_json::{Value, json};

use super::{ADMIN, MEMBER, OWNER, acme, events, get, id_of, staffed};
use crate::support::TestApp;
use crate::support::people::code;

#[test]
fn whoever_founds_an_organization_owns_it() {
    let app = TestApp::start();
    let mut olive = app.verified(OWNER);
    let answer = olive.api("POST", "/orgs", json!({ "name": " Müller & Co. " }));
    assert_eq!((answer.status, answer.header("cache-control")), (201, Some("no-store")));
    let made: Value = answer.json();
    assert_eq!(
        (&made["slug"], &made["name"], &made["role"]),
        (&json!("mueller-co"), &json!("Müller & Co."), &json!("owner"))
    );
    assert_eq!(made["created_at"], "2027-01-15T08:00:00Z");
    assert_eq!(get(&mut olive, "/orgs/mueller-co").json::<Value>(), made);
    assert_eq!(get(&mut olive, "/orgs").json::<Value>(), json!({ "organizations": [made] }));
    let me: Value = get(&mut olive, "/me").json();
    assert_eq!(me["organizations"], json!([{ "slug": "mueller-co", "name": "Müller & Co.", "role": "owner" }]));
    assert_eq!(events(&app), "organization.created member.added");
}

#[test]
fn a_slug_may_be_chosen_and_is_never_given_twice() {
    let app = TestApp::start();
    let mut olive = app.verified(OWNER);
    let mut found = |name: &str, slug: Option<&str>| {
        let answer = olive.api("POST", "/orgs", json!({ "name": name, "slug": slug }));
        (answer.status, answer.json::<Value>())
    };
    assert_eq!(found("Acme", None).1["slug"], "acme");
    assert_eq!(found("Acme", None).1["slug"], "acme-2");
    assert_eq!(found("Other", Some("own-1")).1["slug"], "own-1");
    let (status, problem) = found("Other", Some("acme"));
    assert_eq!((status, &problem["code"]), (409, &json!("conflict")));
    for slug in ["", "A", "-a", "a-", "new", "sso", "a/b", "a_b", &"a".repeat(41)] {
        let (status, problem) = found("", Some(slug));
        assert_eq!(status, 422, "{slug}");
        assert!(problem["fields"]["slug"].is_string() && problem["fields"]["name"].is_string(), "{problem}");
    }
    olive.confirm();
    assert_eq!(olive.api("DELETE", "/orgs/acme", Value::Null).status, 204);
    let answer = olive.api("POST", "/orgs", json!({ "name": "Acme", "slug": "acme" }));
    assert_eq!(answer.status, 409, "apps may still know who it was");
    assert_eq!(olive.api("POST", "/orgs", json!({ "name": "Acme" })).json::<Value>()["slug"], "acme-3");
}

#[test]
fn somebody_unverified_founds_nothing() {
    let app = TestApp::start();
    let mut new = app.unverified("new@example.com");
    let answer = new.api("POST", "/orgs", json!({ "name": "Acme" }));
    assert_eq!((answer.status, code(&answer).as_str()), (403, "email_unverified"));
    assert_eq!(app.count("SELECT count(*) AS n FROM organization_slugs"), 0);
}

#[test]
fn nobody_owns_more_than_twenty_organizations() {
    let app = TestApp::start();
    let mut olive = app.verified(OWNER);
    for _ in 0..20 {
        assert_eq!(olive.api("POST", "/orgs", json!({ "name": "One" })).status, 201);
    }
    let answer = olive.api("POST", "/orgs", json!({ "name": "One more" }));
    assert_eq!((answer.status, code(&answer).as_str()), (409, "conflict"));
    assert_eq!(app.count("SELECT count(DISTINCT slug) AS n FROM organizations"), 20);
}

#[test]
fn an_organization_is_renamed_and_keeps_its_slug() {
    let app = TestApp::start();
    let ([mut olive, mut adam, mut mia], _) = staffed(&app);
    let answer = adam.api("PATCH", "/orgs/acme", json!({ "name": "Acme Holding" }));
    assert_eq!((answer.status, answer.json::<Value>()["name"].clone()), (200, json!("Acme Holding")));
    assert_eq!(get(&mut olive, "/orgs/acme").json::<Value>()["name"], "Acme Holding");
    for (name, sentence) in [("", "name"), ("a\nb", "control"), (&"x".repeat(65), "too long")] {
        let answer = olive.api("PATCH", "/orgs/acme", json!({ "name": name }));
        assert_eq!(answer.status, 422);
        assert!(answer.json::<Value>()["fields"]["name"].as_str().unwrap().contains(sentence), "{name}");
    }
    let answer = mia.api("PATCH", "/orgs/acme", json!({ "name": "Mine" }));
    assert_eq!((answer.status, code(&answer).as_str()), (403, "forbidden"));
    assert!(events(&app).ends_with(" organization.renamed"), "{}", events(&app));
}

#[test]
fn an_organization_goes_with_all_it_had_and_everybody_is_told() {
    let app = TestApp::start();
    let ([mut olive, mut adam, mut mia], _) = staffed(&app);
    let refused = olive.api("DELETE", "/orgs/acme", Value::Null);
    assert_eq!((refused.status, code(&refused).as_str()), (403, "reauth_required"));
    let url = refused.json::<Value>()["confirm_url"].as_str().unwrap().to_owned();
    assert!(url.ends_with("/confirm?return_to=%2Forgs%2Facme"), "{url}");
    adam.confirm();
    assert_eq!(adam.api("DELETE", "/orgs/acme", Value::Null).status, 403, "an admin never may");
    olive.confirm();
    assert_eq!(olive.api("DELETE", "/orgs/acme", Value::Null).status, 204);
    for browser in [&mut olive, &mut adam, &mut mia] {
        assert_eq!(get(browser, "/orgs/acme").status, 404);
        assert_eq!(get(browser, "/orgs").json::<Value>(), json!({ "organizations": [] }));
    }
    assert_eq!(olive.api("DELETE", "/orgs/acme", Value::Null).status, 404, "twice");
    assert_eq!(app.count("SELECT count(*) AS n FROM members"), 0);
    for email in [OWNER, ADMIN, MEMBER] {
        let letter = app.mail().to(email);
        assert_eq!(letter.subject(), "Acme was deleted");
        assert!(!letter.text().contains("127.0.0.1"), "where the owner sits is nobody's business: {}", letter.text());
    }
    assert_eq!(
        app.text("SELECT details ->> 'members' AS t FROM audit_events WHERE kind = 'organization.deleted'"),
        "3"
    );
}

#[test]
fn whoever_is_no_member_is_told_what_they_are_told_of_nothing() {
    let app = TestApp::start();
    let (_, [olive, ..]) = staffed(&app);
    let mut stranger = app.verified("stranger@example.com");
    stranger.confirm();
    let both = |path: &str| [path.replace("{slug}", "acme"), path.replace("{slug}", "nothing")];
    let tries = [
        ("GET", "/orgs/{slug}", Value::Null),
        ("GET", "/orgs/{slug}/members", Value::Null),
        ("GET", "/orgs/{slug}/members?limit=0", Value::Null),
        ("PATCH", "/orgs/{slug}", json!({ "name": "Mine" })),
        ("DELETE", "/orgs/{slug}", Value::Null),
        ("PATCH", &format!("/orgs/{{slug}}/members/{olive}"), json!({ "role": "member" })),
        ("DELETE", &format!("/orgs/{{slug}}/members/{olive}"), Value::Null),
        ("POST", "/orgs/{slug}/owner", json!({ "user_id": olive })),
    ];
    for (method, path, body) in tries {
        let [theirs, none] = both(path).map(|path| {
            let answer = stranger.api(method, &path, body.clone());
            let mut problem: Value = answer.json();
            problem["request_id"] = Value::Null;
            (answer.status, problem)
        });
        assert_eq!(theirs, none, "{method} {path}");
        assert_eq!(theirs.0, 404, "{method} {path}");
    }
    for slug in ["Acme", "acme%20", "acme%2fx", "acme-", &"a".repeat(400)] {
        assert_eq!(get(&mut stranger, &format!("/orgs/{slug}")).status, 404, "{slug}");
    }
}

#[test]
fn a_key_that_may_look_sees_organizations_and_their_members() {
    let app = TestApp::start();
    let ([mut olive], _) = acme(&app, [OWNER]);
    olive.confirm();
    let body = json!({ "name": "looks", "scopes": ["account:read"] });
    let key = olive.api("POST", "/me/api-keys", body).json::<Value>()["key"].as_str().unwrap().to_owned();
    let mut program = app.browser().with_header("Authorization", &format!("Bearer {key}"));
    assert_eq!(get(&mut program, "/orgs").json::<Value>()["organizations"][0]["slug"], "acme");
    assert_eq!(get(&mut program, "/orgs/acme").json::<Value>()["role"], "owner");
    let members: Value = get(&mut program, "/orgs/acme/members").json();
    assert_eq!(members["members"][0]["user_id"], json!(id_of(&app, OWNER)));
    assert_eq!(get(&mut program, "/orgs/nothing").status, 404);
    for (method, path, body) in [
        ("POST", "/orgs", json!({ "name": "By a key" })),
        ("PATCH", "/orgs/acme", json!({ "name": "By a key" })),
        ("DELETE", "/orgs/acme", Value::Null),
    ] {
        let answer = program.api(method, path, body);
        assert_eq!((answer.status, code(&answer).as_str()), (403, "forbidden"), "{method} {path}");
    }
}

#[test]
fn ten_megabytes_are_no_name() {
    let app = TestApp::start();
    let mut olive = app.verified(OWNER);
    let answer = olive.api("POST", "/orgs", json!({ "name": "x".repeat(10_000_000) }));
    assert_eq!((answer.status, code(&answer).as_str()), (413, "too_large"));
}
