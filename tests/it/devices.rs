//! Where somebody is signed in: the list, the page, and signing out from afar.

use chrono::TimeDelta;
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use serde_json::{Value, json};

use crate::support::browser::Browser;
use crate::support::page::Page;
use crate::support::people::{PASSWORD, code, sign_in};
use crate::support::{TestApp, eventually};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                      Version/26.0 Mobile/15E148 Safari/604.1";

/// Signs in from a fresh browser of this kind at this address.
fn device(app: &TestApp, user_agent: &str, address: &str) -> Browser {
    let mut browser = app.browser().with_header("User-Agent", user_agent).with_header("X-Forwarded-For", address);
    assert_eq!(sign_in(&mut browser, "ann@example.com", PASSWORD).status, 303);
    browser
}

fn list(browser: &mut Browser) -> Vec<Value> {
    let answer = browser.api("GET", "/me/sessions", Value::Null);
    assert_eq!(answer.status, 200, "{}", answer.answer.text());
    let mut body: Value = answer.json();
    serde_json::from_value(body["sessions"].take()).unwrap()
}

fn id_of_current(browser: &mut Browser) -> String {
    let listed = list(browser);
    let current: Vec<_> = listed.iter().filter(|session| session["current"] == true).collect();
    assert_eq!(current.len(), 1, "{listed:?}");
    current[0]["id"].as_str().unwrap().to_owned()
}

fn status(browser: &mut Browser) -> u16 {
    browser.api("GET", "/me", Value::Null).status
}

/// The forms by which single devices are signed out, in their order.
fn sign_outs(page: &Page) -> Vec<String> {
    let text = page.answer.text();
    let actions = text.split("action=\"").skip(1).filter_map(|rest| rest.split('"').next());
    actions.filter(|action| action.ends_with("/sign-out")).map(str::to_owned).collect()
}

#[test]
fn the_list_names_each_device_newest_activity_first() {
    let app = TestApp::start();
    app.signed_up("ann@example.com");
    let mut laptop = device(&app, FIREFOX, "192.0.2.7");
    app.clock().advance(TimeDelta::minutes(10));
    let _phone = device(&app, IPHONE, "2001:db8::7");
    app.clock().advance(TimeDelta::minutes(5));
    let _program = device(&app, "curl/8.14.1", "198.51.100.3");
    app.clock().advance(TimeDelta::minutes(5));
    let _silent = device(&app, "-", "198.51.100.4");
    app.clock().advance(TimeDelta::minutes(5));

    let answer = laptop.api("GET", "/me/sessions", Value::Null);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let listed = list(&mut laptop);
    let seen: Vec<_> =
        listed.iter().map(|s| (s["device_name"].clone(), s["ip"].clone(), s["current"].clone())).collect();
    // The laptop's own question is its latest activity.
    let expected = [
        (json!("Firefox on Linux"), json!("192.0.2.7"), json!(true)),
        (Value::Null, json!("198.51.100.4"), json!(false)),
        (json!("A program"), json!("198.51.100.3"), json!(false)),
        (json!("Safari on iPhone"), json!("2001:db8::7"), json!(false)),
    ];
    assert_eq!(seen, expected);
    let laptop = &listed[0];
    assert_eq!(laptop["user_agent"], FIREFOX);
    assert_eq!(laptop["methods"], json!(["password"]));
    assert_eq!(laptop["created_at"], "2027-01-15T08:00:00Z");
    assert_eq!(laptop["last_auth_at"], "2027-01-15T08:00:00Z");
    assert_eq!(laptop["last_active_at"], "2027-01-15T08:25:00Z");
    assert_eq!(laptop["expires_at"], "2027-01-16T08:00:00Z");
    let mut names: Vec<&str> = laptop.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    let promised = [
        "created_at",
        "current",
        "device_name",
        "expires_at",
        "id",
        "ip",
        "last_active_at",
        "last_auth_at",
        "methods",
        "provider",
        "user_agent",
    ];
    assert_eq!(names, promised);
}

