//! Groups within an organization: made, named and filled by its admins, and told to apps.

use serde_json::{Value, json};

use crate::gate::house::{Door, Person, Question, house_with, settings};
use crate::orgs::{ADMIN, MEMBER, staffed};
use crate::support::browser::Browser;
use crate::support::page::Page;
use crate::support::people::{PASSWORD, code};
use crate::support::{TestApp, eventually};

const NAMED: (&str, &str) = ("gateway.organizations", "acme");

fn create(browser: &mut Browser, name: &str) -> Page {
    browser.api("POST", "/orgs/acme/groups", json!({ "name": name }))
}

/// A new group's address.
fn created(browser: &mut Browser, name: &str) -> String {
    let answer = create(browser, name);
    assert_eq!(answer.status, 201, "{}", answer.answer.text());
    format!("/orgs/acme/groups/{}", answer.json::<Value>()["id"].as_str().expect("an id"))
}

fn add(browser: &mut Browser, group: &str, user: &str) -> Page {
    browser.api("POST", &format!("{group}/members"), json!({ "user_id": user }))
}

fn take_out(browser: &mut Browser, group: &str, user: &str) -> Page {
    browser.api("DELETE", &format!("{group}/members/{user}"), Value::Null)
}

fn get(browser: &mut Browser, path: &str) -> Value {
    let answer = browser.api("GET", path, Value::Null);
    assert_eq!(answer.status, 200, "{}", answer.answer.text());
    answer.json()
}

/// What apps are told of somebody.
fn told(app: &TestApp, person: &Person) -> String {
    let answer = Question::about(Door::ForwardAuth, "https://app.example.com/x").by(person).ask(app);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.headers("remote-groups").concat()
}

#[test]
fn a_group_is_made_filled_renamed_emptied_and_deleted_and_each_is_written_down() {
    let app = TestApp::start();
    let ([_, mut admin, _], [_, admins, members]) = staffed(&app);
    let group = created(&mut admin, "  Büro & Küche ");
    for _ in 0..2 {
        assert_eq!(add(&mut admin, &group, &members).status, 204, "twice is once");
    }
    assert_eq!(add(&mut admin, &group, &admins).status, 204);
    let seen = get(&mut admin, &group);
    assert_eq!((&seen["name"], &seen["member_count"]), (&json!("Büro & Küche"), &json!(2)));
    let emails: Vec<&str> = seen["members"].as_array().unwrap().iter().map(|m| m["email"].as_str().unwrap()).collect();
    assert!(emails.contains(&ADMIN) && emails.contains(&MEMBER), "{seen}");
    assert_eq!(seen["next_cursor"], Value::Null);
    let answer = admin.api("PATCH", &group, json!({ "name": "büro" }));
    assert_eq!((answer.status, &answer.json::<Value>()["name"]), (200, &json!("büro")));
    assert_eq!(take_out(&mut admin, &group, &admins).status, 204);
    assert_eq!(take_out(&mut admin, &group, &admins).status, 404);
    assert_eq!(get(&mut admin, "/orgs/acme/groups")["groups"][0]["member_count"], 1);
    assert_eq!(admin.api("DELETE", &group, Value::Null).status, 204);
    assert_eq!(admin.api("DELETE", &group, Value::Null).status, 404);
    assert_eq!(get(&mut admin, "/orgs/acme/groups"), json!({ "groups": [] }));
    assert_eq!(app.count("SELECT count(*) AS n FROM members"), 3, "nobody has left the organization");
    let events = "SELECT string_agg(kind, ' ' ORDER BY ctid) AS t FROM audit_events
        WHERE kind LIKE 'group.%' AND organization_id = (SELECT id FROM organizations)";
    assert_eq!(
        app.text(events),
        "group.created group.member_added group.member_added group.renamed group.member_removed group.deleted"
    );
}

#[test]
fn two_groups_have_one_name_in_two_organizations_and_never_in_one() {
    let app = TestApp::start();
    let ([mut olive, ..], _) = staffed(&app);
    let group = created(&mut olive, "Engineering");
    for name in ["Engineering", "ENGINEERING", " engineering "] {
        assert_eq!(code(&create(&mut olive, name)), "conflict", "{name}");
    }
    let other = created(&mut olive, "Équipe");
    for name in ["équipe", "ÉQUIPE"] {
        assert_eq!(code(&olive.api("PATCH", &group, json!({ "name": name }))), "conflict", "{name}");
        assert_eq!(olive.api("PATCH", &other, json!({ "name": name })).status, 200, "of another case, but its own");
    }
    assert_eq!(olive.api("POST", "/orgs", json!({ "name": "Globex" })).status, 201);
    let answer = olive.api("POST", "/orgs/globex/groups", json!({ "name": "Engineering" }));
    assert_eq!(answer.status, 201);
    let id = answer.json::<Value>()["id"].as_str().unwrap().to_owned();
    let astray = format!("/orgs/acme/groups/{id}");
    assert_eq!(olive.api("GET", &astray, Value::Null).status, 404, "another organization's is not there");
    assert_eq!(olive.api("DELETE", &astray, Value::Null).status, 404);
}

