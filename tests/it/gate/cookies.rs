//! Two cookies, two powers.

use serde_json::json;

use super::house::{self, DOORS, Door, GATE_COOKIE, Person, Question, house, house_with};
use crate::support::app::TestApp;

const PLACE: &str = "https://app.example.com/x";

/// What `Cookie` lines come to at each door.
fn statuses(app: &TestApp, lines: &[&str]) -> [u16; 3] {
    DOORS.map(|door| {
        let question = Question::about(door, PLACE);
        lines.iter().fold(question, |question, line| question.with("Cookie", line)).ask(app).status
    })
}

#[test]
fn the_portals_cookie_is_worth_nothing_at_the_gate() {
    let app = house();
    let ann = Person::of_the_house(&app, "ann@example.com");
    let (portal, gate) = (ann.portal_token(), ann.gate_token());
    assert_ne!(portal, gate);
    assert_eq!(statuses(&app, &[&format!("{GATE_COOKIE}={gate}")]), [200; 3]);
    let worthless = [
        format!("__Host-vestibule_session={portal}"),
        format!("__Host-vestibule_session={gate}"),
        format!("{GATE_COOKIE}={portal}"),
        format!("vestibule_gate={gate}"),
        format!("__Secure-vestibule_session={gate}"),
    ];
    for line in worthless {
        assert_eq!(statuses(&app, &[&line]), [401; 3], "{line}");
    }
}

#[test]
fn the_gates_cookie_opens_nothing_but_the_gate() {
    let app = house();
    let ann = Person::of_the_house(&app, "ann@example.com");
    let gate = ann.gate_token();
    for line in [format!("{GATE_COOKIE}={gate}"), format!("__Host-vestibule_session={gate}")] {
        let mut thief = app.browser().with_header("Cookie", &line);
        assert_eq!(thief.api("GET", "/me", json!(null)).status, 401, "{line}");
        assert_eq!(thief.api("PATCH", "/me", json!({ "name": "Mallory" })).status, 401, "{line}");
        assert_eq!(thief.get("/").status, 303, "{line}");
    }
    assert_eq!(statuses(&app, &[&format!("{GATE_COOKIE}={gate}")]), [200; 3]);
}

#[test]
fn a_malformed_cookie_is_not_signed_in() {
    let app = house();
    let malformed = [
        "",
        "=",
        ";",
        ";;;",
        GATE_COOKIE,
        &format!("{GATE_COOKIE}="),
        &format!("{GATE_COOKIE}=x"),
        &format!("{GATE_COOKIE}={}", "A".repeat(43)),
        &format!("{GATE_COOKIE}={}", "A".repeat(44)),
        &format!("{GATE_COOKIE}={}", "A".repeat(64)),
        &format!("{GATE_COOKIE}={}", "A".repeat(8000)),
        &format!("{GATE_COOKIE}=%00%0a"),
        &format!("{GATE_COOKIE}=\"{}\"", "A".repeat(43)),
        &format!("{GATE_COOKIE}=' OR 1=1 --"),
        &format!("{GATE_COOKIE}={}", "ü".repeat(20)),
        &"x=y; ".repeat(2000),
    ];
    for line in malformed {
        assert_eq!(statuses(&app, &[line]), [401; 3], "{line:.80}");
    }
}

#[test]
fn a_cookie_tossed_in_by_a_sibling_does_not_shut_anybody_out() {
    let app = house();
    let ann = Person::of_the_house(&app, "ann@example.com");
    let good = format!("{GATE_COOKIE}={}", ann.gate_token());
    let tossed = format!("{GATE_COOKIE}={}", "A".repeat(64));
    let together = [
        vec![format!("{tossed}; {good}")],
        vec![format!("{good}; {tossed}")],
        vec![tossed.clone(), good.clone()],
        vec![format!("a=b; {tossed}, {good}")],
        vec![format!("{GATE_COOKIE}=rubbish; {tossed}; {tossed}; {good}; c=d")],
        vec![format!("theme=\"a, b\"; {good}")],
    ];
    for lines in together {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        assert_eq!(statuses(&app, &lines), [200; 3], "{lines:?}");
    }
}

#[test]
fn a_session_that_ended_ends_at_the_gate_at_once() {
    let app = house();
    let mut ann = Person::of_the_house(&app, "ann@example.com");
    let cookie = format!("{GATE_COOKIE}={}", ann.gate_token());
    assert_eq!(statuses(&app, &[&cookie]), [200; 3]);
    assert_eq!(ann.browser.api("POST", "/auth/logout", json!(null)).status, 204);
    assert_eq!(statuses(&app, &[&cookie]), [401; 3]);
}

#[test]
fn a_session_runs_out_at_the_gate_as_everywhere() {
    let app = house();
    let ann = Person::of_the_house(&app, "ann@example.com");
    let cookie = format!("{GATE_COOKIE}={}", ann.gate_token());
    // Coming by counts as activity: more than the idle timeout in all, never at once.
    for _ in 0..5 {
        app.clock().advance(chrono::TimeDelta::minutes(20));
        assert_eq!(statuses(&app, &[&cookie]), [200; 3]);
    }
    app.clock().advance(chrono::TimeDelta::minutes(31));
    assert_eq!(statuses(&app, &[&cookie]), [401; 3]);
}

const OLD_KEY: &str = "dGhlIGtleSBvZiBhIHRlc3QgdGhhdCBub2JvZHkgbmVlZHMgdG8gaGlkZQ==";
const NEW_KEY: &str = "YW5vdGhlciBrZXkgb2YgYSB0ZXN0LCB3aGljaCBpcyBub3QgaGlkZGVuIGVpdGhlcg==";

#[test]
fn keys_are_rotated_without_anybody_noticing_and_a_dropped_key_costs_one_visit_to_the_portal() {
    let before = house_with(&[("secrets.key", OLD_KEY)]);
    let mut ann = Person::of_the_house(&before, "ann@example.com");
    let cookie = format!("{GATE_COOKIE}={}", ann.gate_token());
    let both = [NEW_KEY, OLD_KEY].join(",");
    let during = before.again_with(&house::settings(&[("secrets.key", &both)]));
    assert_eq!(statuses(&during, &[&cookie]), [200; 3]);

    let after = before.again_with(&house::settings(&[("secrets.key", NEW_KEY)]));
    assert_eq!(statuses(&after, &[&cookie]), [401; 3]);
    let led = Question::about(Door::ForwardAuth, PLACE).with("Cookie", &cookie).in_a_browser().ask(&after);
    let jar = std::mem::take(&mut ann.browser.jar);
    ann.browser = after.browser();
    ann.browser.jar = jar;
    let page = ann.browser.get(led.header("location").expect("the way to the portal"));
    assert!(page.form("/login").is_none(), "signed in at the portal all the same");
    assert_eq!(ann.browser.submit("/login/continue", &[]).status, 200);
    let new = format!("{GATE_COOKIE}={}", ann.gate_token());
    assert_eq!(statuses(&after, &[&new]), [200; 3]);
    assert_eq!(statuses(&during, &[&new]), [200; 3]);
}