#[test]
fn what_has_run_out_is_not_in_the_list() {
    let app = TestApp::start();
    app.signed_up("ann@example.com");
    let _left_alone = device(&app, FIREFOX, "192.0.2.7");
    app.clock().advance(TimeDelta::minutes(30));
    let mut fresh = device(&app, IPHONE, "192.0.2.8");
    assert_eq!(list(&mut fresh).len(), 1);
    assert_eq!(app.count("SELECT count(*) AS n FROM sessions"), 2, "its row is still there");
}

#[test]
fn a_device_is_signed_out_from_afar() {
    let app = TestApp::start();
    app.signed_up("ann@example.com");
    let (mut here, mut there) = (device(&app, FIREFOX, "192.0.2.7"), device(&app, IPHONE, "192.0.2.8"));
    let id = id_of_current(&mut there);
    let answer = here.api("DELETE", &format!("/me/sessions/{id}"), Value::Null);
    assert_eq!((answer.status, answer.answer.text().as_str()), (204, ""));
    assert_eq!((status(&mut here), status(&mut there)), (200, 401));
    assert_eq!(code(&here.api("DELETE", &format!("/me/sessions/{id}"), Value::Null)), "not_found", "gone already");
    assert_eq!(code(&here.api("DELETE", "/me/sessions/nonsense", Value::Null)), "not_found");
    let audited = "SELECT count(*) AS n FROM audit_events WHERE kind = 'session.revoked'
        AND details->>'reason' = 'signed_out_elsewhere' AND actor_id = subject_id";
    assert_eq!(app.count(audited), 1);
}

#[test]
fn ending_the_current_session_from_the_list_is_signing_out() {
    let app = TestApp::start();
    let mut browser = app.verified("ann@example.com");
    let mut copy = browser.clone();
    let id = id_of_current(&mut browser);
    assert_eq!(browser.api("DELETE", &format!("/me/sessions/{id}"), Value::Null).status, 204);
    assert!(browser.jar.find(app.public_url(), "vestibule_session").is_none());
    assert!(browser.jar.find(app.public_url(), "vestibule_gate").is_none());
    assert_eq!(status(&mut copy), 401);
}

#[test]
fn everywhere_else_is_everywhere_but_here() {
    let app = TestApp::start();
    app.signed_up("ann@example.com");
    let mut here = device(&app, FIREFOX, "192.0.2.7");
    let mut others = [device(&app, IPHONE, "192.0.2.8"), device(&app, IPHONE, "192.0.2.9")];
    let mut stranger = app.verified("bob@example.com");
    let revoked = here.api("DELETE", "/me/sessions", Value::Null);
    assert_eq!((revoked.status, revoked.json::<Value>()), (200, json!({ "revoked": 2 })));
    assert_eq!((status(&mut here), status(&mut stranger)), (200, 200));
    assert_eq!(others.each_mut().map(status), [401, 401]);
    assert_eq!(here.api("DELETE", "/me/sessions", Value::Null).json::<Value>(), json!({ "revoked": 0 }));
}

#[test]
fn nobody_signs_somebody_else_out() {
    let app = TestApp::start();
    let (mut ann, mut eve) = (app.verified("ann@example.com"), app.verified("eve@example.com"));
    let id = id_of_current(&mut ann);
    assert_eq!(code(&eve.api("DELETE", &format!("/me/sessions/{id}"), Value::Null)), "not_found");
    let device = app.text(
        "SELECT device_id::text AS t FROM sessions JOIN users u ON u.id = user_id
        WHERE u.email = 'ann@example.com'",
    );
    eve.get("/account/sessions");
    let token = token_of(&eve.get("/account/sessions"));
    for id in [&device, &id] {
        let page = eve.post(&format!("/account/sessions/{id}/sign-out"), &[("csrf", &token)]);
        assert_eq!(page.status, 404);
    }
    assert_eq!((status(&mut ann), status(&mut eve)), (200, 200));
}

