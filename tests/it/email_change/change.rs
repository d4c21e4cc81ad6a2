use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{ANEW, ANN, NEW, address, ask, audited, change, change_from, letters, may_sign_in, me, prove};
use crate::gate::house::{DOORS, Person, Question, house};
use crate::support::authenticator::set_up;
use crate::support::people::{PASSWORD, code, token_in};
use crate::support::{TestApp, eventually};

const PLACE: &str = "https://app.example.com/x?y=1";
const FOR_ANYBODY: &str = "https://app.example.com/welcome";

fn at_the_gate(app: &TestApp, person: &Person, place: &str) -> Vec<(u16, Option<String>)> {
    DOORS
        .iter()
        .map(|door| {
            let answer = Question::about(*door, place).by(person).ask(app);
            (answer.status, answer.header("remote-email").map(str::to_owned))
        })
        .collect()
}

#[test]
fn a_new_address_is_unproved_until_its_letter_is_followed() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    let answer = change(&mut ann, NEW);
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    let told: Value = answer.json();
    assert_eq!((&told["user"]["email"], &told["user"]["email_verified"]), (&json!(NEW), &json!(false)));
    assert!(told["message"].as_str().unwrap().contains("We have sent a link to the new one"), "{told}");
    assert_eq!(address(&mut ann), (NEW.to_owned(), false));
    prove(&app, &mut ann, NEW);
    assert_eq!(address(&mut ann), (NEW.to_owned(), true));
    assert!(may_sign_in(&app, NEW, PASSWORD));
    assert!(!may_sign_in(&app, ANN, PASSWORD), "the old address signs nobody in");
    assert_eq!((audited(&app, "email.changed"), audited(&app, "email.verified")), (1, 2));
    let whole = "SELECT count(*) AS n FROM audit_events WHERE details::text LIKE '%@%'";
    assert_eq!(app.count(whole), 0, "a whole address does not belong in the audit");
}

#[test]
fn the_gate_tells_no_app_of_an_unproved_address_and_keeps_doors_closed_until_it_is_proved() {
    let app = house();
    let mut ann = Person::of_the_house(&app, ANN);
    assert_eq!(at_the_gate(&app, &ann, PLACE), vec![(200, Some(ANN.to_owned())); 3]);
    assert_eq!(change(&mut ann.browser, NEW).status, 200);
    assert_eq!(at_the_gate(&app, &ann, PLACE), vec![(403, None); 3]);
    assert_eq!(at_the_gate(&app, &ann, FOR_ANYBODY), vec![(200, Some(String::new())); 3]);
    prove(&app, &mut ann.browser, NEW);
    assert_eq!(at_the_gate(&app, &ann, PLACE), vec![(200, Some(NEW.to_owned())); 3]);
}

#[test]
fn every_node_hears_of_it() {
    let app = house();
    let other = app.again_with(&crate::gate::house::settings(&[]));
    let mut ann = Person::of_the_house(&app, ANN);
    let mut elsewhere = Person::who_is(app.log_in(ANN, PASSWORD).0);
    assert_eq!(at_the_gate(&other, &elsewhere, PLACE), vec![(200, Some(ANN.to_owned())); 3]);
    assert_eq!(change(&mut ann.browser, NEW).status, 200);
    eventually("the other node to let nobody in by cookies of before", || {
        at_the_gate(&other, &elsewhere, PLACE).iter().all(|(status, _)| *status == 401).then_some(())
    });
    assert_eq!(me(&mut elsewhere.browser).status, 200, "they stay signed in, by new cookies");
    assert_eq!(at_the_gate(&other, &elsewhere, FOR_ANYBODY), vec![(200, Some(String::new())); 3]);
}

#[test]
fn cookies_of_before_are_worthless_and_nobody_is_signed_out() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    let (mut there, _) = app.log_in(ANN, PASSWORD);
    ann.confirm();
    let (mut stolen, mut stolen_there) = (ann.clone(), there.clone());
    assert_eq!(ask(&mut ann, NEW).answer.headers("set-cookie").len(), 2);
    assert_eq!((me(&mut ann).status, me(&mut stolen).status), (200, 401));
    assert_eq!(me(&mut there).answer.headers("set-cookie").len(), 2, "at the next visit");
    assert_eq!(me(&mut stolen_there).status, 401);
    assert_eq!(address(&mut there), (NEW.to_owned(), false));
}

