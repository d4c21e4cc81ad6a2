//! Who is listed, whose role changes, who goes.

use serde_json::{Value, json};

use super::{ADMIN, MEMBER, OWNER, acme, confirmed, events, get, join, remove, role_of, set_role, staffed};
use crate::support::TestApp;
use crate::support::authenticator::set_up;
use crate::support::people::{PASSWORD, code};

#[test]
fn members_are_listed_by_role_and_page_by_page() {
    let app = TestApp::start();
    let ([mut olive, _, mut mia], ids) = staffed(&app);
    let all: Value = get(&mut olive, "/orgs/acme/members").json();
    let roles: Vec<_> = all["members"].as_array().unwrap().iter().map(|member| member["role"].clone()).collect();
    assert_eq!(roles, ["owner", "admin", "member"]);
    assert_eq!(all["next_cursor"], Value::Null);
    let first = &all["members"][0];
    assert_eq!((&first["user_id"], &first["email"]), (&json!(ids[0]), &json!(OWNER)));
    assert_eq!((&first["email_verified"], &first["name"]), (&json!(true), &json!("Ann Lee")));

    let (mut path, mut seen) = ("/orgs/acme/members?limit=1".to_owned(), Vec::new());
    loop {
        let page: Value = get(&mut mia, &path).json();
        seen.extend(page["members"].as_array().unwrap().iter().map(|member| member["user_id"].clone()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        path = format!("/orgs/acme/members?limit=1&cursor={next}");
    }
    assert_eq!(seen, ids.map(Value::from));
    for query in ["limit=0", "limit=101", "cursor=x"] {
        let answer = get(&mut mia, &format!("/orgs/acme/members?{query}"));
        assert_eq!((answer.status, code(&answer).as_str()), (422, "validation"), "{query}");
    }
    assert_eq!(get(&mut mia, "/orgs/acme/members?limit=x").status, 400);
}

#[test]
fn who_has_a_second_factor_is_shown_to_those_who_can_ask_for_one() {
    let app = TestApp::start();
    let ([mut olive, mut adam, mut mia], _) = staffed(&app);
    set_up(&app, &mut mia);
    let factors = |browser: &mut _| {
        let listed: Value = get(browser, "/orgs/acme/members").json();
        listed["members"].as_array().unwrap().iter().map(|one| one["second_factor"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(factors(&mut olive), [false, false, true]);
    assert_eq!(factors(&mut adam), [false, false, true]);
    assert_eq!(factors(&mut mia), [Value::Null, Value::Null, Value::Null]);
}

#[test]
fn a_changed_role_counts_at_once_and_rotates_that_persons_sessions() {
    let app = TestApp::start();
    let ([mut olive, _, mut mia], ids) = staffed(&app);
    let before = mia.jar.clone();
    let answer = set_role(&mut olive, &ids[2], "admin");
    assert_eq!((answer.status, answer.json::<Value>()["role"].clone()), (200, json!("admin")));
    let letter = app.mail().to(MEMBER);
    assert_eq!(letter.subject(), "Your role in Acme has changed");
    assert!(letter.text().contains("you are now an admin"), "{}", letter.text());
    let page = mia.api("PATCH", "/orgs/acme", json!({ "name": "By Mia" }));
    assert_eq!(page.status, 200, "{}", page.answer.text());
    assert!(page.answer.headers("set-cookie").iter().any(|cookie| cookie.starts_with("vestibule_session=")));
    let mut old = app.browser();
    old.jar = before;
    assert_eq!(get(&mut old, "/me").status, 401, "the cookie of before is good for nothing any more");
    assert!(events(&app).contains("member.role_changed"), "{}", events(&app));
}

#[test]
fn the_same_role_again_changes_nothing() {
    let app = TestApp::start();
    let ([mut olive, ..], ids) = staffed(&app);
    assert_eq!(set_role(&mut olive, &ids[2], "member").status, 200);
    assert_eq!(app.count("SELECT count(*) AS n FROM sessions WHERE rotation_due"), 0);
    assert!(!events(&app).contains("member.role_changed"));
    let answer = set_role(&mut olive, &ids[2], "root");
    assert_eq!((answer.status, code(&answer).as_str()), (422, "validation"));
    for nobody in ["x", "0190a3c2-7d5e-7cc3-98c4-dc0c0c07398f"] {
        assert_eq!(set_role(&mut olive, nobody, "admin").status, 404);
        assert_eq!(remove(&mut olive, nobody).status, 404);
    }
}

#[test]
fn whoever_is_removed_is_out_at_once_and_told_so() {
    let app = TestApp::start();
    let ([_, mut adam, mut mia], ids) = staffed(&app);
    assert_eq!(remove(&mut adam, &ids[2]).status, 204);
    assert_eq!(get(&mut mia, "/orgs/acme").status, 404);
    assert_eq!(get(&mut mia, "/me").json::<Value>()["organizations"], json!([]));
    assert_eq!(app.mail().to(MEMBER).subject(), "You are no longer a member of Acme");
    assert_eq!(remove(&mut adam, &ids[2]).status, 404, "twice");
    assert!(events(&app).ends_with("member.removed"));
}

#[test]
fn everybody_may_leave_but_the_last_owner() {
    let app = TestApp::start();
    let ([mut olive, mut adam, mut mia], ids) = staffed(&app);
    assert_eq!(remove(&mut mia, &ids[2]).status, 204);
    assert_eq!(remove(&mut adam, &ids[1]).status, 204);
    assert!(events(&app).ends_with("member.left member.left"), "{}", events(&app));
    let answer = remove(&mut olive, &ids[0]);
    assert_eq!((answer.status, code(&answer).as_str()), (409, "conflict"));
    olive.confirm();
    let answer = set_role(&mut olive, &ids[0], "admin");
    assert_eq!((answer.status, code(&answer).as_str()), (409, "conflict"));
    assert_eq!(role_of(&app, &ids[0]), "owner");
    assert_eq!([ADMIN, MEMBER].map(|email| app.count(&letters_to(email))), [0, 0], "who leaves knows it");
}

#[test]
fn an_owner_who_cannot_act_as_one_does_not_count_as_another() {
    let app = TestApp::start();
    let ([_, _, _], ids) = staffed(&app);
    app.execute(&format!("UPDATE members SET role = 'owner' WHERE user_id = '{}'", ids[1]));
    app.execute(&format!("UPDATE users SET disabled_at = now() WHERE id = '{}'", ids[1]));
    let mut olive = confirmed(&app, OWNER);
    assert_eq!(remove(&mut olive, &ids[0]).status, 409);
    assert_eq!(set_role(&mut olive, &ids[0], "admin").status, 409);
    assert_eq!(role_of(&app, &ids[0]), "owner");
    assert_eq!(remove(&mut olive, &ids[1]).status, 204, "whoever cannot act is not needed either");
}

fn letters_to(email: &str) -> String {
    format!("SELECT count(*) AS n FROM mail_outbox WHERE recipient = '{email}' AND letter = 'membership_changed'")
}

#[test]
fn what_concerns_owners_asks_to_confirm_first() {
    let app = TestApp::start();
    let ([mut olive, ..], ids) = staffed(&app);
    for answer in [set_role(&mut olive, &ids[2], "owner"), set_role(&mut olive, &ids[0], "member")] {
        assert_eq!((answer.status, code(&answer).as_str()), (403, "reauth_required"));
    }
    olive.confirm();
    assert_eq!(set_role(&mut olive, &ids[2], "owner").status, 200);
    let (mut olive, _) = app.log_in(OWNER, PASSWORD);
    for answer in [set_role(&mut olive, &ids[2], "member"), remove(&mut olive, &ids[2])] {
        assert_eq!((answer.status, code(&answer).as_str()), (403, "reauth_required"));
    }
    olive.confirm();
    assert_eq!(remove(&mut olive, &ids[2]).status, 204);
    assert_eq!(role_of(&app, &ids[2]), "");
}

/// An owner has to be somebody who can be written to and whose account stays.
#[test]
fn nobody_becomes_an_owner_whose_account_cannot_carry_it() {
    let app = TestApp::start();
    let ([mut olive, ..], ids) = staffed(&app);
    olive.confirm();
    for (unfit, fit) in [
        ("disabled_at = now()", "disabled_at = NULL"),
        ("email_verified_at = NULL", "email_verified_at = now()"),
        ("deletion_asked_at = now(), deletes_at = now()", "deletion_asked_at = NULL, deletes_at = NULL"),
    ] {
        app.execute(&format!("UPDATE users SET {unfit} WHERE id = '{}'", ids[2]));
        assert_eq!(set_role(&mut olive, &ids[2], "owner").status, 409, "{unfit}");
        assert_eq!(olive.api("POST", "/orgs/acme/owner", json!({ "user_id": ids[2] })).status, 409, "{unfit}");
        app.execute(&format!("UPDATE users SET {fit} WHERE id = '{}'", ids[2]));
    }
    assert_eq!(set_role(&mut olive, &ids[2], "owner").status, 200);
}

#[test]
fn a_member_of_one_organization_is_nobody_in_another() {
    let app = TestApp::start();
    let ([mut olive, ..], _) = acme(&app, [OWNER]);
    let mut other = app.verified("other@example.com");
    assert_eq!(other.api("POST", "/orgs", json!({ "name": "Other" })).status, 201);
    let id = super::id_of(&app, "other@example.com");
    assert_eq!(remove(&mut olive, &id).status, 404);
    assert_eq!(set_role(&mut olive, &id, "member").status, 404);
    assert_eq!(get(&mut other, "/orgs/acme").status, 404);
    join(&app, &id, "member");
    assert_eq!(get(&mut other, "/orgs").json::<Value>()["organizations"][0]["slug"], "acme");
    assert_eq!(get(&mut other, "/orgs/acme").json::<Value>()["role"], "member");
    assert_eq!(get(&mut other, "/orgs/other").json::<Value>()["role"], "owner");
}
