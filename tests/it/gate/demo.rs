//! The demo app: behind the gate, on another port.

use std::sync::mpsc;
use std::thread;

use serde_json::json;
use vestibule::web;

use super::house::Person;
use crate::support::app::TestApp;
use crate::support::port::Port;
use crate::support::raw;

/// Serves the demo until it is dropped.
pub struct Demo {
    port: Port,
    stop: Option<Box<dyn FnOnce()>>,
}

impl Demo {
    pub fn beside(app: &TestApp, port: Port) -> Self {
        let (listener, gate) = (port.listen(), ([127, 0, 0, 1], app.port()).into());
        listener.set_nonblocking(true).expect("a listener of ours");
        let service = app.app.clone();
        let (started, handle) = mpsc::channel();
        let thread = thread::spawn(move || {
            web::block_on(async {
                let server = web::demo::server(service, listener, gate).expect("the demo");
                started.send(server.handle()).expect("somebody waits");
                server.await.expect("an orderly end");
            });
        });
        let handle = handle.recv().expect("a demo that starts");
        let stop = move || {
            drop(handle.stop(false));
            thread.join().expect("the demo does not panic");
        };
        Self { port, stop: Some(Box::new(stop)) }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop();
        }
    }
}

#[test]
fn the_demo_opens_for_a_person_of_the_house_and_for_nobody_else() {
    let port = Port::claim();
    let rules = format!(r#"[{{ hosts = ["localhost:{}"], allow = "signed_in" }}]"#, port.number());
    let app = TestApp::with(&[("gateway.rules", &rules)]);
    let demo = Demo::beside(&app, port);
    let place = format!("http://localhost:{}/rooms/1?x=y", demo.port.number());

    let mut stranger = app.browser();
    let led = stranger.get(&place);
    assert_eq!(led.status, 302);
    let sign_in = led.location().expect("a Location");
    assert_eq!(sign_in.path(), "/login");
    assert_eq!(sign_in.query_pairs().next().expect("a way back").1, place);
    assert_eq!(stranger.api("GET", &place, json!(null)).status, 401);

    let mut new = Person::newcomer(&app, "new@example.com").browser;
    let refused = new.get(&place);
    assert_eq!(refused.status, 403);
    assert!(refused.has("Confirm your email address first"), "{}", refused.text());

    let ann = Person::of_the_house(&app, "ann@example.com");
    let mut browser = ann.browser.with_header("Remote-User", "root").with_header("X-Forwarded-Uri", "/elsewhere");
    let page = browser.get(&place);
    assert_eq!(page.status, 200);
    assert!(page.has("You are in") && page.has(&ann.id) && page.has("ann@example.com"), "{}", page.text());
    assert!(!page.has("root"), "{}", page.text());
    let style = page.answer.text().split("href=\"/static/").nth(1).expect("a stylesheet").to_owned();
    let style = format!("http://localhost:{}/static/{}", demo.port.number(), style.split('"').next().unwrap());
    assert_eq!(browser.get(&style).status, 200);

    assert_eq!(browser.api("POST", "/auth/logout", json!(null)).status, 204);
    assert_eq!(browser.get(&place).status, 302);
}

#[test]
fn another_name_for_the_same_port_is_not_the_demo() {
    let port = Port::claim();
    let rules = format!(r#"[{{ hosts = ["localhost:{}"], allow = "public" }}]"#, port.number());
    let app = TestApp::with(&[("gateway.rules", &rules)]);
    let demo = Demo::beside(&app, port);
    let number = demo.port.number();
    let mut browser = app.browser();
    assert_eq!(browser.get(&format!("http://localhost:{number}/")).status, 200);
    assert_eq!(browser.get(&format!("http://127.0.0.1:{number}/")).status, 421);
    for host in ["elsewhere.test", "localhost", &format!("localhost.:{number}")] {
        let asked = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        assert_eq!(raw::send(number, asked).status, 421, "{host}");
        let twice = format!("GET http://localhost:{number}/ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        assert_eq!(raw::send(number, twice).status, 421, "{host}");
    }
    assert_eq!(browser.get(&format!("http://localhost:{number}/a/%2e%2e%5cb%00")).status, 400);
}

#[test]
fn a_program_is_told_what_an_app_would_be_told() {
    let port = Port::claim();
    let rules = format!(r#"[{{ hosts = ["localhost:{}"], allow = "signed_in" }}]"#, port.number());
    let app = TestApp::with(&[("gateway.rules", &rules)]);
    let demo = Demo::beside(&app, port);
    let place = format!("http://localhost:{}/rooms/1", demo.port.number());
    let ann = Person::of_the_house(&app, "ann@example.com");
    let mut browser = ann.browser.with_header("Remote_User", "root").with_header("X-Mine", "1");
    let told: serde_json::Value = browser.api("GET", &place, json!(null)).json();
    let values = |name: &str| -> Vec<String> {
        let headers = told["headers"].as_array().unwrap().iter();
        let ones = headers.filter(|pair| pair[0].as_str().unwrap().eq_ignore_ascii_case(name));
        ones.map(|pair| pair[1].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!((values("remote-user"), values("x-mine")), (vec![ann.id], vec!["1".to_owned()]), "{told}");
    assert!(values("remote_user").is_empty() && values("cookie").is_empty(), "{told}");
}
