//! People without an account, who sign up straight into the organization; and accounts that nobody has proved.

use serde_json::{Value, json};

use super::{IVY, accept, count, ivy_invited, role_in_acme, sign_up};
use crate::orgs::staffed;
use crate::support::TestApp;
use crate::support::people::{PASSWORD, code};

#[test]
fn a_stranger_signs_up_by_the_letter_and_is_in_at_once() {
    let app = TestApp::start();
    let (_, _, token) = ivy_invited(&app);
    let mut ivy = app.browser();
    assert_eq!(code(&accept(&mut ivy, &token)), "validation", "a password is needed");
    let answer = sign_up(&mut ivy, &token, PASSWORD);
    assert_eq!(answer.status, 200, "{}", answer.answer.text());
    let said: Value = answer.json();
    assert_eq!((&said["user"]["email"], &said["user"]["email_verified"]), (&json!(IVY), &json!(true)));
    assert_eq!((&said["user"]["name"], &said["organization"]["slug"]), (&json!("Ivy Poe"), &json!("acme")));
    assert!(said["session"]["id"].is_string());
    assert_eq!(role_in_acme(&mut ivy), "member");
    assert_eq!(app.log_in(IVY, PASSWORD).1.status, 200);
    assert_eq!([count(&app, "invitation.accepted"), count(&app, "member.added")], [1, 2]);
    for kind in ["user.created", "email.verified"] {
        let about_her = format!(
            "SELECT count(*) AS n FROM audit_events e JOIN users u ON u.id = e.subject_id
             WHERE u.email = '{IVY}' AND e.kind = '{kind}'"
        );
        assert_eq!(app.count(&about_her), 1, "{kind}");
    }
}

#[test]
fn a_password_of_a_stranger_is_looked_at_like_any_other_and_a_bad_one_keeps_the_letter_good() {
    let app = TestApp::start();
    let (_, _, token) = ivy_invited(&app);
    for bad in ["short", "password", "ivy@example.com", &"x".repeat(2000)] {
        assert_eq!(code(&sign_up(&mut app.browser(), &token, bad)), "validation", "{bad}");
    }
    let body = json!({ "token": token, "name": "a\nb", "password": PASSWORD });
    assert_eq!(code(&app.browser().api("POST", "/auth/invitations/accept", body)), "validation");
    assert_eq!(app.count("SELECT count(*) AS n FROM users WHERE email_key = 'ivy@example.com'"), 0);
    assert_eq!(sign_up(&mut app.browser(), &token, PASSWORD).status, 200);
}

/// Anybody can sign up with somebody else's address and wait for the owner to be invited.
#[test]
fn of_what_somebody_else_put_on_an_unproved_account_nothing_stays() {
    let app = TestApp::start();
    let ([_, mut admin, _], _) = staffed(&app);
    let mut hijacker = app.unverified(IVY);
    app.mail().to(IVY);
    app.execute(
        "INSERT INTO totp_factors SELECT id, 'x', now(), now(), 0 FROM users WHERE email = 'ivy@example.com';
         INSERT INTO api_keys SELECT gen_random_uuid(), id, sha256('x'), 'vst_xxxx', 'x', '{gateway}', now(), now()
         FROM users WHERE email = 'ivy@example.com'",
    );
    let (_, token) = super::invited(&app, &mut admin, IVY, "admin");
    let mut ivy = app.browser();
    assert_eq!(code(&accept(&mut ivy, &token)), "validation", "as a stranger");
    assert_eq!(sign_up(&mut ivy, &token, "nine patient otters").status, 200);
    assert_eq!(role_in_acme(&mut ivy), "admin");
    assert_eq!(hijacker.api("GET", "/me", Value::Null).status, 401, "signed out");
    assert_eq!(app.log_in(IVY, PASSWORD).1.status, 401, "the hijacker's password is gone");
    assert_eq!(app.log_in(IVY, "nine patient otters").1.status, 200);
    let left = "SELECT (SELECT count(*) FROM totp_factors) + (SELECT count(*) FROM api_keys)
        + (SELECT count(*) FROM email_verifications WHERE user_id = (SELECT id FROM users WHERE email_key = 'ivy@example.com'))
        AS n";
    assert_eq!(app.count(left), 0);
    assert_eq!(app.text("SELECT name AS t FROM users WHERE email_key = 'ivy@example.com'"), "Ivy Poe");
}

/// Somebody with an account of their own has taken the address for it, without proving it: the two part.
#[test]
fn an_account_that_was_moved_to_the_address_gives_way_to_its_holder() {
    let app = TestApp::start();
    let (_, _, token) = ivy_invited(&app);
    let mut mallory = app.verified("mallory@example.com");
    mallory.confirm();
    assert_eq!(mallory.api("PUT", "/me/email", json!({ "email": IVY })).status, 200);
    let mut ivy = app.browser();
    assert_eq!(sign_up(&mut ivy, &token, "nine patient otters").status, 200);
    assert_eq!(role_in_acme(&mut ivy), "member");
    assert_eq!(role_in_acme(&mut mallory), "");
    let me: Value = mallory.api("GET", "/me", Value::Null).json();
    assert_eq!((&me["email"], &me["email_verified"]), (&json!("mallory@example.com"), &json!(true)));
}

#[test]
fn who_may_sign_up_is_the_operators_word() {
    for (signup, is_open, by_invitation) in [("open", true, 200), ("invite", false, 200), ("closed", false, 403)] {
        let app = TestApp::start();
        let (_, _, token) = ivy_invited(&app);
        let other = app.again_with(&[("accounts.signup", signup)]);
        let body = json!({ "email": "jo@example.com", "password": PASSWORD });
        assert_eq!(other.browser().api("POST", "/auth/signup", body).status == 202, is_open, "{signup}");
        assert_eq!(other.browser().get("/login").link("Create an account").is_some(), is_open, "{signup}");
        assert_eq!(sign_up(&mut other.browser(), &token, PASSWORD).status, by_invitation, "{signup}");
        let page = other.browser().get(&format!("/invitation?token={token}"));
        if signup == "closed" {
            assert!(page.has("new accounts are not being made here") && page.form("/invitation").is_none());
            // Who has an account needs none.
            let mut ivy = app.verified(IVY);
            assert_eq!(accept(&mut ivy, &token).status, 200);
        }
    }
}

#[test]
fn without_a_database_nothing_is_half_done() {
    let app = TestApp::start();
    let (_, _, token) = ivy_invited(&app);
    // The last thing that is written: the session.
    app.execute("ALTER TABLE sessions ADD CONSTRAINT no_more CHECK (created_at < to_timestamp(0)) NOT VALID");
    assert_eq!(sign_up(&mut app.browser(), &token, PASSWORD).status, 500);
    let left = "SELECT count(*) AS n FROM users WHERE email_key = 'ivy@example.com'";
    assert_eq!((app.count(left), count(&app, "invitation.accepted")), (0, 0));
    app.execute("ALTER TABLE sessions DROP CONSTRAINT no_more");
    assert_eq!(sign_up(&mut app.browser(), &token, PASSWORD).status, 200, "the letter is as good as before");
}
