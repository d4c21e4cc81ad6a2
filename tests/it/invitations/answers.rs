//! Answers of people who have an account.

use serde_json::{Value, json};

use super::{IVY, accept, count, decline, invited, ivy_invited, listed, role_in_acme, sign_up};
use crate::gate::house::Person;
use crate::orgs::staffed;
use crate::support::TestApp;
use crate::support::people::{PASSWORD, code, token_in};

#[test]
fn somebody_signed_in_with_the_address_becomes_a_member_and_the_link_is_used_up() {
    let app = TestApp::start();
    let ([_, mut admin, _], _) = staffed(&app);
    let mut ivy = app.verified(IVY);
    let (_, token) = invited(&app, &mut admin, "Ivy@Example.com", "admin");
    let answer = accept(&mut ivy, &token);
    assert_eq!(answer.status, 200, "{}", answer.answer.text());
    let said: Value = answer.json();
    assert_eq!(said["organization"], json!({ "slug": "acme", "name": "Acme", "role": "admin" }));
    assert_eq!(said["user"]["organizations"][0]["role"], "admin");
    assert_eq!(code(&accept(&mut ivy, &token)), "gone");
    assert_eq!(listed(&mut ivy).len(), 0, "an admin by now");
    assert_eq!(count(&app, "invitation.accepted"), 1);
    let added = "SELECT details::text AS t FROM audit_events WHERE kind = 'member.added' ORDER BY ctid DESC LIMIT 1";
    assert_eq!(app.text(added), r#"{"how": "invited", "role": "admin"}"#);
}

#[test]
fn an_invitation_is_for_its_address_and_nobody_elses() {
    let app = TestApp::start();
    let (_, _, token) = ivy_invited(&app);
    let mut jo = app.verified("jo@example.com");
    assert_eq!(code(&accept(&mut jo, &token)), "forbidden");
    assert_eq!(role_in_acme(&mut jo), "");
    // With a password, too: whoever is signed in signs up for nothing.
    assert_eq!(code(&sign_up(&mut jo, &token, PASSWORD)), "forbidden");
    let mut ivy = app.verified(IVY);
    assert_eq!(accept(&mut ivy, &token).status, 200, "it was not used up");
}

#[test]
fn somebody_with_an_account_signs_in_first_whatever_password_they_send() {
    let app = TestApp::start();
    let (_, _, token) = ivy_invited(&app);
    let mut ivy = app.verified(IVY);
    assert_eq!(code(&accept(&mut app.browser(), &token)), "unauthenticated");
    assert_eq!(code(&sign_up(&mut app.browser(), &token, "nine patient otters")), "unauthenticated");
    assert_eq!(app.log_in(IVY, PASSWORD).1.status, 200, "the password is what it was");
    assert_eq!(accept(&mut ivy, &token).status, 200);
}

#[test]
fn whoever_is_disabled_or_was_forgotten_does_not_become_a_member() {
    let app = TestApp::start();
    let (_, _, token) = ivy_invited(&app);
    let mut ivy = app.verified(IVY);
    app.execute("UPDATE users SET disabled_at = now() WHERE email = 'ivy@example.com'");
    assert_eq!(code(&accept(&mut ivy, &token)), "unauthenticated");
    assert_eq!(code(&sign_up(&mut app.browser(), &token, PASSWORD)), "unauthenticated");
    assert_eq!(app.count("SELECT count(*) AS n FROM members"), 3);
}

#[test]
fn a_changed_address_is_not_the_one_that_was_invited() {
    let app = TestApp::start();
    let (_, _, token) = ivy_invited(&app);
    let mut ivy = app.verified(IVY);
    ivy.confirm();
    assert_eq!(ivy.api("PUT", "/me/email", json!({ "email": "ivy@new.example" })).status, 200);
    assert_eq!(code(&accept(&mut ivy, &token)), "forbidden");
    // Nor can anybody else sign up with it while she can have it back.
    assert_eq!(code(&sign_up(&mut app.browser(), &token, PASSWORD)), "conflict");
    assert_eq!(app.count("SELECT count(*) AS n FROM members"), 3);
}

#[test]
fn whoever_has_the_letter_declines_signed_in_or_not_and_nobody_is_written_to() {
    let app = TestApp::start();
    let ([_, mut admin, _], _, token) = ivy_invited(&app);
    assert_eq!(decline(&mut app.browser(), &token).status, 204);
    assert_eq!(code(&decline(&mut app.browser(), &token)), "gone");
    assert_eq!(code(&sign_up(&mut app.browser(), &token, PASSWORD)), "gone");
    assert_eq!((listed(&mut admin).len(), count(&app, "invitation.declined")), (0, 1));
    let (_, token) = invited(&app, &mut admin, IVY, "member");
    let mut ivy = app.verified(IVY);
    let letters = "SELECT count(*) AS n FROM mail_outbox WHERE recipient = 'adam@example.com'";
    let before = app.count(letters);
    assert_eq!(decline(&mut ivy, &token).status, 204);
    assert_eq!(app.count(letters), before);
}

#[test]
fn when_the_organization_is_gone_so_is_the_invitation() {
    let app = TestApp::start();
    let ([mut owner, ..], _, token) = ivy_invited(&app);
    owner.confirm();
    assert_eq!(owner.api("DELETE", "/orgs/acme", Value::Null).status, 204);
    let mut ivy = app.verified(IVY);
    assert_eq!(code(&accept(&mut ivy, &token)), "gone");
    assert_eq!(code(&sign_up(&mut app.browser(), &token, PASSWORD)), "gone");
}

#[test]
fn what_is_no_token_of_ours_is_gone() {
    let app = TestApp::start();
    let mut ivy = app.verified(IVY);
    for token in ["", "x", &"A".repeat(43), &"A".repeat(10_000)] {
        assert_eq!(code(&accept(&mut ivy, token)), "gone");
        assert_eq!(code(&decline(&mut app.browser(), token)), "gone");
        assert_eq!(code(&sign_up(&mut app.browser(), token, PASSWORD)), "gone");
    }
}

/// Ivy has signed up, was invited before she followed the first letter, and is signed in: what she did stays hers.
#[test]
fn somebody_signed_in_who_has_proved_nothing_yet_proves_the_address_by_it() {
    let app = TestApp::start();
    let (_, _, token) = ivy_invited(&app);
    let mut ivy = app.unverified(IVY);
    let before = ivy.jar.find(app.public_url(), "vestibule_session").expect("a session").value.clone();
    let verification = token_in(&app.mail().to(IVY).link());
    let answer = accept(&mut ivy, &token);
    assert_eq!(answer.status, 200, "{}", answer.answer.text());
    assert_eq!(answer.json::<Value>()["user"]["email_verified"], true);
    let after = ivy.jar.find(app.public_url(), "vestibule_session").expect("a session").value.clone();
    assert_ne!(before, after, "it can do more than before, so it goes on under another id");
    assert_eq!(role_in_acme(&mut ivy), "member");
    assert_eq!(app.log_in(IVY, PASSWORD).1.status, 200, "by the password that she chose");
    let late = app.browser().api("POST", "/auth/verify-email", json!({ "token": verification, "password": PASSWORD }));
    assert_eq!(late.status, 410, "there is nothing left to prove");
}

#[test]
fn invitations_to_ones_own_address_are_answered_without_the_letter() {
    let app = TestApp::start();
    let ([_, mut admin, _], id, _) = ivy_invited(&app);
    let mut ivy = app.unverified(IVY);
    let own =
        |ivy: &mut crate::support::browser::Browser| ivy.api("GET", "/me/invitations", Value::Null).json::<Value>();
    let path = |end: &str| format!("/me/invitations/{id}/{end}");
    assert_eq!(own(&mut ivy), json!({ "invitations": [] }), "the address may be a stranger's");
    assert_eq!(code(&ivy.api("POST", &path("accept"), Value::Null)), "email_unverified");
    app.mail().to(IVY);
    let mut jo = app.verified("jo@example.com");
    assert_eq!(own(&mut jo), json!({ "invitations": [] }));
    for end in ["accept", "decline"] {
        assert_eq!(code(&jo.api("POST", &path(end), Value::Null)), "gone", "somebody else's");
    }
    app.execute("UPDATE users SET email_verified_at = now() WHERE email = 'ivy@example.com'");
    let list = own(&mut ivy);
    assert_eq!(list["invitations"][0]["organization"], json!({ "slug": "acme", "name": "Acme" }));
    assert_eq!(ivy.api("POST", &path("accept"), Value::Null).status, 200);
    assert_eq!(role_in_acme(&mut ivy), "member");
    assert_eq!(code(&ivy.api("POST", &path("accept"), Value::Null)), "gone");
    let (id, _) = invited(&app, &mut admin, "jo@example.com", "member");
    assert_eq!(jo.api("POST", &format!("/me/invitations/{id}/decline"), Value::Null).status, 204);
    assert_eq!(own(&mut jo), json!({ "invitations": [] }));
}

#[test]
fn apps_are_told_of_a_new_member_at_once() {
    use crate::gate::house::{Door, Question, house_with};
    let app = house_with(&[("gateway.organizations", "acme")]);
    let (_, _, token) = ivy_invited(&app);
    let mut ivy = Person::who_is(app.verified(IVY));
    let groups = |ivy: &Person| {
        Question::about(Door::ForwardAuth, "https://app.example.com/x")
            .by(ivy)
            .ask(&app)
            .headers("remote-groups")
            .concat()
    };
    assert_eq!(groups(&ivy), "");
    assert_eq!(accept(&mut ivy.browser, &token).status, 200);
    assert_eq!(groups(&ivy), "acme,acme:member");
}
