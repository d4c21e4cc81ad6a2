//! What is kept, and what is not.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{ALL, kept, wait_for};
use crate::api_keys::key_for;
use crate::deletion::{GRACE, erase_the_gone, leave};
use crate::gate::house::{DOORS, Door, Person, Question, house, house_with, settings};
use crate::metrics::Metrics;
use crate::support::{TestApp, eventually};

const PUBLIC: &str = "https://app.example.com/public/x";
const PLACE: &str = "https://app.example.com/x";

fn ask(app: &TestApp, url: &str) -> u16 {
    Question::about(Door::ForwardAuth, url).ask(app).status
}

#[test]
fn nothing_is_kept_unless_it_is_asked_for() {
    let idle = house();
    let keeping = idle.again_with(&settings(&[ALL]));
    for door in DOORS {
        Question::about(door, PUBLIC).ask(&idle);
    }
    Question::about(Door::ForwardAuth, PLACE).ask(&keeping);
    wait_for(&keeping, 1);
    // What it had to write it has written by its end.
    drop(idle);
    assert_eq!(keeping.text("SELECT string_agg(path, ' ') AS t FROM gate_decisions"), "/x");
}

#[test]
fn all_is_kept_where_all_is_asked_for_and_every_node_writes_its_own() {
    let app = house_with(&[ALL]);
    let other = app.again_with(&settings(&[ALL]));
    for node in [&app, &other] {
        for door in DOORS {
            for url in [PUBLIC, PLACE, "https://app.example.com/closed/x", "https://unknown.test/x"] {
                Question::about(door, url).ask(node);
            }
        }
    }
    wait_for(&app, 24);
    let decisions = "SELECT string_agg(decision || ' ' || n, ', ' ORDER BY decision) AS t
        FROM (SELECT decision, count(*) AS n FROM gate_decisions GROUP BY decision) AS all_of_them";
    assert_eq!(app.text(decisions), "allow 6, deny 12, sign_in 6");
    let written = Metrics::of(&app).scrape()["vestibule_gateway_records_total{outcome=\"written\"}"];
    assert!((written - 12.0).abs() < 0.5, "{written}");
}

#[test]
fn the_record_is_of_the_decision_that_the_answer_names() {
    let app = house_with(&[ALL]);
    let ann = Person::of_the_house(&app, "ann@example.com");
    let answer = Question::about(Door::ForwardAuth, PLACE).by(&ann).with("X-Forwarded-For", "203.0.113.9").ask(&app);
    wait_for(&app, 1);
    let row = app.text(
        "SELECT concat_ws(' ', request_id, user_id, email, who, host(client), method, scheme, host, port, path,
            decision, reason, rule, share) AS t FROM gate_decisions",
    );
    let id = answer.header("x-request-id").unwrap();
    let expected =
        format!("{id} {} ann@example.com person 203.0.113.9 GET https app.example.com 443 /x allow rule 3 1", ann.id);
    assert_eq!(row, expected);
}

#[test]
fn no_query_no_cookie_and_no_key_is_kept() {
    const SECRET: &str = "5f3c9a7e21";
    let app = house_with(&[ALL]);
    let mut ann = Person::of_the_house(&app, "ann@example.com");
    ann.browser.confirm();
    let (key, _) = key_for(&mut ann.browser, &["gateway"]);
    let paths = [
        format!("/x?token={SECRET}"),
        format!("/x;jsessionid={SECRET}/y"),
        format!("/x%3Btoken={SECRET}"),
        format!("/x%3Ftoken={SECRET}"),
        format!("/x%253ftoken={SECRET}?a={SECRET}"),
        format!("/x%23access_token={SECRET}"),
    ];
    let mut asked = 0;
    for door in DOORS {
        for path in &paths {
            let question = Question::about(door, &format!("https://app.example.com{path}")).by(&ann);
            let question = question.with("Authorization", &format!("Bearer {key}"));
            question.with("Referer", &format!("https://app.example.com/?q={SECRET}")).ask(&app);
            asked += 1;
        }
    }
    wait_for(&app, asked);
    let all = app.text("SELECT string_agg(gate_decisions::text, ' ') AS t FROM gate_decisions");
    assert!(all.contains("/x;/y") && all.contains("/x%3F"), "{all}");
    let digest = "SELECT count(*) AS n FROM gate_decisions g, gate_tokens t
        WHERE strpos(g::text, encode(t.digest, 'hex')) > 0";
    assert_eq!(app.count(digest), 0);
    for secret in [SECRET, ann.gate_token().as_str(), ann.portal_token().as_str(), &key[8..]] {
        assert!(!all.contains(secret), "{secret}: {all}");
    }
}

