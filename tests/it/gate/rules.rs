//! What a rule says beyond host and path: for whom it stands, and what it asks for.

use chrono::TimeDelta;
use serde_json::Value;

use super::groups::MEMBERSHIPS;
use super::house::{DOORS, Door, Person, Question, house_with};
use crate::metrics::Metrics;
use crate::support::TestApp;
use crate::support::raw::Answer;

const RULES: &str = r#"[
    { hosts = ["app.example.com"], paths = ["/admins/**"], groups = ["acme:admin"], allow = "signed_in" },
    { hosts = ["app.example.com"], paths = ["/anns/**"], users = ["ann@example.com"], allow = "signed_in" },
    { hosts = ["app.example.com"], paths = ["/lan/**"], networks = ["10.0.0.0/8"], allow = "public" },
    { hosts = ["app.example.com"], paths = ["/pages/**"], methods = ["POST", "DELETE"], recent_auth = "5m", allow = "signed_in" },
    { hosts = ["app.example.com"], paths = ["/pages/**"], allow = "signed_in" },
    { hosts = ["app.example.com"], paths = ["/vault/**"], allow = "two_factor" },
    { hosts = ["app.example.com"], paths = ["/keys/**"], factor = "passkey", recent_auth = "5m", allow = "signed_in" },
]"#;

fn house() -> TestApp {
    house_with(&[("gateway.rules", RULES), ("gateway.organizations", "acme")])
}

fn ask(app: &TestApp, door: Door, path: &str, person: Option<&Person>) -> Answer {
    let question = Question::about(door, &format!("https://app.example.com{path}"));
    match person {
        Some(person) => question.by(person).ask(app),
        None => question.ask(app),
    }
}

#[test]
fn a_place_for_some_is_closed_to_others_and_asks_strangers_who_they_are() {
    let app = house();
    let (ann, bob) = (Person::of_the_house(&app, "ann@example.com"), Person::of_the_house(&app, "bob@example.com"));
    app.execute(MEMBERSHIPS);
    for door in DOORS {
        for path in ["/admins/x", "/anns/x"] {
            let statuses = [Some(&ann), Some(&bob), None].map(|who| ask(&app, door, path, who).status);
            assert_eq!(statuses, [200, 403, 401], "{path} {door:?}");
        }
    }
}

#[test]
fn an_address_that_is_not_proved_is_nobodys_name() {
    let app = house();
    let pretender = Person::newcomer(&app, "ann@example.com");
    assert_eq!(ask(&app, Door::ForwardAuth, "/anns/x", Some(&pretender)).status, 403);
}

#[test]
fn a_network_is_where_the_visitor_is_and_not_what_they_write() {
    let app = house();
    for door in DOORS {
        let from = |address: &str| {
            let question = Question::about(door, "https://app.example.com/lan/x").with("X-Forwarded-For", address);
            question.ask(&app).status
        };
        assert_eq!(from("10.1.2.3"), 200, "{door:?}");
        assert_ne!(from("203.0.113.9"), 200, "{door:?}");
        assert_ne!(from("10.1.2.3, 203.0.113.9"), 200, "the visitor's own word comes first, {door:?}");
    }
}

/// A proxy that appends leaves what the visitor has written in the same line; the proxy itself is at 127.0.0.1.
#[test]
fn nobody_comes_from_the_proxys_own_network_by_writing_rubbish_before_their_address() {
    let rules = r#"[{ hosts = ["app.example.com"], networks = ["127.0.0.0/8"], allow = "public" }]"#;
    let app = house_with(&[("gateway.rules", rules)]);
    for door in DOORS {
        for (list, status) in
            [("127.0.0.1", 200), ("203.0.113.9", 403), ("é, 203.0.113.9", 403), ("x, 203.0.113.9", 403)]
        {
            let question = Question::about(door, "https://app.example.com/x").with("X-Forwarded-For", list);
            assert_eq!(question.ask(&app).status, status, "{list} {door:?}");
        }
    }
}

/// Signing in is a proof; five minutes later it is none of a moment ago.
#[test]
fn writing_asks_for_a_recent_proof_and_reading_does_not() {
    let app = house();
    let ann = Person::of_the_house(&app, "ann@example.com");
    let write = |door: Door| Question::about(door, "https://app.example.com/pages/1?x=2").method("DELETE").by(&ann);
    for door in DOORS {
        assert_eq!(write(door).ask(&app).status, 200);
    }
    app.clock().advance(TimeDelta::minutes(5));
    let page = "https://auth.example.com/confirm?return_to=%2Funsent%3Freturn_to%3Dhttps%253A%252F%252Fapp.example.com%252Fpages%252F1%253Fx%253D2%26sent%3DDELETE%2B%252Fpages%252F1%253Fx%253D2";
    for door in DOORS {
        assert_eq!(ask(&app, door, "/pages/1", Some(&ann)).status, 200);
        let refused = write(door).ask(&app);
        assert_eq!(refused.status, 401);
        let challenge = refused.headers("www-authenticate").concat();
        for part in ["Bearer error=\"insufficient_user_authentication\"", "max_age=\"300\"", page] {
            assert!(challenge.contains(part), "{challenge}");
        }
        let problem: Value = refused.json();
        assert_eq!((&problem["code"], &problem["confirm_url"]), (&"reauth_required".into(), &page.into()));
        assert_eq!(refused.headers("remote-user"), Vec::<&str>::new());
    }
    let led = write(Door::ForwardAuth).in_a_browser().ask(&app);
    assert_eq!((led.status, led.headers("location")), (303, vec![page]));
    let for_nginx = write(Door::AuthRequest).in_a_browser().ask(&app);
    assert_eq!((for_nginx.status, for_nginx.headers("location")), (401, vec![page]));
}

#[test]
fn a_password_alone_opens_no_place_that_asks_for_more() {
    let app = house();
    let ann = Person::of_the_house(&app, "ann@example.com");
    for (path, wanted) in [("/vault/x", "acr_values=\"two_factor\""), ("/keys/x", "acr_values=\"passkey\"")] {
        for door in DOORS {
            let refused = ask(&app, door, path, Some(&ann));
            assert_eq!(refused.status, 401, "{path}");
            assert!(refused.headers("www-authenticate").concat().contains(wanted), "{refused:?}");
            assert_eq!(ask(&app, door, path, None).status, 401);
        }
    }
}

#[test]
fn what_a_rule_would_change_that_is_only_tried_out_is_counted_and_changes_nothing() {
    let rules = r#"[
        { hosts = ["app.example.com"], paths = ["/old/**"], allow = "deny", shadow = true },
        { hosts = ["app.example.com"], allow = "public" },
    ]"#;
    let app = house_with(&[("gateway.rules", rules)]);
    let metrics = Metrics::of(&app);
    for door in DOORS {
        assert_eq!(["/old/x", "/new/x"].map(|path| ask(&app, door, path, None).status), [200, 200]);
    }
    let counted = metrics.scrape().get("vestibule_gateway_shadow_changes_total{decision=\"deny\"}").copied();
    assert_eq!(counted, Some(3.0), "one at each door");
}