#[test]
fn the_old_address_is_told_without_the_new_one_and_the_new_one_gets_a_link() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN).with_header("X-Forwarded-For", "203.0.113.9");
    assert_eq!(change(&mut ann, NEW).status, 200);
    let old = app.mail().to(ANN);
    assert_eq!(old.subject(), "Your address at Vestibule was changed");
    for part in [old.text(), old.html()] {
        for told in [ANN, "203.0.113.9", "15 January 2027, 08:00 UTC", "within 3 days", "/undo-email?token="] {
            assert!(part.replace("&#x2f;", "/").contains(told), "{told} is not in\n{part}");
        }
        assert!(!part.contains(NEW), "{part}");
    }
    assert!(app.mail().to(NEW).link().contains("/verify-email?token="));
}

#[test]
fn an_address_that_was_not_proved_is_not_written_to_and_has_no_way_back() {
    let app = TestApp::start();
    let mut ann = app.unverified("ann@exmaple.com");
    assert_eq!(change(&mut ann, ANN).status, 200);
    prove(&app, &mut ann, ANN);
    assert_eq!(address(&mut ann), (ANN.to_owned(), true));
    assert_eq!(letters(&app, "email_changed"), 0);
    assert_eq!(app.count("SELECT count(*) AS n FROM email_undos"), 0);
    assert_eq!(app.browser().get(&app.mail().to("ann@exmaple.com").link()).status, 410, "the link of the sign-up");
}

#[test]
fn links_that_were_mailed_to_the_old_address_are_worthless() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    app.browser().api("POST", "/auth/forgot-password", json!({ "email": ANN }));
    let reset = token_in(&app.mail().to(ANN).link());
    change_from(&app, &mut ann, ANN, NEW);
    let body = json!({ "token": reset, "new_password": ANEW });
    assert_eq!(app.browser().api("POST", "/auth/reset-password", body).status, 410);
    let first = token_in(&app.mail().to(NEW).link());
    assert_eq!(change(&mut ann, "ann@newer.example").status, 200);
    assert_eq!(ann.api("POST", "/auth/verify-email", json!({ "token": first })).status, 410);
    prove(&app, &mut ann, "ann@newer.example");
    assert_eq!(letters(&app, "email_changed"), 1, "nobody had proved the one in between");
}

#[test]
fn a_taken_address_is_refused_and_changes_nothing() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    app.unverified("bob@example.com");
    let answer = change(&mut ann, "BOB@example.com");
    assert_eq!((answer.status, code(&answer).as_str()), (409, "conflict"));
    assert_eq!(address(&mut ann), (ANN.to_owned(), true));
    assert!(answer.answer.headers("set-cookie").is_empty());
    assert_eq!((letters(&app, "email_changed"), audited(&app, "email.changed")), (0, 0));
    app.execute("DELETE FROM users WHERE email = 'bob@example.com'");
    assert_eq!(ask(&mut ann, "bob@example.com").status, 200);
}

#[test]
fn nobody_looks_up_one_address_after_the_other() {
    let app = TestApp::with(&[("limits.mail_per_account", "3 per 1h")]);
    let mut ann = app.verified(ANN);
    for n in 0..3 {
        app.execute(&format!(
            "INSERT INTO users (id, email, email_key, created_at)
             VALUES (gen_random_uuid(), 'n{n}@example.com', 'n{n}@example.com', to_timestamp(1800000000))"
        ));
        assert_eq!(change(&mut ann, &format!("n{n}@example.com")).status, 409);
    }
    for email in ["n0@example.com", NEW, ANN] {
        let answer = ask(&mut ann, email);
        assert_eq!((answer.status, answer.header("retry-after")), (429, Some("30")), "{email}");
    }
    app.clock().advance(TimeDelta::seconds(30));
    assert_eq!(ask(&mut ann, NEW).status, 200);
}

