//! At the gate somebody who leaves is refused, whatever they bring, and on every node.

use serde_json::{Value, json};

use super::{ANN, leave};
use crate::api_keys::gate::{API, house, settings};
use crate::api_keys::key_for;
use crate::gate::house::{DOORS, Door, Person, Question};
use crate::support::{TestApp, eventually};

const APP: &str = "https://app.example.com/x";

fn status(app: &TestApp, door: Door, url: &str, who: &Person) -> u16 {
    Question::about(door, url).by(who).ask(app).status
}

#[test]
fn whoever_leaves_is_refused_until_they_come_back() {
    let app = house();
    let mut ann = Person::of_the_house(&app, ANN);
    for door in DOORS {
        assert_eq!(status(&app, door, APP, &ann), 200, "{door:?}");
    }
    ann.browser.confirm();
    leave(&mut ann.browser);
    for door in DOORS {
        let answer = Question::about(door, APP).by(&ann).ask(&app);
        assert_eq!((answer.status, &answer.json::<Value>()["code"]), (403, &json!("forbidden")), "{door:?}");
        let page = Question::about(door, APP).in_a_browser().by(&ann).ask(&app);
        assert!(page.status == 403 && page.text().contains("Your account is to be deleted"), "{door:?} {page:?}");
        let public = Question::about(door, "https://app.example.com/public/x").by(&ann).ask(&app);
        assert_eq!((public.status, public.headers("remote-user")), (200, vec![""]), "{door:?}");
        assert_eq!(status(&app, door, "https://app.example.com/closed/x", &ann), 403);
    }
    assert_eq!(ann.browser.api("POST", "/me/restore", Value::Null).status, 200);
    for door in DOORS {
        let answer = Question::about(door, APP).by(&ann).ask(&app);
        assert_eq!((answer.status, answer.headers("remote-user")), (200, vec![ann.id.as_str()]), "{door:?}");
    }
}

/// They end when it is asked for; this is for one that has not.
#[test]
fn a_key_of_somebody_who_leaves_is_no_good() {
    let app = house();
    let mut ann = crate::api_keys::ann(&app);
    let (key, _) = key_for(&mut ann, &["gateway", "account:read"]);
    let ask = |door| Question::about(door, API).with("Authorization", &format!("Bearer {key}")).ask(&app).status;
    for door in DOORS {
        assert_eq!(ask(door), 200, "{door:?}");
    }
    app.execute("UPDATE users SET deletion_asked_at = now(), deletes_at = to_timestamp(1900000000)");
    for door in DOORS {
        eventually("the key to be refused", || (ask(door) == 401).then_some(()));
    }
    let mut program = app.browser().with_header("Authorization", &format!("Bearer {key}"));
    assert_eq!(program.api("GET", "/me", Value::Null).status, 401);
}

#[test]
fn every_node_hears_of_it_whichever_remembers_the_session() {
    let one = house();
    let two = one.again_with(&settings());
    let mut ann = Person::of_the_house(&one, ANN);
    ann.browser.confirm();
    for node in [&one, &two] {
        eventually("the node to remember her", || {
            assert_eq!(status(node, Door::AuthRequest, APP, &ann), 200);
            (node.live.figures().remembered > 0).then_some(())
        });
    }
    leave(&mut ann.browser);
    for node in [&one, &two] {
        eventually("the node to refuse her", || (status(node, Door::AuthRequest, APP, &ann) == 403).then_some(()));
    }
    assert_eq!(ann.browser.api("POST", "/me/restore", Value::Null).status, 200);
    for node in [&one, &two] {
        eventually("the node to know her again", || (status(node, Door::AuthRequest, APP, &ann) == 200).then_some(()));
    }
}
