//! One owner makes another, and is none any more.

use serde_json::{Value, json};

use super::{ADMIN, OWNER, events, role_of, staffed};
use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::page::Page;
use crate::support::people::code;

fn hand_over(browser: &mut Browser, to: &str) -> Page {
    browser.api("POST", "/orgs/acme/owner", json!({ "user_id": to }))
}

#[test]
fn an_owner_hands_over_and_becomes_an_admin() {
    let app = TestApp::start();
    let ([mut olive, mut adam, _], ids) = staffed(&app);
    let answer = hand_over(&mut olive, &ids[1]);
    assert_eq!((answer.status, code(&answer).as_str()), (403, "reauth_required"));
    let url = answer.json::<Value>()["confirm_url"].as_str().unwrap().to_owned();
    assert!(url.ends_with("return_to=%2Forgs%2Facme%2Fhand-over"), "{url}");
    olive.confirm();
    let answer = hand_over(&mut olive, &ids[1]);
    assert_eq!((answer.status, answer.json::<Value>()["role"].clone()), (200, json!("admin")));
    assert_eq!([role_of(&app, &ids[0]), role_of(&app, &ids[1])], ["admin", "owner"]);
    assert!(app.mail().to(ADMIN).text().contains("you are now an owner"));
    assert!(app.mail().to(OWNER).text().contains("you are now an admin"));
    assert!(events(&app).ends_with("member.role_changed member.role_changed organization.ownership_passed"));
    assert_eq!(hand_over(&mut olive, &ids[0]).status, 403, "she is no owner any more");
    adam.confirm();
    assert_eq!(adam.api("DELETE", "/orgs/acme", Value::Null).status, 204);
}

#[test]
fn nobody_hands_over_to_themselves_or_to_a_stranger() {
    let app = TestApp::start();
    let ([mut olive, mut adam, _], ids) = staffed(&app);
    app.verified("stranger@example.com");
    olive.confirm();
    adam.confirm();
    assert_eq!(hand_over(&mut olive, &ids[0]).status, 409);
    assert_eq!(hand_over(&mut olive, &super::id_of(&app, "stranger@example.com")).status, 404);
    assert_eq!(hand_over(&mut olive, "x").status, 404);
    assert_eq!(hand_over(&mut adam, &ids[1]).status, 403);
    assert_eq!(ids.each_ref().map(|id| role_of(&app, id)), ["owner", "admin", "member"]);
}
