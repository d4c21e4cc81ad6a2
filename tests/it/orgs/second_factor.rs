//! Organizations that ask for a second factor: who is told, who is led to set one up, who is let no further.

use std::collections::BTreeSet;
use std::thread;

use chrono::TimeDelta;
use serde_json::{Value, json};
use vestibule::web::routes;

use super::{MEMBER, OWNER, acme, confirmed, get, remove};
use crate::factors::command::reset_mfa;
use crate::gate::house::{DOORS, Door, Person, Question, house_with, settings};
use crate::support::authenticator::set_up;
use crate::support::browser::Browser;
use crate::support::page::Page;
use crate::support::passkey::register;
use crate::support::people::code;
use crate::support::{TestApp, eventually};

const RULES: &str = r#"[
    { hosts = ["app.example.com"], paths = ["/public/**"], allow = "public" },
    { hosts = ["app.example.com"], allow = "signed_in", api_keys = true },
]"#;
const APP: &str = "https://app.example.com/";

/// Olive, who owns "acme" and has an authenticator app, and Mia, who has none.
fn unequal(app: &TestApp) -> ([Browser; 2], [String; 2]) {
    let ([mut olive, mia], ids) = acme(app, [OWNER, MEMBER]);
    set_up(app, &mut olive);
    ([olive, mia], ids)
}

/// In so many seconds.
fn ask(browser: &mut Browser, seconds: i64) -> Page {
    let body = json!({ "require_second_factor": true, "second_factor_grace": seconds });
    browser.api("PATCH", "/orgs/acme", body)
}

/// Mia has had a minute, and it is over.
fn overdue(app: &TestApp) -> ([Browser; 2], [String; 2]) {
    let ([mut olive, mia], ids) = unequal(app);
    assert_eq!(ask(&mut olive, 60).status, 200);
    app.clock().advance(TimeDelta::seconds(60));
    ([olive, mia], ids)
}

fn is_missing(answer: &Page) -> bool {
    answer.status == 403 && code(answer) == "mfa_enrollment_required"
}

#[test]
fn whoever_has_none_is_told_the_day_and_led_to_set_one_up_when_it_has_come() {
    let app = TestApp::start();
    let ([mut olive, mut mia], _) = unequal(&app);
    let answer: Value = ask(&mut olive, 60).json();
    assert_eq!(
        (&answer["require_second_factor"], &answer["second_factor_from"]),
        (&json!(true), &json!("2027-01-15T08:01:30Z"))
    );
    let letter = app.mail().to(MEMBER);
    assert_eq!(letter.subject(), "Acme asks you for a second factor");
    assert!(letter.text().contains("need one from 15 January 2027, 08:01"), "{}", letter.text());
    assert!(letter.text().contains("/account/security"), "{}", letter.text());
    let told = "SELECT count(*) AS n FROM mail_outbox WHERE letter = 'membership_changed'";
    assert_eq!(app.count(told), 1, "Olive has one");

    let page = mia.get("/");
    assert!(page.has("Set up a second factor An organization that you belong to asks for one."), "{}", page.text());
    assert_eq!(get(&mut mia, "/me").json::<Value>()["second_factor_from"], "2027-01-15T08:01:30Z");
    assert!(!olive.get("/").has("Set up a second factor"));
    app.clock().advance(TimeDelta::seconds(60));
    let page = mia.get("/");
    assert_eq!(page.location().unwrap().path(), "/account/security");
    assert!(mia.follow().has("Until you have it, your apps and everything else here stay closed."));
    let refused = get(&mut mia, "/me/sessions");
    assert!(is_missing(&refused), "{}", refused.answer.text());
    assert!(refused.json::<Value>()["setup_url"].as_str().unwrap().ends_with("/account/security"));
    assert_eq!(get(&mut mia, "/me").status, 200, "who she is, and where she belongs");
    assert_eq!(olive.get("/").status, 200);

    set_up(&app, &mut mia);
    assert_eq!(mia.get("/").status, 200);
    assert_eq!(get(&mut mia, "/me/sessions").status, 200);
    assert!(!mia.get("/").has("Set up a second factor"));
}

