//! `vestibule gateway explain`.

use serde_json::{Value, json};

use super::groups::MEMBERSHIPS;
use super::house::{Door, Person, Question, house_with};
use crate::api_keys::key_for;
use crate::support::command::{Said, vestibule};
use crate::support::{TestApp, eventually};

const RULES: &str = r#"[
    { hosts = ["app.example.com"], paths = ["/old/**"], allow = "deny", shadow = true },
    { name = "Wiki", hosts = ["app.example.com"], methods = ["DELETE"], groups = ["acme:admin"], allow = "signed_in", recent_auth = "5m" },
    { hosts = ["app.example.com"], methods = ["DELETE"], allow = "deny" },
    { hosts = ["app.example.com"], networks = ["10.0.0.0/8"], allow = "public" },
    { hosts = ["app.example.com"], allow = "signed_in" },
    { hosts = ["other.example.com"], allow = "public" },
]"#;
const SETTINGS: [(&str, &str); 4] = [
    ("server.public_url", "https://auth.example.com"),
    ("session.cookie_domains", "example.com"),
    ("gateway.organizations", "acme"),
    ("gateway.rules", RULES),
];

/// Arguments, and what is decided by which rule and why.
type Case<'a> = (Vec<&'a str>, (&'a str, Value, &'a str));

fn explain(app: &TestApp, arguments: &[&str]) -> Said {
    explain_with(app, &[], arguments)
}

/// With settings in place of the usual ones.
fn explain_with(app: &TestApp, different: &[(&str, &str)], arguments: &[&str]) -> Said {
    let mail = [("mail.transport", "smtp"), ("mail.url", "smtp://localhost:1"), ("mail.from", "a@example.com")];
    let url = ["gateway", "explain", "--url"];
    vestibule(app.database_url(), &[&SETTINGS[..], &mail, different].concat(), &[&url[..], arguments].concat())
}

fn told(app: &TestApp, arguments: &[&str]) -> (Value, Value, Value) {
    let said: Value = explain(app, &[arguments, &["--json"]].concat()).json();
    (said["decision"].clone(), said["rule"].clone(), said["reason"].clone())
}

#[test]
fn it_says_which_rule_decides_for_whom() {
    let app = house_with(&[("gateway.rules", RULES), ("gateway.organizations", "acme")]);
    let _ann = Person::of_the_house(&app, "ann@example.com");
    let _bob = Person::of_the_house(&app, "bob@example.com");
    app.execute(MEMBERSHIPS);
    let (page, ann, bob) = ("https://app.example.com/x", ["--user", "ann@example.com"], ["--user", "bob@example.com"]);
    let delete = ["--method", "DELETE"];
    let cases: [Case<'_>; 8] = [
        (vec![page], ("sign_in", json!(4), "stranger")),
        ([&[page][..], &ann].concat(), ("allow", json!(4), "rule")),
        (vec![page, "--client", "10.1.2.3"], ("allow", json!(3), "rule")),
        ([&[page][..], &delete].concat(), ("sign_in", json!(1), "stranger")),
        ([&[page][..], &delete, &ann].concat(), ("allow", json!(1), "rule")),
        ([&[page][..], &delete, &ann, &["--recent-auth", "6m"]].concat(), ("confirm", json!(1), "too_long_ago")),
        ([&[page][..], &delete, &bob].concat(), ("deny", json!(2), "rule")),
        (vec!["https://unknown.example.com/x"], ("deny", Value::Null, "rule")),
    ];
    for (arguments, (decision, rule, reason)) in cases {
        assert_eq!(told(&app, &arguments), (json!(decision), rule, json!(reason)), "{arguments:?}");
    }
}

/// Bob's organization wants a second factor, and he has none.
const STRICT: &str = "
    INSERT INTO organization_slugs VALUES ('strict', now());
    INSERT INTO organizations (id, slug, name, created_at, second_factor_from)
        VALUES (gen_random_uuid(), 'strict', 'Strict', now(), '2020-01-01');
    INSERT INTO members SELECT o.id, u.id, 'member', now() FROM users u, organizations o
        WHERE u.email = 'bob@example.com' AND o.slug = 'strict';";

