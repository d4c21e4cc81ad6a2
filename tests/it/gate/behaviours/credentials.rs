//! What stands in `Authorization`: a key of ours where a rule takes keys, and the app's own business everywhere else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::cast::Who;
use super::scene::{BOTH, Case, Looks, Scene, Then};
use crate::gate::house::{DOORS, Door, Question};

fn basic(text: &str) -> String {
    format!("Basic {}", STANDARD.encode(text))
}

/// Beside Ann's cookie and without it, where keys are taken and where they are not.
fn check(scene: &Scene, name: &str, value: &str, where_taken: Then) {
    let (with_cookie, without) = match where_taken {
        Then::BadKey => (Then::BadKey, Then::BadKey),
        _ => (Then::In, Then::SignIn),
    };
    for looks in BOTH {
        let case = |who, url, then| Case::new(who, url, then).looks(looks).line(name, value);
        scene.check(&case(Who::Ann, "/keys/x", with_cookie));
        scene.check(&case(Who::Nobody, "/keys/x", without));
        scene.check(&case(Who::Ann, "/x", Then::In));
        scene.check(&case(Who::Nobody, "/x", Then::SignIn));
        scene.check(&case(Who::Nobody, "/public/x", Then::AsNobody));
        scene.check(&case(Who::Ann, "/closed/x", Then::Refused("forbidden")));
    }
}

/// An app behind the gate may have tokens and passwords of its own: they are not tried, counted, or answered.
#[test]
fn what_is_not_a_key_of_ours_is_the_apps_and_changes_nothing() {
    let scene = Scene::of(&[Who::Ann, Who::Nobody]);
    let own = [
        "",
        "Bearer",
        "Bearer ",
        "Bearer eyJhbGciOiJub25lIn0.e30.",
        "bearer x",
        "Bearer x y",
        "BearerX vst_x",
        "vst_x",
        "Token vst_x",
        "Basic",
        "Basic ",
        "Basic %%%",
        "Basic vst_x",
        "Basicx eDp5",
        "Basic am9objpwYXNzd29yZA==",
        "Basic am9objpwYXNzd29yZA",
        "Digest username=\"ann@example.com\"",
        "Negotiate YII=",
        "ApiKey vst_x",
        "AWS4-HMAC-SHA256 Credential=x",
        "\u{fc}",
    ];
    for value in own {
        check(&scene, "Authorization", value, Then::SignIn);
    }
    for text in [
        "ann@example.com:velvet orbit canoe",
        "ann@example.com",
        ":",
        "::",
        "vst_x:",
        "a:b:vst_x",
        "ann@example.com:VST_x",
    ] {
        check(&scene, "Authorization", &basic(text), Then::SignIn);
    }
}

/// Whoever shows one that is no good is not let in by a cookie beside it.
#[test]
fn what_looks_like_a_key_of_ours_and_is_none_is_refused_where_keys_are_taken() {
    let scene = Scene::of(&[Who::Ann, Who::Nobody]);
    let made_up = format!("vst_{}", "A".repeat(64));
    for token in [
        "vst_",
        "vst_x",
        "vst_\u{fc}",
        "vst_..",
        &made_up,
        &format!("{made_up}A"),
        &format!("vst_{}", "A".repeat(8000)),
    ] {
        for scheme in ["Bearer", "bearer", "BEARER "] {
            check(&scene, "Authorization", &format!("{scheme} {token}"), Then::BadKey);
        }
        for user in ["ann@example.com", "", "ann", "x\0"] {
            check(&scene, "Authorization", &basic(&format!("{user}:{token}")), Then::BadKey);
        }
    }
}

/// Proxies have that to themselves (RFC 9110, section 11.7.2).
#[test]
fn other_headers_are_no_place_for_a_key() {
    let scene = Scene::of(&[Who::Key, Who::Ann, Who::Nobody]);
    let key = scene.guest(Who::Key).key().to_owned();
    let values = [format!("Bearer {key}"), basic(&format!("kay@example.com:{key}")), key];
    for name in ["Proxy-Authorization", "X-Authorization", "X-Api-Key", "X-Auth-Token", "Authorization_"] {
        for value in &values {
            check(&scene, name, value, Then::SignIn);
        }
    }
    let in_cookie = format!("__Secure-vestibule_gate={}", values[2]);
    scene.check(&Case::new(Who::Nobody, "/keys/x", Then::SignIn).line("Cookie", &in_cookie));
    let in_query = format!("/keys/x?access_token={}", values[2]);
    scene.check(&Case::new(Who::Nobody, &in_query, Then::SignIn));
}

#[test]
fn a_good_key_is_its_persons_whoever_else_has_a_cookie_there() {
    let scene = Scene::of(&[Who::Key, Who::Ann]);
    let (key, cookie) = (scene.guest(Who::Key).key().to_owned(), scene.guest(Who::Ann).brings[0].1.clone());
    scene.check(&Case::new(Who::Key, "/keys/x", Then::In).line("Cookie", &cookie));
    scene.check(&Case::new(Who::Key, "/keys/x", Then::In).looks(Looks::Browser));
    for value in [format!("bearer {key}"), format!("Bearer   {key}  "), basic(&format!("Kay@Example.com:{key}"))] {
        for door in DOORS {
            let answer =
                Question::about(door, "https://app.example.com/keys/x").with("Authorization", &value).ask(&scene.app);
            assert_eq!(answer.headers("remote-user"), [scene.guest(Who::Key).id.as_str()], "{value} {answer:?}");
        }
    }
    for value in
        [format!("Bearer {key}, Bearer {key}"), format!("Bearer {key}x"), basic(&format!("ann@example.com:{key}"))]
    {
        scene.check(&Case::new(Who::Ann, "/keys/x", Then::BadKey).line("Authorization", &value));
    }
    // Twice, and nobody can say which of them counts.
    let twice = Case::new(Who::Key, "/keys/x", Then::BadKey).line("Authorization", &format!("Bearer {key}"));
    scene.check(&twice);
    scene.check(&Case::new(Who::Key, "/keys/x", Then::BadKey).line("Authorization", "Basic eDp5"));
}

/// Programs are told what they may show; a browser would ask its person for a password.
#[test]
fn passwords_are_asked_for_where_keys_are_taken_and_of_programs_alone() {
    let scene = Scene::of(&[Who::Nobody]);
    let asks = |door: Door, path: &str, lines: &[(&str, &str)]| {
        let question = Question::about(door, &format!("https://app.example.com{path}"));
        let question = lines.iter().fold(question, |question, (name, value)| question.with(name, value));
        let answer = question.ask(&scene.app);
        assert_eq!(answer.status, 401, "{answer:?}");
        answer.headers("www-authenticate").concat().contains("Basic realm=")
    };
    for door in DOORS {
        assert!(asks(door, "/keys/x", &[]) && asks(door, "/keys/x", &[("Authorization", "Bearer vst_x")]));
        assert!(!asks(door, "/x", &[]) && !asks(door, "/x", &[("Authorization", "Bearer vst_x")]));
        for line in [
            ("Cookie", "a=b"),
            ("Sec-Fetch-Mode", "cors"),
            ("Sec-Fetch-Site", "same-origin"),
            ("Origin", "null"),
            ("X-Requested-With", "XMLHttpRequest"),
            ("Referer", "https://app.example.com/"),
        ] {
            assert!(!asks(door, "/keys/x", &[line]), "{line:?}");
        }
    }
}