/// Without its parameter it would be another place.
#[test]
fn what_would_be_judged_otherwise_without_a_secret_is_not_kept_and_counted() {
    let rules = r#"[
        { hosts = ["app.example.com"], paths = ["/open;key=5f3c9a7e21"], allow = "public" },
        { hosts = ["app.example.com"], allow = "deny" },
    ]"#;
    let app = house_with(&[ALL, ("gateway.rules", rules)]);
    ask(&app, "https://app.example.com/open;key=5f3c9a7e21");
    ask(&app, &format!("https://app.example.com/{}", "long/".repeat(250)));
    ask(&app, PLACE);
    let metrics = Metrics::of(&app);
    let unfit = metrics.scrape()["vestibule_gateway_records_total{outcome=\"unfit\"}"];
    wait_for(&app, if unfit > 1.5 { 1 } else { 2 });
    assert_eq!(app.count("SELECT count(*) AS n FROM gate_decisions WHERE path LIKE '/long%'"), 0);
    assert_eq!(app.count("SELECT count(*) AS n FROM gate_decisions WHERE gate_decisions::text LIKE '%5f3c%'"), 0);
    assert!(unfit > 0.5);
}

#[test]
fn no_more_are_kept_than_may_be_and_none_for_longer() {
    let app = house_with(&[ALL, ("gateway.record_most", "5"), ("gateway.record_kept", "1h")]);
    for number in 0..12 {
        ask(&app, &format!("https://app.example.com/public/{number}"));
    }
    let newest = "SELECT coalesce(max(id), 0) AS n FROM gate_decisions";
    eventually("the last one to be written", || (app.count(newest) == 12).then_some(()));
    let paths = "SELECT string_agg(path, ' ' ORDER BY id) AS t FROM gate_decisions";
    assert_eq!(app.text(paths), "/public/7 /public/8 /public/9 /public/10 /public/11");
    app.run_job("forget_decisions");
    assert_eq!(kept(&app), 5);
    app.clock().advance(TimeDelta::minutes(61));
    app.run_job("forget_decisions");
    assert_eq!(kept(&app), 0);
}

#[test]
fn fewer_are_kept_by_the_job_too_when_fewer_may_be() {
    let app = house_with(&[ALL]);
    for _ in 0..7 {
        ask(&app, PUBLIC);
    }
    wait_for(&app, 7);
    let strict = app.again_with(&settings(&[("gateway.record_most", "3")]));
    strict.run_job("forget_decisions");
    assert_eq!(kept(&app), 3);
}

#[test]
fn whoever_is_erased_leaves_nothing_behind_here() {
    let app = house_with(&[ALL, ("gateway.record_kept", "90d")]);
    let mut ann = Person::of_the_house(&app, "ann@example.com");
    let bob = Person::of_the_house(&app, "bob@example.com");
    for person in [&ann, &bob] {
        Question::about(Door::ForwardAuth, PLACE).by(person).ask(&app);
    }
    ann.browser.confirm();
    leave(&mut ann.browser);
    eventually("the gate to know of it", || {
        (Question::about(Door::ForwardAuth, PLACE).by(&ann).ask(&app).status == 403).then_some(())
    });
    let hers =
        "SELECT count(*) AS n FROM gate_decisions WHERE user_id <> (SELECT id FROM users WHERE email LIKE 'bob%')";
    eventually("what she has done to be written", || {
        (app.count("SELECT count(*) AS n FROM gate_decisions WHERE reason = 'leaving'") > 0).then_some(())
    });
    assert!(app.count(hers) >= 2, "they are there while she may come back");
    app.clock().advance(GRACE);
    erase_the_gone(&app);
    assert_eq!(app.text("SELECT string_agg(DISTINCT email, ' ') AS t FROM gate_decisions"), "bob@example.com");
    assert_eq!(app.count(hers), 0);
}

#[test]
fn somebody_takes_along_what_was_decided_about_them_and_nobody_else() {
    let app = house_with(&[ALL]);
    let (mut ann, bob) = (Person::of_the_house(&app, "ann@example.com"), Person::of_the_house(&app, "bob@example.com"));
    for (person, url) in [(&ann, PLACE), (&bob, PUBLIC), (&ann, "https://app.example.com/closed/x?q=1")] {
        Question::about(Door::ForwardAuth, url).by(person).ask(&app);
    }
    wait_for(&app, 3);
    ann.browser.confirm();
    let document: Value = ann.browser.api("GET", "/me/export", Value::Null).json();
    let paths: Vec<&Value> = document["gate_decisions"].as_array().unwrap().iter().map(|row| &row["path"]).collect();
    assert_eq!(paths, ["/closed/x", "/x"]);
    assert_eq!(document["gate_decisions"][0]["decision"], "deny");
}

/// There is room for some pages of them.
#[test]
fn what_is_taken_along_is_whole_however_much_it_is() {
    let app = house_with(&[ALL]);
    let mut ann = Person::of_the_house(&app, "ann@example.com");
    Question::about(Door::ForwardAuth, PLACE).by(&ann).ask(&app);
    wait_for(&app, 1);
    let columns = "at, request_id, share, method, scheme, host, port, client, who, user_id, email, groups,
        last_auth_at, key, decision, reason, rule, rules";
    app.execute(&format!(
        "INSERT INTO gate_decisions ({columns}, path) SELECT {columns}, '/' || n FROM gate_decisions,
         generate_series(1, 1099) AS n"
    ));
    ann.browser.confirm();
    let document: Value = ann.browser.api("GET", "/me/export", Value::Null).json();
    let rows = document["gate_decisions"].as_array().unwrap();
    assert_eq!(rows.len(), 1100);
    assert_eq!((&rows[0]["path"], &rows[1099]["path"]), (&json!("/1099"), &json!("/x")));
}
