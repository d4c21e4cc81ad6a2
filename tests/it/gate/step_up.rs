//! Proving it once more on the way to an app: what the page asks for, the way back, and what is not enough.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::house::{DOORS, Door, Person, Question, house_with};
use crate::metrics::Metrics;
use crate::support::TestApp;
use crate::support::authenticator::set_up;
use crate::support::browser::Browser;
use crate::support::eventually;
use crate::support::page::Page;
use crate::support::passkey::register;
use crate::support::people::PASSWORD;

const RULES: &str = r#"[
    { hosts = ["app.example.com"], paths = ["/pages/**"], methods = ["POST", "DELETE"], recent_auth = "5m", allow = "signed_in", name = "Wiki", note = "A deleted page cannot be brought back." },
    { hosts = ["app.example.com"], paths = ["/pages/**"], allow = "signed_in" },
    { hosts = ["app.example.com"], paths = ["/vault/**"], allow = "two_factor" },
    { hosts = ["app.example.com"], paths = ["/keys/**"], factor = "passkey", recent_auth = "5m", allow = "signed_in" },
    { hosts = ["app.example.com"], paths = ["/lately/**"], recent_auth = "20m", allow = "signed_in" },
    { hosts = ["app.example.com"], allow = "signed_in", api_keys = true },
]"#;

fn house() -> TestApp {
    house_with(&[("gateway.rules", RULES)])
}

fn url(path: &str) -> String {
    format!("https://app.example.com{path}")
}

fn ask(app: &TestApp, door: Door, path: &str, person: &Person) -> u16 {
    Question::about(door, &url(path)).by(person).ask(app).status
}

/// What the page says to whom the gate leads there.
fn confirm_page(browser: &mut Browser, return_to: &str) -> Page {
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("return_to", return_to).finish();
    browser.get(&format!("/confirm?{query}"))
}

/// Where a form leads that was sent to `/pages/1` from here.
fn where_a_form_leads(app: &TestApp, person: Option<&Person>, page: &str) -> String {
    let question = Question::about(Door::ForwardAuth, &url("/pages/1?x=2")).method("POST").in_a_browser();
    let question = question.with("Referer", page);
    let answer = match person {
        Some(person) => question.by(person).ask(app),
        None => question.ask(app),
    };
    assert_eq!(answer.status, 303, "{answer:?}");
    answer.header("location").expect("a way").to_owned()
}

#[test]
fn a_proof_counts_to_the_second_and_another_one_anew() {
    let app = house();
    let mut ann = Person::of_the_house(&app, "ann@example.com");
    app.clock().advance(TimeDelta::seconds(1199));
    for door in DOORS {
        assert_eq!(ask(&app, door, "/lately/x", &ann), 200);
    }
    app.clock().advance(TimeDelta::seconds(1));
    for door in DOORS {
        assert_eq!(ask(&app, door, "/lately/x", &ann), 401);
    }
    assert_eq!(ann.browser.get("/account/password").status, 303, "at the portal another window counts");
    ann.browser.confirm();
    app.clock().advance(TimeDelta::minutes(6));
    assert_eq!(ann.browser.get("/account/password").status, 303, "twenty minutes at the gate are five here");
    for door in DOORS {
        eventually("the gate knows of it", || (ask(&app, door, "/lately/x", &ann) == 200).then_some(()));
    }
}

#[test]
fn the_page_names_the_app_and_what_there_is_to_say_and_leads_back() {
    let app = house();
    let mut ann = Person::of_the_house(&app, "ann@example.com");
    app.clock().advance(TimeDelta::minutes(5));
    let page = confirm_page(&mut ann.browser, &url("/pages/1"));
    assert!(page.has("Wiki at app.example.com asks you to prove it once more."), "{}", page.text());
    assert!(page.has("A deleted page cannot be brought back."), "though reading it asks for nothing: {}", page.text());
    let page = ann.browser.submit("/confirm", &[("password", PASSWORD)]);
    assert_eq!(page.link("Continue to app.example.com").unwrap().as_str(), url("/pages/1"));
    let write = || Question::about(Door::ForwardAuth, &url("/pages/1")).method("DELETE").by(&ann).ask(&app).status;
    eventually("the gate knows of it", || (write() == 200).then_some(()));
}

#[test]
fn a_second_factor_is_not_a_password_however_often_it_is_typed() {
    let app = house();
    let mut ann = Person::of_the_house(&app, "ann@example.com");
    let (phone, _) = set_up(&app, &mut ann.browser);
    let page = confirm_page(&mut ann.browser, &url("/vault/x"));
    assert!(page.has("by a second factor"), "{}", page.text());
    assert!(!page.has("Use your password instead") && page.form_with("password").is_none(), "{}", page.text());
    let form = page.form("/confirm").expect("for a code");
    let (_, csrf) = form.fields.iter().find(|(name, _)| name == "csrf").expect("a token");
    let sent = [("csrf", csrf.as_str()), ("password", PASSWORD), ("return_to", &url("/vault/x"))];
    let page = ann.browser.post("/confirm", &sent);
    assert!(page.has("What you have just proved was one thing alone."), "{}", page.text());
    for door in DOORS {
        assert_eq!(ask(&app, door, "/vault/x", &ann), 401);
    }
    let page = ann.browser.submit("/confirm", &[("code", &phone.code(&app))]);
    assert_eq!(page.link("Continue to app.example.com").unwrap().as_str(), url("/vault/x"), "{}", page.text());
    for door in DOORS {
        eventually("the gate knows of it", || (ask(&app, door, "/vault/x", &ann) == 200).then_some(()));
    }
}

