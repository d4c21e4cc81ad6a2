//! Confirming on the way to an app behind Envoy, and in several tabs at once.

use std::thread;

use chrono::TimeDelta;
use serde_json::Value;

use super::house::{DOORS, Door, Person, Question, house_with};
use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::eventually;
use crate::support::page::Page;
use crate::support::people::PASSWORD;

const RULES: &str = r#"[
    { hosts = ["app.example.com"], paths = ["/pages/**"], methods = ["POST", "DELETE"], recent_auth = "5m", allow = "signed_in" },
    { hosts = ["app.example.com"], paths = ["/pages/**"], allow = "signed_in" },
    { hosts = ["app.example.com", "wiki.example.com"], recent_auth = "5m", allow = "signed_in" },
]"#;

/// Ann, six minutes after she signed in.
fn house() -> (TestApp, Person) {
    let app = house_with(&[("gateway.rules", RULES)]);
    let ann = Person::of_the_house(&app, "ann@example.com");
    app.clock().advance(TimeDelta::minutes(6));
    (app, ann)
}

/// Where a navigation is led.
fn led(app: &TestApp, person: &Person, method: &str, url: &str, status: u16) -> String {
    let answer = Question::about(Door::ExtAuthz, url).method(method).in_a_browser().by(person).ask(app);
    assert_eq!((answer.status, answer.headers("www-authenticate").len()), (status, 0), "{answer:?}");
    answer.header("location").expect("a way").to_owned()
}

fn confirm(browser: &mut Browser) -> Page {
    browser.submit("/confirm", &[("password", PASSWORD)])
}

fn is_let_in(app: &TestApp, person: &Person, url: &str) {
    for door in DOORS {
        let ask = || Question::about(door, url).method("DELETE").by(person).ask(app).status;
        eventually("the gate knows of it", || (ask() == 200).then_some(()));
    }
}

#[test]
fn whoever_comes_by_envoy_is_led_to_confirm_and_back() {
    let (app, mut ann) = house();
    let (page, sent) = ("https://app.example.com/x?a=1&b=2", "https://app.example.com/pages/1");
    assert_eq!(
        led(&app, &ann, "GET", page, 302),
        "https://auth.example.com/confirm?return_to=https%3A%2F%2Fapp.example.com%2Fx%3Fa%3D1%26b%3D2"
    );
    assert!(led(&app, &ann, "DELETE", sent, 303).contains("return_to=%2Funsent%3Freturn_to%3D"));
    for (method, url) in [("GET", page), ("DELETE", sent), ("POST", sent), ("HEAD", page)] {
        let answer = Question::about(Door::ExtAuthz, url).method(method).by(&ann).ask(&app);
        let challenge = answer.headers("www-authenticate").concat();
        assert!(
            challenge.starts_with("Bearer error=\"insufficient_user_authentication\", max_age=\"300\""),
            "{challenge}"
        );
        assert_eq!((answer.status, answer.header("location")), (401, None), "{method}");
        if method != "HEAD" {
            assert_eq!(answer.json::<Value>()["max_age"], 300);
        }
    }
    assert_eq!(Question::about(Door::ExtAuthz, sent).by(&ann).ask(&app).status, 200, "reading asks for nothing");
    let way = led(&app, &ann, "GET", page, 302);
    ann.browser.get(&way);
    assert_eq!(confirm(&mut ann.browser).link("Continue to app.example.com").unwrap().as_str(), page);
    is_let_in(&app, &ann, page);
    is_let_in(&app, &ann, sent);
}

/// Each has its page open before the other is sent.
#[test]
fn two_tabs_that_confirm_one_after_the_other_both_get_where_they_wanted() {
    let (app, mut ann) = house();
    let urls = ["https://app.example.com/x", "https://wiki.example.com/y"];
    let ways = urls.map(|url| led(&app, &ann, "GET", url, 302));
    let mut other = ann.browser.clone();
    ann.browser.get(&ways[0]);
    other.get(&ways[1]);
    assert_eq!(confirm(&mut ann.browser).link("Continue to app.example.com").unwrap().as_str(), urls[0]);
    // Both tabs are of one browser, which has one jar.
    other.jar = ann.browser.jar.clone();
    assert_eq!(confirm(&mut other).link("Continue to wiki.example.com").unwrap().as_str(), urls[1]);
    ann.browser.jar = other.jar;
    for url in urls {
        is_let_in(&app, &ann, url);
    }
}

#[test]
fn two_tabs_that_confirm_at_once_both_get_where_they_wanted() {
    let (app, ann) = house();
    let urls = ["https://app.example.com/x", "https://wiki.example.com/y"];
    let confirmed = thread::scope(|scope| {
        let tabs = urls.map(|url| {
            let way = led(&app, &ann, "GET", url, 302);
            let mut tab = ann.browser.clone();
            tab.get(&way);
            scope.spawn(move || (confirm(&mut tab), tab))
        });
        tabs.map(|tab| tab.join().expect("an answer"))
    });
    for ((page, tab), url) in confirmed.into_iter().zip(urls) {
        let host = url::Url::parse(url).unwrap().host_str().unwrap().to_owned();
        assert_eq!(
            page.link(&format!("Continue to {host}")).map(String::from).as_deref(),
            Some(url),
            "{}",
            page.text()
        );
        // Whichever answer the browser has kept.
        let ann = Person { browser: tab, id: ann.id.clone() };
        for url in urls {
            is_let_in(&app, &ann, url);
        }
    }
}

/// The form's tab is told still that nothing was carried out: what another tab has proved sends nothing.
#[test]
fn a_form_that_was_stopped_is_told_of_though_another_tab_has_confirmed_meanwhile() {
    let (app, mut ann) = house();
    let form = led(&app, &ann, "POST", "https://app.example.com/pages/1", 303);
    let other = led(&app, &ann, "GET", "https://app.example.com/x", 302);
    let mut tab = ann.browser.clone();
    let page = tab.get(&form);
    assert!(page.has("What you sent to app.example.com has not been carried out."), "{}", page.text());
    ann.browser.get(&other);
    confirm(&mut ann.browser);
    tab.jar = ann.browser.jar.clone();
    // What stands in the tab is sent, and what is loaded anew says the same.
    let mut again = tab.clone();
    confirm(&mut tab);
    let page = tab.follow();
    assert!(page.has("Send it again"), "{}", page.text());
    let page = again.get(&form);
    assert!(page.has("What you sent to app.example.com has not been carried out."), "{}", page.text());
    is_let_in(&app, &Person { browser: again, id: ann.id.clone() }, "https://app.example.com/pages/1");
}