#[test]
fn a_name_that_would_be_another_word_to_apps_is_refused() {
    let app = TestApp::start();
    let ([mut olive, ..], _) = staffed(&app);
    for name in ["", " ", "a,b", "a:b", "a/b", "a\nb", "a\u{0}", "a\u{202e}b", "a\u{200b}", &"x".repeat(65)] {
        assert_eq!(code(&create(&mut olive, name)), "validation", "{name:?}");
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM groups"), 0);
}

#[test]
fn only_members_of_the_organization_are_in_its_groups_and_whoever_leaves_it_leaves_them() {
    let app = TestApp::start();
    let ([mut olive, _, mut mia], [_, _, mias]) = staffed(&app);
    let group = created(&mut olive, "Engineering");
    app.verified("stranger@example.com");
    let stranger = crate::orgs::id_of(&app, "stranger@example.com");
    for nobody in [stranger.as_str(), "0190a3c2-7d5e-7cc3-98c4-dc0c0c07398f"] {
        assert_eq!(code(&add(&mut olive, &group, nobody)), "not_found");
    }
    assert_eq!(code(&add(&mut olive, &group, "x")), "validation");
    assert_eq!(add(&mut olive, &group, &mias).status, 204);
    assert_eq!(mia.api("DELETE", &format!("/orgs/acme/members/{mias}"), Value::Null).status, 204);
    assert_eq!(app.count("SELECT count(*) AS n FROM group_members"), 0);
}

#[test]
fn there_are_no_more_groups_than_there_may_be() {
    let app = TestApp::start();
    let ([mut olive, ..], _) = staffed(&app);
    app.execute(
        "INSERT INTO groups SELECT gen_random_uuid(), o.id, n::text, n::text, now()
         FROM organizations o, generate_series(1, 199) AS n",
    );
    assert_eq!(create(&mut olive, "the last").status, 201);
    assert_eq!(code(&create(&mut olive, "one more")), "conflict");
}

#[test]
fn a_large_group_is_listed_page_by_page() {
    let app = TestApp::start();
    let ([mut olive, ..], _) = staffed(&app);
    let group = created(&mut olive, "Everybody");
    app.execute(
        "INSERT INTO users (id, email, email_key, name, created_at)
             SELECT gen_random_uuid(), n || '@x.example', n || '@x.example', '', now() FROM generate_series(1, 250) AS n;
         INSERT INTO members SELECT o.id, u.id, 'member', now() FROM organizations o, users u
             WHERE u.email LIKE '%@x.example';
         INSERT INTO group_members SELECT g.id, g.organization_id, m.user_id, now()
             FROM groups g JOIN members m USING (organization_id) WHERE m.role = 'member'",
    );
    let mut seen = std::collections::BTreeSet::new();
    let mut path = group.clone();
    for most in [100, 100, 51] {
        let page = get(&mut olive, &path);
        let members = page["members"].as_array().expect("a list");
        assert_eq!(members.len(), most);
        seen.extend(members.iter().map(|member| member["email"].as_str().unwrap().to_owned()));
        path = format!("{group}?cursor={}", page["next_cursor"].as_str().unwrap_or("none"));
    }
    assert_eq!((seen.len(), path.ends_with("=none")), (251, true));
    assert_eq!(code(&olive.api("GET", &format!("{group}?cursor=x"), Value::Null)), "validation");
}

#[test]
fn apps_are_told_at_once_on_every_node_and_nobody_is_asked_to_sign_in_again() {
    let app = house_with(&[NAMED]);
    let other = app.again_with(&settings(&[NAMED]));
    let ([_, mut admin, mia], [_, _, mias]) = staffed(&app);
    let mia = Person::who_is(mia);
    let sees = |expected: &str| {
        assert_eq!(told(&app, &mia), expected, "this node knows what it has done itself");
        eventually("the other node to hear of it", || (told(&other, &mia) == expected).then_some(()));
    };
    eventually("both nodes to remember", || {
        (told(&app, &mia) == "acme,acme:member" && told(&other, &mia) == "acme,acme:member").then_some(())
    });
    let group = created(&mut admin, "Engineering");
    assert_eq!(add(&mut admin, &group, &mias).status, 204);
    sees("acme,acme:member,acme/Engineering");
    assert_eq!(admin.api("PATCH", &group, json!({ "name": "R&D" })).status, 200);
    sees("acme,acme:member,acme/R&D");
    assert_eq!(take_out(&mut admin, &group, &mias).status, 204);
    sees("acme,acme:member");
    assert_eq!(add(&mut admin, &group, &mias).status, 204);
    sees("acme,acme:member,acme/R&D");
    assert_eq!(admin.api("DELETE", &group, Value::Null).status, 204);
    sees("acme,acme:member");
    assert_eq!(app.count("SELECT count(*) AS n FROM sessions WHERE rotation_due"), 0, "by no group changes a session");
}

#[test]
fn of_many_who_make_one_group_at_once_one_does() {
    let app = TestApp::start();
    let ([olive, ..], _) = staffed(&app);
    let mut statuses: Vec<u16> = std::thread::scope(|scope| {
        let acts: Vec<_> = (0..5)
            .map(|_| {
                let mut browser = olive.clone();
                scope.spawn(move || create(&mut browser, "Engineering").status)
            })
            .collect();
        acts.into_iter().map(|act| act.join().unwrap()).collect()
    });
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409]);
}