#[test]
fn where_a_passkey_is_asked_for_no_code_is_enough() {
    let app = house();
    let mut ann = Person::of_the_house(&app, "ann@example.com");
    let (phone, _) = set_up(&app, &mut ann.browser);
    let page = confirm_page(&mut ann.browser, &url("/keys/x"));
    assert!(page.has("by a passkey") && page.has("You have none yet"), "{}", page.text());
    assert!(page.form("/confirm").is_none() && page.link("Add a passkey").is_some());
    let code = json!({ "code": phone.code(&app) });
    assert_eq!(ann.browser.api("POST", "/auth/confirm", code).status, 200);
    for door in DOORS {
        assert_eq!(ask(&app, door, "/keys/x", &ann), 401);
    }
    let (mut passkey, _) = register(&app, &mut ann.browser, "Laptop");
    let page = confirm_page(&mut ann.browser, &url("/keys/x"));
    assert!(!page.has("You have none yet") && page.form("/confirm").is_none(), "{}", page.text());
    let asked: Value = ann.browser.api("POST", "/auth/confirm/passkey/start", Value::Null).json();
    let answer = json!({ "ceremony": asked["ceremony"], "credential": passkey.get(&asked["publicKey"]) });
    assert_eq!(ann.browser.api("POST", "/auth/confirm/passkey/finish", answer).status, 200);
    for door in DOORS {
        eventually("the gate knows of it", || (ask(&app, door, "/keys/x", &ann) == 200).then_some(()));
    }
}

#[test]
fn whoever_has_no_second_factor_is_led_to_set_one_up_and_back() {
    let app = house();
    let mut ann = Person::of_the_house(&app, "ann@example.com");
    let page = confirm_page(&mut ann.browser, &url("/vault/x"));
    assert!(page.has("neither a passkey nor an authenticator app"), "{}", page.text());
    let page = ann.browser.click("Set up a second factor");
    let back = page.link("Go on to app.example.com").expect("a way back");
    assert_eq!(back.path(), "/confirm");
    let (phone, _) = set_up(&app, &mut ann.browser);
    ann.browser.get("/account/security");
    ann.browser.click("Go on to app.example.com");
    let page = ann.browser.submit("/confirm", &[("code", &phone.code(&app))]);
    assert_eq!(page.link("Continue to app.example.com").unwrap().as_str(), url("/vault/x"));
}

/// A gate that sees another session than the portal would send them here again and again.
#[test]
fn whoever_has_proved_all_of_it_is_told_so_and_never_sent_round() {
    let app = house();
    let mut ann = Person::of_the_house(&app, "ann@example.com");
    let before = ann.gate_token();
    let page = confirm_page(&mut ann.browser, &url("/lately/x"));
    assert_eq!((page.status, page.location()), (200, None));
    assert!(page.has("Nothing more is asked of you"), "{}", page.text());
    let page = ann.browser.submit("/login/continue", &[]);
    assert_eq!(page.link("Continue to app.example.com").unwrap().as_str(), url("/lately/x"));
    assert_ne!(ann.gate_token(), before, "the gate's cookies are made anew");
    assert_eq!(ask(&app, Door::ForwardAuth, "/lately/x", &ann), 200);
}

#[test]
fn what_a_form_has_sent_is_not_lost_in_silence() {
    let app = house();
    let mut ann = Person::of_the_house(&app, "ann@example.com");
    app.clock().advance(TimeDelta::minutes(5));
    let form_page = url("/edit?page=1");
    let to = where_a_form_leads(&app, Some(&ann), &form_page);
    let page = ann.browser.get(&to);
    assert!(page.has("What you sent to app.example.com has not been carried out."), "{}", page.text());
    assert!(page.has("A deleted page cannot be brought back."), "by the rule for what was sent: {}", page.text());
    ann.browser.submit("/confirm", &[("password", PASSWORD)]);
    let page = ann.browser.follow();
    assert!(page.has("Send it again"), "{}", page.text());
    assert_eq!(page.link("Back to app.example.com").unwrap().as_str(), form_page);
}

#[test]
fn the_way_back_from_a_form_is_a_page_of_the_app_and_no_other() {
    let app = house();
    let elsewhere =
        ["https://evil.test/", "https://other.example.com/x", "http://app.example.com/x", "nonsense", "javascript:x"];
    for page in elsewhere {
        let mut nobody = app.browser();
        nobody.get(&where_a_form_leads(&app, None, page));
        let page = nobody.get("/unsent?return_to=https%3A%2F%2Fevil.test%2F");
        assert_eq!(page.location().unwrap().path(), "/", "{}", page.text());
    }
    for page in elsewhere {
        let to = where_a_form_leads(&app, None, page);
        let here = url::Url::parse(&to).unwrap();
        let (_, back) = here.query_pairs().next().expect("a way back");
        assert!(back.starts_with("/unsent?return_to=https%3A%2F%2Fapp.example.com%2Fpages%2F1"), "{page}: {back}");
    }
}

