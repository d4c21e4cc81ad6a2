//! Paths that lead somewhere else than they seem to, and bytes that no path has.

use super::cast::Who;
use super::scene::{Case, Scene, Then};
use crate::gate::house::Door;

const CLOSED: Then = Then::Refused("forbidden");

/// What everybody reads alike.
const PLAIN: [(&str, Then); 30] = [
    ("/public", Then::AsNobody),
    ("/public/", Then::AsNobody),
    ("/public/a/b/c", Then::AsNobody),
    ("/public/x?/closed/x", Then::AsNobody),
    ("/public/x?a=../closed/x", Then::AsNobody),
    ("/public/x?a=%00%0d%0a", Then::AsNobody),
    ("/public/x?next=https://evil.test//", Then::AsNobody),
    ("/public/...", Then::AsNobody),
    ("/public/.hidden", Then::AsNobody),
    ("/public/..hidden", Then::AsNobody),
    ("/public/%7euser", Then::AsNobody),
    ("/%70ublic/x", Then::AsNobody),
    ("/public/100%25", Then::AsNobody),
    ("/public/a%20b", Then::AsNobody),
    ("/public/%C3%BC", Then::AsNobody),
    ("/public/@:!$&'()*+,=", Then::AsNobody),
    ("/static/app.js?v=1", Then::AsNobody),
    ("/health", Then::AsNobody),
    ("/health/", Then::AsNobody),
    ("/health/x", Then::SignIn),
    ("/healthy", Then::SignIn),
    ("/publicity", Then::SignIn),
    ("/x/public/x", Then::SignIn),
    ("/?/public/x", Then::SignIn),
    ("/x?/public/x", Then::SignIn),
    ("/x?x=/static/app.js", Then::SignIn),
    ("/x/app.js", Then::SignIn),
    ("/closed", CLOSED),
    ("/closed?/public/x", CLOSED),
    ("/%63losed/x", CLOSED),
];

#[test]
fn a_plain_path_is_judged_as_it_is_written_and_its_query_never() {
    let scene = Scene::of(&[Who::Nobody]);
    for (path, then) in PLAIN {
        scene.check(&Case::new(Who::Nobody, path, then));
    }
}

/// Each leads to a closed folder as one reader or another of paths has it, and to an open one as others do.
const TWISTED: [&str; 44] = [
    "/public/../closed/x",
    "/public/./../closed/x",
    "/public/a/../../closed/x",
    "/public/%2e%2e/closed/x",
    "/public/%2E%2E/closed/x",
    "/public/.%2e/closed/x",
    "/public/%2e./closed/x",
    "/public/%252e%252e/closed/x",
    "/public/%25%32%65%25%32%65/closed/x",
    "/public/..%2fclosed/x",
    "/public/..%2Fclosed/x",
    "/public%2f..%2fclosed/x",
    "/public%2F%2e%2E%2Fclosed%2Fx",
    "/%2e%2e%2fclosed%2fx",
    "/public/..%252fclosed/x",
    "/public/..%5cclosed/x",
    "/public/..%255cclosed/x",
    "/public/..;/closed/x",
    "/public/..;a=b/closed/x",
    "/public/..%3b/closed/x",
    "/public/..%3Ba=b/closed/x",
    "/public/;/../closed/x",
    "/public//../closed/x",
    "/public/..//closed/x",
    "//closed/x",
    "///closed/x",
    "/x//../closed/x",
    "/./closed/x",
    "/.%2fclosed/x",
    "/%2fclosed/x",
    "/%5cclosed/x",
    "/closed%2fx",
    "/closed%2f..%2fpublic",
    "/closed;/x",
    "/closed;a=b/x",
    "/closed%3b/x",
    "/closed%3fx",
    "/closed%23x",
    "/closed%2f",
    "/CLOSED/x",
    "/Closed/x",
    "/%43losed/x",
    "/PUBLIC/x",
    "/public/..%2f..%2fclosed%3fx",
];

#[test]
fn where_readers_of_a_path_differ_nobody_gets_through() {
    let scene = Scene::of(&[Who::Ann, Who::TwoFactors, Who::Nobody]);
    for path in TWISTED {
        for who in [Who::Ann, Who::TwoFactors, Who::Nobody] {
            scene.check(&Case::new(who, path, Then::Malformed));
        }
    }
}

