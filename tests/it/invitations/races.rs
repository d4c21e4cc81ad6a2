//! Two at once.

use std::thread;

use serde_json::Value;

use super::{IVY, accept, decline, invite, ivy_invited, sign_up};
use crate::orgs::staffed;
use crate::support::TestApp;
use crate::support::people::PASSWORD;

type Act = Box<dyn FnOnce() -> u16 + Send>;

fn at_once(acts: Vec<Act>) -> Vec<u16> {
    let mut statuses: Vec<u16> = thread::scope(|scope| {
        let acts: Vec<_> = acts.into_iter().map(|act| scope.spawn(act)).collect();
        acts.into_iter().map(|act| act.join().unwrap()).collect()
    });
    statuses.sort_unstable();
    statuses
}

#[test]
fn of_many_strangers_with_one_letter_one_gets_in() {
    let app = TestApp::start();
    let (_, _, token) = ivy_invited(&app);
    let acts = (0..4).map(|_| -> Act {
        let (mut browser, token) = (app.browser(), token.clone());
        Box::new(move || sign_up(&mut browser, &token, PASSWORD).status)
    });
    let statuses = at_once(acts.collect());
    assert_eq!(statuses[0], 200);
    // Those that come later find the letter used, or an account to sign in to.
    assert!(statuses[1..].iter().all(|status| [401, 410].contains(status)), "{statuses:?}");
    assert_eq!(app.count("SELECT count(*) AS n FROM users WHERE email_key = 'ivy@example.com'"), 1);
    assert_eq!(
        app.count(
            "SELECT count(*) AS n FROM sessions s JOIN users u ON u.id = s.user_id WHERE u.email = 'ivy@example.com'"
        ),
        1
    );
}

#[test]
fn accepting_twice_at_once_makes_one_member() {
    let app = TestApp::start();
    let (_, _, token) = ivy_invited(&app);
    let ivy = app.verified(IVY);
    let acts = (0..4).map(|_| -> Act {
        let (mut browser, token) = (ivy.clone(), token.clone());
        Box::new(move || accept(&mut browser, &token).status)
    });
    assert_eq!(at_once(acts.collect()), [200, 410, 410, 410]);
    assert_eq!(app.count("SELECT count(*) AS n FROM members"), 4);
}

#[test]
fn accepted_while_it_is_declined_withdrawn_or_the_organization_goes_it_is_one_or_the_other() {
    for other in ["decline", "withdraw", "delete"] {
        let app = TestApp::start();
        let ([mut owner, ..], id, token) = ivy_invited(&app);
        owner.confirm();
        let ivy = app.verified(IVY);
        let accepting: Act = {
            let (mut browser, token) = (ivy.clone(), token.clone());
            Box::new(move || accept(&mut browser, &token).status)
        };
        let against: Act = match other {
            "decline" => {
                let mut browser = app.browser();
                Box::new(move || decline(&mut browser, &token).status)
            }
            "withdraw" => {
                Box::new(move || owner.api("DELETE", &format!("/orgs/acme/invitations/{id}"), Value::Null).status)
            }
            _ => Box::new(move || owner.api("DELETE", "/orgs/acme", Value::Null).status),
        };
        let statuses = at_once(vec![accepting, against]);
        let is_one_or_the_other = match other {
            "decline" => [[200, 410], [204, 410]].iter().any(|fine| statuses == fine),
            "withdraw" => [[200, 404], [204, 410]].iter().any(|fine| statuses == fine),
            // It is deleted with the member, if there was time to become one.
            _ => [[200, 204], [204, 410]].iter().any(|fine| statuses == fine),
        };
        assert!(is_one_or_the_other, "{other}: {statuses:?}");
        assert_eq!(app.count("SELECT count(*) AS n FROM invitations"), 0, "{other}");
    }
}

#[test]
fn of_two_admins_who_invite_one_person_at_once_one_does() {
    let app = TestApp::start();
    let ([owner, admin, _], _) = staffed(&app);
    let acts =
        [owner, admin].map(|mut browser| -> Act { Box::new(move || invite(&mut browser, IVY, "member").status) });
    assert_eq!(at_once(acts.into()), [201, 409]);
    assert_eq!(app.count("SELECT count(*) AS n FROM mail_outbox WHERE letter = 'invitation'"), 1);
}

#[test]
fn a_stranger_who_also_signs_up_at_the_door_ends_up_with_one_account() {
    for _ in 0..5 {
        let app = TestApp::start();
        let (_, _, token) = ivy_invited(&app);
        let by_letter: Act = {
            let mut browser = app.browser();
            Box::new(move || sign_up(&mut browser, &token, PASSWORD).status)
        };
        let at_the_door: Act = {
            let mut browser = app.browser();
            let body = serde_json::json!({ "email": IVY, "password": "nine patient otters" });
            Box::new(move || browser.api("POST", "/auth/signup", body).status)
        };
        assert_eq!(at_once(vec![by_letter, at_the_door]), [200, 202]);
        assert_eq!(app.count("SELECT count(*) AS n FROM users WHERE email_key = 'ivy@example.com'"), 1);
        assert_eq!(app.log_in(IVY, PASSWORD).1.status, 200, "whoever has the letter has the account");
        assert_eq!(app.log_in(IVY, "nine patient otters").1.status, 401);
    }
}