#[test]
fn the_telling_of_an_unsent_form_survives_signing_in() {
    let app = house();
    Person::of_the_house(&app, "ann@example.com");
    let mut browser = app.browser();
    let page = browser.get(&where_a_form_leads(&app, None, &url("/edit")));
    assert!(page.has("to continue to app.example.com"), "{}", page.text());
    assert!(page.has("What you sent to app.example.com has not been carried out."), "{}", page.text());
    browser.submit("/login", &[("email", "ann@example.com"), ("password", PASSWORD)]);
    let page = browser.follow();
    assert!(page.has("What you sent to app.example.com has not been carried out."), "{}", page.text());
    assert_eq!(page.link("Back to app.example.com").unwrap().as_str(), url("/edit"));
}

#[test]
fn a_key_proves_nothing_of_a_moment_ago() {
    let app = house();
    let mut ann = Person::of_the_house(&app, "ann@example.com");
    ann.browser.confirm();
    let body = json!({ "name": "x", "scopes": ["gateway"] });
    let made: Value = ann.browser.api("POST", "/me/api-keys", body).json();
    let header = format!("Bearer {}", made["key"].as_str().expect("a key"));
    for (path, status) in [("/x", 200), ("/lately/x", 401), ("/vault/x", 401), ("/keys/x", 401)] {
        for door in DOORS {
            let answer = Question::about(door, &url(path)).with("Authorization", &header).ask(&app);
            assert_eq!(answer.status, status, "{path}");
        }
    }
}

#[test]
fn what_somebody_proves_in_one_browser_is_not_proved_in_their_other() {
    let app = house();
    let mut ann = Person::of_the_house(&app, "ann@example.com");
    let (browser, _) = app.log_in("ann@example.com", PASSWORD);
    let elsewhere = Person::who_is(browser);
    app.clock().advance(TimeDelta::minutes(20));
    ann.browser.confirm();
    eventually("the gate knows of it", || (ask(&app, Door::ForwardAuth, "/lately/x", &ann) == 200).then_some(()));
    for door in DOORS {
        assert_eq!(ask(&app, door, "/lately/x", &elsewhere), 401);
    }
}

#[test]
fn the_gates_challenges_are_counted() {
    let app = house();
    let metrics = Metrics::of(&app);
    let ann = Person::of_the_house(&app, "ann@example.com");
    for door in DOORS {
        assert_eq!(ask(&app, door, "/vault/x", &ann), 401);
    }
    let counted = metrics.scrape().get("vestibule_stepup_challenges_total{reason=\"gate\"}").copied();
    assert_eq!(counted, Some(3.0), "one at each door");
}

/// The browser keeps our pages apart from whoever has opened them, but for what a script of an app waits for.
#[test]
fn a_window_beside_an_app_can_tell_it_and_no_other_page_can() {
    let app = house();
    let mut ann = Person::of_the_house(&app, "ann@example.com");
    app.clock().advance(TimeDelta::minutes(25));
    let there = "/confirmed?return_to=https%3A%2F%2Fapp.example.com%2F&sent=DELETE+%2Fpages%2F1";
    let policy = |page: &Page| page.header("cross-origin-opener-policy").unwrap().to_owned();
    assert_eq!(policy(&confirm_page(&mut ann.browser, &url("/lately/x"))), "same-origin");
    let page = confirm_page(&mut ann.browser, there);
    assert_eq!(policy(&page), "unsafe-none");
    assert!(page.has("A deleted page cannot be brought back."), "{}", page.text());
    assert_eq!(policy(&ann.browser.submit("/confirm", &[("password", "wrong")])), "unsafe-none");
    assert_eq!(policy(&ann.browser.submit("/confirm", &[("password", PASSWORD)])), "unsafe-none");
    let page = ann.browser.follow();
    assert_eq!(policy(&page), "unsafe-none");
    let html = page.answer.text().replace("&#x2f;", "/");
    assert!(html.contains("data-confirmed-for=\"https://app.example.com\""), "{html}");
    let stranger = ann.browser.get("/confirmed?return_to=https%3A%2F%2Fevil.test%2F");
    assert_eq!(stranger.location().unwrap().path(), "/");
}

#[test]
fn the_script_is_for_the_pages_of_every_app() {
    let app = house();
    let script = app.browser().get("/gateway/step-up.js");
    let header = |name: &str| script.header(name).unwrap().to_owned();
    assert!(header("content-type").starts_with("text/javascript"), "{}", header("content-type"));
    assert_eq!(
        (header("access-control-allow-origin"), header("cross-origin-resource-policy")),
        ("*".into(), "cross-origin".into())
    );
    assert!(header("cache-control").contains("max-age"));
}
