//! New cookies for a session that goes on: after a change of privilege the old ones are worth nothing.

use chrono::TimeDelta;
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use serde_json::{Value, json};
use vestibule::accounts::promotion::{Promotion, promote};
use vestibule::accounts::roster;
use vestibule::kernel::{EmailAddress, Origin};

use crate::gate::house::{DOORS, Person, Question, house};
use crate::support::browser::Browser;
use crate::support::page::Page;
use crate::support::people::PASSWORD;
use crate::support::{TestApp, eventually};

const ANN: &str = "ann@example.com";
const PLACE: &str = "https://app.example.com/x?y=1";

/// Makes an administrator of Ann: a role changes.
fn promote_ann(app: &TestApp) {
    let db = app.app.db.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let email = EmailAddress::parse(ANN).unwrap();
    let origin = Origin::system("test");
    let work = db.write(&origin, move |tx| {
        let user = roster::find_holder(tx, &email)?.expect("an account");
        promote(tx, user)
    });
    assert_eq!(runtime.block_on(work).unwrap(), Promotion::Promoted);
}

fn me(browser: &mut Browser) -> Page {
    browser.api("GET", "/me", Value::Null)
}

fn at_the_gate(app: &TestApp, person: &Person) -> [u16; 3] {
    DOORS.map(|door| Question::about(door, PLACE).by(person).ask(app).status)
}

fn cookies_set(page: &Page) -> Vec<&str> {
    page.answer.headers("set-cookie").iter().filter_map(|cookie| cookie.split('=').next()).collect()
}

fn own(browser: &mut Browser) -> Value {
    let body: Value = browser.api("GET", "/me/sessions", Value::Null).json();
    let sessions = body["sessions"].as_array().unwrap();
    sessions.iter().find(|session| session["current"] == true).unwrap().clone()
}

fn device_ids(app: &TestApp) -> String {
    app.text("SELECT string_agg(device_id::text, ' ' ORDER BY device_id) AS t FROM sessions")
}

#[test]
fn a_role_change_gives_new_cookies_and_signs_nobody_out() {
    let app = house();
    let mut ann = Person::of_the_house(&app, ANN);
    let (before, device) = (own(&mut ann.browser), device_ids(&app));
    let mut thief = Person { browser: ann.browser.clone(), id: ann.id.clone() };
    promote_ann(&app);
    assert_eq!(at_the_gate(&app, &thief), [401; 3], "the old gate cookie is dead at once");

    app.clock().advance(TimeDelta::minutes(1));
    let answer = me(&mut ann.browser);
    assert_eq!(answer.status, 200);
    assert_eq!(cookies_set(&answer), ["__Secure-vestibule_gate", "__Host-vestibule_session"]);
    assert_eq!(me(&mut thief.browser).status, 401, "and so is the old portal cookie, once it was exchanged");
    assert_eq!(at_the_gate(&app, &thief), [401; 3]);
    assert_eq!(at_the_gate(&app, &ann), [200; 3]);
    assert_eq!(cookies_set(&me(&mut ann.browser)), [""; 0], "once is enough");

    let after = own(&mut ann.browser);
    assert_ne!(after["id"], before["id"]);
    for kept in ["created_at", "expires_at", "last_auth_at", "device_name", "ip", "methods"] {
        assert_eq!(after[kept], before[kept], "{kept}");
    }
    assert_eq!(device_ids(&app), device);
    let audited = format!(
        "SELECT count(*) AS n FROM audit_events WHERE kind = 'session.rotated' AND subject_id = '{}'
         AND actor_id = subject_id AND session_id::text = '{}' AND details->>'before' = '{}'",
        ann.id,
        after["id"].as_str().unwrap(),
        before["id"].as_str().unwrap()
    );
    assert_eq!(app.count(&audited), 1);
}

/// The exchange is a visit, although it was noted of an id that is no more.
#[test]
fn the_idle_timeout_begins_anew_with_the_exchange() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    app.clock().advance(TimeDelta::minutes(29));
    promote_ann(&app);
    assert_eq!(me(&mut ann).status, 200);
    app.clock().advance(TimeDelta::minutes(29));
    assert_eq!(me(&mut ann).status, 200);
}

#[test]
fn every_device_of_the_person_is_rotated_and_nobody_elses() {
    let app = house();
    let mut here = app.verified(ANN);
    let (mut there, _) = app.log_in(ANN, PASSWORD);
    let mut bob = app.verified("bob@example.com");
    promote_ann(&app);
    assert!(cookies_set(&me(&mut bob)).is_empty());
    for browser in [&mut here, &mut there] {
        let answer = me(browser);
        assert_eq!((answer.status, cookies_set(&answer).len()), (200, 2));
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM sessions"), 3);
}

#[test]
fn the_handler_already_acts_in_the_new_session() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    promote_ann(&app);
    let current = own(&mut ann);
    assert_eq!(current["id"], own(&mut ann)["id"]);
    assert_eq!(app.text("SELECT id::text AS t FROM sessions"), current["id"].as_str().unwrap());
}