/// What is closed to somebody without a session is closed to them, but for this.
#[test]
fn until_then_nothing_is_open_but_setting_one_up_and_ways_out() {
    let app = TestApp::start();
    let ([_, mia], ids) = overdue(&app);
    let mut open = BTreeSet::new();
    for endpoint in routes::personal() {
        let (method, path) = (endpoint.method.to_string(), endpoint.path);
        let at = path.replace("{slug}", "acme").replace("{user_id}", &ids[0]);
        if app.browser().api(&method, &at, Value::Null).status != 401 || path == "/auth/logout" {
            continue;
        }
        let answer = mia.clone().api(&method, &at, Value::Null);
        if answer.status != 403 || code(&answer) != "mfa_enrollment_required" {
            open.insert(format!("{method} {path}"));
        }
    }
    let is_about_factors = |one: &String| {
        ["/account/security", "/me/totp", "/me/passkeys", "/me/recovery-codes"].iter().any(|place| one.contains(place))
    };
    let (factors, others): (BTreeSet<String>, BTreeSet<String>) = open.into_iter().partition(is_about_factors);
    assert!(factors.len() > 15, "{factors:?}");
    let known = [
        // Confirming that it is them.
        "GET /auth/confirm",
        "GET /confirm",
        "POST /auth/confirm",
        "POST /auth/confirm/passkey/finish",
        "POST /auth/confirm/passkey/start",
        "POST /confirm",
        // Who they are and what asks for it, and leaving that.
        "GET /me",
        "GET /orgs",
        "POST /orgs/{slug}/leave",
        // Leaving for good.
        "DELETE /me",
        "POST /me/restore",
    ];
    let known: BTreeSet<String> = known.into_iter().map(str::to_owned).collect();
    let unexpected: Vec<_> = others.symmetric_difference(&known).filter(|one| !may_leave_for_good(one)).collect();
    assert!(unexpected.is_empty(), "{unexpected:?}");
}

/// What somebody may do who goes, whatever else they lack.
fn may_leave_for_good(one: &str) -> bool {
    ["/account/delete", "/account/restore", "/me/export", "/account/export"].iter().any(|place| one.ends_with(place))
}

#[test]
fn whoever_would_rather_leave_the_organization_may() {
    let app = TestApp::start();
    let ([_, mut mia], ids) = overdue(&app);
    assert!(is_missing(&remove(&mut mia, &ids[0])), "nobody else's membership");
    mia.get("/account/security");
    let page = mia.click("leave the organization");
    assert!(page.has("One of them asks for a second factor, and you have none."), "{}", page.text());
    assert_eq!(mia.press("Leave Acme", &[]).status, 303);
    assert_eq!(mia.get("/").status, 200);
}

#[test]
fn one_may_leave_by_the_api_as_well() {
    let app = TestApp::start();
    let ([_, mut mia], ids) = overdue(&app);
    assert_eq!(remove(&mut mia, &ids[1]).status, 204);
    assert_eq!(get(&mut mia, "/me/sessions").status, 200);
}

fn check(app: &TestApp, door: Door, url: &str, person: &Person) -> (u16, String) {
    let answer = Question::about(door, url).by(person).ask(app);
    let code =
        if answer.status == 200 { String::new() } else { answer.json::<Value>()["code"].as_str().unwrap().to_owned() };
    (answer.status, code)
}

fn house() -> TestApp {
    house_with(&[("gateway.rules", RULES)])
}