#[test]
fn it_says_what_the_gate_says_of_whoever_lacks_a_second_factor_and_of_keys_that_no_rule_takes() {
    let rules = r#"[
        { hosts = ["app.example.com"], paths = ["/staff/**"], groups = ["acme"], allow = "signed_in" },
        { hosts = ["app.example.com"], allow = "public" },
        { hosts = ["other.example.com"], allow = "signed_in", api_keys = true },
    ]"#;
    let own = [("gateway.rules", rules), ("gateway.organizations", "acme")];
    let app = house_with(&own);
    let mut ann = Person::of_the_house(&app, "ann@example.com");
    ann.browser.confirm();
    let (key, _) = key_for(&mut ann.browser, &["gateway"]);
    let bob = Person::of_the_house(&app, "bob@example.com");
    app.execute(STRICT);
    let places = ["https://app.example.com/staff/x", "https://app.example.com/x", "https://other.example.com/x"];
    for (url, [of_bob, of_anns_key]) in places.into_iter().zip([[403, 401], [200, 200], [403, 200]]) {
        let asked = |question: Question| question.ask(&app).status;
        eventually("bob's organization to be heard of", || {
            (asked(Question::about(Door::AuthRequest, url).by(&bob)) == of_bob).then_some(())
        });
        let with_key = Question::about(Door::AuthRequest, url).with("Authorization", &format!("Bearer {key}"));
        assert_eq!(asked(with_key), of_anns_key, "{url}");
        let said = |user: &[&str]| -> Value { explain_with(&app, &own, &[&[url, "--json"][..], user].concat()).json() };
        let said_of_bob = said(&["--user", "bob@example.com"]);
        let of_gate = |status| match status {
            200 => "allow",
            401 => "sign_in",
            _ => "deny",
        };
        assert_eq!(said_of_bob["decision"], of_gate(of_bob), "{url}: {said_of_bob}");
        let said_of_key = said(&["--user", "ann@example.com", "--proof", "api_key"]);
        assert_eq!(said_of_key["decision"], of_gate(of_anns_key), "{url}: {said_of_key}");
    }
}

#[test]
fn it_says_what_rules_would_do_that_are_only_tried_out() {
    let app = house_with(&[]);
    let said: Value = explain(&app, &["https://app.example.com/old/x", "--json"]).json();
    assert_eq!((&said["decision"], &said["rehearsed"]["decision"]), (&json!("sign_in"), &json!("deny")));
    assert_eq!((&said["rehearsed"]["rule"], &said["rules"][0]["fit"]), (&json!(0), &json!("shadow")));
    let text = explain(&app, &["https://app.example.com/old/x"]);
    for part in ["asked to sign in (stranger), by gateway.rules[4]", "refused (rule), by gateway.rules[0]", "Wiki"] {
        assert!(text.text().contains(part), "{part}: {text:?}");
    }
}

#[test]
fn it_says_why_each_of_the_others_does_not_decide() {
    let app = house_with(&[]);
    let said: Value = explain(&app, &["https://app.example.com/x", "--json"]).json();
    let fits: Vec<&str> = said["rules"].as_array().unwrap().iter().map(|rule| rule["fit"].as_str().unwrap()).collect();
    assert_eq!(fits, ["path", "method", "method", "network", "decides", "host"]);
}

#[test]
fn what_the_gate_would_not_understand_is_said_so() {
    let app = house_with(&[]);
    for url in ["app.example.com/x", "https://app.example.com/a#b"] {
        let said = explain(&app, &[url]);
        assert!(said.code == 1 && said.err.contains("the gate refuses this URL"), "{said:?}");
    }
    let hints = [
        ("app.example.com/x", "--url 'https://app.example.com/x'"),
        ("https://app.example.com", "--url 'https://app.example.com/'"),
        ("app.example.com", "--url 'https://app.example.com/'"),
        ("https://app.example.com/a#b", "--url 'https://app.example.com/a'"),
        ("nonsense", "--url 'https://nonsense/'"),
        ("ftp://app.example.com/x", "--url 'https://app.example.com/admin'"),
        ("https://app.example.com/a b", "--url 'https://app.example.com/admin'"),
        ("", "--url 'https://app.example.com/admin'"),
    ];
    for (url, hint) in hints {
        let said = explain(&app, &[url]);
        assert!(said.code == 1 && said.err.contains(hint), "{url}: {said:?}");
    }
    let said = explain(&app, &["https://app.example.com/x", "--method", "GET, POST"]);
    assert!(said.code == 1 && said.err.contains("as in --method DELETE"), "{said:?}");
    let ambiguous = told(&app, &["https://app.example.com/x/..%2fold/y"]);
    assert_eq!(ambiguous.0, json!("sign_in"), "a shadow changes nothing");
    let nobody = explain(&app, &["https://app.example.com/x", "--user", "nobody@example.com"]);
    assert!(nobody.code == 1 && nobody.err.contains("nobody@example.com has no account"), "{nobody:?}");
}