#[test]
fn a_form_that_was_open_meanwhile_can_still_be_sent() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    ann.get("/");
    promote_ann(&app);
    let answer = ann.submit("/account/name", &[("name", "Ann Elk")]);
    assert_eq!((answer.status, cookies_set(&answer).len()), (303, 2));
    assert!(ann.follow().has("Hello, Ann Elk"));
}

/// The answer to a failure is written outside of where the cookies are.
#[test]
fn an_answer_that_fails_brings_the_new_cookies_too() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    for path in ["/me/sessions/nonsense", "/me/activity"] {
        app.execute("UPDATE users SET is_admin = false");
        promote_ann(&app);
        let answer = ann.api("DELETE", path, Value::Null);
        assert!(answer.status == 404 || answer.status == 405, "{}", answer.status);
        assert_eq!(cookies_set(&answer).len(), 2);
        assert_eq!(me(&mut ann).status, 200);
    }
}

#[test]
fn signing_out_while_an_exchange_is_due_leaves_no_cookie() {
    let app = TestApp::start();
    app.verified(ANN);
    let mut ann = app.browser();
    ann.api("POST", "/auth/login", json!({ "email": ANN, "password": PASSWORD, "remember": true }));
    promote_ann(&app);
    assert_eq!(ann.api("POST", "/auth/logout", Value::Null).status, 204);
    for name in ["vestibule_session", "vestibule_gate"] {
        assert!(ann.jar.find(app.public_url(), name).is_none(), "{name}");
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM sessions WHERE remember"), 0);
}

#[test]
fn signing_in_again_while_an_exchange_is_due_leaves_one_good_set_of_cookies() {
    let app = house();
    let mut ann = Person::of_the_house(&app, ANN);
    promote_ann(&app);
    let answer = ann.browser.api("POST", "/auth/login", json!({ "email": ANN, "password": PASSWORD }));
    let all = ["__Secure-vestibule_gate", "__Host-vestibule_device", "__Host-vestibule_session"];
    assert_eq!(cookies_set(&answer), all);
    assert_eq!((me(&mut ann.browser).status, at_the_gate(&app, &ann)), (200, [200; 3]));
    assert_eq!(app.count("SELECT count(*) AS n FROM sessions"), 1);
}

#[test]
fn whoever_comes_from_an_app_goes_straight_back_to_it() {
    let app = house();
    let mut ann = Person::of_the_house(&app, ANN);
    promote_ann(&app);
    let led = Question::about(DOORS[0], PLACE).by(&ann).in_a_browser().ask(&app);
    assert_eq!(led.status, 302);
    let back = ann.browser.get(led.header("location").unwrap());
    assert_eq!((back.status, back.location().unwrap().as_str()), (303, PLACE));
    assert_eq!(at_the_gate(&app, &ann), [200; 3]);

    // Not to a stranger's, and not without need.
    app.execute("UPDATE users SET is_admin = false");
    promote_ann(&app);
    let home = ann.browser.get("/login?return_to=https%3A%2F%2Fevil.example%2F");
    assert_eq!((home.status, home.location().unwrap().path()), (303, "/"));
    assert_eq!(ann.browser.get("/login?return_to=https%3A%2F%2Fapp.example.com%2F").status, 200);
}

#[test]
fn what_remains_of_being_kept_signed_in_is_what_the_new_cookies_last() {
    let app = TestApp::start();
    app.verified(ANN);
    let mut ann = app.browser();
    ann.api("POST", "/auth/login", json!({ "email": ANN, "password": PASSWORD, "remember": true }));
    app.clock().advance(TimeDelta::days(6));
    promote_ann(&app);
    let answer = me(&mut ann);
    let remaining = format!("Max-Age={}", TimeDelta::days(24).num_seconds());
    let cookies = answer.answer.headers("set-cookie");
    assert_eq!(cookies.iter().filter(|cookie| cookie.contains(&remaining)).count(), 2, "{cookies:?}");
    for _ in 0..3 {
        app.clock().advance(TimeDelta::days(6));
        assert_eq!(me(&mut ann).status, 200);
    }
    app.clock().advance(TimeDelta::days(6));
    assert_eq!(me(&mut ann).status, 401, "the thirty days began with signing in");
}

/// Both are let in by the old cookie before either can make the exchange.
#[test]
fn of_two_requests_at_once_both_are_answered_and_one_gets_the_cookies() {
    let app = TestApp::start();
    let mut first = app.verified(ANN);
    let (mut second, mut late) = (first.clone(), first.clone());
    promote_ann(&app);
    let mut holder = PgConnection::establish(app.database_url()).unwrap();
    holder.batch_execute("BEGIN; SELECT 1 FROM sessions FOR UPDATE").unwrap();
    let answers = std::thread::scope(|scope| {
        let answers = [scope.spawn(|| me(&mut first)), scope.spawn(|| me(&mut second))];
        let waiting = "SELECT count(*) AS n FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        eventually("both to wait for the row", || (app.count(waiting) == 2).then_some(()));
        holder.batch_execute("COMMIT").unwrap();
        answers.map(|answer| answer.join().unwrap())
    });
    let mut cookies = answers.each_ref().map(|answer| cookies_set(answer).len());
    cookies.sort_unstable();
    assert_eq!((answers.each_ref().map(|answer| answer.status), cookies), ([200; 2], [0, 2]));
    assert_eq!(me(&mut late).status, 401, "whoever comes after it is a stranger");
    assert_eq!(late.get("/").location().unwrap().path(), "/login");
    let (one, other) = (me(&mut first).status, me(&mut second).status);
    assert_eq!((one.min(other), one.max(other)), (200, 401));
    assert_eq!(app.count("SELECT count(*) AS n FROM audit_events WHERE kind = 'session.rotated'"), 1);
}

#[test]
fn a_rotated_session_can_still_be_ended_from_elsewhere() {
    let app = house();
    let mut there = Person::of_the_house(&app, ANN);
    let (mut here, _) = app.log_in(ANN, PASSWORD);
    let seen = here.get("/account/sessions").answer.text();
    // The last on the page: this device stands first.
    let mut actions = seen.rsplit("action=\"").filter_map(|rest| rest.split('"').next());
    let action = actions.find(|action| action.ends_with("/sign-out")).unwrap();
    promote_ann(&app);
    assert_eq!(me(&mut there.browser).status, 200);
    assert_eq!(me(&mut here).status, 200);
    // The page was loaded before both got other ids.
    assert_eq!(here.submit(action, &[]).status, 303);
    assert_eq!((me(&mut here).status, me(&mut there.browser).status), (200, 401));
    assert_eq!(at_the_gate(&app, &there), [401; 3]);
}

/// A request that began before the exchange knows its session by the old id only.
#[test]
fn signing_out_everywhere_else_never_ends_the_session_it_comes_from() {
    let app = TestApp::start();
    let mut first = app.verified(ANN);
    let mut second = first.clone();
    let (mut elsewhere, _) = app.log_in(ANN, PASSWORD);
    promote_ann(&app);
    let mut holder = PgConnection::establish(app.database_url()).unwrap();
    holder.batch_execute("BEGIN; SELECT 1 FROM sessions FOR UPDATE").unwrap();
    std::thread::scope(|scope| {
        let answers = [
            scope.spawn(|| first.api("DELETE", "/me/sessions", Value::Null)),
            scope.spawn(|| second.api("DELETE", "/me/sessions", Value::Null)),
        ];
        let waiting = "SELECT count(*) AS n FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        eventually("both to wait for the row", || (app.count(waiting) == 2).then_some(()));
        holder.batch_execute("COMMIT").unwrap();
        let revoked: u64 =
            answers.map(|answer| answer.join().unwrap().json::<Value>()["revoked"].as_u64().unwrap()).iter().sum();
        assert_eq!(revoked, 1);
    });
    let (one, other) = (me(&mut first).status, me(&mut second).status);
    assert_eq!((one.min(other), one.max(other)), (200, 401));
    assert_eq!(me(&mut elsewhere).status, 401);
}

#[test]
fn proving_the_address_rotates_the_provers_session_at_once_and_the_others_when_they_come() {
    let app = house();
    let mut here = Person::newcomer(&app, ANN);
    let (mut there, _) = app.log_in(ANN, PASSWORD);
    let before = own(&mut here.browser);
    let mut thief = Person { browser: here.browser.clone(), id: here.id.clone() };
    let answer = app.follow_the_letter(&mut here.browser, ANN);
    assert_eq!(answer.status, 303);
    assert_eq!(cookies_set(&answer), ["__Secure-vestibule_gate", "__Host-vestibule_session"]);
    assert_eq!((me(&mut thief.browser).status, at_the_gate(&app, &thief)), (401, [401; 3]));
    let answer = me(&mut here.browser);
    assert_eq!((answer.status, cookies_set(&answer).len(), at_the_gate(&app, &here)), (200, 0, [200; 3]));
    let after = own(&mut here.browser);
    assert_ne!(after["id"], before["id"]);
    assert_eq!(after["created_at"], before["created_at"]);
    let answer = me(&mut there);
    assert_eq!((answer.status, cookies_set(&answer).len()), (200, 2), "the other device stays signed in");
    assert!(here.browser.get("/").has("confirmed"));
}

#[test]
fn proving_the_address_by_the_api_brings_new_cookies() {
    let app = TestApp::start();
    let mut ann = app.unverified(ANN);
    let link = app.mail().to(ANN).link();
    let token = link.split("token=").nth(1).unwrap();
    let answer = ann.api("POST", "/auth/verify-email", json!({ "token": token }));
    assert_eq!((answer.status, cookies_set(&answer).len()), (200, 2));
    assert_eq!(me(&mut ann).status, 200);
}

#[test]
fn proving_somebody_elses_address_leaves_ones_own_session_as_it_is() {
    let app = TestApp::start();
    let mut bob = app.verified("bob@example.com");
    app.signed_up(ANN);
    bob.get(&app.mail().to(ANN).link());
    let answer = bob.submit("/verify-email", &[("password", "nine patient otters")]);
    assert_eq!((answer.status, cookies_set(&answer).len()), (303, 0));
    assert_eq!(me(&mut bob).status, 200);
}
