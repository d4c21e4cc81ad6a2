//! `/orgs` and what lies below, without a script.

use serde_json::Value;

use super::{MEMBER, OWNER, acme, confirmed, id_of, join, role_of, staffed};
use crate::support::TestApp;
use crate::support::people::{PASSWORD, sign_in};

#[test]
fn somebody_founds_an_organization_runs_it_and_deletes_it() {
    let app = TestApp::start();
    let mut olive = app.verified(OWNER);
    app.verified(MEMBER);
    olive.get("/");
    let page = olive.click("Your organizations");
    assert!(page.has("You belong to none."), "{}", page.text());
    let page = olive.submit("/orgs/new", &[("name", "Acme")]);
    assert_eq!(page.location().unwrap().path(), "/orgs/acme");
    let page = olive.follow();
    assert!(page.has("Your organization is there.") && page.has("You are an owner of it."), "{}", page.text());
    let page = olive.submit("/orgs/acme/name", &[("name", "Acme & Sons")]);
    assert_eq!(page.status, 303);
    assert!(olive.follow().has("The new name is saved."));
    assert!(olive.get("/orgs").has("acme · you are an owner"));

    let mia = id_of(&app, MEMBER);
    join(&app, &mia, "member");
    olive.get("/orgs/acme");
    let page = olive.submit(&format!("/orgs/acme/members/{mia}/role"), &[("role", "admin")]);
    assert_eq!(page.status, 303, "{}", page.text());
    let page = olive.follow();
    assert!(page.has("The role is changed.") && page.has("Admin, here since"), "{}", page.text());
    olive.press("Remove Ann Lee", &[]);
    assert!(olive.follow().has("They are no longer a member."));

    let page = olive.click("Delete it");
    assert_eq!(page.location().unwrap().path(), "/confirm");
    olive.follow();
    olive.submit("/confirm", &[("password", PASSWORD)]);
    let page = olive.follow();
    assert!(page.has("You are its only member.") && page.has("nobody can have the short name acme"), "{}", page.text());
    let page = olive.submit("/orgs/acme/delete", &[]);
    assert_eq!(page.location().unwrap().path(), "/orgs");
    let page = olive.follow();
    assert!(page.has("The organization is deleted.") && page.has("You belong to none."), "{}", page.text());
}

#[test]
fn an_owner_hands_over_on_a_page() {
    let app = TestApp::start();
    let (_, ids) = staffed(&app);
    let mut olive = confirmed(&app, OWNER);
    olive.get("/orgs/acme");
    let page = olive.click("Hand it over");
    assert!(page.has("Choose a member Ann Lee (adam@example.com)"), "{}", page.text());
    let page = olive.submit("/orgs/acme/hand-over", &[("user_id", "")]);
    assert_eq!(page.status, 422);
    assert!(page.field_error("user_id").unwrap().contains("Choose one of the members."));
    let page = olive.submit("/orgs/acme/hand-over", &[("user_id", &ids[1])]);
    assert_eq!(page.status, 303, "{}", page.text());
    let page = olive.follow();
    assert!(page.has("It is handed over. You are an admin now."), "{}", page.text());
    assert!(page.link("Delete it").is_none() && page.link("Hand it over").is_none());
    assert_eq!([role_of(&app, &ids[0]), role_of(&app, &ids[1])], ["admin", "owner"]);
}

/// Nothing of the form is kept: it comes up again and says that it has to be sent again.
#[test]
fn making_an_owner_on_a_page_asks_to_confirm_first() {
    let app = TestApp::start();
    let ([mut olive, ..], ids) = staffed(&app);
    olive.get("/orgs/acme");
    let role = format!("/orgs/acme/members/{}/role", ids[1]);
    let form = olive.get("/orgs/acme").form(&role).expect("a form");
    let token = form.fields.iter().find(|(name, _)| name == "csrf").unwrap().1.clone();
    let fields = [("csrf", token.as_str()), ("role", "owner")];
    let page = olive.post(&role, &fields);
    assert_eq!(page.location().unwrap().path(), "/confirm");
    olive.follow();
    olive.submit("/confirm", &[("password", PASSWORD)]);
    let page = olive.follow();
    assert_eq!(page.url.path(), "/orgs/acme");
    assert!(page.has("Nothing was changed yet."), "{}", page.text());
    assert_eq!(olive.post(&role, &fields).status, 303);
    assert_eq!(role_of(&app, &ids[1]), "owner");
}

