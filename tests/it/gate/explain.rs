//! `vestibule gateway explain`.

use serde_json::{Value, json};

use super::groups::MEMBERSHIPS;
use super::house::{Person, house_with};
use crate::support::TestApp;
use crate::support::command::{Said, vestibule};

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
    let mail = [("mail.transport", "smtp"), ("mail.url", "smtp://localhost:1"), ("mail.from", "a@example.com")];
    let url = ["gateway", "explain", "--url"];
    vestibule(app.database_url(), &[&SETTINGS[..], &mail].concat(), &[&url[..], arguments].concat())
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
