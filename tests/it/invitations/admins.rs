//! What admins see and do.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{IVY, accept, count, invite, invited, ivy_invited, listed, sign_up};
use crate::orgs::{ADMIN, MEMBER, id_of, staffed};
use crate::support::TestApp;
use crate::support::people::{PASSWORD, code, token_in};

#[test]
fn an_invitation_is_sent_listed_and_withdrawn() {
    let app = TestApp::start();
    let ([mut owner, mut admin, _], id, token) = ivy_invited(&app);
    let list = listed(&mut owner);
    assert_eq!((list.len(), &list[0]["id"], &list[0]["email"]), (1, &json!(id), &json!(IVY)));
    assert_eq!((&list[0]["role"], &list[0]["invited_by"]["name"]), (&json!("member"), &json!("Ann Lee")));
    assert!(!list[0].to_string().contains(&token), "the secret is the letter's");
    let path = format!("/orgs/acme/invitations/{id}");
    assert_eq!(admin.api("DELETE", &path, Value::Null).status, 204);
    assert_eq!(admin.api("DELETE", &path, Value::Null).status, 404);
    assert_eq!(listed(&mut admin), Vec::<Value>::new());
    assert_eq!(sign_up(&mut app.browser(), &token, PASSWORD).status, 410);
    assert_eq!([count(&app, "invitation.sent"), count(&app, "invitation.withdrawn")], [1, 1]);
}

/// Whoever sees a difference could find out who has an account here.
#[test]
fn whether_an_address_has_an_account_shows_nowhere() {
    let app = TestApp::start();
    let ([_, mut admin, _], _) = staffed(&app);
    app.verified("known@example.com");
    app.unverified("unproved@example.com");
    app.mail().to("unproved@example.com");
    let answers: Vec<Value> = ["known@example.com", "unproved@example.com", "stranger@example.com"]
        .into_iter()
        .map(|email| {
            let answer = invite(&mut admin, email, "member");
            assert_eq!(answer.status, 201);
            let mut shown: Value = answer.json();
            for of_its_own in ["id", "email"] {
                shown.as_object_mut().unwrap().remove(of_its_own);
            }
            let letter = app.mail().to(email);
            assert_eq!(letter.subject(), "You are invited to Acme at Vestibule");
            shown
        })
        .collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
    for email in ["known@example.com", "unproved@example.com", "stranger@example.com"] {
        assert_eq!(code(&invite(&mut admin, email, "member")), "conflict", "twice: {email}");
    }
}

#[test]
fn a_member_is_not_invited_and_nobody_twice() {
    let app = TestApp::start();
    let ([_, mut admin, _], ..) = ivy_invited(&app);
    for email in [MEMBER, "MIA@Example.com", ADMIN, IVY, "IVY@example.com"] {
        assert_eq!(code(&invite(&mut admin, email, "member")), "conflict", "{email}");
    }
    assert_eq!(code(&invite(&mut admin, "no address", "member")), "validation");
    assert_eq!(code(&invite(&mut admin, "x@example.com", "king")), "validation");
    app.clock().advance(TimeDelta::days(7));
    admin = app.log_in(ADMIN, PASSWORD).0;
    assert_eq!(invite(&mut admin, IVY, "admin").status, 201, "in the place of one that has run out");
    assert_eq!(listed(&mut admin).len(), 1);
}

#[test]
fn nobody_invites_to_more_than_they_are_and_to_own_takes_a_confirmation() {
    let app = TestApp::start();
    let ([mut owner, mut admin, mut member], _) = staffed(&app);
    assert_eq!(code(&invite(&mut member, IVY, "member")), "forbidden");
    assert_eq!(code(&invite(&mut admin, IVY, "owner")), "forbidden");
    assert_eq!(code(&invite(&mut owner, IVY, "owner")), "reauth_required");
    assert_eq!(listed(&mut owner).len(), 0);
    owner.confirm();
    let (id, _) = invited(&app, &mut owner, IVY, "owner");
    for (method, end) in [("DELETE", ""), ("POST", "/resend")] {
        let answer = admin.api(method, &format!("/orgs/acme/invitations/{id}{end}"), Value::Null);
        assert_eq!(code(&answer), "forbidden", "an admin and what concerns owners: {method}");
    }
}

#[test]
fn an_invitation_to_own_dies_with_its_senders_being_an_owner_and_others_live_on() {
    let app = TestApp::start();
    let ([mut owner, mut admin, _], [owners, ..]) = staffed(&app);
    owner.confirm();
    let (id, to_own) = invited(&app, &mut owner, IVY, "owner");
    let (_, to_belong) = invited(&app, &mut owner, "jo@example.com", "member");
    app.execute("UPDATE members SET role = 'owner' WHERE role = 'admin'");
    app.execute(&format!("UPDATE members SET role = 'member' WHERE user_id = '{owners}'"));
    assert_eq!(sign_up(&mut app.browser(), &to_own, PASSWORD).status, 410);
    assert_eq!(sign_up(&mut app.browser(), &to_belong, PASSWORD).status, 200);
    // Whoever sends it again stands for it.
    assert_eq!(admin.api("POST", &format!("/orgs/acme/invitations/{id}/resend"), Value::Null).status, 200);
    let token = token_in(&app.mail().to(IVY).link());
    assert_eq!(sign_up(&mut app.browser(), &token, PASSWORD).status, 200);
    assert_eq!(app.count("SELECT count(*) AS n FROM members WHERE role = 'owner'"), 2);
}