#[test]
fn the_last_owner_is_told_on_the_page_why_they_cannot_leave() {
    let app = TestApp::start();
    let ([mut olive], ids) = acme(&app, [OWNER]);
    olive.get("/orgs/acme");
    let page = olive.press("Leave Acme", &[]);
    assert_eq!(page.status, 409);
    assert!(page.title().starts_with("Error: ") && page.has("Hand it over to somebody first"), "{}", page.text());
    assert_eq!(role_of(&app, &ids[0]), "owner");
}

#[test]
fn a_member_sees_who_is_there_and_can_change_nothing() {
    let app = TestApp::start();
    let ([.., mut mia], ids) = staffed(&app);
    let page = mia.get("/orgs/acme");
    assert!(page.has("You are a member of it.") && page.has(OWNER), "{}", page.text());
    for id in &ids {
        assert!(page.form(&format!("/orgs/acme/members/{id}/role")).is_none());
        assert!(page.form(&format!("/orgs/acme/members/{id}/remove")).is_none());
    }
    assert!(page.form("/orgs/acme/name").is_none() && page.link("Delete it").is_none());
    assert!(!page.has("No second factor"), "{}", page.text());
    let page = mia.press("Leave Acme", &[]);
    assert_eq!(page.location().unwrap().path(), "/orgs");
    assert!(mia.follow().has("You have left."));
    assert_eq!(mia.get("/orgs/acme").status, 404);
}

#[test]
fn many_members_are_shown_page_by_page() {
    let app = TestApp::start();
    let ([mut olive], _) = acme(&app, [OWNER]);
    app.execute(
        "INSERT INTO users (id, email, email_key, name, created_at)
        SELECT gen_random_uuid(), n || '@many.example', n || '@many.example', 'Number ' || n, to_timestamp(1800000000)
        FROM generate_series(1, 60) n;
        INSERT INTO members SELECT o.id, u.id, 'member', now() FROM organizations o, users u WHERE u.name LIKE 'Number %'",
    );
    let first = olive.get("/orgs/acme");
    let second = olive.click("More members");
    assert!(second.link("More members").is_none());
    let shown = |text: String| text.matches("@many.example").count();
    assert_eq!((shown(first.text()), shown(second.text())), (49, 11));
}

#[test]
fn what_is_wrong_in_a_form_is_said_beside_it() {
    let app = TestApp::start();
    let ([mut olive], _) = acme(&app, [OWNER]);
    olive.get("/orgs");
    let page = olive.submit("/orgs/new", &[("name", " "), ("slug", "A B")]);
    assert_eq!(page.status, 422);
    assert!(page.field_error("name").unwrap().contains("Give it a name."));
    assert!(page.field_error("slug").unwrap().contains("1 to 40"));
    let page = olive.submit("/orgs/new", &[("name", "Acme"), ("slug", "acme")]);
    assert_eq!(page.status, 409);
    assert!(page.has("This short name is taken, or was."), "{}", page.text());
    olive.get("/orgs/acme");
    let page = olive.submit("/orgs/acme/name", &[("name", "")]);
    assert_eq!(page.status, 422);
    assert!(page.field_error("name").unwrap().contains("Give it a name."));
}

#[test]
fn names_are_text_on_every_page() {
    let app = TestApp::start();
    let mut olive = app.verified(OWNER);
    olive.get("/orgs");
    olive.submit("/orgs/new", &[("name", "<b>x</b>\"'&")]);
    let mut olive_again = confirmed(&app, OWNER);
    for path in ["/orgs", "/orgs/b-x-b", "/orgs/b-x-b/delete", "/orgs/b-x-b/hand-over"] {
        let page = olive_again.get(path);
        assert!(page.has("<b>x</b>\"'&") && !page.answer.text().contains("<b>x"), "{path}: {}", page.text());
    }
}

#[test]
fn a_browser_gets_pages_and_a_program_json_at_the_same_address() {
    let app = TestApp::start();
    let ([mut olive], _) = acme(&app, [OWNER]);
    for path in ["/orgs", "/orgs/acme"] {
        assert_eq!(olive.get(path).header("content-type"), Some("text/html; charset=utf-8"), "{path}");
        assert_eq!(olive.api("GET", path, Value::Null).header("content-type"), Some("application/json"), "{path}");
        let mut nobody = app.browser();
        let page = nobody.get(path);
        assert_eq!(page.location().unwrap().path(), "/login", "{path}");
        assert_eq!(nobody.api("GET", path, Value::Null).status, 401, "{path}");
        nobody.follow();
        let page = sign_in(&mut nobody, OWNER, PASSWORD);
        assert_eq!(page.status, 303);
    }
}

#[test]
fn somebody_unverified_is_told_what_to_do_first() {
    let app = TestApp::start();
    let page = app.unverified("new@example.com").get("/orgs");
    assert!(page.has("Confirm your email address first") && page.form("/orgs/new").is_none(), "{}", page.text());
}
