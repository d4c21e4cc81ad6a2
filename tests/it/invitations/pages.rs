//! The page that the letter leads to, and that of the admins.

use chrono::TimeDelta;
use vestibule::kernel::Origin;
use vestibule::orgs::invitations::sweep;

use super::{IVY, ivy_invited, page_of, role_in_acme};
use crate::orgs::{ADMIN, staffed};
use crate::support::TestApp;
use crate::support::people::{PASSWORD, sign_in};

#[test]
fn a_stranger_chooses_a_name_and_a_password_and_is_in() {
    let app = TestApp::start();
    let (_, _, token) = ivy_invited(&app);
    let link = page_of(&token);
    let mut ivy = app.browser();
    let page = ivy.get(&link);
    assert!(page.has("You are invited to Acme") && page.has("Ann Lee has invited"), "{}", page.text());
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    let again = ivy.submit("/invitation", &[("name", "Ivy"), ("password", "short")]);
    assert_eq!(again.status, 422);
    assert!(again.field_error("password").is_some(), "{}", again.text());
    let joined = ivy.submit("/invitation", &[("name", "Ivy"), ("password", PASSWORD)]);
    assert_eq!(joined.status, 303, "{}", joined.text());
    assert_eq!(joined.location().unwrap().path(), "/orgs/acme");
    assert_eq!(role_in_acme(&mut ivy), "member");
    let gone = ivy.get(&link);
    assert_eq!(gone.status, 410);
    assert!(gone.has("This invitation no longer holds"));
}

#[test]
fn whoever_has_an_account_is_led_to_sign_in_and_back_and_presses_once() {
    let app = TestApp::start();
    let (_, _, token) = ivy_invited(&app);
    let link = page_of(&token);
    app.verified(IVY);
    let mut ivy = app.browser();
    let page = ivy.get(&link);
    assert!(page.has("Sign in to it") && page.form("/invitation").is_none(), "{}", page.text());
    ivy.click("Sign in");
    let signed_in = ivy.submit("/login", &[("email", IVY), ("password", PASSWORD)]);
    assert_eq!(signed_in.status, 303, "{}", signed_in.text());
    let page = ivy.follow();
    assert_eq!(page.url.path(), "/invitation");
    let joined = ivy.press("Accept", &[]);
    assert_eq!((joined.status, joined.location().unwrap().path().to_owned()), (303, "/orgs/acme".to_owned()));
    assert_eq!(role_in_acme(&mut ivy), "member");
}

#[test]
fn somebody_else_is_told_whom_it_is_for_and_can_sign_out() {
    let app = TestApp::start();
    let (_, _, token) = ivy_invited(&app);
    let link = page_of(&token);
    let mut jo = app.verified("jo@example.com");
    let page = jo.get(&link);
    assert!(page.has("You are signed in as jo@example.com") && page.has(IVY), "{}", page.text());
    assert!(page.form("/invitation").is_none());
    assert_eq!(jo.press("Sign out", &[]).status, 303);
    assert!(jo.get(&link).has("Create account and join"));
}

#[test]
fn declining_takes_one_press() {
    let app = TestApp::start();
    let (_, _, token) = ivy_invited(&app);
    let link = page_of(&token);
    let mut ivy = app.browser();
    ivy.get(&link);
    assert_eq!(ivy.submit("/invitation/decline", &[]).status, 303);
    assert!(ivy.follow().has("You have declined"));
    assert_eq!(ivy.get(&link).status, 410);
}

#[test]
fn a_page_that_was_open_while_the_account_was_made_says_to_sign_in() {
    let app = TestApp::start();
    let (_, _, token) = ivy_invited(&app);
    let link = page_of(&token);
    let mut ivy = app.browser();
    ivy.get(&link);
    app.verified(IVY);
    let page = ivy.submit("/invitation", &[("name", "Ivy"), ("password", PASSWORD)]);
    assert_eq!(page.status, 200, "{}", page.text());
    assert!(page.has("Sign in to it"), "{}", page.text());
}