/// A second mailbox is no way back in for an admin who has been sent away.
#[test]
fn an_invitation_to_be_an_admin_dies_with_its_senders_being_one() {
    let app = TestApp::start();
    let ([mut owner, mut admin, _], [_, sender, _]) = staffed(&app);
    let (_, removed) = invited(&app, &mut admin, IVY, "admin");
    let (_, by_the_owner) = invited(&app, &mut owner, "jo@example.com", "admin");
    assert_eq!(owner.api("DELETE", &format!("/orgs/acme/members/{sender}"), Value::Null).status, 204);
    assert_eq!(sign_up(&mut app.browser(), &removed, PASSWORD).status, 410);
    assert_eq!(sign_up(&mut app.browser(), &by_the_owner, PASSWORD).status, 200);
    assert_eq!(app.count("SELECT count(*) AS n FROM members WHERE role = 'admin'"), 1);
}

#[test]
fn an_invitation_outlives_who_has_sent_it() {
    let app = TestApp::start();
    let ([mut owner, ..], _, token) = ivy_invited(&app);
    let sender = id_of(&app, ADMIN);
    assert_eq!(owner.api("DELETE", &format!("/orgs/acme/members/{sender}"), Value::Null).status, 204);
    app.execute(&format!("DELETE FROM users WHERE id = '{sender}'"));
    assert_eq!(listed(&mut owner)[0]["invited_by"], Value::Null);
    assert_eq!(sign_up(&mut app.browser(), &token, PASSWORD).status, 200);
}

#[test]
fn sent_again_only_the_last_link_leads_in_and_it_holds_for_another_week() {
    let app = TestApp::start();
    let ([_, mut admin, _], id, first) = ivy_invited(&app);
    app.clock().advance(TimeDelta::days(6));
    admin = {
        drop(admin);
        app.log_in(ADMIN, PASSWORD).0
    };
    let answer = admin.api("POST", &format!("/orgs/acme/invitations/{id}/resend"), Value::Null);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json::<Value>()["id"], json!(id));
    let second = token_in(&app.mail().to(IVY).link());
    assert_ne!(first, second);
    assert_eq!(sign_up(&mut app.browser(), &first, PASSWORD).status, 410);
    app.clock().advance(TimeDelta::days(6));
    assert_eq!(sign_up(&mut app.browser(), &second, PASSWORD).status, 200);
    assert_eq!(count(&app, "invitation.resent"), 1);
}

#[test]
fn one_that_has_run_out_leads_nowhere_is_listed_for_a_week_and_can_be_sent_again() {
    let app = TestApp::start();
    let (_, id, token) = ivy_invited(&app);
    app.clock().advance(TimeDelta::days(7));
    assert_eq!(sign_up(&mut app.browser(), &token, PASSWORD).status, 410);
    let mut admin = app.log_in(ADMIN, PASSWORD).0;
    assert_eq!(listed(&mut admin).len(), 1);
    assert_eq!(admin.api("POST", &format!("/orgs/acme/invitations/{id}/resend"), Value::Null).status, 200);
    let again = token_in(&app.mail().to(IVY).link());
    assert_eq!(sign_up(&mut app.browser(), &again, PASSWORD).status, 200);
}

#[test]
fn what_is_another_organizations_is_not_there() {
    let app = TestApp::start();
    let ([_, mut admin, mut member], id, token) = ivy_invited(&app);
    assert_eq!(member.api("POST", "/orgs", json!({ "name": "Globex" })).status, 201);
    for (method, end) in [("DELETE", ""), ("POST", "/resend")] {
        let path = format!("/orgs/globex/invitations/{id}{end}");
        assert_eq!(member.api(method, &path, Value::Null).status, 404, "{method}");
    }
    assert_eq!(listed(&mut admin).len(), 1);
    let mut ivy = app.verified(IVY);
    assert_eq!(accept(&mut ivy, &token).status, 200);
}

#[test]
fn there_are_no_more_invitations_than_there_may_be() {
    let app = TestApp::start();
    let ([_, mut admin, _], _) = staffed(&app);
    app.execute(
        "INSERT INTO invitations SELECT gen_random_uuid(), o.id, n || '@x.example', n || '@x.example', 'member',
             sha256(n::text::bytea), NULL, now(), now(), to_timestamp(1800000000) + interval '1 day'
         FROM organizations o, generate_series(1, 200) AS n",
    );
    assert_eq!(code(&invite(&mut admin, IVY, "member")), "conflict");
}
