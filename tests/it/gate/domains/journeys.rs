//! Whole ways to an app under another domain, and back out.

use serde_json::json;

use super::traveller::Traveller;
use super::{SETTINGS, statuses, two_domains};
use crate::gate::house::{self, DOORS, Door, GATE_COOKIE, Person, Question};
use crate::support::app::TestApp;
use crate::support::eventually;
use crate::support::people::PASSWORD;

const PLACE: &str = "https://app.other.org/reports/2026?tab=open&q=a%20b";

fn ann_at(app: &TestApp, door: Door) -> Traveller<'_> {
    let ann = Person::of_the_house(app, "ann@example.com");
    Traveller::with(app, door, ann.browser)
}

#[test]
fn a_stranger_signs_in_and_comes_to_where_they_were_going() {
    for door in DOORS {
        let app = two_domains();
        app.verified("ann@example.com");
        let mut ann = Traveller::new(&app, door);
        let page = ann.go(PLACE).page();
        assert!(page.has("app.other.org"), "{door:?}: the page names the app: {}", page.text());
        assert_eq!(ann.sign_in("ann@example.com").app(), PLACE, "{door:?}");
        let cookies: Vec<_> = ann.browser.jar.all().iter().filter(|cookie| cookie.domain == "app.other.org").collect();
        let [gate] = cookies.as_slice() else { panic!("nothing but the gate's cookie is left there: {cookies:?}") };
        assert_eq!((gate.name.as_str(), gate.host_only, gate.secure, gate.http_only), (GATE_COOKIE, true, true, true));
        assert_eq!(ann.knock("https://app.other.org/").header("remote-email"), Some("ann@example.com"));
    }
}

#[test]
fn whoever_is_signed_in_at_the_portal_sees_no_page_on_the_way_to_any_app() {
    for door in DOORS {
        let app = two_domains();
        let mut ann = ann_at(&app, door);
        for url in [PLACE, "https://b.other.org/", "https://app.example.com/"] {
            assert_eq!(ann.go(url).app(), url, "{door:?}");
        }
        assert_eq!(
            ann.knock("https://app.other.org/closed/").status,
            403,
            "who is known is still not let in everywhere"
        );
    }
}

