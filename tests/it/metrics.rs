//! What the operator's Prometheus is told.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use chrono::TimeDelta;
use serde_json::{Value, json};
use vestibule::web;

use crate::connections::simple;
use crate::orgs::staffed;
use crate::resilience::service::{Service, get};
use crate::support::authenticator::{set_up, wrong_code};
use crate::support::people::PASSWORD;
use crate::support::port::Port;
use crate::support::raw::Answer;
use crate::support::{TestApp, eventually, raw};

const PATIENCE: Duration = Duration::from_secs(20);

/// The listener of one node's metrics.
pub struct Metrics {
    port: Port,
    server: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Metrics {
    pub fn of(app: &TestApp) -> Self {
        let port = Port::claim();
        let listener = port.listen();
        listener.set_nonblocking(true).expect("a listener of ours");
        let (app, live, requests) = (app.app.clone(), app.live.clone(), app.requests.clone());
        let (started, handle) = mpsc::channel();
        let thread = thread::spawn(move || {
            actix_web::rt::System::new().block_on(async {
                let server = web::metrics::server(app, live, requests, listener).expect("the server");
                started.send(server.handle()).expect("somebody waits");
                server.await.expect("an orderly end");
            });
        });
        Self { port, server: handle.recv().expect("a server that starts"), thread: Some(thread) }
    }

    fn answer(&self) -> Answer {
        let answer = get(self.port.number(), "/metrics").expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer
    }

    /// Every sample with its value.
    pub fn scrape(&self) -> BTreeMap<String, f64> {
        samples(&self.answer())
    }
}

impl Drop for Metrics {
    fn drop(&mut self) {
        drop(self.server.stop(false));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn samples(answer: &Answer) -> BTreeMap<String, f64> {
    let text = answer.text();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ').expect("a name and a value");
        (name.to_owned(), value.parse().expect("a number"))
    };
    lines.map(sample).collect()
}

#[test]
fn metrics_are_text_that_prometheus_reads() {
    let app = TestApp::start();
    let answer = Metrics::of(&app).answer();
    assert_eq!(answer.header("content-type"), Some("application/openmetrics-text; version=1.0.0; charset=utf-8"));
    let text = answer.text();
    assert!(text.ends_with("# EOF\n"), "{text}");
    assert!(text.contains(&format!("vestibule_build_info{{version=\"{}\"}} 1\n", env!("CARGO_PKG_VERSION"))), "{text}");
    for line in text.lines() {
        let is_ours = ["vestibule_", "# HELP vestibule_", "# TYPE vestibule_", "# UNIT vestibule_", "# EOF"]
            .iter()
            .any(|start| line.starts_with(start));
        assert!(is_ours, "{line}");
    }
    assert!(samples(&answer).len() > 8, "{text}");
}

#[test]
fn the_readme_names_every_metric_and_no_other() {
    let app = TestApp::start();
    // Rules and reloads have tests of their own.
    app.app.db.meters().rehearsed("deny");
    app.app.db.meters().reloaded("success");
    let mut ann = app.verified("ann@example.com");
    // What has never happened is not told.
    assert_eq!(ann.get("/account/password").status, 303);
    while app.log_in("ann@example.com", "a guess").1.status != 429 {}
    let name = |sample: &str| sample.split('{').next().unwrap_or_default().to_owned();
    let ([mut owner, ..], _) = staffed(&app);
    simple(&mut owner);
    let metrics = Metrics::of(&app);
    eventually("a job to have run", || {
        metrics
            .scrape()
            .contains_key("vestibule_job_last_success_timestamp_seconds{job=\"send_letters\"}")
            .then_some(())
    });
    let told: BTreeSet<String> = metrics.scrape().keys().map(|sample| name(sample)).collect();
    let readme = include_str!("../../README.md").lines().filter_map(|line| line.strip_prefix("| `vestibule_"));
    let named: BTreeSet<String> =
        readme.filter_map(|line| Some(format!("vestibule_{}", name(line.split('`').next()?)))).collect();
    assert_eq!(told, named);
}

#[test]
fn live_sessions_and_waiting_letters_are_counted_at_most_every_fifteen_seconds() {
    let app = TestApp::start();
    app.verified("ann@example.com");
    let metrics = Metrics::of(&app);
    let counted = || {
        let scraped = metrics.scrape();
        ["vestibule_sessions_active", "vestibule_mail_queue_depth"].map(|name| format!("{}", scraped[name]))
    };
    eventually("the letter to be sent", || {
        (app.count("SELECT count(*) AS n FROM mail_outbox WHERE sent_at IS NULL") == 0).then_some(())
    });
    assert_eq!(counted(), ["1", "0"]);
    app.mail().stop();
    app.signed_up("bob@example.com");
    app.log_in("ann@example.com", PASSWORD);
    app.clock().advance(TimeDelta::seconds(15) - TimeDelta::microseconds(1));
    assert_eq!(counted(), ["1", "0"]);
    app.clock().advance(TimeDelta::microseconds(1));
    assert_eq!(counted(), ["2", "1"]);
    app.clock().advance(TimeDelta::minutes(31));
    assert_eq!(counted()[0], "0", "a session that has run out is not live, swept or not");
}

#[test]
fn providers_whose_metadata_fails_or_whose_certificate_ends_are_told_of() {
    let app = TestApp::start();
    let metrics = Metrics::of(&app);
    let told = || {
        app.clock().advance(TimeDelta::seconds(15));
        let scraped = metrics.scrape();
        ["metadata_failing", "certificate_end_seconds"]
            .map(|name| scraped.get(&format!("vestibule_sso_{name}")).map(f64::to_string))
    };
    assert_eq!(told(), [Some("0".to_owned()), None]);
    let ([mut owner, ..], _) = staffed(&app);
    simple(&mut owner);
    app.execute("UPDATE connections SET metadata_error = 'no answer'");
    // The first of January 2036.
    assert_eq!(told(), [Some("1".to_owned()), Some("2082758400".to_owned())]);
}

#[test]
fn what_cannot_be_known_is_missing_and_the_rest_is_there() {
    let app = TestApp::start();
    let metrics = Metrics::of(&app);
    assert!(metrics.scrape().contains_key("vestibule_sessions_active"));
    app.execute("ALTER TABLE sessions RENAME TO hidden");
    app.clock().advance(TimeDelta::seconds(15));
    let scraped = metrics.scrape();
    assert!(!scraped.contains_key("vestibule_sessions_active"), "{scraped:?}");
    assert!(scraped.contains_key("vestibule_session_cache_trusted"), "{scraped:?}");
    app.execute("ALTER TABLE hidden RENAME TO sessions");
    app.clock().advance(TimeDelta::seconds(15));
    assert!(metrics.scrape().contains_key("vestibule_sessions_active"));
}

#[test]
fn checks_at_the_gate_are_told_apart_by_whether_they_were_remembered() {
    let app = TestApp::with(&[("gateway.default", "signed_in")]);
    let metrics = Metrics::of(&app);
    eventually("trust", || (metrics.scrape()["vestibule_session_cache_trusted"] > 0.5).then_some(()));
    let browser = app.verified("ann@example.com");
    let mut browser = browser
        .with_header("X-Forwarded-Method", "GET")
        .with_header("X-Forwarded-Proto", "http")
        .with_header("X-Forwarded-Host", "localhost")
        .with_header("X-Forwarded-Uri", "/");
    // Whatever a notification takes away meanwhile is read again and remembered.
    eventually("three checks from memory", || {
        assert_eq!(browser.api("GET", "/gateway/forward-auth", Value::Null).status, 200);
        (metrics.scrape()["vestibule_session_cache_hits_total"] >= 3.0).then_some(())
    });
    let scraped = metrics.scrape();
    assert!(scraped["vestibule_session_cache_read_throughs_total"] >= 1.0, "{scraped:?}");
    assert_eq!(format!("{}", scraped["vestibule_session_cache_entries"]), "1", "{scraped:?}");
    let lag = scraped["vestibule_notification_round_trip_seconds"];
    assert!(lag > 0.0 && lag < 1.5, "{lag}");
}

#[test]
fn requests_are_counted_by_route_and_nobody_can_make_up_labels() {
    let app = TestApp::start();
    let metrics = Metrics::of(&app);
    app.verified("ann@example.com");
    let mut browser = app.browser();
    for path in ["/wp-login.php", "/nothing/ann@example.com", "/static/nothing"] {
        assert_eq!(browser.get(path).status, 404);
    }
    for method in ["BREW", "FROTH"] {
        let answer =
            raw::send(app.port(), format!("{method} /login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
        assert!(answer.status >= 400, "{}", answer.status);
    }
    let text = metrics.answer().text();
    let of = |labels: &str| {
        let start = format!("vestibule_http_requests_total{{{labels}}} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&start));
        line.unwrap_or_else(|| panic!("no {start} in\n{text}")).parse::<u64>().expect("a count")
    };
    assert_eq!(of(r#"method="POST",route="/login",status="303""#), 1);
    assert_eq!(of(r#"method="GET",route="none",status="404""#), 2);
    assert_eq!(of(r#"method="GET",route="/static/{name}",status="404""#), 1);
    assert!(text.contains(r#"method="other",route="/login""#), "{text}");
    for made_up in ["BREW", "wp-login", "ann@", "nothing"] {
        assert!(!text.contains(made_up), "{made_up} in\n{text}");
    }
}

#[test]
fn attempts_to_sign_in_are_counted_by_proof_and_by_what_became_of_them() {
    let app = TestApp::start();
    let metrics = Metrics::of(&app);
    let mut ann = app.verified("ann@example.com");
    let (authenticator, codes) = set_up(&app, &mut ann);
    assert_eq!(app.log_in("ann@example.com", "a slip").1.status, 401);
    let (mut browser, _) = app.log_in("ann@example.com", PASSWORD);
    let mut bring =
        |kind: &str, code: &str| browser.api("POST", &format!("/auth/login/{kind}"), json!({ "code": code })).status;
    assert_eq!(bring("totp", &wrong_code(&app, &authenticator)), 401);
    assert_eq!(bring("recovery-code", "AAAA-AAAA-AAAA"), 401);
    assert_eq!(bring("recovery-code", &codes[0]), 200);
    for _ in 0..6 {
        app.log_in("nobody@example.com", "a guess");
    }
    let unknown = app.browser().api("POST", "/auth/login/magic-link", json!({ "token": "A".repeat(43) }));
    assert_eq!(unknown.status, 410);
    let scraped = metrics.scrape();
    let of = |method: &str, result: &str| {
        let sample = format!("vestibule_authn_attempts_total{{method=\"{method}\",result=\"{result}\"}}");
        scraped.get(&sample).map(|count| format!("{count}"))
    };
    let seen = [
        of("password", "success"),
        of("password", "second_factor_asked"),
        of("password", "failure"),
        of("password", "waits"),
        of("totp", "success"),
        of("totp", "failure"),
        of("recovery_code", "success"),
        of("recovery_code", "failure"),
        of("magic_link", "failure"),
    ];
    let counts = [Some("1"), Some("1"), Some("6"), Some("1"), None, Some("1"), Some("1"), Some("1"), Some("1")];
    assert_eq!(seen, counts.map(|count| count.map(str::to_owned)), "{scraped:?}");
}

#[test]
fn attempts_that_meet_a_wait_are_counted_by_what_waits() {
    let app = TestApp::with(&[("limits.login_per_network", "7 per 15m")]);
    let metrics = Metrics::of(&app);
    let of = |scope: &str| {
        metrics.scrape().get(&format!("vestibule_lockouts_total{{scope=\"{scope}\"}}")).copied().unwrap_or_default()
    };
    for _ in 0..5 {
        app.log_in("nobody@example.com", "a guess");
    }
    assert_eq!(format!("{} {}", of("login.account"), of("login.network")), "0 0", "a wait that nobody has met");
    app.log_in("nobody@example.com", "a guess");
    assert!(of("login.account") >= 1.0 && of("login.here") >= 1.0);
    assert_eq!(format!("{}", of("login.network")), "0");
    for n in 0..3 {
        app.log_in(&format!("{n}@example.com"), "a guess");
    }
    assert!(of("login.network") >= 1.0);
    let text = metrics.answer().text();
    assert!(!text.contains("example.com"), "{text}");
}

#[test]
fn it_is_counted_how_often_people_have_to_prove_again_who_they_are() {
    let app = TestApp::start();
    let metrics = Metrics::of(&app);
    let mut ann = app.verified("ann@example.com");
    let of = |reason: &str| {
        let sample = format!("vestibule_stepup_challenges_total{{reason=\"{reason}\"}}");
        format!("{}", metrics.scrape().get(&sample).copied().unwrap_or_default())
    };
    assert_eq!(ann.get("/account/password").status, 303);
    assert_eq!(ann.api("POST", "/me/totp", Value::Null).status, 403);
    assert_eq!(ann.api("DELETE", "/me/totp", Value::Null).status, 403);
    assert_eq!((of("password"), of("factors")), ("1".to_owned(), "2".to_owned()));
    ann.confirm();
    assert_eq!(ann.get("/account/password").status, 200);
    assert_eq!(of("password"), "1", "who has confirmed is not asked");
}

#[test]
fn factors_in_use_are_counted() {
    let app = TestApp::start();
    let metrics = Metrics::of(&app);
    let in_use = || {
        app.clock().advance(TimeDelta::seconds(15));
        let scraped = metrics.scrape();
        ["totp", "passkey", "recovery_code"]
            .map(|kind| format!("{}", scraped[&format!("vestibule_factors{{kind=\"{kind}\"}}")]))
    };
    let mut ann = app.verified("ann@example.com");
    assert_eq!(in_use(), ["0", "0", "0"]);
    ann.confirm();
    assert_eq!(ann.api("POST", "/me/totp", Value::Null).status, 200);
    assert_eq!(in_use(), ["0", "0", "0"], "what is not enabled protects nobody");
    let (_, codes) = set_up(&app, &mut ann);
    assert_eq!(in_use(), ["1", "0", "10"]);
    let (mut browser, _) = app.log_in("ann@example.com", PASSWORD);
    assert_eq!(browser.api("POST", "/auth/login/recovery-code", json!({ "code": codes[0] })).status, 200);
    assert_eq!(in_use(), ["1", "0", "9"]);
}

#[test]
fn connections_to_postgresql_are_counted_by_pool() {
    let app = TestApp::start();
    app.verified("ann@example.com");
    let scraped = Metrics::of(&app).scrape();
    for pool in ["transactions", "lookups"] {
        let count =
            |state: &str| scraped[&format!("vestibule_db_pool_connections{{pool=\"{pool}\",state=\"{state}\"}}")];
        let all = count("idle") + count("busy");
        assert!((1.0..=4.0).contains(&all), "{scraped:?}");
    }
}

#[test]
fn metrics_have_a_listener_of_their_own_that_knows_nothing_else() {
    let port = Port::claim();
    let mut service = Service::start(&[("SERVER__METRICS_LISTEN", &port.address().to_string())]);
    assert_eq!(get(port.number(), "/metrics").unwrap().status, 200);
    for path in ["/", "/login", "/me", "/healthz", "/metrics/", "/dev/inbox"] {
        assert_eq!(get(port.number(), path).unwrap().status, 404, "{path}");
    }
    assert_eq!(get(service.port(), "/metrics").unwrap().status, 404);
    service.signal("TERM");
    assert!(service.end_within(PATIENCE).success(), "{}", service.log());
    assert!(!port.answers());
}

#[test]
fn a_chosen_address_that_is_taken_keeps_the_service_from_starting() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut service = Service::launch(&[("SERVER__METRICS_LISTEN", &address)]);
    assert_eq!(service.end_within(PATIENCE).code(), Some(1));
    let log = service.log();
    assert!(log.contains(&format!("cannot listen on {address} (server.metrics_listen)")), "{log}");
}

/// Whoever tries Vestibule out beside a Prometheus of theirs has not asked for metrics.
#[test]
fn the_usual_address_that_is_taken_keeps_nobody_from_trying() {
    // Or somebody else has it.
    let _taken = TcpListener::bind("127.0.0.1:9090");
    let service = Service::start_as_usual("SERVER__METRICS_LISTEN");
    assert!(service.log().contains("no metrics: cannot listen on 127.0.0.1:9090"), "{}", service.log());
    assert_eq!(get(service.port(), "/healthz").unwrap().status, 200);
}
