//! A new password for somebody who is signed in: who stays, who goes, and who is told.

use chrono::TimeDelta;
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use serde_json::{Value, json};

use crate::gate::house::{DOORS, Person, Question, house};
use crate::support::browser::Browser;
use crate::support::page::Page;
use crate::support::people::{PASSWORD, code, sign_in, token_in};
use crate::support::{TestApp, eventually};

const ANN: &str = "ann@example.com";
const ANEW: &str = "nine patient otters";
const PLACE: &str = "https://app.example.com/x?y=1";

fn change(browser: &mut Browser, password: &str) -> Page {
    browser.api("PUT", "/me/password", json!({ "new_password": password }))
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

fn audited(app: &TestApp, kind: &str) -> i64 {
    app.count(&format!("SELECT count(*) AS n FROM audit_events WHERE kind = '{kind}'"))
}

#[test]
fn the_one_who_changes_it_stays_by_new_cookies_and_all_others_go() {
    let app = house();
    let mut ann = Person::of_the_house(&app, ANN);
    let (mut there, _) = app.log_in(ANN, PASSWORD);
    let mut bob = app.verified("bob@example.com");
    ann.browser.confirm();
    let mut thief = Person { browser: ann.browser.clone(), id: ann.id.clone() };
    let device = "SELECT string_agg(device_id::text, ' ') AS t FROM sessions WHERE confirmed_at IS NOT NULL";
    let before = app.text(device);

    let answer = change(&mut ann.browser, ANEW);
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    assert_eq!(cookies_set(&answer), ["__Secure-vestibule_gate", "__Host-vestibule_session"]);
    assert_eq!((me(&mut ann.browser).status, at_the_gate(&app, &ann)), (200, [200; 3]));
    assert_eq!((me(&mut thief.browser).status, at_the_gate(&app, &thief)), (401, [401; 3]), "the cookies of before");
    assert_eq!(me(&mut there).json::<Value>()["reason"], "password_changed");
    assert!(there.get("/login").has("You were signed out because the password of your account was changed."));
    assert_eq!(me(&mut bob).status, 200);
    assert_eq!(app.text(device), before, "the same device, still confirmed");

    assert_eq!(app.log_in(ANN, PASSWORD).1.status, 401);
    assert_eq!(app.log_in(ANN, ANEW).1.status, 200);
    let audit = format!(
        "SELECT count(*) AS n FROM audit_events WHERE kind = 'password.changed' AND subject_id = '{0}'
         AND actor_id = '{0}' AND address IS NOT NULL",
        ann.id
    );
    assert_eq!(app.count(&audit), 1);
}

#[test]
fn its_owner_is_told_by_a_letter() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    ann.confirm();
    assert_eq!(change(&mut ann, ANEW).status, 200);
    let letter = app.mail().to(ANN);
    assert!(letter.subject().ends_with("was changed"), "{}", letter.subject());
    assert!(!letter.text().contains(ANEW) && letter.link().contains("/forgot-password"), "{}", letter.text());
}

#[test]
fn a_weak_one_changes_nothing() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    let (mut there, _) = app.log_in(ANN, PASSWORD);
    ann.confirm();
    for weak in ["", "short", "password1", "ann@example.com", &"x".repeat(1001)] {
        let answer = change(&mut ann, weak);
        assert_eq!((answer.status, code(&answer).as_str()), (422, "validation"), "{weak}");
        assert!(answer.json::<Value>()["fields"]["new_password"].is_string());
        assert_eq!(cookies_set(&answer), [""; 0]);
    }
    assert_eq!((me(&mut ann).status, me(&mut there).status), (200, 200));
    assert_eq!(audited(&app, "password.changed"), 0);
    for strange in [json!({}), json!({ "new_password": null }), json!({ "password": ANEW })] {
        assert_eq!(ann.api("PUT", "/me/password", strange).status, 400);
    }
    assert_eq!(change(&mut ann, &"x".repeat(10_000_000)).status, 413);
}

#[test]
fn a_link_for_a_new_password_that_is_on_its_way_is_worth_nothing_afterwards() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    app.browser().api("POST", "/auth/forgot-password", json!({ "email": ANN }));
    let token = token_in(&app.mail().to(ANN).link());
    ann.confirm();
    assert_eq!(change(&mut ann, ANEW).status, 200);
    let body = json!({ "token": token, "new_password": "saffron tunnel kite" });
    assert_eq!(app.browser().api("POST", "/auth/reset-password", body).status, 410);
    assert_eq!(app.log_in(ANN, ANEW).1.status, 200);
}

