//! Keys at the gate.

use serde_json::{Value, json};

use super::{ann, create, key_for, revoke};
use crate::gate::house::{DOORS, Door, Person, Question, settings as usual};
use crate::support::raw::Answer;
use crate::support::{TestApp, eventually};

const RULES: &str = r#"[
    { hosts = ["app.example.com"], paths = ["/public/**"], allow = "public" },
    { hosts = ["app.example.com"], paths = ["/closed/**"], allow = "deny" },
    { hosts = ["app.example.com"], paths = ["/api/**"], allow = "signed_in", api_keys = true },
    { hosts = ["app.example.com"], paths = ["/hooks/**"], allow = "signed_in", api_keys = true, verified = false },
    { hosts = ["app.example.com"], allow = "signed_in" },
]"#;
pub const API: &str = "https://app.example.com/api/x";

pub fn house() -> TestApp {
    TestApp::with(&settings())
}

pub fn settings() -> Vec<(&'static str, &'static str)> {
    usual(&[("gateway.rules", RULES)])
}

fn ask(app: &TestApp, door: Door, url: &str, key: &str) -> Answer {
    Question::about(door, url).with("Authorization", &format!("Bearer {key}")).ask(app)
}

fn invalid(answer: &Answer) {
    assert_eq!(answer.status, 401, "{answer:?}");
    let challenge = answer.header("www-authenticate").expect("a challenge");
    assert!(challenge.starts_with("Bearer realm=\"vestibule\", error=\"invalid_token\""), "{challenge}");
    assert_eq!(answer.json::<Value>()["code"], "unauthenticated");
}

#[test]
fn a_key_opens_what_takes_keys_and_the_app_is_told_whose_it_is() {
    let app = house();
    let mut ann = ann(&app);
    assert_eq!(ann.api("PATCH", "/me", json!({ "name": "Ann Ünal" })).status, 200);
    let (key, _) = key_for(&mut ann, &["gateway"]);
    let id = Person::who_is(ann).id;
    for door in DOORS {
        for url in [API, "https://app.example.com/hooks/x"] {
            let answer = ask(&app, door, url, &key);
            assert_eq!(answer.status, 200, "{door:?} {url}");
            assert_eq!(answer.headers("remote-user"), [id.as_str()]);
            assert_eq!(answer.headers("remote-email"), ["ann@example.com"]);
            assert_eq!(answer.headers("remote-name"), ["Ann Ünal"]);
        }
        assert_eq!(ask(&app, door, "https://app.example.com/closed/x", &key).status, 403);
        // Where keys are not taken it is the app's own header, and whoever comes is a stranger.
        let answer = ask(&app, door, "https://app.example.com/x", &key);
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Bearer realm=\"vestibule\"")));
        let answer = ask(&app, door, "https://app.example.com/public/x", &key);
        assert_eq!((answer.status, answer.headers("remote-user")), (200, vec![""]));
        assert_eq!(
            ask(&app, door, "https://app.example.com/api/..%2fclosed/x", &key).status,
            if door == Door::AuthRequest { 403 } else { 400 }
        );
    }
}

#[test]
fn what_is_no_good_key_is_401_for_programs_and_browsers_alike_whatever_cookies_come_with_it() {
    let app = house();
    let mut ann = ann(&app);
    let (reading, _) = key_for(&mut ann, &["account:read"]);
    let (revoked, id) = key_for(&mut ann, &["gateway"]);
    assert_eq!(revoke(&mut ann, &id).status, 204);
    let answer = create(&mut ann, json!({ "name": "short", "expires_in": 60 }));
    let short = answer.json::<Value>()["key"].as_str().unwrap().to_owned();
    app.clock().advance(chrono::TimeDelta::seconds(60));
    let ann = Person::who_is(ann);
    let wrong = [reading, revoked, short, format!("vst_{}", ann.gate_token()), "vst_".to_owned(), "vst_x".to_owned()];
    for door in DOORS {
        for key in &wrong {
            let question = Question::about(door, API).with("Authorization", &format!("Bearer {key}"));
            for question in [question.clone(), question.clone().by(&ann), question.clone().in_a_browser().by(&ann)] {
                invalid(&question.ask(&app));
            }
        }
        let twice = Question::about(door, API).by(&ann).with("Authorization", "Bearer x");
        invalid(&twice.with("Authorization", "Bearer x").ask(&app));
    }
    // nginx asks its configuration where to lead people.
    assert!(ask(&app, Door::AuthRequest, API, "vst_x").header("location").is_some());
    assert!(ask(&app, Door::ForwardAuth, API, "vst_x").header("location").is_none());
}

