//! Keys as passwords, for clients that know a name and a password and nothing else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::gate::{API, house};
use super::{ann, key_for, revoke};
use crate::gate::house::{DOORS, Door, Person, Question};
use crate::support::raw::Answer;
use crate::support::{TestApp, eventually};

const BOTH: &str = "Bearer realm=\"vestibule\", Basic realm=\"vestibule\", charset=\"UTF-8\"";
const WRONG: &str = "Bearer realm=\"vestibule\", error=\"invalid_token\", Basic realm=\"vestibule\", charset=\"UTF-8\"";

fn by(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

fn ask(app: &TestApp, door: Door, url: &str, authorization: &str) -> Answer {
    Question::about(door, url).with("Authorization", authorization).ask(app)
}

#[test]
fn a_key_with_the_address_of_its_person_opens_what_takes_keys() {
    let app = house();
    let mut ann = ann(&app);
    let (key, _) = key_for(&mut ann, &["gateway"]);
    let id = Person::who_is(ann).id;
    for door in DOORS {
        for user in ["ann@example.com", "Ann@Example.COM"] {
            for scheme in ["Basic", "basic", "BASIC"] {
                let answer = ask(&app, door, API, &by(user, &key).replace("Basic", scheme));
                assert_eq!((answer.status, answer.headers("remote-user")), (200, vec![id.as_str()]), "{door:?} {user}");
                assert_eq!(answer.headers("remote-email"), ["ann@example.com"]);
            }
        }
        assert_eq!(ask(&app, door, "https://app.example.com/closed/x", &by("ann@example.com", &key)).status, 403);
        assert_eq!(ask(&app, door, "https://app.example.com/x", &by("ann@example.com", &key)).status, 401);
    }
}

#[test]
fn a_key_with_another_name_and_what_is_no_good_key_is_401_whatever_cookies_come_with_it() {
    let app = house();
    let mut browser = ann(&app);
    let (reading, _) = key_for(&mut browser, &["account:read"]);
    let (revoked, id) = key_for(&mut browser, &["gateway"]);
    let (good, _) = key_for(&mut browser, &["gateway"]);
    assert_eq!(revoke(&mut browser, &id).status, 204);
    let ann = Person::who_is(browser);
    app.verified("bob@example.com");
    let wrong = [
        by("bob@example.com", &good),
        by("ann", &good),
        by("", &good),
        by("ann@example.com\r\n", &good),
        by("ann@example.com", &reading),
        by("ann@example.com", &revoked),
        by("ann@example.com", "vst_"),
        by("ann@example.com", &format!("{good} ")),
        by("ann@example.com", &format!("{good}:x")),
    ];
    for door in DOORS {
        for authorization in &wrong {
            let question = Question::about(door, API).with("Authorization", authorization);
            for (question, challenge) in
                [(question.clone(), WRONG), (question.by(&ann), "Bearer realm=\"vestibule\", error=\"invalid_token\"")]
            {
                let answer = question.ask(&app);
                assert_eq!((answer.status, answer.headers("www-authenticate")), (401, vec![challenge]), "{door:?}");
                assert_eq!(answer.json::<Value>()["code"], "unauthenticated");
            }
        }
        let once = Question::about(door, API).by(&ann).with("Authorization", &by("ann@example.com", &good));
        assert_eq!(once.ask(&app).status, 200);
        assert_eq!(once.with("Authorization", "Basic eDp5").ask(&app).status, 401, "nobody can tell which counts");
    }
}

#[test]
fn an_apps_own_password_is_left_to_the_app() {
    let app = house();
    let bob = Person::of_the_house(&app, "bob@example.com");
    for door in DOORS {
        for value in [by("bob@example.com", "secret"), by("vst_x", "secret"), by("bob", ""), "Basic".to_owned()] {
            let answer = Question::about(door, API).by(&bob).with("Authorization", &value).ask(&app);
            assert_eq!((answer.status, answer.headers("remote-user")), (200, vec![bob.id.as_str()]), "{value}");
        }
    }
}

#[test]
fn a_key_that_is_revoked_ends_as_a_password_too() {
    let app = house();
    let mut ann = ann(&app);
    let (key, id) = key_for(&mut ann, &["gateway"]);
    let shown = by("ann@example.com", &key);
    assert_eq!(ask(&app, Door::ExtAuthz, API, &shown).status, 200);
    assert_eq!(revoke(&mut ann, &id).status, 204);
    eventually("the refusal", || (ask(&app, Door::ExtAuthz, API, &shown).status == 401).then_some(()));
}

/// A browser that is told of `Basic` asks the person for a password, in a window of its own.
#[test]
fn only_programs_are_told_that_a_password_is_taken_and_only_where_it_is() {
    let app = house();
    let bearer = "Bearer realm=\"vestibule\"";
    for door in DOORS {
        let program = Question::about(door, API);
        let elsewhere = Question::about(door, "https://app.example.com/x");
        let cases = [
            (program.clone(), BOTH),
            (program.clone().with("Accept", "application/json").with("User-Agent", "rclone"), BOTH),
            (elsewhere, bearer),
            (program.clone().with("Accept", "*/*").with("Sec-Fetch-Mode", "cors"), bearer),
            (program.clone().with("Accept", "*/*").with("Sec-Fetch-Site", "same-origin"), bearer),
            (program.clone().with("X-Requested-With", "XMLHttpRequest"), bearer),
            (program.clone().with("Referer", "https://app.example.com/"), bearer),
            (program.clone().with("Origin", "https://app.example.com"), bearer),
            (program.clone().with("Cookie", "theme=dark"), bearer),
        ];
        for (question, expected) in cases {
            let answer = question.ask(&app);
            assert_eq!(
                (answer.status, answer.headers("www-authenticate")),
                (401, vec![expected]),
                "{:?}",
                question.lines
            );
        }
    }
    let navigation = Question::about(Door::AuthRequest, API).with("Accept", "text/html").ask(&app);
    assert_eq!((navigation.status, navigation.headers("www-authenticate")), (401, vec![bearer]));
}