#[test]
fn the_page_does_the_same_without_scripts() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    let (mut there, _) = app.log_in(ANN, PASSWORD);
    ann.get("/");
    assert_eq!(ann.click("Choose another one").status, 303);
    ann.follow();
    ann.submit("/confirm", &[("password", PASSWORD)]);
    let page = ann.follow();
    assert!(page.has("At least 8 characters."), "{}", page.text());
    assert!(page.answer.text().contains("autocomplete=\"new-password\""));
    let page = ann.submit("/account/password", &[("new_password", "password1")]);
    assert_eq!(page.status, 422);
    assert!(page.field_error("new_password").unwrap().contains("first that anybody would try"));
    assert!(!page.answer.text().contains("password1"));
    let page = ann.submit("/account/password", &[("new_password", ANEW)]);
    assert_eq!((page.status, cookies_set(&page).len()), (303, 2));
    assert!(ann.follow().has("Your password is changed. All other devices are signed out."));
    assert_eq!(me(&mut there).status, 401);
    assert_eq!(sign_in(&mut there, ANN, ANEW).status, 303);
}

#[test]
fn password_managers_find_the_page_and_nothing_else() {
    let app = TestApp::start();
    let page = app.browser().get("/.well-known/change-password");
    assert_eq!((page.status, page.location().unwrap().path()), (303, "/account/password"));
    // W3C, "A Well-Known URL for Changing Passwords", section 3.2: this is how they find out whether to believe it.
    let nothing = "/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200";
    assert_eq!(app.browser().get(nothing).status, 404);
}

#[test]
fn what_is_left_of_being_kept_signed_in_stays() {
    let app = TestApp::start();
    app.verified(ANN);
    let mut ann = app.browser();
    ann.api("POST", "/auth/login", json!({ "email": ANN, "password": PASSWORD, "remember": true }));
    app.clock().advance(TimeDelta::days(6));
    ann.confirm();
    let answer = change(&mut ann, ANEW);
    let lasts = format!("Max-Age={}", TimeDelta::days(24).num_seconds());
    let cookies = answer.answer.headers("set-cookie");
    assert_eq!(cookies.iter().filter(|cookie| cookie.contains(&lasts)).count(), 2, "{cookies:?}");
}

/// Whoever signed up and changed the password before proving the address is one and the same person.
#[test]
fn the_letter_of_the_sign_up_does_not_bring_the_old_one_back() {
    let app = TestApp::start();
    let mut ann = app.unverified(ANN);
    ann.confirm();
    assert_eq!(change(&mut ann, ANEW).status, 200);
    ann.api("POST", "/auth/logout", Value::Null);
    assert_eq!(app.follow_the_letter(&mut ann, ANN).status, 303);
    assert_eq!(app.log_in(ANN, PASSWORD).1.status, 401);
    assert_eq!(app.log_in(ANN, ANEW).1.status, 200);
    let letters = "SELECT count(*) AS n FROM mail_outbox WHERE letter = 'password_changed'";
    assert_eq!(app.count(letters), 0, "nobody had proved by then whose address it is");
}

/// Both were let in by the same cookie.
#[test]
fn of_two_changes_at_once_one_is_made() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    ann.confirm();
    let passwords = [ANEW, "saffron tunnel kite"];
    let mut holder = PgConnection::establish(app.database_url()).unwrap();
    holder.batch_execute("BEGIN; SELECT 1 FROM users FOR UPDATE").unwrap();
    let mut browsers = [ann.clone(), ann.clone()];
    let statuses = std::thread::scope(|scope| {
        let changes: Vec<_> = browsers
            .iter_mut()
            .zip(passwords)
            .map(|(browser, password)| scope.spawn(move || change(browser, password).status))
            .collect();
        let waiting = "SELECT count(*) AS n FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        eventually("both to wait", || (app.count(waiting) == 2).then_some(()));
        holder.batch_execute("COMMIT").unwrap();
        changes.into_iter().map(|change| change.join().unwrap()).collect::<Vec<_>>()
    });
    for (at, status) in statuses.iter().enumerate() {
        let is_made = *status == 200;
        assert!(is_made || *status == 401, "{statuses:?}");
        assert_eq!(app.log_in(ANN, passwords[at]).1.status == 200, is_made);
        assert_eq!(me(&mut browsers[at]).status == 200, is_made);
    }
    assert_eq!((statuses.iter().filter(|s| **s == 200).count(), audited(&app, "password.changed")), (1, 1));
}

#[test]
fn whoever_is_signed_out_meanwhile_changes_nothing() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    ann.confirm();
    for ends in ["DELETE FROM sessions", "UPDATE users SET disabled_at = created_at"] {
        let (mut ann, _) = app.log_in(ANN, PASSWORD);
        ann.confirm();
        let mut holder = PgConnection::establish(app.database_url()).unwrap();
        holder.batch_execute("BEGIN; SELECT 1 FROM users FOR UPDATE").unwrap();
        let answer = std::thread::scope(|scope| {
            let answer = scope.spawn(|| change(&mut ann, ANEW));
            let waiting = "SELECT count(*) AS n FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock'";
            eventually("the change to wait", || (app.count(waiting) == 1).then_some(()));
            holder.batch_execute(&format!("{ends}; COMMIT")).unwrap();
            answer.join().unwrap()
        });
        assert_eq!((answer.status, code(&answer).as_str()), (401, "unauthenticated"), "{ends}");
        app.execute("UPDATE users SET disabled_at = NULL");
        assert_eq!(app.log_in(ANN, PASSWORD).1.status, 200);
    }
    assert_eq!(audited(&app, "password.changed"), 0);
}
