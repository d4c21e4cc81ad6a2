//! The keys: published before they sign and after, changed without anybody being turned away.

use std::thread;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{ON, is_verified_by, kid, kids, published, told};
use crate::gate::house::{Person, house, house_with, settings};
use crate::support::people::PASSWORD;
use crate::support::{TestApp, eventually};

/// She signs in anew: months lie between.
fn told_of_ann(app: &TestApp) -> String {
    let (browser, answer) = app.log_in("ann@example.com", PASSWORD);
    assert_eq!(answer.status, 200, "{}", answer.answer.text());
    told(app, &Person::who_is(browser))
}

#[test]
fn the_keys_are_there_for_everybody_and_need_not_be_fetched_twice() {
    let app = house_with(&[ON]);
    told(&app, &Person::of_the_house(&app, "ann@example.com"));
    let answer = app.browser().with_header("Origin", "https://app.example.com").get("/.well-known/jwks.json");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert!(answer.answer.headers("set-cookie").is_empty());
    let keys: Value = answer.json();
    let key = keys["keys"][0].as_object().expect("a key");
    let mut names: Vec<&str> = key.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x", "y"], "nothing of the private part");
    let tag = answer.header("etag").expect("an ETag").to_owned();
    for (sent, status) in [(tag.clone(), 304), (format!("\"x\", W/{tag}"), 304), ("\"x\"".to_owned(), 200)] {
        let again = app.browser().with_header("If-None-Match", &sent).get("/.well-known/jwks.json");
        assert_eq!((again.status, again.header("etag")), (status, Some(tag.as_str())), "{sent}");
        assert_eq!(again.header("cache-control"), Some("public, max-age=300"));
    }
}

#[test]
fn the_next_key_is_published_a_day_before_it_signs_and_the_last_one_for_a_day_after() {
    let app = house_with(&[ON]);
    app.verified("ann@example.com");
    let first = kid(&told_of_ann(&app));
    app.clock().advance(TimeDelta::days(89));
    app.run_job("keep_signing_keys");
    let both = kids(&app);
    assert_eq!((both.len(), both.first()), (2, Some(&first)));
    let before = told_of_ann(&app);
    assert_eq!(kid(&before), first, "nobody may know the next one yet");
    app.clock().advance(TimeDelta::days(1));
    let after = told_of_ann(&app);
    assert_eq!(kid(&after), both[1]);
    app.run_job("keep_signing_keys");
    let keys = published(&app);
    assert!(is_verified_by(&before, &keys) && is_verified_by(&after, &keys));
    app.clock().advance(TimeDelta::days(1));
    app.run_job("keep_signing_keys");
    assert_eq!(kids(&app), [both[1].clone()]);
    assert_eq!(app.count("SELECT count(*) AS n FROM audit_events WHERE kind = 'signing_key.made'"), 2);
    assert_eq!(app.count("SELECT count(*) AS n FROM audit_events WHERE kind = 'signing_key.removed'"), 1);
}

#[test]
fn nodes_that_start_at_once_make_one_key_and_each_verifies_what_the_other_has_signed() {
    let plain = house();
    plain.verified("ann@example.com");
    let on = settings(&[ON]);
    let nodes: Vec<TestApp> = thread::scope(|scope| {
        let (plain, on) = (&plain, &on);
        let starting: Vec<_> = (0..3).map(|_| scope.spawn(move || plain.again_with(on))).collect();
        starting.into_iter().map(|node| node.join().expect("a node")).collect()
    });
    let assertions: Vec<String> = thread::scope(|scope| {
        let asking: Vec<_> = nodes.iter().map(|node| scope.spawn(move || told_of_ann(node))).collect();
        asking.into_iter().map(|asked| asked.join().expect("an assertion")).collect()
    });
    assert_eq!(plain.count("SELECT count(*) AS n FROM signing_keys"), 1);
    for node in nodes.iter().chain([&plain]) {
        eventually("the key to be published", || (kids(node).len() == 1).then_some(()));
        assert!(assertions.iter().all(|assertion| is_verified_by(assertion, &published(node))));
    }
}

#[test]
fn after_a_leak_every_node_signs_with_another_key_and_publishes_no_other() {
    let app = house_with(&[ON]);
    let other = app.again_with(&settings(&[ON]));
    let ann = Person::of_the_house(&app, "ann@example.com");
    for node in [&app, &other] {
        node.catch_up();
    }
    let (browser, _) = app.log_in("ann@example.com", PASSWORD);
    let ann = Person { browser, ..ann };
    let leaked = told(&app, &ann);
    assert_eq!(kid(&told(&other, &ann)), kid(&leaked));
    let made = app.vestibule(&["keys", "rotate", "--now", "--json"]).json();
    assert_eq!((&made["state"], &made["made"]), (&json!("signing"), &json!(true)));
    let new = made["kid"].as_str().expect("a kid");
    for node in [&app, &other] {
        node.catch_up();
        eventually("the new key", || (kids(node) == [new]).then_some(()));
        let assertion = told(node, &ann);
        assert_eq!(kid(&assertion), new, "not what was signed a moment before");
        assert!(is_verified_by(&assertion, &published(node)) && !is_verified_by(&leaked, &published(node)));
    }
}

#[test]
fn the_operator_sees_the_keys_and_has_the_next_one_made_once() {
    let app = house_with(&[ON]);
    app.catch_up();
    let ann = Person::of_the_house(&app, "ann@example.com");
    let first = kid(&told(&app, &ann));
    let listed = app.vestibule(&["keys", "list", "--json"]).json();
    assert_eq!(listed["keys"].as_array().map(Vec::len), Some(1));
    let key = &listed["keys"][0];
    assert_eq!((&key["kid"], &key["state"], &key["signs_until"]), (&json!(first), &json!("signing"), &Value::Null));
    let made = app.vestibule(&["keys", "rotate", "--json"]).json();
    assert_eq!((&made["state"], &made["made"]), (&json!("waiting"), &json!(true)));
    let again = app.vestibule(&["keys", "rotate", "--json"]).json();
    assert_eq!((&again["kid"], &again["made"]), (&made["kid"], &json!(false)));
    let new = made["kid"].as_str().expect("a kid");
    eventually("the new key", || (kids(&app) == [first.as_str(), new]).then_some(()));
    assert_eq!(kid(&told(&app, &ann)), first);
    let text = app.vestibule(&["keys", "list"]);
    let lines: Vec<&str> = text.text().lines().collect();
    assert!(lines[1].starts_with(&first) && lines[1].contains("  signing  "), "{}", text.out);
    assert!(lines[2].starts_with(new) && lines[2].contains("  waiting  "), "{}", text.out);
    assert!(app.vestibule(&["keys", "rotate"]).text().starts_with(&format!("{new} was made already")));
    let audited = "SELECT count(*) AS n FROM audit_events WHERE kind = 'signing_key.made' AND hand = 'operator'
        AND request_id = 'keys rotate'";
    assert_eq!(app.count(audited), 1);
    let stored = app.count("SELECT count(*) AS n FROM signing_keys WHERE octet_length(sealed_key) > 100");
    assert_eq!(stored, 2);
}