/// In a query an app may make of them what it likes.
#[test]
fn bytes_that_no_path_has_make_no_question() {
    let scene = Scene::of(&[Who::Ann]);
    let escaped =
        ["/%", "/%2", "/%zz", "/%u002e", "/a%", "/%00", "/public/%00", "/x%0d%0aSet-Cookie:%20a=b", "/%7f", "/%1b"];
    let deeper = ["/%2500", "/%250a", "/%c0%ae%c0%ae/closed/x", "/%c0%af", "/%e0%80%af", "/%25c0%25af"];
    for path in escaped.into_iter().chain(deeper) {
        scene.check(&Case::new(Who::Ann, path, Then::Malformed));
    }
    let raw =
        ["/a b", "/a\\b", "/\\evil.test", "/a\tb", "/a\u{1}b", "/a\u{7f}b", "/a\0b", "/x?a b", "/x?a\\b", "/x?a\0"];
    let fragments = ["/x#y", "/public/x#/../closed", "/closed/x#/public/x", "/x?a#b", "/#/public/x"];
    let none = ["", " ", "x", "?x", "*", "./x", "../x", "https://app.example.com/public/x", "\\x", "%2fpublic/x"];
    let case = Case::new(Who::Ann, "/public/x", Then::Malformed);
    for path in raw.into_iter().chain(fragments).chain(none) {
        scene.check_at(Door::ForwardAuth, &case, |question| question.but("X-Forwarded-Uri", path));
    }
    for path in raw.into_iter().chain(fragments) {
        let url = format!("https://app.example.com{path}");
        scene.check_at(Door::AuthRequest, &case, |question| question.but("X-Original-URL", &url));
    }
}

#[test]
fn what_is_too_long_to_be_a_path_is_no_question_and_a_long_query_is_one() {
    let scene = Scene::of(&[Who::Ann, Who::Nobody]);
    let long = |length: usize| "a".repeat(length);
    scene.check(&Case::new(Who::Ann, &format!("/{}", long(4095)), Then::In));
    scene.check(&Case::new(Who::Ann, &format!("/{}", long(4096)), Then::Malformed));
    scene.check(&Case::new(Who::Ann, &format!("/x?{}", long(16_000)), Then::In));
    scene
        .check(&Case::new(Who::Nobody, &format!("/x?{}", long(16_000)), Then::SignIn).back("https://app.example.com/"));
    scene.check(&Case::new(Who::Nobody, &format!("/public/{}", "..%2f".repeat(800)), Then::Malformed));
}

/// Known holes of other gates, by what they let somebody do who has not signed in.
#[test]
fn what_has_opened_other_gates_opens_none_of_ours() {
    let scene = Scene::of(&[Who::Nobody]);
    let closed = |path: &str| Case::new(Who::Nobody, path, CLOSED);
    // A path in a header of the visitor's that is open, beside their own that is not.
    scene.check_at(Door::ExtAuthz, &closed("/closed/x"), |question| question.with("X-Forwarded-Uri", "/public/x"));
    scene.check_at(Door::AuthRequest, &closed("/closed/x"), |question| question.with("X-Forwarded-Uri", "/public/x"));
    // A query, or a fragment, that looks like an open path.
    scene.check(&closed("/closed/x?/public/x"));
    scene.check(&Case::new(Who::Nobody, "/admins/x?/static/app.js", Then::SignIn));
    scene.check(&Case::new(Who::Nobody, "/closed/x%23/public/x", CLOSED));
    // The name of a probe.
    for agent in ["GoogleHC/1.0", "kube-probe/1.30", "ELB-HealthChecker/2.0", "Go-http-client/1.1", ""] {
        scene.check(&closed("/closed/x").line("User-Agent", agent));
        scene.check(&Case::new(Who::Nobody, "/x", Then::SignIn).line("User-Agent", agent));
    }
    // Another case of the host, or of an escaped path.
    scene.check(&Case::new(Who::Nobody, "https://APP.EXAMPLE.COM/closed/x", CLOSED));
    scene.check(&Case::new(Who::Nobody, "https://APP.example.com/x", Then::SignIn).back("https://app.example.com/x"));
    scene.check(&Case::new(Who::Nobody, "/%43LOSED/x", Then::Malformed));
    // The end of a file's name.
    for path in ["/x.css", "/x/app.js", "/x/logo.png", "/x/favicon.ico", "/x;.js", "/x?.js"] {
        scene.check(&Case::new(Who::Nobody, path, Then::SignIn));
    }
}
