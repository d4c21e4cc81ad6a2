//! Two at once.

use std::thread;

use serde_json::{Value, json};

use super::{ADMIN, OWNER, acme, confirmed, remove, set_role};
use crate::support::TestApp;
use crate::support::browser::Browser;

/// What each is answered who does their part at the same time as the others.
fn at_once<const N: usize>(acts: [Box<dyn FnOnce() -> u16 + Send>; N]) -> Vec<u16> {
    let mut statuses: Vec<u16> = thread::scope(|scope| {
        let acts: Vec<_> = acts.into_iter().map(|act| scope.spawn(act)).collect();
        acts.into_iter().map(|act| act.join().unwrap()).collect()
    });
    statuses.sort_unstable();
    statuses
}

/// Two who own "acme".
fn two_owners(app: &TestApp) -> [String; 2] {
    let (_, ids) = acme(app, [OWNER, ADMIN]);
    app.execute("UPDATE members SET role = 'owner'");
    ids
}

/// Sessions end up with other cookies whenever a role changes, so each round begins with new ones.
fn both(app: &TestApp) -> [Browser; 2] {
    [OWNER, ADMIN].map(|email| confirmed(app, email))
}

fn owners(app: &TestApp) -> i64 {
    app.count("SELECT count(*) AS n FROM members WHERE role = 'owner'")
}

fn restore(app: &TestApp, ids: &[String; 2]) {
    app.execute(&format!(
        "INSERT INTO members SELECT o.id, u.id, 'owner', now() FROM organizations o, users u
        WHERE u.id IN ('{}', '{}') ON CONFLICT (organization_id, user_id) DO UPDATE SET role = 'owner'",
        ids[0], ids[1]
    ));
}

#[test]
fn of_two_owners_who_leave_at_once_one_stays() {
    let app = TestApp::start();
    let ids = two_owners(&app);
    for _ in 0..10 {
        restore(&app, &ids);
        let [mut a, mut b] = both(&app);
        let [id_a, id_b] = ids.clone();
        let statuses =
            at_once([Box::new(move || remove(&mut a, &id_a).status), Box::new(move || remove(&mut b, &id_b).status)]);
        assert_eq!(statuses, [204, 409]);
        assert_eq!(owners(&app), 1);
    }
}

#[test]
fn of_two_owners_who_demote_each_other_at_once_one_stays() {
    let app = TestApp::start();
    let ids = two_owners(&app);
    for _ in 0..10 {
        restore(&app, &ids);
        let [mut a, mut b] = both(&app);
        let [id_a, id_b] = ids.clone();
        let statuses = at_once([
            Box::new(move || set_role(&mut a, &id_b, "member").status),
            Box::new(move || set_role(&mut b, &id_a, "member").status),
        ]);
        // Whoever comes second is no owner any more.
        assert_eq!(statuses, [200, 403]);
        assert_eq!(owners(&app), 1);
    }
}

#[test]
fn an_owner_who_hands_over_while_the_heir_leaves_goes_on_owning_or_is_succeeded() {
    let app = TestApp::start();
    let (_, ids) = acme(&app, [OWNER, ADMIN]);
    for _ in 0..10 {
        app.execute("DELETE FROM members");
        restore(&app, &ids);
        app.execute(&format!("UPDATE members SET role = 'member' WHERE user_id = '{}'", ids[1]));
        let [mut owner, mut heir] = both(&app);
        let (to, own) = (ids[1].clone(), ids[1].clone());
        at_once([
            Box::new(move || owner.api("POST", "/orgs/acme/owner", json!({ "user_id": to })).status),
            Box::new(move || remove(&mut heir, &own).status),
        ]);
        assert_eq!(owners(&app), 1);
    }
}

#[test]
fn nobody_founds_a_twenty_first_however_fast_they_ask() {
    let app = TestApp::start();
    let mut olive = app.verified(OWNER);
    for _ in 0..18 {
        assert_eq!(olive.api("POST", "/orgs", json!({ "name": "One" })).status, 201);
    }
    let founds = || -> Box<dyn FnOnce() -> u16 + Send> {
        let mut browser = olive.clone();
        Box::new(move || browser.api("POST", "/orgs", json!({ "name": "One" })).status)
    };
    assert_eq!(at_once([founds(), founds(), founds(), founds(), founds()]), [201, 201, 409, 409, 409]);
}

#[test]
fn of_many_who_want_one_slug_at_once_one_gets_it() {
    let app = TestApp::start();
    let browsers = [OWNER, ADMIN, "c@example.com", "d@example.com"].map(|email| app.verified(email));
    let acts = browsers.map(|mut browser| -> Box<dyn FnOnce() -> u16 + Send> {
        Box::new(move || browser.api("POST", "/orgs", json!({ "name": "Acme", "slug": "acme" })).status)
    });
    assert_eq!(at_once(acts), [201, 409, 409, 409]);
}

#[test]
fn of_two_who_delete_it_at_once_one_does() {
    let app = TestApp::start();
    two_owners(&app);
    let acts = both(&app).map(|mut browser| -> Box<dyn FnOnce() -> u16 + Send> {
        Box::new(move || browser.api("DELETE", "/orgs/acme", Value::Null).status)
    });
    assert_eq!(at_once(acts), [204, 404]);
    assert_eq!(app.count("SELECT count(*) AS n FROM audit_events WHERE kind = 'organization.deleted'"), 1);
}