#[test]
fn somebody_who_is_added_while_they_leave_ends_up_in_no_group() {
    let app = TestApp::start();
    let ([mut olive, ..], [_, _, mias]) = staffed(&app);
    let group = created(&mut olive, "Engineering");
    for _ in 0..10 {
        app.execute("DELETE FROM members WHERE role = 'member'");
        crate::orgs::join(&app, &mias, "member");
        let (mut mia, _) = app.log_in(MEMBER, PASSWORD);
        let (leaves, adds) = std::thread::scope(|scope| {
            let leaving = scope.spawn(|| mia.api("DELETE", &format!("/orgs/acme/members/{mias}"), Value::Null).status);
            let adding = scope.spawn(|| add(&mut olive, &group, &mias).status);
            (leaving.join().unwrap(), adding.join().unwrap())
        });
        assert!(leaves == 204 && [204, 404].contains(&adds), "{leaves} {adds}");
        assert_eq!(app.count("SELECT count(*) AS n FROM group_members"), 0);
    }
}

#[test]
fn admins_manage_groups_on_pages_and_members_look_at_them() {
    let app = TestApp::start();
    let ([_, mut admin, mut mia], _) = staffed(&app);
    admin.get("/orgs/acme/groups");
    let page = admin.submit("/orgs/acme/groups/new", &[("name", "a,b")]);
    assert_eq!(page.status, 422);
    assert!(page.field_error("name").is_some_and(|error| error.contains("comma")), "{}", page.text());
    let page = admin.submit("/orgs/acme/groups/new", &[("name", "Engineering")]);
    assert_eq!(page.status, 303, "{}", page.text());
    let page = admin.follow();
    assert!(page.has("Now say who is in it"), "{}", page.text());
    let group = page.url.path().to_owned();
    let page = admin.submit(&format!("{group}/members/add"), &[("email", "stranger@example.com")]);
    assert_eq!(page.status, 422);
    assert!(page.field_error("email").is_some_and(|error| error.contains("No member")), "{}", page.text());
    let page = admin.submit(&format!("{group}/members/add"), &[("email", " MIA@example.com")]);
    assert_eq!(page.status, 303);
    assert!(admin.follow().has(MEMBER));
    assert_eq!(admin.submit(&format!("{group}/rename"), &[("name", "R&D")]).status, 303);
    admin.follow();
    let seen = mia.get(&group);
    assert!(seen.has("R&D") && seen.has(MEMBER), "{}", seen.text());
    assert!(seen.form(&format!("{group}/delete")).is_none() && seen.form(&format!("{group}/members/add")).is_none());
    assert!(mia.get("/orgs/acme/groups").form("/orgs/acme/groups/new").is_none());
    assert_eq!(admin.press("Take out", &[]).status, 303);
    assert!(admin.follow().has("Nobody is in this group"));
    assert_eq!(admin.submit(&format!("{group}/delete"), &[]).status, 303);
    assert!(admin.follow().has("There is no group yet"));
}