#[test]
fn the_gate_closes_when_the_day_has_come_and_opens_with_the_factor() {
    let app = house();
    let ([mut olive, mia], _) = unequal(&app);
    assert_eq!(ask(&mut olive, 60).status, 200);
    let mut mia = Person::who_is(mia);
    let refused = (403, "mfa_enrollment_required".to_owned());
    // From memory, as soon as it is that.
    eventually("an answer from memory", || {
        let before = app.live.figures().remembered;
        assert_eq!(check(&app, Door::ForwardAuth, APP, &mia).0, 200);
        (app.live.figures().remembered > before).then_some(())
    });
    app.clock().advance(TimeDelta::seconds(60));
    for door in DOORS {
        assert_eq!(check(&app, door, APP, &mia), refused, "{door:?}");
        assert_eq!(check(&app, door, "https://app.example.com/public/x", &mia).0, 200, "{door:?}");
    }
    let public = Question::about(Door::ForwardAuth, "https://app.example.com/public/x").by(&mia).ask(&app);
    assert_eq!(public.headers("remote-user"), [""], "there she is nobody");
    let olive = Person::who_is(olive);
    assert_eq!(check(&app, Door::ForwardAuth, APP, &olive).0, 200);
    set_up(&app, &mut mia.browser);
    assert_eq!(check(&app, Door::ForwardAuth, APP, &mia).0, 200);
}

#[test]
fn whoever_looks_at_it_is_shown_the_way_in_each_proxys_words() {
    let app = house();
    let ([_, mia], _) = overdue(&app);
    let mia = Person::who_is(mia);
    let page = Question::about(Door::ForwardAuth, APP).in_a_browser().by(&mia).ask(&app);
    assert_eq!((page.status, page.headers("location").len()), (403, 0));
    assert!(
        page.text().contains("https://auth.example.com/account/security")
            || page.text().contains("account&#x2f;security"),
        "{}",
        page.text()
    );
    assert!(page.text().len() < 8192);
    // nginx shows a page of its own; its configuration may lead there.
    let page = Question::about(Door::AuthRequest, APP).in_a_browser().by(&mia).ask(&app);
    assert_eq!((page.status, page.headers("location")), (403, vec!["https://auth.example.com/account/security"]));
}

#[test]
fn another_node_hears_of_what_is_asked_and_of_what_was_set_up() {
    let one = house();
    let special = [("gateway.rules", RULES)];
    let other = one.again_with(&settings(&special));
    let ([mut olive, mia], _) = unequal(&one);
    other.clock().advance(TimeDelta::seconds(30));
    let mut mia = Person::who_is(mia);
    let is = |expected: u16, person: &Person| {
        eventually("what the other node says", || {
            (check(&other, Door::ForwardAuth, APP, person).0 == expected).then_some(())
        });
    };
    is(200, &mia);
    assert_eq!(ask(&mut olive, 0).status, 200);
    is(403, &mia);
    register(&one, &mut mia.browser, "Phone");
    is(200, &mia);
    // Nothing has to be told by hand: the tables tell.
    for statement in ["DELETE FROM passkeys", "TRUNCATE passkeys"] {
        one.execute("CREATE TABLE IF NOT EXISTS kept AS SELECT * FROM passkeys");
        one.execute(statement);
        is(403, &mia);
        one.execute("INSERT INTO passkeys SELECT * FROM kept ON CONFLICT DO NOTHING");
        is(200, &mia);
    }
    one.execute("UPDATE organizations SET second_factor_from = NULL; DELETE FROM passkeys");
    is(200, &mia);
}

