//! What happens at the same time.

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use serde_json::{Value, json};

use super::{ANEW, ANN, NEW, THIEF, address, ask, audited, change_from, letter, letters, me, thief_of, undo};
use crate::support::people::{PASSWORD, token_in};
use crate::support::{TestApp, eventually};

/// Lets all of them begin while the people are held, and go on together.
fn at_once<const N: usize>(app: &TestApp, works: [Box<dyn FnOnce() -> u16 + Send + '_>; N]) -> [u16; N] {
    let mut holder = PgConnection::establish(app.database_url()).unwrap();
    holder.batch_execute("BEGIN; SELECT 1 FROM users FOR UPDATE").unwrap();
    std::thread::scope(|scope| {
        let under_way = works.map(|work| scope.spawn(work));
        let waiting = "SELECT count(*) AS n FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        eventually("all of them to wait", || (app.count(waiting) == i64::try_from(N).unwrap()).then_some(()));
        holder.batch_execute("COMMIT").unwrap();
        under_way.map(|work| work.join().unwrap())
    })
}

fn sorted<const N: usize>(mut statuses: [u16; N]) -> [u16; N] {
    statuses.sort_unstable();
    statuses
}

#[test]
fn of_two_changes_by_one_cookie_one_is_made() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    ann.confirm();
    let [mut one, mut two] = [ann.clone(), ann];
    let statuses =
        at_once(&app, [Box::new(|| ask(&mut one, NEW).status), Box::new(|| ask(&mut two, "ann@two.example").status)]);
    assert_eq!(sorted(statuses), [200, 401]);
    assert_eq!((audited(&app, "email.changed"), letters(&app, "email_changed")), (1, 1));
    let signed_in = [me(&mut one).status, me(&mut two).status];
    assert_eq!(signed_in, statuses, "who was told that it worked is who goes on");
}

#[test]
fn two_people_who_want_one_address_at_once_do_not_both_get_it() {
    let app = TestApp::start();
    let (mut ann, mut bob) = (app.verified(ANN), app.verified("bob@example.com"));
    ann.confirm();
    bob.confirm();
    let statuses = at_once(&app, [Box::new(|| ask(&mut ann, NEW).status), Box::new(|| ask(&mut bob, NEW).status)]);
    assert_eq!(sorted(statuses), [200, 409]);
    let have_it = [address(&mut ann).0 == NEW, address(&mut bob).0 == NEW];
    assert_eq!(have_it, statuses.map(|status| status == 200));
}

#[test]
fn a_change_and_the_way_back_at_once_end_with_the_owner() {
    for _ in 0..3 {
        let app = TestApp::start();
        app.verified(ANN);
        let mut thief = thief_of(&app, ANN);
        let token = change_from(&app, &mut thief, ANN, THIEF);
        let statuses = at_once(
            &app,
            [Box::new(|| ask(&mut thief, "thief@two.example").status), Box::new(|| undo(&app, &token).status)],
        );
        assert!(statuses == [200, 200] || statuses == [401, 200], "{statuses:?}");
        assert_eq!(me(&mut thief).status, 401);
        assert_eq!(
            app.text("SELECT email || ' ' || (email_verified_at IS NOT NULL) AS t FROM users"),
            format!("{ANN} true")
        );
        assert_eq!(app.count("SELECT count(*) AS n FROM email_verifications"), 0);
    }
}

#[test]
fn one_way_back_used_twice_at_once_works_once() {
    let app = TestApp::start();
    app.verified(ANN);
    let token = change_from(&app, &mut thief_of(&app, ANN), ANN, THIEF);
    let statuses = at_once(&app, [Box::new(|| undo(&app, &token).status), Box::new(|| undo(&app, &token).status)]);
    assert_eq!(sorted(statuses), [200, 410]);
    assert_eq!(letters(&app, "email_restored"), 1);
}

