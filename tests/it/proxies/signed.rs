//! The app's own proof of who comes, behind each proxy: ours arrives, and nobody else's ever does.

use serde_json::Value;

use super::forgeries::{FORGED, values};
use super::street::{Street, streets_with};
use crate::assertions::{ON, claims, is_verified_by};
use crate::support::echo::Received;
use crate::support::raw;

const NAME: &str = "vestibule-assertion";

/// As an app finds them, by the proxy.
fn published(street: &Street) -> Vec<Value> {
    let page = street.browser().get("http://auth.example.com/.well-known/jwks.json");
    assert_eq!(page.status, 200, "{:?}", street.kind);
    page.json::<Value>()["keys"].as_array().expect("a list").clone()
}

/// The one that came, by whatever name an app may read it.
fn assert_signed_for(street: &Street, received: &Received, id: &str) {
    let told = values(received, NAME);
    assert_eq!(told.len(), 1, "{:?}: {received:?}", street.kind);
    assert!(is_verified_by(told[0], &published(street)), "{:?}: {received:?}", street.kind);
    let claims = claims(told[0]);
    let who = (&claims["sub"], &claims["iss"], &claims["aud"]);
    assert_eq!(who, (&id.into(), &"http://auth.example.com".into(), &"http://app.example.com".into()));
}

#[test]
fn the_proof_that_reaches_the_app_is_ours_whatever_the_visitor_has_written() {
    for street in streets_with(&[ON]) {
        let ann = street.ann();
        let cookies = Street::cookies_of(&ann);
        let other =
            "Vestibule-Assertion: a\r\nvestibule-assertion: b\r\nVestibule_Assertion: c\r\nVESTIBULE_assertion: d\r\n";
        for lines in ["", FORGED, other] {
            for path in ["/x?a=1", "/public/x", "/api/x"] {
                let answer = street.send(&format!("GET {path}"), &format!("{lines}{cookies}"));
                assert_eq!(answer.status, 200, "{:?} {path}: {}", street.kind, answer.text());
                assert_signed_for(&street, street.app.received().last().expect("a request"), &ann.id);
            }
        }
    }
}

#[test]
fn whoever_is_let_through_unknown_brings_no_proof_of_anything() {
    for street in streets_with(&[ON]) {
        let stolen = {
            let ann = street.ann();
            street.send("GET /x", &Street::cookies_of(&ann));
            values(&street.received(), NAME).concat()
        };
        assert!(is_verified_by(&stolen, &published(&street)), "{:?}", street.kind);
        // A good one, of somebody else.
        let again = format!("Vestibule-Assertion: {stolen}\r\nVestibule_Assertion: {stolen}\r\n");
        for lines in [FORGED, &again] {
            assert_eq!(street.send("GET /public/x", lines).status, 200, "{:?}", street.kind);
            let received = street.app.received().pop().expect("a request");
            assert!(values(&received, NAME).iter().all(|told| told.is_empty()), "{:?}: {received:?}", street.kind);
        }
    }
}

/// What `Connection` names is for the next hop alone, and dropped by it: ours would be, and the forged one left.
#[test]
fn no_connection_header_exchanges_our_proof_for_another() {
    for street in streets_with(&[ON]) {
        let ann = street.ann();
        let mine = Street::cookies_of(&ann);
        for named in [
            "Vestibule-Assertion",
            "close, vestibule-assertion",
            "Vestibule_Assertion",
            "Vestibule-Assertion, Remote-User",
        ] {
            for (path, cookies, id) in [("/x", mine.as_str(), ann.id.as_str()), ("/public/x", "", "")] {
                let before = street.app.received().len();
                let head = format!("GET {path} HTTP/1.1\r\nHost: app.example.com\r\nConnection: {named}\r\n");
                let mut connection = raw::Connection::open(street.proxy.port()).unwrap();
                connection.write(format!("{head}{cookies}{FORGED}\r\n")).unwrap();
                connection.answer().unwrap();
                for received in street.app.received().iter().skip(before) {
                    if id.is_empty() {
                        assert!(
                            values(received, NAME).iter().all(|told| told.is_empty()),
                            "{:?}: {received:?}",
                            street.kind
                        );
                    } else {
                        assert_signed_for(&street, received, id);
                    }
                }
            }
        }
    }
}
