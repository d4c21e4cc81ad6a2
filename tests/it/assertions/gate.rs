//! What is said of whom, to which app, and for how long.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{APP, ON, PLACE, claims, is_verified_by, kid, parts, published, told, told_at};
use crate::gate::groups::{MANY_GROUPS, MEMBERSHIPS};
use crate::gate::house::{DOORS, Door, Person, Question, house, house_with};
use crate::support::authenticator::set_up;
use crate::support::people::PASSWORD;
use crate::support::{PATIENCE, TestApp, eventually};

const NAMED: (&str, &str) = ("gateway.organizations", "acme,globex");
const KEYS_TAKEN: (&str, &str) =
    ("gateway.rules", r#"[{ hosts = ["app.example.com"], allow = "signed_in", api_keys = true }]"#);

/// A node that answers from memory now.
fn remember(app: &TestApp, person: &Person) {
    eventually("a check that is answered from memory", || {
        let before = app.live.figures().remembered;
        told(app, person);
        (app.live.figures().remembered > before).then_some(())
    });
}

#[test]
fn a_person_is_told_of_in_a_token_that_the_published_keys_verify() {
    let app = house_with(&[ON, NAMED]);
    let ann = Person::of_the_house(&app, "ann@example.com");
    app.execute(MEMBERSHIPS);
    let now = app.clock().now().timestamp();
    for door in DOORS {
        let assertion = eventually("the groups", || {
            let answer = Question::about(door, PLACE).by(&ann).ask(&app);
            let assertion = answer.header("vestibule-assertion").expect("the header").to_owned();
            (claims(&assertion)["groups"] != json!([])).then_some(assertion)
        });
        assert!(is_verified_by(&assertion, &published(&app)));
        let [header, claims] = parts(&assertion);
        assert_eq!(header, json!({ "alg": "ES256", "typ": "JWT", "kid": kid(&assertion) }));
        let expected = json!({
            "iss": "https://auth.example.com", "aud": APP, "sub": ann.id, "email": "ann@example.com",
            "name": "Ann Ünal", "groups": ["acme", "acme:admin", "globex", "globex:member", "acme/Büro & Küche",
            "acme/Engineering"], "sid": claims["sid"], "auth_time": now, "amr": ["pwd"],
            "iat": now, "exp": now + 60,
        });
        assert_eq!(claims, expected);
        let device = claims["sid"].as_str().expect("an id");
        let of_ann =
            format!("SELECT count(*) AS n FROM sessions WHERE device_id = '{device}' AND user_id = '{}'", ann.id);
        assert_eq!(app.count(&of_ann), 1);
    }
}

#[test]
fn unless_it_is_switched_on_nothing_is_signed_and_there_is_no_key() {
    let app = house();
    let ann = Person::of_the_house(&app, "ann@example.com");
    assert_eq!((told(&app, &ann), published(&app).len()), (String::new(), 0));
    app.run_job("keep_signing_keys");
    assert_eq!(app.count("SELECT count(*) AS n FROM signing_keys"), 0);
}

#[test]
fn it_is_for_one_app_alone() {
    let app = house_with(&[ON]);
    let ann = Person::of_the_house(&app, "ann@example.com");
    let apps = [
        (PLACE, APP),
        ("https://APP.example.com./y?z", APP),
        ("wss://app.example.com:443/x", APP),
        ("http://app.example.com:80/x", "http://app.example.com"),
        ("https://a.example.com:8443/x", "https://a.example.com:8443"),
        ("https://b.example.com:8443/x", "https://b.example.com:8443"),
    ];
    for _ in 0..2 {
        for (url, audience) in apps {
            assert_eq!(claims(&told_at(&app, &ann, url))["aud"], audience, "{url}");
        }
    }
}

#[test]
fn it_is_the_same_for_half_of_its_life_and_then_another() {
    let app = house_with(&[ON]);
    let ann = Person::of_the_house(&app, "ann@example.com");
    remember(&app, &ann);
    let first = told(&app, &ann);
    assert_ne!(told_at(&app, &ann, "https://a.example.com:8443/x"), first);
    assert_eq!(told(&app, &ann), first, "signed once");
    app.clock().advance(TimeDelta::seconds(29));
    assert_eq!(told(&app, &ann), first);
    app.clock().advance(TimeDelta::seconds(1));
    let second = told(&app, &ann);
    assert_eq!((claims(&second)["iat"].as_i64(), told(&app, &ann)), (Some(app.clock().now().timestamp()), second));
}

#[test]
fn it_is_another_as_soon_as_anything_that_it_says_has_changed() {
    let app = house_with(&[ON, NAMED]);
    let mut ann = Person::of_the_house(&app, "ann@example.com");
    remember(&app, &ann);
    let until = |ann: &Person, name: &str, expected: Value| {
        eventually(name, || (claims(&told(&app, ann))[name] == expected).then_some(()));
        remember(&app, ann);
    };
    assert_eq!(ann.browser.api("PATCH", "/me", json!({ "name": "Ann Lee" })).status, 200);
    assert_eq!(claims(&told(&app, &ann))["name"], "Ann Lee", "this node knows at once");
    app.clock().advance(TimeDelta::seconds(5));
    ann.browser.confirm();
    assert_eq!(claims(&told(&app, &ann))["auth_time"], app.clock().now().timestamp());
    remember(&app, &ann);
    app.execute(MEMBERSHIPS);
    until(
        &ann,
        "groups",
        json!(["acme", "acme:admin", "globex", "globex:member", "acme/Büro & Küche", "acme/Engineering"]),
    );
    app.execute("DELETE FROM members WHERE organization_id = (SELECT id FROM organizations WHERE slug = 'globex')");
    app.execute("UPDATE members SET role = 'member'");
    until(&ann, "groups", json!(["acme", "acme:member", "acme/Büro & Küche", "acme/Engineering"]));
    app.execute("UPDATE users SET email = 'ann@example.org', email_key = 'ann@example.org'");
    until(&ann, "email", json!("ann@example.org"));
}

#[test]
fn how_somebody_has_proved_who_they_are_is_told_and_more_of_it_after_they_have_proved_more() {
    let app = house_with(&[ON]);
    let mut ann = Person::of_the_house(&app, "ann@example.com");
    let (authenticator, _) = set_up(&app, &mut ann.browser);
    let (mut browser, answer) = app.log_in("ann@example.com", PASSWORD);
    assert_eq!(answer.status, 401);
    let code = authenticator.code(&app);
    assert_eq!(browser.api("POST", "/auth/login/totp", json!({ "code": code })).status, 200);
    let twice = Person::who_is(browser);
    assert_eq!(claims(&told(&app, &twice))["amr"], json!(["pwd", "otp", "mfa"]));
}

#[test]
fn of_a_stranger_nothing_is_said_and_of_somebody_known_as_much_as_anywhere() {
    let app = house_with(&[ON]);
    let ann = Person::of_the_house(&app, "ann@example.com");
    let place = "https://app.example.com/public/x";
    for door in DOORS {
        let own = "eyJhbGciOiJub25lIn0.e30.";
        let stranger = Question::about(door, place).with("Vestibule-Assertion", own).ask(&app);
        assert_eq!((stranger.status, stranger.headers("vestibule-assertion")), (200, vec![""]));
        let known = Question::about(door, place).by(&ann).with("Vestibule-Assertion", own).ask(&app);
        let assertion = known.headers("vestibule-assertion").concat();
        assert!(is_verified_by(&assertion, &published(&app)));
        assert_eq!(claims(&assertion)["sub"], ann.id.as_str());
        let refused = Question::about(door, "https://app.example.com/closed/x").by(&ann).ask(&app);
        assert_eq!((refused.status, refused.headers("vestibule-assertion").len()), (403, 0));
    }
}

#[test]
fn an_address_that_nobody_has_confirmed_is_not_told() {
    let app = house_with(&[ON]);
    let new = Person::newcomer(&app, "new@example.com");
    let claims = claims(&told_at(&app, &new, "https://app.example.com/welcome"));
    assert_eq!((claims.get("email"), &claims["sub"]), (None, &json!(new.id)));
}

#[test]
fn a_program_is_told_of_as_the_person_whose_key_it_has_but_without_a_session() {
    let app = house_with(&[ON, KEYS_TAKEN]);
    let mut ann = Person::of_the_house(&app, "ann@example.com");
    ann.browser.confirm();
    let made: Value = ann.browser.api("POST", "/me/api-keys", json!({ "name": "a script" })).json();
    let bearer = format!("Bearer {}", made["key"].as_str().expect("a key"));
    let answer = Question::about(Door::ForwardAuth, PLACE).with("Authorization", &bearer).ask(&app);
    let assertion = answer.headers("vestibule-assertion").concat();
    assert!(is_verified_by(&assertion, &published(&app)));
    let claims = claims(&assertion);
    assert_eq!((&claims["sub"], &claims["email"]), (&json!(ann.id), &json!("ann@example.com")));
    assert_eq!((claims.get("sid"), claims.get("auth_time"), &claims["amr"]), (None, None, &json!([])));
}

#[test]
fn what_an_app_is_told_opens_nothing() {
    let app = house_with(&[ON]);
    let ann = Person::of_the_house(&app, "ann@example.com");
    let assertion = told(&app, &ann);
    let sid = claims(&assertion)["sid"].as_str().expect("a sid").to_owned();
    for secret in [assertion, sid] {
        for (name, value) in [
            ("Cookie", format!("__Secure-vestibule_gate={secret}")),
            ("Cookie", format!("__Host-vestibule_session={secret}")),
            ("Authorization", format!("Bearer {secret}")),
            ("Vestibule-Assertion", secret),
        ] {
            let asked = Question::about(Door::ForwardAuth, PLACE).with(name, &value);
            assert_eq!(asked.ask(&app).status, 401, "{name}");
            let mut browser = app.browser().with_header(name, &value);
            assert_eq!(browser.api("GET", "/me", Value::Null).status, 401, "{name}");
        }
    }
}

/// nginx reads it into 4 KiB, and lets nobody through when it does not fit.
#[test]
fn whatever_there_is_to_say_the_head_of_the_answer_fits_into_a_page() {
    let app = house_with(&[ON, ("gateway.organizations", "*")]);
    let mut ann = Person::of_the_house(&app, "ann@example.com");
    assert_eq!(ann.browser.api("PATCH", "/me", json!({ "name": "\u{1f6f6}".repeat(200) })).status, 200);
    app.execute(MEMBERSHIPS);
    app.execute(MANY_GROUPS);
    app.execute(
        "UPDATE users SET email = long, email_key = long \
         FROM (SELECT repeat('a', 60) || '@' || repeat('b.', 88) || 'example.com' AS long) AS made",
    );
    let host = format!("{}example.com:8443", format!("{}.", "c".repeat(60)).repeat(3) + &"d.".repeat(29));
    let question = Question::about(Door::ForwardAuth, &format!("https://{host}/x"));
    let question = question.by(&ann).with("X-Request-Id", &"r".repeat(64));
    let told = |question: &Question| claims(&question.ask(&app).headers("vestibule-assertion").concat());
    eventually("the groups", || told(&question)["groups"].as_array().is_some_and(|all| all.len() > 5).then_some(()));
    let head = head(&app, &question);
    assert!((3000..=4096).contains(&head.len()), "{}: {head}", head.len());
    let groups = question.ask(&app).headers("remote-groups").concat();
    let same: Vec<&str> = groups.split(',').collect();
    assert_eq!(told(&question)["groups"], json!(same), "both say the same");
}

fn head(app: &TestApp, question: &Question) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", app.port())).expect("the service");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time to wait");
    stream.write_all(&question.bytes()).expect("somebody who reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    answer.split_inclusive("\r\n\r\n").next().expect("a head").to_owned()
}
