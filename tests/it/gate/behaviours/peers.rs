//! Where a visitor is: what trusted proxies say of it, read from the right.

use super::cast::Who;
use super::scene::{Case, Scene, Then};
use crate::gate::house::{DOORS, Question};

/// Lines of `X-Forwarded-For` as the peer (127.0.0.1, trusted; so is 192.0.2.0/24) sends them, and whether that is a
/// visitor from `10.0.0.0/8` or `2001:db8::/32`, for whom the place is open.
const TABLE: [(&[&str], bool); 27] = [
    (&["10.1.2.3"], true),
    (&[" 10.1.2.3 "], true),
    (&["10.1.2.3:4711"], true),
    (&["::ffff:10.1.2.3"], true),
    (&["[::ffff:10.1.2.3]:4711"], true),
    (&["2001:db8::7"], true),
    (&["[2001:db8::7]"], true),
    (&["[2001:db8::7]:4711"], true),
    (&["203.0.113.9, 10.1.2.3"], true),
    (&["203.0.113.9", "10.1.2.3"], true),
    (&["10.1.2.3, 192.0.2.7"], true),
    (&["203.0.113.9, 10.1.2.3, 192.0.2.7, 127.0.0.1"], true),
    (&["unknown, 10.1.2.3"], true),
    (&[], false),
    (&[""], false),
    (&[","], false),
    (&["203.0.113.9"], false),
    (&["10.1.2.3, 203.0.113.9"], false),
    (&["10.1.2.3", "203.0.113.9"], false),
    (&["10.1.2.3, unknown"], false),
    (&["10.1.2.3, _hidden"], false),
    (&["10.1.2.3,"], false),
    (&["10.1.2"], false),
    (&["0x0a.1.2.3"], false),
    (&["10.1.2.3; 10.1.2.3"], false),
    (&["010.1.2.3"], false),
    (&["10.1.2.3/8"], false),
];

#[test]
fn a_network_is_where_the_last_trusted_proxy_saw_the_visitor() {
    let scene = Scene::with(&[("server.trusted_proxies", "127.0.0.0/8,192.0.2.0/24")], &[Who::Nobody]);
    for (lines, is_inside) in TABLE {
        let then = if is_inside { Then::AsNobody } else { Then::SignIn };
        let case = Case::new(Who::Nobody, "/lan/x", then);
        scene.check(&lines.iter().fold(case, |case, value| case.line("X-Forwarded-For", value)));
    }
    for name in [
        "X-Real-IP",
        "X-Client-IP",
        "True-Client-IP",
        "CF-Connecting-IP",
        "X-Envoy-External-Address",
        "X_Forwarded_For",
    ] {
        let case = Case::new(Who::Nobody, "/lan/x", Then::SignIn);
        scene.check(&case.line(name, "10.1.2.3").line("X-Forwarded-For", "203.0.113.9"));
    }
    let forwarded = Case::new(Who::Nobody, "/lan/x", Then::SignIn).line("Forwarded", "for=10.1.2.3");
    scene.check(&forwarded);
}

/// Whatever it asks, however well it knows whom.
#[test]
fn a_peer_that_is_no_trusted_proxy_is_answered_403_to_everything() {
    let nobody_trusted = [("server.trusted_proxies", "192.0.2.0/24")];
    let scene = Scene::with(&nobody_trusted, &[Who::Ann, Who::Key, Who::Nobody]);
    for (who, url) in
        [(Who::Ann, "/x"), (Who::Nobody, "/public/x"), (Who::Key, "/keys/x"), (Who::Ann, "/%"), (Who::Ann, "/closed/x")]
    {
        let case = Case::new(who, url, Then::Refused("forbidden"));
        scene.check(&case.clone());
        scene.check(&case.looks(super::scene::Looks::Browser).line("X-Forwarded-For", "192.0.2.1"));
    }
    for door in DOORS {
        let nothing = Question {
            lines: vec![("Host".into(), "x".into()), ("Connection".into(), "close".into())],
            ..Question::about(door, "https://app.example.com/x")
        };
        let answer = nothing.ask(&scene.app);
        assert_eq!((answer.status, answer.header("vestibule-gate")), (403, Some("asked")), "{door:?}");
    }
}