fn token_of(page: &Page) -> String {
    let form = page.form("/account/sessions/sign-out-others").or_else(|| page.form(&sign_outs(page)[0])).unwrap();
    form.fields.iter().find(|(name, _)| name == "csrf").unwrap().1.clone()
}

/// Both go for Ann's session in the same moment: hers ends it, the other finds nothing, whoever is first.
#[test]
fn of_two_at_once_only_the_owner_ends_a_session() {
    let app = TestApp::start();
    app.signed_up("ann@example.com");
    let mut eve = app.verified("eve@example.com");
    for _ in 0..10 {
        let (mut here, mut there) = (device(&app, FIREFOX, "192.0.2.7"), device(&app, IPHONE, "192.0.2.8"));
        let path = format!("/me/sessions/{}", id_of_current(&mut there));
        let (eves, anns) = std::thread::scope(|scope| {
            let eves = scope.spawn(|| eve.api("DELETE", &path, Value::Null).status);
            let anns = scope.spawn(|| here.api("DELETE", &path, Value::Null).status);
            (eves.join().unwrap(), anns.join().unwrap())
        });
        assert_eq!((eves, anns), (404, 204));
        assert_eq!((status(&mut here), status(&mut there), status(&mut eve)), (200, 401, 200));
        here.api("POST", "/auth/logout", Value::Null);
    }
}

#[test]
fn a_session_is_ended_once_by_two_requests_at_once() {
    let app = TestApp::start();
    app.signed_up("ann@example.com");
    let (mut here, mut there) = (device(&app, FIREFOX, "192.0.2.7"), device(&app, IPHONE, "192.0.2.8"));
    let path = format!("/me/sessions/{}", id_of_current(&mut there));
    let mut again = here.clone();
    let mut statuses = std::thread::scope(|scope| {
        let first = scope.spawn(|| here.api("DELETE", &path, Value::Null).status);
        let second = scope.spawn(|| again.api("DELETE", &path, Value::Null).status);
        [first.join().unwrap(), second.join().unwrap()]
    });
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 404]);
    assert_eq!(app.count("SELECT count(*) AS n FROM audit_events WHERE kind = 'session.revoked'"), 1);
}

#[test]
fn the_page_shows_this_device_first_and_when_the_others_were_here() {
    let app = TestApp::start();
    app.signed_up("ann@example.com");
    let mut laptop = device(&app, FIREFOX, "192.0.2.7");
    app.clock().advance(TimeDelta::minutes(10));
    let _phone = device(&app, IPHONE, "198.51.100.3");
    app.clock().advance(TimeDelta::minutes(5));
    laptop.get("/");
    let page = laptop.click("Your devices");
    assert_eq!((page.status, page.title().as_str()), (200, "Your devices - Vestibule"));
    let text = page.text();
    let at = |words: &str| text.find(words).unwrap_or_else(|| panic!("no {words:?} in {text:?}"));
    let order = ["This device", "Firefox on Linux", "192.0.2.7", "Other devices", "Safari on iPhone", "198.51.100.3"];
    assert!(order.iter().map(|words| at(words)).is_sorted(), "{text}");
    assert!(page.has("Last seen 5 minutes ago") && page.has("with your password"), "{text}");
    let exact = "<time datetime=\"2027-01-15T08:10:00Z\" title=\"15 January 2027, 08:10 UTC\">5 minutes ago</time>";
    assert!(page.answer.text().contains(exact), "{}", page.answer.text());
    assert_eq!(sign_outs(&page).len(), 2);
}

#[test]
fn whoever_is_signed_in_once_is_told_so() {
    let app = TestApp::start();
    let mut browser = app.verified("ann@example.com");
    let page = browser.get("/account/sessions");
    assert!(page.has("You are signed in nowhere else."), "{}", page.text());
    assert!(page.form("/account/sessions/sign-out-others").is_none());
}