/// The thief leaves the address and signs up with it in the same moment, so that its owner cannot have it back.
#[test]
fn a_sign_up_with_an_address_that_is_being_left_does_not_get_it() {
    let app = TestApp::start();
    app.verified(ANN);
    let mut thief = thief_of(&app, ANN);
    thief.confirm();
    let mut holder = PgConnection::establish(app.database_url()).unwrap();
    // The change has left the address by then, and has yet to commit.
    holder.batch_execute("BEGIN; LOCK TABLE audit_events IN EXCLUSIVE MODE").unwrap();
    let statuses = std::thread::scope(|scope| {
        let waiting = |n: i64| {
            let sql = "SELECT count(*) AS n FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock'";
            eventually("it to wait", || (app.count(sql) == n).then_some(()));
        };
        let changed = scope.spawn(|| ask(&mut thief, THIEF).status);
        waiting(1);
        let body = json!({ "email": ANN, "password": ANEW });
        let signed_up = scope.spawn(|| app.browser().api("POST", "/auth/signup", body).status);
        waiting(2);
        holder.batch_execute("COMMIT").unwrap();
        [changed.join().unwrap(), signed_up.join().unwrap()]
    });
    assert_eq!(statuses, [200, 202]);
    assert_eq!(app.count("SELECT count(*) AS n FROM users"), 1);
    assert_eq!(letters(&app, "address_kept"), 1);
    let way_back = letter(&app, ANN, "was changed").link();
    assert_eq!(undo(&app, &token_in(&way_back)).status, 200);
}

#[test]
fn a_change_to_an_address_that_is_just_signed_up_gets_it_or_is_refused() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    ann.confirm();
    let start = std::sync::Barrier::new(2);
    let (changed, signed_up) = std::thread::scope(|scope| {
        let changed = scope.spawn(|| {
            start.wait();
            ask(&mut ann, NEW).status
        });
        let signed_up = scope.spawn(|| {
            start.wait();
            app.browser().api("POST", "/auth/signup", json!({ "email": NEW, "password": ANEW })).status
        });
        (changed.join().unwrap(), signed_up.join().unwrap())
    });
    assert_eq!(signed_up, 202);
    assert!(changed == 200 || changed == 409, "{changed}");
    assert_eq!(app.count(&format!("SELECT count(*) AS n FROM users WHERE email = '{NEW}'")), 1);
    assert_eq!(app.count("SELECT count(*) AS n FROM users"), if changed == 200 { 1 } else { 2 });
}

/// Ending a session writes down why, which refers to its person, while it holds the session.
#[test]
fn a_change_and_the_end_of_another_session_do_not_wait_for_each_other_for_ever() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    app.log_in(ANN, PASSWORD);
    ann.confirm();
    let mut other = PgConnection::establish(app.database_url()).unwrap();
    other
        .batch_execute("BEGIN; DELETE FROM sessions WHERE confirmed_at IS NULL AND created_at >= (SELECT max(created_at) FROM sessions)")
        .unwrap();
    let status = std::thread::scope(|scope| {
        let changed = scope.spawn(|| ask(&mut ann, NEW).status);
        let waiting = "SELECT count(*) AS n FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        eventually("the change to wait for the session", || (app.count(waiting) == 1).then_some(()));
        other
            .batch_execute(
                "INSERT INTO ended_sessions (token_digest, user_id, reason, ended_at)
                 SELECT sha256('x'), id, 'signed_out_elsewhere', now() FROM users; COMMIT",
            )
            .unwrap();
        changed.join().unwrap()
    });
    assert_eq!(status, 200);
}

#[test]
fn whoever_is_signed_out_or_disabled_meanwhile_changes_nothing() {
    let app = TestApp::start();
    app.verified(ANN);
    for ends in ["DELETE FROM sessions", "UPDATE users SET disabled_at = created_at"] {
        let (mut ann, _) = app.log_in(ANN, PASSWORD);
        ann.confirm();
        let mut holder = PgConnection::establish(app.database_url()).unwrap();
        holder.batch_execute("BEGIN; SELECT 1 FROM users FOR UPDATE").unwrap();
        let answer = std::thread::scope(|scope| {
            let answer = scope.spawn(|| ask(&mut ann, NEW));
            let waiting = "SELECT count(*) AS n FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock'";
            eventually("the change to wait", || (app.count(waiting) == 1).then_some(()));
            holder.batch_execute(&format!("{ends}; COMMIT")).unwrap();
            answer.join().unwrap()
        });
        assert_eq!((answer.status, answer.json::<Value>()["code"].clone()), (401, json!("unauthenticated")), "{ends}");
        app.execute("UPDATE users SET disabled_at = NULL");
        assert_eq!(audited(&app, "email.changed"), 0);
    }
}
