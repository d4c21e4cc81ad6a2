//! Every method, whatever a rule says of methods.

use super::cast::Who;
use super::scene::{BOTH, Case, Looks, Scene, Then};
use crate::gate::house::Door;

const METHODS: [&str; 17] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "MKCOL", "REPORT", "M-SEARCH",
    "QUERY", "PURGE", "get", "Post", "NONSENSE",
];

/// Those that a rule can be told apart by.
const NAMED: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "QUERY"];

#[test]
fn a_method_makes_no_difference_where_no_rule_names_it() {
    let scene = Scene::of(&[Who::Ann, Who::Nobody]);
    for method in METHODS {
        for looks in BOTH {
            let fates = [
                (Who::Ann, "/x?a=1", Then::In),
                (Who::Nobody, "/x?a=1", Then::SignIn),
                (Who::Nobody, "/public/x", Then::AsNobody),
                (Who::Nobody, "/closed/x", Then::Refused("forbidden")),
                (Who::Ann, "/closed/x", Then::Refused("forbidden")),
                (Who::Ann, "/two/x", Then::Confirm),
            ];
            for (who, url, then) in fates {
                scene.check(&Case::new(who, url, then).method(method).looks(looks));
            }
        }
    }
}

#[test]
fn a_rule_for_a_method_is_for_that_method_and_no_other() {
    let rules: Vec<String> = NAMED
        .iter()
        .map(|method| {
            format!(
                "{{ hosts = [\"{}.example.com\"], methods = [\"{method}\"], allow = \"public\" }}",
                method.to_lowercase()
            )
        })
        .chain([r#"{ hosts = ["*.example.com"], allow = "signed_in" }"#.to_owned()])
        .collect();
    let rules = format!("[{}]", rules.join(","));
    let scene = Scene::with(&[("gateway.rules", &rules)], &[Who::Nobody]);
    for own in NAMED {
        let url = format!("https://{}.example.com/x", own.to_lowercase());
        for method in METHODS {
            let then = if method.eq_ignore_ascii_case(own) { Then::AsNobody } else { Then::SignIn };
            scene.check(&Case::new(Who::Nobody, &url, then).method(method).looks(Looks::Browser));
        }
    }
}

/// Envoy asks by the method itself, and what is none does not come as far.
#[test]
fn what_is_no_method_is_no_question() {
    let scene = Scene::of(&[Who::Ann]);
    let long = "G".repeat(33);
    for method in ["", " ", "GET POST", "GET, HEAD", "GET/1.1", "GÉT", "G\0T", "(GET)", "GET\u{7f}", &long] {
        for (door, name) in [(Door::ForwardAuth, "X-Forwarded-Method"), (Door::AuthRequest, "X-Original-Method")] {
            let case = Case::new(Who::Ann, "/public/x", Then::Malformed);
            scene.check_at(door, &case, |question| question.but(name, method));
        }
    }
}

/// The visitor's method is the forwarded one, whatever else of a method a request may say.
#[test]
fn no_other_word_on_a_method_counts() {
    let scene = Scene::of(&[Who::Nobody]);
    for name in ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "Access-Control-Request-Method"] {
        scene.check(&Case::new(Who::Nobody, "/read/x", Then::SignIn).method("POST").line(name, "GET"));
        scene.check(&Case::new(Who::Nobody, "/read/x", Then::AsNobody).line(name, "POST"));
    }
}