#[test]
fn looking_changes_nothing_and_forms_do() {
    let app = TestApp::start();
    app.signed_up("ann@example.com");
    let (mut here, mut there) = (device(&app, FIREFOX, "192.0.2.7"), device(&app, IPHONE, "192.0.2.8"));
    let mut third = device(&app, IPHONE, "192.0.2.9");
    let page = here.get("/account/sessions");
    let [_, other, _] = sign_outs(&page).try_into().unwrap();
    for path in [other.as_str(), "/account/sessions/sign-out-others"] {
        assert_eq!(here.get(path).status, 405, "only a form may do that");
        assert_eq!(here.post(path, &[]).status, 403, "and only one of ours");
    }
    assert_eq!([&mut here, &mut there, &mut third].map(status), [200; 3]);

    here.get("/account/sessions");
    let answer = here.submit(&other, &[]);
    assert_eq!(answer.location().unwrap().path(), "/account/sessions");
    let page = here.follow();
    assert!(page.has("That device is signed out"), "{}", page.text());
    assert_eq!(sign_outs(&page).len(), 2);
    assert_eq!([&mut here, &mut there, &mut third].map(status).iter().filter(|status| **status == 401).count(), 1);

    assert_eq!(here.submit("/account/sessions/sign-out-others", &[]).status, 303);
    assert!(here.follow().has("All other devices are signed out"));
    assert_eq!([&mut here, &mut there, &mut third].map(status), [200, 401, 401]);

    let page = here.get("/account/sessions");
    let own = sign_outs(&page).remove(0);
    assert_eq!(here.submit(&own, &[]).location().unwrap().path(), "/logged-out");
    assert!(here.jar.find(app.public_url(), "vestibule_session").is_none());
    assert_eq!(app.count("SELECT count(*) AS n FROM sessions"), 0);
}

#[test]
fn a_device_that_is_kept_signed_in_says_so() {
    let app = TestApp::start();
    app.signed_up("ann@example.com");
    let mut browser = app.browser();
    browser.api("POST", "/auth/login", json!({ "email": "ann@example.com", "password": PASSWORD, "remember": true }));
    assert!(browser.get("/account/sessions").has("Kept signed in, until 14 February 2027, 08:00 UTC"));
    assert!(device(&app, FIREFOX, "192.0.2.7").get("/account/sessions").has("Not kept signed in"));
}

#[test]
fn what_a_browser_says_of_itself_is_not_put_into_the_page() {
    let app = TestApp::start();
    app.signed_up("ann@example.com");
    let mut browser = device(&app, "<script>alert(1)</script> Firefox/1.0 (\"Linux\")", "192.0.2.7");
    let page = browser.get("/account/sessions");
    assert!(!page.answer.text().contains("alert(1)"), "{}", page.answer.text());
}

#[test]
fn signing_the_others_out_and_one_of_them_changing_the_password_do_not_wait_for_each_other() {
    let app = TestApp::start();
    let mut ann = app.verified("ann@example.com");
    let (mut other, _) = app.log_in("ann@example.com", PASSWORD);
    other.confirm();
    app.execute(
        "INSERT INTO pending_sign_ins (token_digest, user_id, method, remember, created_at, expires_at)
         SELECT sha256('x'), id, 'password', false, now(), now() FROM users",
    );
    let waits = |how_many: i64| {
        let waiting = "SELECT count(*) AS n FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        eventually("the locks", || (app.count(waiting) == how_many).then_some(()));
    };
    let mut holder = PgConnection::establish(app.database_url()).unwrap();
    holder.batch_execute("BEGIN; SELECT 1 FROM pending_sign_ins FOR UPDATE").unwrap();
    let statuses = std::thread::scope(|scope| {
        let signing_out = scope.spawn(|| ann.api("DELETE", "/me/sessions", Value::Null).status);
        waits(1);
        let new = json!({ "new_password": "nine patient otters" });
        let changing = scope.spawn(|| other.api("PUT", "/me/password", new).status);
        waits(2);
        holder.batch_execute("COMMIT").unwrap();
        (signing_out.join().unwrap(), changing.join().unwrap())
    });
    assert_eq!(statuses, (200, 401));
}