#[test]
fn signing_out_at_the_portal_signs_out_at_every_host_and_on_every_node() {
    let app = two_domains();
    let other = app.again_with(&house::settings(&SETTINGS));
    let mut ann = ann_at(&app, Door::ForwardAuth);
    ann.go(PLACE).app();
    ann.go("https://b.other.org/").app();
    let tokens = ["app.other.org", "b.other.org"].map(|host| (host, ann.gate_token(host).expect("a cookie")));
    for (host, token) in &tokens {
        assert_eq!(statuses(&app, &format!("https://{host}/"), token), [200; 3]);
        assert_eq!(statuses(&other, &format!("https://{host}/"), token), [200; 3]);
    }
    assert_eq!(ann.browser.api("POST", "/auth/logout", json!(null)).status, 204);
    for (host, token) in &tokens {
        let url = format!("https://{host}/");
        assert_eq!(statuses(&app, &url, token), [401; 3]);
        eventually("the end to be heard of", || (statuses(&other, &url, token) == [401; 3]).then_some(()));
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM gate_tokens"), 0);
    assert!(ann.go(PLACE).page().form("/login").is_some(), "they are asked to sign in again");
    assert_eq!(ann.sign_in("ann@example.com").app(), PLACE);
}

#[test]
fn pages_that_a_browser_opens_all_at_once_all_open() {
    let app = two_domains();
    let mut first = ann_at(&app, Door::ForwardAuth);
    let ways: Vec<String> = ["/a", "/b", "/c"]
        .map(|path| first.knock(&format!("https://app.other.org{path}")).header("location").expect("a way").to_owned())
        .into();
    // Two begin before either has heard an answer.
    let mut jars = Vec::new();
    for way in &ways[..2] {
        let mut tab = first.browser.clone();
        jars.push((tab.get(way).location().expect("the portal").to_string(), tab.jar));
    }
    for (_, jar) in &jars {
        let url = url::Url::parse("https://app.other.org/").expect("a URL");
        let begun = jar.all().iter().filter(|cookie| cookie.domain == "app.other.org");
        for cookie in begun {
            let line = format!("{}={}; Path=/; Secure; HttpOnly; SameSite=Lax", cookie.name, cookie.value);
            first.browser.jar.store(&url, &line);
        }
    }
    // A third begins beside them.
    let third = first.browser.get(&ways[2]).location().expect("the portal").to_string();
    let portals = [jars[0].0.clone(), jars[1].0.clone(), third];
    let codes = portals.map(|portal| first.browser.get(&portal).location().expect("a code").to_string());
    let came = codes.map(|code| first.browser.get(&code).location().expect("the app").to_string());
    assert_eq!(came, ["/a", "/b", "/c"].map(|path| format!("https://app.other.org{path}")));
    assert_eq!(first.knock("https://app.other.org/").status, 200);
    assert_eq!(app.count("SELECT count(*) AS n FROM gate_tokens WHERE host <> ''"), 1, "one has served for all");
}

#[test]
fn whoever_is_kept_signed_in_is_kept_so_there_as_well() {
    let app = two_domains();
    app.verified("ann@example.com");
    for (remember, expected) in [(&[][..], None), (&[("remember", "on")][..], Some(30 * 86_400))] {
        let mut ann = Traveller::new(&app, Door::ForwardAuth);
        ann.go(PLACE).page();
        let fields = [&[("email", "ann@example.com"), ("password", PASSWORD)][..], remember].concat();
        ann.browser.submit("/login", &fields);
        app.clock().advance(chrono::TimeDelta::seconds(100));
        let code = ann.with_code(PLACE);
        let answer = ann.browser.get(&code);
        let set: Vec<_> =
            answer.answer.headers("set-cookie").into_iter().filter(|set| set.starts_with(GATE_COOKIE)).collect();
        let [set] = set.as_slice() else { panic!("{set:?}") };
        let age = set.split("Max-Age=").nth(1).map(|rest| rest.split(';').next().unwrap().parse::<i64>().unwrap());
        assert_eq!(age, expected.map(|all| all - 100), "{set}");
        assert!(!set.contains("Domain") && set.contains("HttpOnly") && set.contains("SameSite=Lax"), "{set}");
    }
}

#[test]
fn what_was_sent_leads_by_the_page_that_says_it_is_lost_and_back_into_the_app() {
    let app = two_domains();
    app.verified("ann@example.com");
    let mut ann = Traveller::new(&app, Door::ForwardAuth);
    let form = Question::about(Door::ForwardAuth, "https://app.other.org/pages/1").method("POST").in_a_browser();
    let answer = form.with("Referer", "https://app.other.org/pages/1/edit").ask(&app);
    let location = answer.header("location").expect("a way").to_owned();
    assert_eq!(answer.status, 303);
    assert!(location.starts_with("https://auth.example.com/login?return_to=%2Funsent"), "{location}");
    ann.browser.get(&location);
    let page = ann.sign_in("ann@example.com").page();
    let back = page.link("Back to app.other.org");
    let back = back.unwrap_or_else(|| panic!("no way back: {}", page.text()));
    assert_eq!(ann.go(back.as_str()).app(), "https://app.other.org/pages/1/edit");
}

#[test]
fn scripts_and_programs_get_401_and_no_page() {
    let app = two_domains();
    for door in DOORS {
        let answer = Question::about(door, PLACE).with("Sec-Fetch-Mode", "cors").ask(&app);
        assert_eq!((answer.status, answer.header("www-authenticate").is_some()), (401, true), "{door:?}");
    }
}

#[test]
fn a_rule_that_asks_for_a_recent_proof_leads_to_the_portal_and_back() {
    let app = two_domains();
    let mut ann = ann_at(&app, Door::ForwardAuth);
    ann.go(PLACE).app();
    app.clock().advance(chrono::TimeDelta::minutes(6));
    let place = "https://app.other.org/fresh/1";
    let page = ann.go(place).page();
    assert!(page.url.path() == "/confirm" && page.has("app.other.org"), "{}", page.text());
    let page = ann.browser.submit("/confirm", &[("password", PASSWORD)]);
    assert_eq!(ann.go_on(page).app(), place);
    // What a script of the app gets, and what tells its page that it is done.
    app.clock().advance(chrono::TimeDelta::minutes(6));
    let token = ann.gate_token("app.other.org").expect("a cookie");
    let fetch = Question::about(Door::ForwardAuth, place).method("POST").with("Sec-Fetch-Mode", "cors");
    let fetch = fetch.with("Cookie", &format!("{GATE_COOKIE}={token}"));
    let challenge = fetch.ask(&app).header("www-authenticate").expect("a challenge").to_owned();
    assert!(challenge.contains("confirm_url=\"https://auth.example.com/confirm?return_to="), "{challenge}");
    let window = "/confirmed?return_to=https%3A%2F%2Fapp.other.org%2F&sent=POST+%2Ffresh%2F1";
    let asked: String = url::form_urlencoded::byte_serialize(window.as_bytes()).collect();
    let page = ann.browser.get(&format!("/confirm?return_to={asked}"));
    assert!(page.has("app.other.org"), "{}", page.text());
    assert_eq!(ann.browser.submit("/confirm", &[("password", PASSWORD)]).status, 303);
    let told = ann.browser.follow();
    let html = told.answer.text().replace("&#x2f;", "/");
    assert!(html.contains("data-confirmed-for=\"https://app.other.org\""), "the page that waits is told: {html}");
    assert_eq!(fetch.ask(&app).status, 200, "the same token serves: the request is sent once more and gets through");
}

/// As where a browser forgets those who have done nothing but redirect, and keeps what was set at the app's host.
#[test]
fn whoever_is_signed_in_at_the_app_by_an_older_session_gets_out_of_the_page_that_asks_for_nothing() {
    let app = two_domains();
    let mut ann = ann_at(&app, Door::ForwardAuth);
    ann.go(PLACE).app();
    let older = ann.gate_token("app.other.org");
    ann.browser.jar.remove("__Host-vestibule_session");
    app.clock().advance(chrono::TimeDelta::minutes(6));
    let place = "https://app.other.org/fresh/1";
    assert_eq!(ann.go(place).page().url.path(), "/login");
    let page = ann.sign_in("ann@example.com").page();
    assert!(page.has("Nothing more is asked of you"), "{}", page.text());
    let page = ann.browser.submit("/login/continue", &[]);
    assert_eq!(ann.go_on(page).app(), place);
    assert_ne!(ann.gate_token("app.other.org"), older);
}
