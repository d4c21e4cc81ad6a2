//! Programs with API keys, through the proxies as they are delivered.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::street::{Kind, Street, streets};
use crate::gate::house::Person;

/// A key of Ann's for apps, and Ann's id.
fn key_of_ann(street: &Street) -> (String, String) {
    let mut browser = street.service.verified("ann@example.com");
    browser.confirm();
    let made: Value = browser.api("POST", "/me/api-keys", json!({ "name": "a script" })).json();
    (made["key"].as_str().expect("a key").to_owned(), Person::who_is(browser).id)
}

#[test]
fn a_key_opens_the_app_which_is_told_whose_it_is_and_never_sees_it() {
    for street in streets() {
        let (key, id) = key_of_ann(&street);
        for scheme in ["Bearer", "bearer", "BEARER  "] {
            let forged = "Remote-User: root\r\nRemote_User: root\r\nVestibule-Assertion: forged\r\n";
            let answer = street.send("GET /api/x", &format!("{forged}Authorization: {scheme} {key}\r\n"));
            assert_eq!(answer.status, 200, "{:?} {scheme}", street.kind);
            let received = street.app.received().pop().expect("a request");
            assert_eq!(received.header("remote-user"), Some(id.as_str()));
            assert_eq!(received.header("remote-email"), Some("ann@example.com"));
            let told = format!("{:?}", received.headers);
            assert!(
                !told.contains(&key[..12]) && received.header("authorization").is_none(),
                "{:?}: {told}",
                street.kind
            );
        }
    }
}

#[test]
fn a_key_as_a_password_opens_the_app_which_never_sees_it() {
    for street in streets() {
        let (key, id) = key_of_ann(&street);
        // However many bytes stand before it, since three make four of base64.
        for user in ["ann@example.com", "bob@example.com", "cy@example.com"] {
            for scheme in ["Basic", "basic", "BASIC "] {
                let shown = STANDARD.encode(format!("{user}:{key}"));
                let own = format!("Remote-User: root\r\nAuthorization: {scheme} {shown}\r\n");
                let expected = if user.starts_with("ann") { 200 } else { 401 };
                assert_eq!(street.send("GET /api/x", &own).status, expected, "{:?} {scheme}", street.kind);
                // The app's business, for once: there the gate lets everybody in.
                assert_eq!(street.send("GET /public/x", &own).status, 200, "{:?}", street.kind);
                let told = street.app.received();
                let told = told.last().expect("a request");
                assert!(told.header("authorization").is_none(), "{:?} {user}: {told:?}", street.kind);
            }
        }
        let told = street.app.received();
        let opened: Vec<_> = told.iter().filter(|received| received.uri == "/api/x").collect();
        assert_eq!(opened.len(), 3, "{:?}", street.kind);
        for received in opened {
            assert_eq!((received.header("remote-user"), received.header("authorization")), (Some(id.as_str()), None));
        }
    }
}

#[test]
fn a_key_that_is_not_good_is_a_plain_401_for_programs() {
    for street in streets() {
        let (key, _) = key_of_ann(&street);
        let wrong = format!("{}A", &key[..67]);
        let wrong = if wrong == key { format!("{}B", &key[..67]) } else { wrong };
        let answer = street.send("GET /api/x", &format!("Authorization: Bearer {wrong}\r\n"));
        assert_eq!(answer.status, 401, "{:?}", street.kind);
        let challenge = answer.header("www-authenticate").expect("a challenge");
        assert!(challenge.contains("error=\"invalid_token\""), "{:?}: {challenge}", street.kind);
        // Where keys are not taken, whoever brings one is a stranger.
        let answer = street.send("GET /x", &format!("Authorization: Bearer {key}\r\n"));
        assert_eq!(answer.status, if street.kind == Kind::Nginx { 302 } else { 401 }, "{:?}", street.kind);
        street.assert_nothing_arrived("nobody was let in");
    }
}

#[test]
fn an_apps_own_authorization_arrives() {
    for street in streets() {
        let ann = street.ann();
        for value in ["Bearer eyJhbGciOi.x.y", "Basic eDp5", "Basic YW5uQGV4YW1wbGUuY29tOnZzdGFiYw=="] {
            let lines = format!("Authorization: {value}\r\n{}", Street::cookies_of(&ann));
            assert_eq!(street.send("GET /api/x", &lines).status, 200, "{:?} {value}", street.kind);
            assert_eq!(street.app.received().pop().expect("a request").header("authorization"), Some(value));
        }
    }
}
