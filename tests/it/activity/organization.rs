//! `/orgs/{slug}/activity`: what an organization's admins are told.

use serde_json::{Value, json};

use super::{FIREFOX, kinds, write_down};
use crate::orgs::{ADMIN, MEMBER, id_of, staffed};
use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::people::code;

fn events(browser: &mut Browser, query: &str) -> Vec<Value> {
    let answer = browser.api("GET", &format!("/orgs/acme/activity{query}"), Value::Null);
    assert_eq!(answer.status, 200, "{}", answer.answer.text());
    answer.json::<Value>()["events"].as_array().expect("events").clone()
}

#[test]
fn admins_and_owners_see_it_members_are_refused_and_to_strangers_there_is_no_such_thing() {
    let app = TestApp::start();
    let ([mut owner, mut admin, mut member], _) = staffed(&app);
    let mut stranger = app.verified("stranger@example.com");
    for admin in [&mut owner, &mut admin] {
        assert!(kinds(&events(admin, "")).contains(&"organization.created"));
        let page = admin.get("/orgs/acme/activity");
        assert!(
            page.status == 200 && page.has("The organization was founded: \u{201c}Acme\u{201d}."),
            "{}",
            page.text()
        );
    }
    let by_member = member.api("GET", "/orgs/acme/activity", Value::Null);
    assert_eq!((by_member.status, code(&by_member).as_str()), (403, "forbidden"));
    assert_eq!(member.get("/orgs/acme/activity").status, 403);
    for path in ["/orgs/acme/activity", "/orgs/nobodys/activity"] {
        let answer = stranger.api("GET", path, Value::Null);
        assert_eq!((answer.status, code(&answer).as_str()), (404, "not_found"), "{path}");
        assert_eq!(stranger.get(path).status, 404, "{path}");
    }
}

#[test]
fn admins_see_who_did_what_to_whom_and_from_where_but_not_with_which_browser() {
    let app = TestApp::start();
    let ([mut owner, mut admin, _], ids) = staffed(&app);
    let mut from_afar = admin.clone().with_header("X-Forwarded-For", "203.0.113.5").with_header("User-Agent", FIREFOX);
    let path = format!("/orgs/acme/members/{}", ids[2]);
    assert_eq!(from_afar.api("PATCH", &path, json!({ "role": "admin" })).status, 200);
    let event = events(&mut owner, "?kind=member.role_changed").remove(0);
    assert_eq!(event["sentence"], "The role of a member was changed, from member to admin.");
    assert_eq!(event["by"], json!({ "who": "member", "name": "Ann Lee", "email": ADMIN }));
    assert_eq!(event["about"], json!({ "who": "member", "name": "Ann Lee", "email": MEMBER }));
    assert_eq!((&event["ip"], &event["device_name"]), (&json!("203.0.113.5"), &Value::Null));
    assert_eq!(events(&mut admin, "?kind=member.role_changed")[0]["by"]["who"], "you");
    let page = owner.get("/orgs/acme/activity?kind=member.role_changed");
    assert!(page.has("from 203.0.113.5 In Acme. It is about Ann Lee. By Ann Lee."), "{}", page.text());
}

/// Anybody may found an organization and invite anybody.
#[test]
fn from_where_those_act_who_are_no_members_is_not_shown() {
    let app = TestApp::start();
    let ([mut owner, _, member], ids) = staffed(&app);
    let mut from_home = member.with_header("X-Forwarded-For", "203.0.113.77");
    app.verified("stranger@example.com");
    let stranger = id_of(&app, "stranger@example.com");
    app.execute(&format!(
        "INSERT INTO audit_events SELECT gen_random_uuid(), now(), 'invitation.declined', '{stranger}', '{stranger}',
             NULL, '203.0.113.77', NULL, 'test', '{{}}', id, 'visitor' FROM organizations"
    ));
    let left = from_home.api("DELETE", &format!("/orgs/acme/members/{}", ids[2]), Value::Null);
    assert_eq!(left.status, 204, "{}", left.answer.text());
    for kind in ["invitation.declined", "member.left"] {
        let event = events(&mut owner, &format!("?kind={kind}")).remove(0);
        assert_eq!((&event["ip"], &event["by"]["who"]), (&Value::Null, &json!("another")), "{event}");
    }
    let everything = owner.api("GET", "/orgs/acme/activity?limit=100", Value::Null).answer.text();
    assert!(!everything.contains("203.0.113.77") && !everything.contains("stranger@"), "{everything}");
}

#[test]
fn what_members_do_elsewhere_is_none_of_their_admins_business() {
    let app = TestApp::start();
    let ([mut owner, _, mut member], ids) = staffed(&app);
    let before = events(&mut owner, "?limit=100");
    member.api("PATCH", "/me", json!({ "name": "Mia" }));
    member.api("POST", "/orgs", json!({ "name": "Side business" }));
    write_down(&app, &ids[2], "signin.failed", 3);
    // Within the organization by mistake, and of a kind that is the person's own.
    app.execute(&format!(
        "INSERT INTO audit_events SELECT gen_random_uuid(), now(), 'session.opened', '{0}', '{0}', NULL, NULL, NULL,
             'test', '{{}}', id, 'visitor' FROM organizations WHERE slug = 'acme'",
        ids[2]
    ));
    let after = events(&mut owner, "?limit=100");
    assert_eq!(kinds(&after), kinds(&before));
    assert!(events(&mut owner, "?kind=session.opened").is_empty() && events(&mut owner, "?kind=signing_in").is_empty());
}

#[test]
fn pages_and_filters_are_those_of_ones_own_activity() {
    let app = TestApp::start();
    let ([mut owner, ..], _) = staffed(&app);
    app.execute(
        "INSERT INTO audit_events
         SELECT gen_random_uuid(), now(), 'group.created', NULL, NULL, NULL, NULL, NULL, 'test', '{}', id, 'operator'
         FROM organizations, generate_series(1, 120)",
    );
    let mut page = owner.get("/orgs/acme/activity?kind=group.created");
    let mut seen = Vec::new();
    loop {
        // The form has it as a choice as well.
        seen.push(page.text().matches("A group was made").count() - 1);
        if page.link("Older").is_none() {
            break;
        }
        page = owner.click("Older");
    }
    assert_eq!(seen, [50, 50, 20]);
    assert!(page.has("By the operator of this service."), "{}", page.text());
    assert_eq!(events(&mut owner, "?kind=group.created&limit=100").len(), 100);
    assert_eq!(owner.get("/orgs/acme/activity?since=soon").status, 422);
    assert_eq!(owner.api("GET", "/orgs/acme/activity?cursor=x", Value::Null).status, 422);
}

#[test]
fn a_program_of_an_admin_may_look() {
    let app = TestApp::start();
    let ([mut owner, ..], _) = staffed(&app);
    owner.confirm();
    let made: Value = owner.api("POST", "/me/api-keys", json!({ "name": "siem", "scopes": ["account:read"] })).json();
    let header = format!("Bearer {}", made["key"].as_str().unwrap());
    let mut program = app.browser().with_header("Authorization", &header);
    assert!(kinds(&events(&mut program, "")).contains(&"organization.created"));
}