#[test]
fn a_key_of_somebody_who_is_overdue_opens_nothing_either() {
    let app = house();
    let ([mut olive, mut mia], _) = unequal(&app);
    mia.confirm();
    let body = json!({ "name": "all", "scopes": ["gateway", "account:read"] });
    let key = mia.api("POST", "/me/api-keys", body).json::<Value>()["key"].as_str().unwrap().to_owned();
    let header = format!("Bearer {key}");
    let at_the_gate =
        |app: &TestApp| Question::about(Door::ForwardAuth, APP).with("Authorization", &header).ask(app).status;
    let mut program = app.browser().with_header("Authorization", &header);
    assert_eq!((at_the_gate(&app), get(&mut program, "/me/sessions").status), (200, 200));
    assert_eq!(ask(&mut olive, 60).status, 200);
    assert_eq!((at_the_gate(&app), get(&mut program, "/me/sessions").status), (200, 200));
    app.clock().advance(TimeDelta::seconds(60));
    assert_eq!(at_the_gate(&app), 403);
    assert!(is_missing(&get(&mut program, "/me/sessions")));
    assert!(is_missing(&get(&mut program, "/orgs/acme")));
    set_up(&app, &mut mia);
    assert_eq!((at_the_gate(&app), get(&mut program, "/me/sessions").status), (200, 200));
}

#[test]
fn the_last_factor_stays_while_an_organization_asks_for_one() {
    let app = TestApp::start();
    let ([mut olive, mut mia], ids) = unequal(&app);
    let (_, made) = register(&app, &mut mia, "Phone");
    let passkey = format!("/me/passkeys/{}", made["passkey"]["id"].as_str().or(made["id"].as_str()).expect("an id"));
    // From the moment at which it is asked for, long before it is due.
    assert_eq!(ask(&mut olive, 86_400).status, 200);
    let answer = mia.api("DELETE", &passkey, Value::Null);
    assert_eq!((answer.status, code(&answer).as_str()), (409, "conflict"), "ten recovery codes are no factor");
    olive.confirm();
    let answer = olive.api("DELETE", "/me/totp", Value::Null);
    assert_eq!((answer.status, code(&answer).as_str()), (409, "conflict"));
    assert_eq!(app.count("SELECT count(*) AS n FROM recovery_codes"), 20, "nothing has gone");

    set_up(&app, &mut mia);
    assert_eq!(mia.api("DELETE", &passkey, Value::Null).status, 204, "there is another one");
    assert_eq!(mia.api("DELETE", "/me/totp", Value::Null).status, 409);
    assert_eq!(remove(&mut mia, &ids[1]).status, 204);
    assert_eq!(mia.api("DELETE", "/me/totp", Value::Null).status, 204);
}

#[test]
fn of_two_factors_removed_at_once_one_stays() {
    let app = TestApp::start();
    let ([mut olive, mut mia], _) = unequal(&app);
    let (_, made) = register(&app, &mut mia, "Phone");
    set_up(&app, &mut mia);
    assert_eq!(ask(&mut olive, 60).status, 200);
    mia.confirm();
    let passkey = format!("/me/passkeys/{}", made["passkey"]["id"].as_str().or(made["id"].as_str()).expect("an id"));
    let (mut here, mut there) = (mia.clone(), mia);
    thread::scope(|scope| {
        scope.spawn(|| here.api("DELETE", &passkey, Value::Null));
        scope.spawn(|| there.api("DELETE", "/me/totp", Value::Null));
    });
    let left =
        "SELECT (SELECT count(*) FROM passkeys) + (SELECT count(*) FROM totp_factors t JOIN users u ON u.id = t.user_id
        WHERE u.email = 'mia@example.com') AS n";
    assert_eq!(app.count(left), 1);
}

#[test]
fn whoever_asks_others_has_one() {
    let app = TestApp::start();
    let ([mut olive, _], _) = acme(&app, [OWNER, MEMBER]);
    let answer = ask(&mut olive, 60);
    assert_eq!((answer.status, code(&answer).as_str()), (409, "conflict"));
    assert_eq!(app.count("SELECT count(*) AS n FROM organizations WHERE second_factor_from IS NOT NULL"), 0);
}