#[test]
fn a_network_waits_whosever_address_is_changed_from_there() {
    let app = TestApp::with(&[("limits.login_per_network", "3 per 15m")]);
    app.execute("DELETE FROM throttles");
    let people = ["ann@example.com", "bob@example.com"].map(|email| {
        let person = app.verified(email);
        app.execute("DELETE FROM throttles");
        person
    });
    let [mut ann, mut bob] = people;
    assert_eq!([change(&mut ann, "bob@example.com"), change(&mut bob, ANN)].map(|page| page.status), [409; 2]);
    assert_eq!(ask(&mut ann, "bob@example.com").status, 409);
    assert_eq!(ask(&mut bob, ANN).status, 429);
    let mut elsewhere = bob.with_header("X-Forwarded-For", "198.51.100.7");
    assert_eq!(ask(&mut elsewhere, ANN).status, 409);
}

#[test]
fn a_mailbox_that_has_had_enough_letters_gets_no_more_by_this_way() {
    let app = TestApp::with(&[("limits.mail_per_account", "2 per 1h")]);
    let mut ann = app.verified(ANN);
    for _ in 0..2 {
        app.signed_up(NEW);
    }
    app.execute(&format!("DELETE FROM users WHERE email = '{NEW}'"));
    assert_eq!(change(&mut ann, NEW).status, 429);
    assert_eq!(address(&mut ann), (ANN.to_owned(), true), "nothing was changed");
}

#[test]
fn the_same_address_again_is_fine_and_changes_nothing() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    let answer = change(&mut ann, ANN);
    assert_eq!((answer.status, answer.answer.headers("set-cookie").len()), (200, 0));
    assert_eq!(answer.json::<Value>()["message"], "This is your address already. Nothing was changed.");
    assert_eq!(address(&mut ann), (ANN.to_owned(), true));
    assert_eq!((audited(&app, "email.changed"), letters(&app, "email_changed")), (0, 0));
}

#[test]
fn other_capitals_are_the_same_address_and_stay_proved() {
    let app = house();
    let mut ann = Person::of_the_house(&app, ANN);
    assert_eq!(at_the_gate(&app, &ann, PLACE), vec![(200, Some(ANN.to_owned())); 3]);
    assert_eq!(change(&mut ann.browser, "Ann@Example.com").status, 200);
    assert_eq!(address(&mut ann.browser), ("Ann@example.com".to_owned(), true));
    assert_eq!(at_the_gate(&app, &ann, PLACE), vec![(200, Some("Ann@example.com".to_owned())); 3]);
    assert_eq!((audited(&app, "email.respelled"), letters(&app, "email_changed")), (1, 0));
    assert!(may_sign_in(&app, ANN, PASSWORD));
}

#[test]
fn what_is_no_address_is_explained() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    ann.confirm();
    for wrong in ["", "ann", "ann@", "a b@example.com", "ann@example.com\r\nBcc: x@y.z", &"x".repeat(300)] {
        let answer = ask(&mut ann, wrong);
        assert_eq!((answer.status, code(&answer).as_str()), (422, "validation"), "{wrong}");
        assert!(answer.json::<Value>()["fields"]["email"].is_string());
    }
    for strange in [json!({}), json!({ "email": null }), json!({ "email": [ANN] })] {
        assert_eq!(ann.api("PUT", "/me/email", strange).status, 400);
    }
    assert_eq!(ask(&mut ann, &"x".repeat(10_000_000)).status, 413);
    assert_eq!(address(&mut ann), (ANN.to_owned(), true));
}

#[test]
fn an_address_change_has_a_window_of_its_own() {
    let app = TestApp::with(&[("step_up.windows", "1m for email")]);
    let mut ann = app.verified(ANN);
    assert_eq!(ask(&mut ann, NEW).json::<Value>()["max_age"], 60);
    ann.confirm();
    app.clock().advance(TimeDelta::seconds(60));
    let refused = ask(&mut ann, NEW);
    assert_eq!((refused.status, code(&refused).as_str()), (403, "reauth_required"));
    assert_eq!(ann.api("PUT", "/me/password", json!({ "new_password": "weak" })).status, 422, "for that it goes on");
}

#[test]
fn one_confirmation_serves_an_address_a_password_and_an_app() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    set_up(&app, &mut ann);
    assert_eq!(ask(&mut ann, NEW).status, 200);
    assert_eq!(ann.api("PUT", "/me/password", json!({ "new_password": ANEW })).status, 200);
    assert_eq!(audited(&app, "session.confirmed"), 1);
    app.clock().advance(TimeDelta::minutes(5));
    assert_eq!(ask(&mut ann, ANN).status, 403);
}
