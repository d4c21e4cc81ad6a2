//! What the letters say, and how many there are.

use serde_json::{Value, json};

use super::{IVY, invite, invited};
use crate::orgs::{ADMIN, staffed};
use crate::support::TestApp;
use crate::support::people::{PASSWORD, code};

#[test]
fn the_letter_says_who_invites_to_what_and_nothing_of_where_they_sit() {
    let app = TestApp::start();
    let ([_, mut admin, _], _) = staffed(&app);
    assert_eq!(invite(&mut admin, IVY, "member").status, 201);
    let letter = app.mail().to(IVY);
    assert_eq!(letter.subject(), "You are invited to Acme at Vestibule");
    for part in [letter.text(), letter.html()] {
        assert!(part.contains("Ann Lee (adam@example.com) has invited you"), "{part}");
        assert!(part.contains("Acme") && part.contains("7 days") && part.contains(IVY), "{part}");
        assert!(!part.contains("127.0.0.1"), "{part}");
    }
    let kept = app.text("SELECT details::text AS t FROM mail_outbox WHERE letter = 'invitation'");
    assert!(kept.contains(r#""address": null"#), "{kept}");
}

#[test]
fn roles_are_named_in_words() {
    let app = TestApp::start();
    let ([mut owner, ..], _) = staffed(&app);
    owner.confirm();
    for (role, words) in [("admin", "one of its admins"), ("owner", "one of its owners")] {
        let email = format!("{role}-to-be@example.com");
        assert_eq!(invite(&mut owner, &email, role).status, 201);
        assert!(app.mail().to(&email).text().contains(words));
    }
}

/// Whoever founds an organization must not choose where strangers click.
#[test]
fn nothing_in_the_names_becomes_a_link_in_the_letter() {
    let app = TestApp::start();
    let mut mallory = app.verified("mallory@example.com");
    assert_eq!(mallory.api("PATCH", "/me", json!({ "name": "Your bank: https://evil.test/pay" })).status, 200);
    let body = json!({ "name": "You have won! See evil.test <b>now</b>", "slug": "prize" });
    assert_eq!(mallory.api("POST", "/orgs", body).status, 201);
    let answer = mallory.api("POST", "/orgs/prize/invitations", json!({ "email": IVY }));
    assert_eq!(answer.status, 201);
    let letter = app.mail().to(IVY);
    assert_eq!(letter.subject(), "You are invited to prize at Vestibule");
    for part in [letter.text(), letter.html()] {
        assert!(!part.contains("evil") && part.contains("mallory@example.com has invited you"), "{part}");
    }
}

#[test]
fn a_mailbox_gets_so_many_letters_and_those_that_its_owner_asks_for_besides() {
    let app = TestApp::with(&[("limits.mail_per_account", "3 per 1h")]);
    let ([_, mut admin, _], _) = staffed(&app);
    let (id, _) = invited(&app, &mut admin, IVY, "member");
    let resend = format!("/orgs/acme/invitations/{id}/resend");
    for _ in 0..2 {
        assert_eq!(admin.api("POST", &resend, Value::Null).status, 200);
        app.mail().to(IVY);
    }
    let refused = admin.api("POST", &resend, Value::Null);
    assert_eq!(code(&refused), "rate_limited");
    assert!(refused.header("retry-after").is_some());
    // From another organization as well.
    let mut other = app.verified("other@example.com");
    assert_eq!(other.api("POST", "/orgs", json!({ "name": "Globex" })).status, 201);
    let answer = other.api("POST", "/orgs/globex/invitations", json!({ "email": IVY }));
    assert_eq!(code(&answer), "rate_limited");
    assert_eq!(invite(&mut admin, "jo@example.com", "member").status, 201, "somebody else's mailbox has room");
    app.signed_up(IVY);
    assert!(app.mail().to(IVY).text().contains("confirm that"), "a letter of her own");
}

#[test]
fn an_organization_sends_a_hundred_letters_and_then_waits() {
    let app = TestApp::start();
    let ([mut owner, mut admin, _], _) = staffed(&app);
    for number in 0..100 {
        assert_eq!(invite(&mut admin, &format!("{number}@x.example"), "member").status, 201);
    }
    assert_eq!(code(&invite(&mut admin, IVY, "member")), "rate_limited");
    assert_eq!(code(&invite(&mut owner, IVY, "member")), "rate_limited", "whoever of its admins asks");
    // A new session makes no difference, nor does a quiet hour: it is so many a day.
    app.clock().advance(chrono::TimeDelta::hours(3));
    let mut admin = app.log_in(ADMIN, PASSWORD).0;
    assert_eq!(invite(&mut admin, IVY, "member").status, 201, "one after the wait");
    assert_eq!(code(&invite(&mut admin, "jo@x.example", "member")), "rate_limited");
    app.clock().advance(chrono::TimeDelta::hours(26));
    let mut admin = app.log_in(ADMIN, PASSWORD).0;
    for number in 0..5 {
        assert_eq!(invite(&mut admin, &format!("{number}@y.example"), "member").status, 201, "another day");
    }
}