#[test]
fn asking_for_less_asks_to_confirm_first() {
    let app = TestApp::start();
    let ([mut olive, _], _) = unequal(&app);
    let patch = |browser: &mut Browser, body: Value| browser.api("PATCH", "/orgs/acme", body);
    assert_eq!(ask(&mut olive, 86_400).status, 200);
    app.clock().advance(TimeDelta::minutes(6));
    for body in [
        json!({ "require_second_factor": false }),
        json!({ "require_second_factor": true, "second_factor_grace": 864_000 }),
    ] {
        let answer = patch(&mut olive, body);
        assert_eq!((answer.status, code(&answer).as_str()), (403, "reauth_required"));
    }
    assert_eq!(patch(&mut olive, json!({ "require_second_factor": true })).status, 200, "as it is");
    assert_eq!(ask(&mut olive, 0).status, 200, "more");
    olive.confirm();
    let answer = patch(&mut olive, json!({ "require_second_factor": false, "name": "Acme & Sons" }));
    assert_eq!(answer.status, 200);
    let now: Value = answer.json();
    assert_eq!((&now["require_second_factor"], &now["second_factor_from"]), (&json!(false), &Value::Null));
    assert_eq!(now["name"], "Acme & Sons");
    let kinds = super::events(&app);
    assert!(kinds.ends_with("organization.renamed organization.second_factor_optional"), "{kinds}");
}

#[test]
fn a_grace_is_a_number_of_seconds_and_belongs_to_a_requirement() {
    let app = TestApp::start();
    let ([mut olive, _], _) = unequal(&app);
    for body in [
        json!({ "require_second_factor": true, "second_factor_grace": -1 }),
        json!({ "require_second_factor": true, "second_factor_grace": 7_776_001 }),
        json!({ "require_second_factor": false, "second_factor_grace": 60 }),
        json!({ "second_factor_grace": 60 }),
    ] {
        let answer = olive.api("PATCH", "/orgs/acme", body.clone());
        assert_eq!((answer.status, code(&answer).as_str()), (422, "validation"), "{body}");
        assert!(answer.json::<Value>()["fields"]["second_factor_grace"].is_string());
    }
    let answer: Value = olive.api("PATCH", "/orgs/acme", json!({ "require_second_factor": true })).json();
    assert_eq!(answer["second_factor_from"], "2027-01-22T08:00:30Z", "a week");
}

#[test]
fn somebody_whose_factors_the_operator_has_taken_away_is_led_to_set_one_up_again() {
    let app = TestApp::start();
    let ([mut olive, mut mia], _) = unequal(&app);
    set_up(&app, &mut mia);
    assert_eq!(ask(&mut olive, 0).status, 200);
    assert_eq!(mia.get("/").status, 200);
    assert_eq!(reset_mfa(&app, &[MEMBER]).0, 0);
    let mut mia = confirmed(&app, MEMBER);
    assert!(is_missing(&get(&mut mia, "/me/sessions")));
    set_up(&app, &mut mia);
    assert_eq!(get(&mut mia, "/me/sessions").status, 200);
}

#[test]
fn an_admin_asks_for_it_on_the_page_of_the_organization() {
    let app = TestApp::start();
    let ([mut olive, mut mia], _) = unequal(&app);
    assert!(olive.get("/orgs/acme").has("No second factor"), "who lacks one");
    let page = olive.submit("/orgs/acme/second-factor", &[("days", "30")]);
    assert_eq!(page.status, 303, "{}", page.text());
    let page = olive.follow();
    assert!(page.has("A second factor is asked for.") && page.has("from 14 February 2027"), "{}", page.text());
    assert!(mia.get("/orgs/acme").has("Its members need a second factor from 14 February 2027"));
    olive.confirm();
    olive.get("/orgs/acme");
    let page = olive.submit("/orgs/acme/second-factor", &[("days", "never")]);
    assert_eq!(page.status, 303, "{}", page.text());
    assert!(olive.follow().has("A second factor is no longer asked for."));
    let form = olive.get("/orgs/acme").form("/orgs/acme/second-factor").unwrap();
    let token = form.fields.iter().find(|(name, _)| name == "csrf").unwrap().1.clone();
    assert_eq!(olive.post("/orgs/acme/second-factor", &[("csrf", &token), ("days", "5")]).status, 400);
}
