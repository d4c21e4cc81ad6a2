//! What apps are told of people: names in any script, the same however often, and nothing of what the visitor says.

use serde_json::json;

use super::cast::Who;
use super::scene::{Case, Scene, Then};
use crate::gate::house::{DOORS, Person, Question};
use crate::support::eventually;

const PLACE: &str = "https://app.example.com/x";

#[test]
fn a_name_arrives_as_it_is_in_any_script_and_whole() {
    let scene = Scene::of(&[]);
    let app = &scene.app;
    let mut ann = Person::of_the_house(app, "ann@example.com");
    let longest = "ß".repeat(200);
    let names = [
        "Ann Ünal",
        "李雷",
        "Ольга",
        "عائشة",
        "Ann 🦊",
        "O'Neill, Ann; \"x\" <y>",
        "a:b=c%20d\\e",
        "  in the middle  of  ",
        "-",
        "",
        "Zoe\u{301}",
        &longest,
    ];
    for name in names {
        assert_eq!(ann.browser.api("PATCH", "/me", json!({ "name": name })).status, 200, "{name}");
        for door in DOORS {
            eventually("the name", || {
                let answer = Question::about(door, PLACE).by(&ann).ask(app);
                (answer.headers("remote-name") == [name.trim()]).then_some(())
            });
        }
    }
    for name in ["a\nb", "a\r\nRemote-Groups: admins", "a\0b", "\u{1b}[31m", "a\u{202e}b", &"x".repeat(201)] {
        assert_eq!(ann.browser.api("PATCH", "/me", json!({ "name": name })).status, 422, "{name:?}");
    }
}

/// What is not of our making is never repeated.
#[test]
fn whoever_somebody_says_they_are_they_are_themselves() {
    let scene = Scene::of(&[Who::Ann, Who::Nobody]);
    let forged = [
        ("Remote-User", "root"),
        ("Remote-Email", "root@example.com"),
        ("Remote-Name", "Root"),
        ("Remote-Groups", "admins"),
        ("Remote_User", "root"),
        ("REMOTE-USER", "root"),
        ("Vestibule-Assertion", "eyJhbGciOiJub25lIn0.e30."),
        ("Vestibule_Assertion", "x"),
        ("X-Forwarded-User", "root"),
        ("X-Auth-Request-User", "root"),
        ("X-Authentik-Username", "root"),
        ("X-WEBAUTH-USER", "root"),
        ("Connection", "Remote-User, Remote-Groups"),
    ];
    for (who, url, then) in [
        (Who::Ann, "/x", Then::In),
        (Who::Ann, "/public/x", Then::In),
        (Who::Nobody, "/public/x", Then::AsNobody),
        (Who::Nobody, "/x", Then::SignIn),
    ] {
        for (name, value) in forged {
            scene.check(&Case::new(who, url, then).line(name, value));
        }
        scene.check(&forged.iter().fold(Case::new(who, url, then), |case, (name, value)| case.line(name, value)));
    }
}

/// A check is not a moment at which somebody's cookie changes: most proxies lose it, some hand it to the wrong side.
#[test]
fn a_hundred_checks_say_the_same_and_set_no_cookie() {
    let scene = Scene::of(&[Who::Ann, Who::Unverified]);
    for _ in 0..100 {
        scene.check(&Case::new(Who::Ann, "/x", Then::In));
        scene.check(&Case::new(Who::Unverified, "/x", Then::Refused("email_unverified")));
    }
}