/// An app behind the gate may have tokens of its own, which its pages send beside our cookie.
#[test]
fn an_apps_own_authorization_is_left_to_the_app() {
    let app = house();
    let (key, _) = key_for(&mut ann(&app), &["gateway"]);
    let bob = Person::of_the_house(&app, "bob@example.com");
    for door in DOORS {
        for value in ["Bearer eyJhbGciOi.x.y", "Basic eDp5", "Bearer", "vst_x", ""] {
            let answer = Question::about(door, API).by(&bob).with("Authorization", value).ask(&app);
            assert_eq!((answer.status, answer.headers("remote-user")), (200, vec![bob.id.as_str()]), "{value}");
            assert_eq!(Question::about(door, API).with("Authorization", value).ask(&app).status, 401, "{value}");
        }
        // Not even a good key of ours is looked at elsewhere.
        let question = Question::about(door, "https://app.example.com/x").by(&bob);
        let answer = question.with("Authorization", &format!("Bearer {key}")).ask(&app);
        assert_eq!((answer.status, answer.headers("remote-user")), (200, vec![bob.id.as_str()]));
    }
}

#[test]
fn the_key_of_somebody_unverified_is_judged_as_they_are() {
    let app = house();
    let (key, _) = key_for(&mut ann(&app), &["gateway"]);
    app.execute("UPDATE users SET email_verified_at = NULL");
    for door in DOORS {
        eventually("the change to be heard", || (ask(&app, door, API, &key).status == 403).then_some(()));
        assert_eq!(ask(&app, door, API, &key).json::<Value>()["code"], "email_unverified");
        let answer = ask(&app, door, "https://app.example.com/hooks/x", &key);
        assert_eq!((answer.status, answer.headers("remote-email")), (200, vec![""]));
    }
}

#[test]
fn the_key_of_somebody_disabled_is_refused() {
    let app = house();
    let (key, _) = key_for(&mut ann(&app), &["gateway"]);
    assert_eq!(ask(&app, Door::ForwardAuth, API, &key).status, 200);
    app.execute("UPDATE users SET disabled_at = now()");
    eventually("the refusal", || (ask(&app, Door::ForwardAuth, API, &key).status == 401).then_some(()));
    invalid(&ask(&app, Door::ForwardAuth, API, &key));
}

#[test]
fn being_used_at_the_gate_is_noted() {
    let app = house();
    let (key, _) = key_for(&mut ann(&app), &["gateway"]);
    let question = Question::about(Door::ForwardAuth, API).with("X-Forwarded-For", "203.0.113.9");
    assert_eq!(question.with("Authorization", &format!("Bearer {key}")).ask(&app).status, 200);
    let used = "SELECT count(*) AS n FROM api_keys WHERE host(last_used_from) = '203.0.113.9'";
    eventually("the use to be written", || (app.count(used) == 1).then_some(()));
}

#[test]
fn a_flood_of_made_up_keys_asks_postgresql_nothing() {
    let app = house();
    let before = app.live.figures().read_through;
    for _ in 0..50 {
        invalid(&ask(&app, Door::ForwardAuth, API, &format!("vst_{}", "A".repeat(64))));
    }
    assert_eq!(app.live.figures().read_through, before);
}