#[test]
fn admins_invite_send_again_and_withdraw_on_a_page() {
    let app = TestApp::start();
    let ([mut owner, mut admin, mut member], _) = staffed(&app);
    assert_eq!(member.get("/orgs/acme/invitations").status, 403);
    let page = admin.get("/orgs/acme/invitations");
    assert!(page.has("Nobody has an invitation to answer") && !page.has("Owner: may do everything"), "{}", page.text());
    let page = admin.submit("/orgs/acme/invitations/new", &[("email", "mia@example.com"), ("role", "member")]);
    assert_eq!(page.status, 409);
    assert!(page.field_error("email").is_some_and(|error| error.contains("member already")), "{}", page.text());
    assert_eq!(admin.submit("/orgs/acme/invitations/new", &[("email", IVY), ("role", "admin")]).status, 303);
    let page = admin.follow();
    assert!(page.has("The letter is on its way") && page.has(IVY) && page.has("To be an admin, by Ann Lee"));
    assert_eq!(admin.press("Send again", &[]).status, 303);
    assert!(admin.follow().has("Another letter is on its way"));
    assert_eq!(admin.press("Withdraw", &[]).status, 303);
    assert!(admin.follow().has("The invitation is withdrawn"));
    // To make an owner takes a confirmation.
    assert!(owner.get("/orgs/acme/invitations").has("Owner: may do everything"));
    let page = owner.submit("/orgs/acme/invitations/new", &[("email", IVY), ("role", "owner")]);
    assert_eq!((page.status, page.location().unwrap().path().to_owned()), (303, "/confirm".to_owned()));
    let back = page.location().unwrap().query_pairs().find(|(name, _)| name == "return_to").unwrap().1.into_owned();
    assert_eq!(back, "/orgs/acme/invitations?done=unsent");
}

#[test]
fn one_that_has_run_out_is_said_to_have() {
    let app = TestApp::start();
    ivy_invited(&app);
    app.clock().advance(TimeDelta::days(8));
    let mut admin = app.browser();
    sign_in(&mut admin, ADMIN, PASSWORD);
    assert!(admin.get("/orgs/acme/invitations").has("Ran out"));
}

#[test]
fn invitations_to_ones_own_address_are_in_the_list_of_organizations() {
    let app = TestApp::start();
    let ([_, mut admin, _], ..) = ivy_invited(&app);
    let mut ivy = app.verified(IVY);
    let page = ivy.get("/orgs");
    assert!(page.has("You are invited to") && page.has("To be a member, by Ann Lee"), "{}", page.text());
    assert_eq!(ivy.press("Accept", &[]).location().unwrap().path(), "/orgs/acme");
    assert_eq!(role_in_acme(&mut ivy), "member");
    assert!(!ivy.get("/orgs").has("You are invited to"));
    let mut jo = app.verified("jo@example.com");
    assert_eq!(super::invite(&mut admin, "jo@example.com", "member").status, 201);
    jo.get("/orgs");
    assert_eq!(jo.press("Decline", &[]).status, 303);
    assert!(jo.follow().has("You have declined"));
    assert_eq!(role_in_acme(&mut jo), "");
}

#[test]
fn what_ran_out_a_week_ago_is_removed_and_nothing_before() {
    let app = TestApp::start();
    ivy_invited(&app);
    app.clock().advance(TimeDelta::days(14) - TimeDelta::seconds(1));
    let sweep = || {
        let origin = Origin::system("a test");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(app.app.db.write(&origin, |tx| sweep(tx, 10))).expect("a sweep")
    };
    assert_eq!(sweep(), 0);
    app.clock().advance(TimeDelta::seconds(1));
    // The job may have been there before.
    assert!(sweep() <= 1);
    assert_eq!(app.count("SELECT count(*) AS n FROM invitations"), 0);
}
