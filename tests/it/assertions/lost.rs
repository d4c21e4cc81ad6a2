//! A key that cannot be opened any more.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::resilience::service::{KEY, Service};
use crate::support::command::{command, said};
use crate::support::postgres::TestDb;

const PATIENCE: Duration = Duration::from_secs(20);

fn kid(service: &Service) -> String {
    let keys: Value = service.browser().get("/.well-known/jwks.json").json();
    assert_eq!(keys["keys"].as_array().map(Vec::len), Some(1), "{keys}");
    keys["keys"][0]["kid"].as_str().expect("a kid").to_owned()
}

#[test]
fn without_the_secret_under_which_its_key_was_sealed_the_service_says_so_instead_of_starting() {
    let database = TestDb::make();
    let [old, new] = [KEY, "another key that nobody needs to hide"].map(|key| STANDARD.encode(key));
    let both = format!("{new},{old}");
    let with = |keys: &str| {
        Service::launch(&[("DATABASE__URL", database.url()), ("GATEWAY__ASSERTION", "true"), ("SECRETS__KEY", keys)])
    };
    let started = |keys: &str| {
        let mut service = with(keys);
        service.wait_until_it_listens();
        kid(&service)
    };
    let first = started(&old);
    let mut lost = with(&new);
    assert_eq!(lost.end_within(PATIENCE).code(), Some(1));
    for words in ["gateway.assertion", &first, "secrets.key", "`vestibule keys rotate --now`"] {
        assert!(lost.log().contains(words), "{words} is not in:\n{}", lost.log());
    }
    assert_eq!(started(&both), first, "behind the first it opens");
    let mut rotate = command(database.url(), &[], &["keys", "rotate", "--now", "--json"]);
    let made = said(rotate.env("VESTIBULE__SECRETS__KEY", &new)).json();
    assert_eq!(made["kid"], started(&new));
    assert_ne!(made["kid"], first);
}
