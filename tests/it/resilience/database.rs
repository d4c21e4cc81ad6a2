//! PostgreSQL goes away and comes back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::client::Client;
use super::service::{Service, get};
use crate::support::postgres::OwnServer;
use crate::support::{eventually, within};

const APP: &str = "localhost";
/// Until a service whose database is back has noticed.
const TO_RECOVER: Duration = Duration::from_secs(5);
/// For a dozen clients on a busy machine.
const TO_WORK: Duration = Duration::from_mins(1);

fn serve(url: &str) -> Service {
    let rules = format!(r#"[{{ hosts = ["{APP}"], allow = "signed_in", verified = false }}]"#);
    Service::start(&[("DATABASE__URL", url), ("GATEWAY__RULES", &rules)])
}

/// What one client saw: how often each answer to each question.
#[derive(Default)]
struct Seen {
    answers: BTreeMap<(&'static str, u16), u32>,
    /// The last name that was acknowledged, and those sent since whose fate is not known.
    name: (String, Vec<String>),
}

impl Seen {
    /// Notes the answer. One that never came is a failure at once.
    fn note(&mut self, what: &'static str, answer: std::io::Result<crate::support::raw::Answer>) -> Option<Value> {
        let answer = answer.unwrap_or_else(|error| panic!("{what}: no answer: {error}"));
        *self.answers.entry((what, answer.status)).or_default() += 1;
        let text = answer.text();
        for secret in ["SELECT", "INSERT", "vestibule-pg", "socket", "connection to", "relation", "terminating"] {
            assert!(!text.contains(secret), "{what} tells about the database: {text}");
        }
        (answer.status == 200).then(|| if text.is_empty() { Value::Null } else { answer.json() })
    }
}

/// What tells the clients to stop, and how much they have done.
#[derive(Default)]
struct Load {
    stop: AtomicBool,
    rounds: AtomicUsize,
}

impl Load {
    /// Until the clients have gone through their day this often, all together.
    fn wait_for_rounds(&self, more: usize) {
        let enough = self.rounds.load(Ordering::SeqCst) + more;
        let done = within(TO_WORK, || (self.rounds.load(Ordering::SeqCst) >= enough).then_some(()));
        assert!(done.is_some(), "the clients do not get on");
    }
}

/// Signs in and does what people do, until told to stop.
fn live(mut client: Client, load: &Load) -> (Client, Seen) {
    let mut seen = Seen { name: ("Ann".to_owned(), Vec::new()), ..Seen::default() };
    for round in 0.. {
        if load.stop.load(Ordering::SeqCst) {
            break;
        }
        load.rounds.fetch_add(1, Ordering::SeqCst);
        let answer = client.sign_in();
        seen.note("sign in", answer);
        // Later on it is enough to have been let in before.
        if !client.is_signed_in() {
            continue;
        }
        for step in 0..3 {
            if let Some(me) = seen.note("me", client.me()) {
                assert_eq!(me["email"], client.email);
                assert_name(&me, &seen.name);
            }
            seen.note("gate", client.passes_the_gate(APP));
            let name = format!("{round}-{step}");
            if seen.note("rename", client.rename(&name)).is_some() {
                seen.name = (name, Vec::new());
            } else {
                seen.name.1.push(name);
            }
        }
    }
    (client, seen)
}

fn assert_name(me: &Value, (acknowledged, unknown): &(String, Vec<String>)) {
    let name = me["name"].as_str().expect("a name");
    assert!(name == acknowledged || unknown.iter().any(|sent| sent == name), "{name}: {acknowledged} {unknown:?}");
}

#[test]
fn a_restarted_server_costs_seconds_and_nothing_else() {
    let mut server = OwnServer::start();
    let service = serve(&server.url());
    let clients: Vec<_> = (0..12).map(|n| Client::new(service.port(), &format!("p{n}@example.com"))).collect();
    for client in &clients {
        assert_eq!(client.clone().sign_up().expect("an answer").status, 202);
    }
    let load = Arc::new(Load::default());
    let lives: Vec<_> = clients
        .into_iter()
        .map(|client| {
            let load = Arc::clone(&load);
            thread::spawn(move || live(client, &load))
        })
        .collect();
    // Once so shortly that only the connections notice, once for as long as it takes that everybody does.
    for down_for in [0, 8] {
        load.wait_for_rounds(24);
        server.stop();
        if down_for > 0 {
            assert_it_says_so(&service);
        }
        load.wait_for_rounds(down_for);
        server.resume();
        let ready = within(TO_RECOVER, || (get(service.port(), "/readyz").ok()?.status == 200).then_some(()));
        assert!(ready.is_some(), "not ready {TO_RECOVER:?} after the server was back:\n{}", service.log());
    }
    load.wait_for_rounds(24);
    load.stop.store(true, Ordering::SeqCst);
    let mut total: BTreeMap<(&str, u16), u32> = BTreeMap::new();
    for life in lives {
        let (client, seen) = life.join().expect("a client without complaints");
        for (what, count) in seen.answers {
            *total.entry(what).or_default() += count;
        }
        let me = client.me().expect("an answer");
        assert_eq!(me.status, 200, "the session of {} is lost", client.email);
        assert_name(&me.json(), &seen.name);
    }
    for (what, status) in total.keys() {
        assert!([200, 503].contains(status), "{what} was answered {status}: {total:?}\n{}", service.log());
    }
    for what in ["sign in", "me", "gate", "rename"] {
        assert!(total.contains_key(&(what, 200)) && total.contains_key(&(what, 503)), "{what}: {total:?}");
    }
}

/// To a balancer, to a person and to a program.
fn assert_it_says_so(service: &Service) {
    let ready = eventually("the service to notice", || {
        let answer = get(service.port(), "/readyz").ok()?;
        (answer.status == 503).then_some(answer)
    });
    assert!(ready.json::<Value>()["database"].as_str().is_some_and(|reason| reason.len() > 10), "{}", ready.text());
    assert_eq!(get(service.port(), "/healthz").expect("an answer").status, 200);
    let mut browser = service.browser();
    let page = browser.get("/login");
    assert_eq!(page.status, 200, "what needs no database works without");
    let page = browser.submit("/login", &[("email", "p1@example.com"), ("password", "velvet orbit canoe")]);
    assert_eq!((page.status, page.title().contains("Not available")), (503, true), "{}", page.text());
    let answer = browser.api("POST", "/auth/login", json!({ "email": "p1@example.com", "password": "x y z" }));
    assert_eq!((answer.status, answer.json::<Value>()["code"].as_str()), (503, Some("unavailable")));
}
