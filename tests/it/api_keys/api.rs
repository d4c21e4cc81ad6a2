//! Keys by the API, and what they open there.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use vestibule::kernel::Origin;
use vestibule::{api_keys, db};

use super::{ANN, ann, challenge, create, get, key_for, program, revoke};
use crate::support::browser::Browser;
use crate::support::people::code;
use crate::support::{TestApp, eventually};

const READABLE: [&str; 3] = ["/me", "/me/sessions", "/me/api-keys"];

#[test]
fn a_key_is_shown_once_and_listed_without_its_secret() {
    let app = TestApp::start();
    let mut ann = ann(&app);
    let answer = create(&mut ann, json!({ "name": " nightly backup " }));
    assert_eq!((answer.status, answer.header("cache-control")), (201, Some("no-store")));
    let made: Value = answer.json();
    let key = made["key"].as_str().unwrap();
    assert!(key.starts_with("vst_") && key.len() == 68, "{key}");
    assert_eq!(made["prefix"], key[..8]);
    assert_eq!((&made["name"], &made["scopes"]), (&json!("nightly backup"), &json!(["gateway"])));
    let instant = |name: &str| made[name].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    assert_eq!(instant("expires_at") - instant("created_at"), TimeDelta::days(90));

    let listed = get(&mut ann, "/me/api-keys");
    assert!(!listed.answer.text().contains(&key[8..]));
    let expected = json!([{
        "id": made["id"],
        "prefix": made["prefix"],
        "name": "nightly backup",
        "scopes": ["gateway"],
        "created_at": made["created_at"],
        "expires_at": made["expires_at"],
        "expired": false,
        "last_used_at": null,
        "last_used_ip": null,
    }]);
    assert_eq!(listed.json::<Value>()["api_keys"], expected);

    let stored = app.text("SELECT row_to_json(api_keys)::text || (SELECT string_agg(details::text, '') FROM audit_events) AS t FROM api_keys");
    assert!(!stored.contains(&key[8..]), "{stored}");
    let letter = app.mail().to(ANN);
    assert_eq!(letter.subject(), "An API key was made for your account at Vestibule");
    for text in [letter.text(), letter.html()] {
        assert!(text.contains("nightly backup") && !text.contains(&key[8..]), "{text}");
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM audit_events WHERE kind = 'api_key.created'"), 1);
}

#[test]
fn whatever_is_wrong_with_a_wish_is_said_at_once() {
    let app = TestApp::start();
    let mut ann = ann(&app);
    let wrong = [
        (json!({ "name": "" }), vec!["name"]),
        (json!({ "name": "a\nb" }), vec!["name"]),
        (json!({ "name": "x".repeat(65) }), vec!["name"]),
        (json!({ "name": "x", "scopes": [] }), vec!["scopes"]),
        (json!({ "name": "x", "scopes": ["account:write"] }), vec!["scopes"]),
        (json!({ "name": "x", "expires_in": 0 }), vec!["expires_in"]),
        (json!({ "name": "x", "expires_in": -1 }), vec!["expires_in"]),
        (json!({ "name": "x", "expires_in": 59 }), vec!["expires_in"]),
        (json!({ "name": "x", "expires_in": 365 * 86_400 + 1 }), vec!["expires_in"]),
        (json!({ "name": "x", "expires_in": i64::MAX }), vec!["expires_in"]),
        (json!({ "name": " ", "scopes": ["*"], "expires_in": 1 }), vec!["expires_in", "name", "scopes"]),
    ];
    for (body, fields) in wrong {
        let answer = create(&mut ann, body.clone());
        assert_eq!((answer.status, code(&answer).as_str()), (422, "validation"), "{body}");
        let said = answer.json::<Value>()["fields"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(said, fields, "{body}");
    }
    for body in [json!({}), json!({ "name": 1 }), json!({ "name": "x", "expires_in": "1d" }), json!([]), Value::Null] {
        let answer = create(&mut ann, body.clone());
        assert_eq!((answer.status, code(&answer).as_str()), (400, "invalid_request"), "{body}");
    }
    let huge = create(&mut ann, json!({ "name": "x".repeat(10_000_000) }));
    assert_eq!((huge.status, code(&huge).as_str()), (413, "too_large"));
    for seconds in [60, 365 * 86_400] {
        assert_eq!(create(&mut ann, json!({ "name": "x", "expires_in": seconds })).status, 201, "{seconds}");
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM api_keys"), 2);
}

#[test]
fn a_key_is_made_by_somebody_verified_who_has_just_confirmed_and_by_nobody_else() {
    let app = TestApp::start();
    let body = || json!({ "name": "x" });
    let mut newcomer = app.unverified("new@example.com");
    newcomer.confirm();
    let answer = create(&mut newcomer, body());
    assert_eq!((answer.status, code(&answer).as_str()), (403, "email_unverified"));
    let mut browser = app.verified(ANN);
    let answer = create(&mut browser, body());
    assert_eq!((answer.status, code(&answer).as_str()), (403, "reauth_required"));
    assert!(answer.json::<Value>()["confirm_url"].as_str().unwrap().ends_with("%2Faccount%2Fapi-keys"));
    browser.confirm();
    assert_eq!(create(&mut browser, body()).status, 201);
    app.clock().advance(TimeDelta::minutes(5));
    assert_eq!(code(&create(&mut browser, body())), "reauth_required");
    browser.confirm();
    let stranger = create(browser.standing_on("http://localhost:1/"), body());
    assert_eq!(code(&stranger), "csrf");
    assert_eq!(app.count("SELECT count(*) AS n FROM api_keys"), 1);
}

#[test]
fn a_key_that_may_read_the_account_sees_what_its_holder_sees() {
    let app = TestApp::start();
    let mut ann = ann(&app);
    let (key, _) = key_for(&mut ann, &["account:read", "gateway"]);
    let mut program = program(&app, &key);
    let me = get(&mut program, "/me");
    assert_eq!((me.status, me.header("cache-control")), (200, Some("no-store")));
    assert_eq!(me.json::<Value>(), get(&mut ann, "/me").json::<Value>());
    let sessions: Value = get(&mut program, "/me/sessions").json();
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(sessions["sessions"][0]["current"], false, "a program is signed in nowhere");
    assert_eq!(get(&mut program, "/me/api-keys").json::<Value>()["api_keys"].as_array().unwrap().len(), 1);
    assert!(program.jar.all().is_empty(), "{:?}", program.jar.all());
}

/// Which endpoints there are besides stands in the access table.
#[test]
fn a_key_changes_nothing_and_confirms_nothing() {
    let app = TestApp::start();
    let mut ann = ann(&app);
    let (key, id) = key_for(&mut ann, &["account:read", "gateway"]);
    let mut program = program(&app, &key);
    let tries = [
        ("PATCH", "/me", json!({ "name": "Eve" })),
        ("PUT", "/me/password", json!({ "new_password": "seven quiet herons" })),
        ("POST", "/me/totp", Value::Null),
        ("DELETE", "/me/sessions", Value::Null),
        ("POST", "/me/api-keys", json!({ "name": "another" })),
        ("DELETE", &format!("/me/api-keys/{id}"), Value::Null),
        ("GET", "/auth/confirm", Value::Null),
        ("POST", "/auth/confirm", json!({ "password": crate::support::people::PASSWORD })),
        ("POST", "/auth/logout", Value::Null),
    ];
    for (method, path, body) in tries {
        let answer = program.api(method, path, body);
        assert_eq!((answer.status, code(&answer).as_str()), (403, "forbidden"), "{method} {path}");
        assert!(challenge(&answer).contains("error=\"insufficient_scope\""), "{}", challenge(&answer));
    }
    assert_eq!(get(&mut ann, "/me").json::<Value>()["name"], "Ann Lee");
    assert_eq!(app.count("SELECT count(*) AS n FROM api_keys"), 1);
}

#[test]
fn a_key_for_apps_tells_nothing_about_the_account() {
    let app = TestApp::start();
    let mut ann = ann(&app);
    let (key, _) = key_for(&mut ann, &["gateway"]);
    for path in READABLE {
        let answer = get(&mut program(&app, &key), path);
        assert_eq!((answer.status, code(&answer).as_str()), (403, "forbidden"), "{path}");
        assert!(answer.json::<Value>()["error"].as_str().unwrap().contains("account:read"));
        assert!(challenge(&answer).contains("error=\"insufficient_scope\""));
    }
}

/// Whoever holds a session and a wrong key is told about the key: a slip must not look as if it worked.
#[test]
fn a_wrong_key_is_401_and_never_made_good_by_a_cookie() {
    let app = TestApp::start();
    let mut ann = ann(&app);
    let (key, _) = key_for(&mut ann, &["account:read"]);
    let other = TestApp::with(&[("secrets.key", "YW5vdGhlciBrZXkgb2YgYW5vdGhlciBzZXJ2aWNlLCBhcyBpdCBpcw==")]);
    let mut bob = other.verified(ANN);
    bob.confirm();
    let (of_another_service, _) = key_for(&mut bob, &["account:read"]);
    let token = ann.jar.find(app.public_url(), "vestibule_gate").unwrap().value.clone();
    let wrong = [
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        "Bearer x".to_owned(),
        format!("Bearer {}", &key[..67]),
        format!("Bearer {key}x"),
        format!("Bearer {key} {key}"),
        format!("Bearer {key},"),
        format!("Bearer {}", key.to_ascii_uppercase()),
        format!("Bearer vst_{}", "A".repeat(64)),
        format!("Bearer {of_another_service}"),
        // Of our making, and no key.
        format!("Bearer vst_{token}"),
        format!("Bearer {token}"),
    ];
    for value in wrong.iter().skip(1) {
        for mut browser in [app.browser(), ann.clone()] {
            for (method, path) in [("GET", "/me"), ("GET", "/me/sessions"), ("PATCH", "/me"), ("POST", "/me/api-keys")]
            {
                browser = browser.with_header("Authorization", value);
                let answer = browser.api(method, path, json!({ "name": "Eve" }));
                assert_eq!(
                    (answer.status, code(&answer).as_str()),
                    (401, "unauthenticated"),
                    "{value} {method} {path}"
                );
                assert_eq!(challenge(&answer), "Bearer realm=\"vestibule\", error=\"invalid_token\"", "{value}");
            }
        }
    }
    // Another scheme is not ours to judge.
    for value in ["Basic eDp5", "Digest x", &wrong[0]] {
        assert_eq!(get(&mut ann.clone().with_header("Authorization", value), "/me").status, 200, "{value}");
    }
}

#[test]
fn a_good_key_beside_cookies_counts_and_they_do_not() {
    let app = TestApp::start();
    let mut ann = ann(&app);
    let (key, _) = key_for(&mut ann, &["account:read"]);
    let mut bob = app.verified("bob@example.com");
    bob.confirm();
    let before = bob.jar.all().len();
    let mut both = bob.clone().with_header("Authorization", &format!("bearer  {key} "));
    assert_eq!(get(&mut both, "/me").json::<Value>()["email"], ANN);
    // What his session could do, a request with her key cannot.
    let answer = create(&mut both, json!({ "name": "x" }));
    assert_eq!((answer.status, code(&answer).as_str()), (403, "forbidden"));
    assert_eq!(both.jar.all().len(), before, "and his cookies stay as they are");
    assert_eq!(get(&mut bob, "/me").json::<Value>()["email"], "bob@example.com");
    // From the page of a sibling there is no key: a browser sends none by itself.
    assert_eq!(code(&create(bob.standing_on("http://localhost:1/"), json!({ "name": "x" }))), "csrf");
}

#[test]
fn a_key_in_an_address_or_a_body_is_no_key() {
    let app = TestApp::start();
    let (key, _) = key_for(&mut ann(&app), &["account:read"]);
    for name in ["access_token", "api_key", "key", "token", "authorization"] {
        assert_eq!(get(&mut app.browser(), &format!("/me?{name}={key}")).status, 401, "{name}");
    }
    for (name, value) in [("X-Api-Key", key.clone()), ("Cookie", format!("vestibule_session={key}"))] {
        assert_eq!(get(&mut app.browser().with_header(name, &value), "/me").status, 401, "{name}");
    }
}

#[test]
fn a_key_ends_when_its_time_has_come_and_is_listed_for_a_month() {
    let app = TestApp::start();
    let mut ann = ann(&app);
    let answer = create(&mut ann, json!({ "name": "short", "scopes": ["account:read"], "expires_in": 3600 }));
    let key = answer.json::<Value>()["key"].as_str().unwrap().to_owned();
    let mut program = program(&app, &key);
    app.clock().advance(TimeDelta::seconds(3599));
    assert_eq!(get(&mut program, "/me").status, 200);
    app.clock().advance(TimeDelta::seconds(1));
    let answer = get(&mut program, "/me");
    assert_eq!((answer.status, code(&answer).as_str()), (401, "unauthenticated"));
    assert!(challenge(&answer).contains("invalid_token"));
    app.clock().advance(TimeDelta::seconds(-1));
    assert_eq!(get(&mut program, "/me").status, 200, "a clock that was set back counts like any other");

    let swept = || app.count("SELECT count(*) AS n FROM api_keys") == 0;
    let sweep = || {
        let origin = Origin::system("test");
        let sweeping = app.app.db.write::<_, db::Error, _>(&origin, api_keys::sweep);
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(sweeping).unwrap()
    };
    app.clock().advance(TimeDelta::days(30) + TimeDelta::seconds(1));
    assert_eq!((sweep(), swept()), (0, false));
    let (mut browser, _) = app.log_in(ANN, crate::support::people::PASSWORD);
    let listed: Value = get(&mut browser, "/me/api-keys").json();
    assert_eq!((&listed["api_keys"][0]["name"], &listed["api_keys"][0]["expired"]), (&json!("short"), &json!(true)));
    app.clock().advance(TimeDelta::seconds(1));
    assert_eq!((sweep(), swept()), (1, true));
}

#[test]
fn nobody_reaches_the_key_of_another_person() {
    let app = TestApp::start();
    let mut ann = ann(&app);
    let (key, id) = key_for(&mut ann, &["account:read"]);
    let mut bob = app.verified("bob@example.com");
    bob.confirm();
    let answer = revoke(&mut bob, &id);
    assert_eq!((answer.status, code(&answer).as_str()), (404, "not_found"));
    let page = bob.get("/account/api-keys");
    let token =
        page.form("/account/api-keys").unwrap().fields.iter().find(|(name, _)| name == "csrf").unwrap().1.clone();
    assert_eq!(bob.post(&format!("/account/api-keys/{id}/revoke"), &[("csrf", &token)]).status, 404);
    for id in ["x", "00000000-0000-0000-0000-000000000000", "..", "%00"] {
        assert_eq!(revoke(&mut ann, id).status, 404, "{id}");
    }
    assert_eq!(get(&mut bob, "/me/api-keys").json::<Value>()["api_keys"], json!([]));
    assert_eq!(get(&mut program(&app, &key), "/me").status, 200);
}

#[test]
fn the_last_use_is_kept_to_the_minute_with_where_it_came_from() {
    let app = TestApp::start();
    let mut ann = ann(&app);
    let (key, _) = key_for(&mut ann, &["account:read"]);
    let used = |browser: &mut Browser| {
        let listed: Value = get(browser, "/me/api-keys").json();
        let key = &listed["api_keys"][0];
        let text = |name: &str| key[name].as_str().map(str::to_owned);
        (text("last_used_at"), text("last_used_ip"))
    };
    assert_eq!(used(&mut ann), (None, None));
    let from = |address: &str| {
        let answer = get(&mut program(&app, &key).with_header("X-Forwarded-For", address), "/me");
        assert_eq!(answer.status, 200);
        app.clock().now()
    };
    let is = |at: DateTime<Utc>, address: &str| {
        let mut ann = ann.clone();
        eventually("the use to be written", move || {
            let (seen, ip) = used(&mut ann);
            let seen = seen?.parse::<DateTime<Utc>>().unwrap();
            (seen == at && ip.as_deref() == Some(address)).then_some(())
        });
    };
    let first = from("203.0.113.7");
    is(first, "203.0.113.7");
    app.clock().advance(TimeDelta::seconds(59));
    from("203.0.113.8");
    app.clock().advance(TimeDelta::seconds(1));
    let second = from("2001:db8::1");
    is(second, "2001:db8::1");
}
