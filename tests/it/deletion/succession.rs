//! What becomes of organizations whose last owner goes.

use serde_json::Value;

use super::{GRACE, erase_the_gone, events, leave, letter};
use crate::orgs::{ADMIN, MEMBER, OWNER, acme, id_of, join, staffed};
use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::people::PASSWORD;

fn leaves(browser: &mut Browser) {
    browser.confirm();
    leave(browser);
}

fn role(app: &TestApp, email: &str) -> String {
    app.text(&format!(
        "SELECT coalesce(max(m.role), '') AS t FROM members m JOIN users u ON u.id = m.user_id WHERE u.email = '{email}'"
    ))
}

#[test]
fn the_longest_serving_admin_comes_next_and_both_are_told_before() {
    let app = TestApp::start();
    let ([mut olive, mut adam, _], _) = staffed(&app);
    olive.confirm();
    let page = olive.get("/account/delete");
    assert!(page.has("Acme") && page.has("passes to Ann Lee"), "{}", page.text());
    leave(&mut olive);
    let asked = letter(&app, OWNER, "will be deleted");
    assert!(asked.text().contains("Acme") && asked.text().contains("the admin who has been there longest"));
    let coming = letter(&app, ADMIN, "about to pass to you");
    assert!(coming.text().contains("14 February 2027"), "{}", coming.text());
    assert_eq!(role(&app, ADMIN), "admin", "not before");
    app.clock().advance(GRACE);
    erase_the_gone(&app);
    assert_eq!((role(&app, ADMIN).as_str(), role(&app, MEMBER).as_str()), ("owner", "member"));
    assert!(letter(&app, ADMIN, "role in Acme").text().contains("an owner"));
    assert_eq!(events(&app, "organization.ownership_passed"), 1);
    let orgs: Value = { app.log_in(ADMIN, PASSWORD).0.api("GET", "/orgs", Value::Null).json() };
    assert_eq!(orgs["organizations"][0]["role"], "owner", "{orgs}");
    drop(adam.get("/"));
}

#[test]
fn where_there_is_no_admin_the_longest_serving_member_does() {
    let app = TestApp::start();
    let ([mut olive, _, _], _) = acme(&app, [OWNER, MEMBER, ADMIN]);
    leaves(&mut olive);
    letter(&app, MEMBER, "about to pass to you");
    app.clock().advance(GRACE);
    erase_the_gone(&app);
    assert_eq!((role(&app, MEMBER).as_str(), role(&app, ADMIN).as_str()), ("owner", "member"));
}

#[test]
fn an_heir_who_goes_too_is_passed_over_and_so_is_one_who_is_disabled() {
    let app = TestApp::start();
    let ([mut olive, mut adam, _], ids) = staffed(&app);
    leaves(&mut adam);
    leaves(&mut olive);
    letter(&app, MEMBER, "about to pass to you");
    app.verified("second@example.com");
    join(&app, &id_of(&app, "second@example.com"), "admin");
    app.execute(&format!("UPDATE users SET disabled_at = now() WHERE id = '{}'", ids[2]));
    app.clock().advance(GRACE);
    erase_the_gone(&app);
    assert_eq!(role(&app, "second@example.com"), "owner");
    assert_eq!(app.count("SELECT count(*) AS n FROM members WHERE role = 'owner'"), 1);
}

#[test]
fn an_organization_that_nobody_else_belongs_to_is_removed_and_its_slug_stays_taken() {
    let app = TestApp::start();
    let ([mut olive], _) = acme(&app, [OWNER]);
    olive.confirm();
    assert!(olive.get("/account/delete").has("is removed, since nobody else belongs to it"));
    leave(&mut olive);
    app.clock().advance(GRACE);
    erase_the_gone(&app);
    assert_eq!(app.count("SELECT count(*) AS n FROM organizations"), 0);
    let mut adam = app.verified(ADMIN);
    let taken = adam.api("POST", "/orgs", serde_json::json!({ "name": "Acme", "slug": "acme" }));
    assert_ne!(taken.status, 201, "{}", taken.text());
}

#[test]
fn with_another_owner_nothing_passes() {
    let app = TestApp::start();
    let ([mut olive, _, _], ids) = staffed(&app);
    app.execute(&format!("UPDATE members SET role = 'owner' WHERE user_id = '{}'", ids[2]));
    olive.confirm();
    assert!(!olive.get("/account/delete").has("What becomes of your organizations"));
    leave(&mut olive);
    app.clock().advance(GRACE);
    erase_the_gone(&app);
    assert_eq!((role(&app, ADMIN).as_str(), role(&app, MEMBER).as_str()), ("admin", "owner"));
    assert_eq!(events(&app, "organization.ownership_passed"), 0);
}

#[test]
fn an_heir_is_told_when_the_owner_stays_after_all() {
    let app = TestApp::start();
    let ([mut olive, _, _], _) = staffed(&app);
    leaves(&mut olive);
    letter(&app, ADMIN, "about to pass to you");
    assert_eq!(olive.api("POST", "/me/restore", Value::Null).status, 200);
    letter(&app, ADMIN, "stays with its owner");
    assert_eq!(role(&app, OWNER), "owner");
}

/// Each of them is the other's heir until both go.
#[test]
fn of_two_who_go_at_once_neither_inherits_what_nobody_is_left_for() {
    let app = TestApp::start();
    let ([mut olive, mut adam], _) = acme(&app, [OWNER, ADMIN]);
    leaves(&mut olive);
    leaves(&mut adam);
    app.clock().advance(GRACE);
    erase_the_gone(&app);
    assert_eq!(app.count("SELECT count(*) AS n FROM users"), 0);
    assert_eq!(app.count("SELECT count(*) AS n FROM organizations"), 0);
    assert_eq!(app.count("SELECT count(*) AS n FROM organization_slugs"), 1);
}
