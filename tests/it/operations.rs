//! What holds for every answer, and what whoever runs the service relies on.

use std::fs;
use std::net::TcpStream;
use std::process::Command;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::people::{PASSWORD, code, sign_in};
use crate::support::port::Port;
use crate::support::postgres::TestDb;
use crate::support::process::{Folder, Tended};
use crate::support::{eventually, raw};

#[test]
fn every_answer_carries_the_security_headers_and_an_id() {
    let app = TestApp::start();
    let mut browser = app.browser();
    let pages = [
        browser.get("/login"),
        browser.get("/nothing-here"),
        browser.api("GET", "/me", Value::Null),
        browser.api("GET", "/healthz", Value::Null),
        browser.api("PUT", "/me", Value::Null),
        browser.post("/login", &[]),
        browser.api("POST", "/auth/login", json!({ "email": 7 })),
    ];
    for page in pages {
        let (at, header) = (&page.url, |name: &str| page.header(name).unwrap_or_default().to_owned());
        assert!(header("content-security-policy").starts_with("default-src 'none'; style-src 'self'"), "{at}");
        assert!(header("content-security-policy").contains("frame-ancestors 'none'"), "{at}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{at}");
        assert_eq!(header("referrer-policy"), "same-origin", "{at}");
        assert_eq!(header("x-request-id").len(), 36, "{at}");
        assert_eq!(page.answer.headers("x-request-id").len(), 1, "{at}");
        assert!(page.header("strict-transport-security").is_none(), "plain http: {at}");
        assert!(page.header("server").is_none(), "{at}");
    }
}

#[test]
fn https_is_said_to_be_for_good() {
    let app = TestApp::with(&[("server.public_url", "https://auth.example.com")]);
    let page = app.browser().get("/login");
    assert_eq!(page.header("strict-transport-security"), Some("max-age=31536000"));
}

#[test]
fn what_a_person_sees_of_themselves_is_kept_by_no_cache() {
    let app = TestApp::start();
    let mut browser = app.verified("ann@example.com");
    for page in [browser.get("/"), browser.api("GET", "/me", Value::Null), app.browser().get("/login")] {
        assert_eq!(page.header("cache-control"), Some("no-store"), "{}", page.url);
    }
}

#[test]
fn a_request_id_is_taken_from_a_trusted_proxy_only() {
    let trusted = TestApp::start();
    let ask = |app: &TestApp, id: &str| {
        let page = app.browser().with_header("X-Request-Id", id).api("GET", "/healthz", Value::Null);
        page.header("x-request-id").unwrap().to_owned()
    };
    assert_eq!(ask(&trusted, "trace-7.a_b"), "trace-7.a_b");
    for odd in ["", "a b", "a\tb", "é", &"x".repeat(65), "<script>"] {
        assert_ne!(ask(&trusted, odd), odd);
    }
    let stranger = TestApp::with(&[("server.trusted_proxies", "192.0.2.1/32")]);
    assert_ne!(ask(&stranger, "trace-7"), "trace-7");
}

#[test]
fn the_address_in_the_audit_is_the_one_that_trusted_proxies_vouch_for() {
    let app = TestApp::start();
    let mut browser = app.browser().with_header("X-Forwarded-For", "1.1.1.1, 203.0.113.9, 127.0.0.1");
    sign_in(&mut browser, "nobody@example.com", "wrong");
    assert_eq!(app.text("SELECT host(address) AS t FROM audit_events WHERE kind = 'signin.failed'"), "203.0.113.9");
    let stranger = TestApp::with(&[("server.trusted_proxies", "192.0.2.1/32")]);
    let mut browser = stranger.browser().with_header("X-Forwarded-For", "203.0.113.9");
    sign_in(&mut browser, "nobody@example.com", "wrong");
    assert_eq!(stranger.text("SELECT host(address) AS t FROM audit_events WHERE kind = 'signin.failed'"), "127.0.0.1");
}

#[test]
fn a_mistake_in_a_request_is_named() {
    let app = TestApp::start();
    let mut client = app.browser();
    let send = |kind: &str, body: &str| {
        let request = format!(
            "POST /auth/login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: {kind}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = raw::send(app.port(), request);
        (answer.status, answer.text())
    };
    let (status, body) = send("text/plain", r#"{"email":"a@example.com","password":"x"}"#);
    assert!(status == 400 && body.contains("application/json"), "{body}");
    let (status, body) = send("application/json", r#"{"email":"a@example.com"}"#);
    assert!(status == 400 && body.contains("missing field `password`"), "{body}");
    let (status, _) = send("application/json", &format!(r#"{{"email":"{}"}}"#, "a".repeat(70_000)));
    assert_eq!(status, 413);
    assert_eq!(code(&client.api("PUT", "/me", Value::Null)), "invalid_request");
    assert_eq!(code(&client.api("GET", "/me/nothing", Value::Null)), "not_found");
    assert_eq!(
        client.get("/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200").status,
        404
    );
}

#[test]
fn head_answers_like_get_without_a_body() {
    let app = TestApp::start();
    for path in ["/login", "/healthz", "/readyz"] {
        let request = format!("HEAD {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        assert_eq!(raw::send(app.port(), request).status, 200, "{path}");
    }
}

#[test]
fn a_static_file_is_kept_for_good_under_the_name_of_its_content() {
    let app = TestApp::start();
    let mut browser = app.browser();
    let page = browser.get("/login").answer.text();
    let css = page.split('"').find(|part| part.starts_with("/static/vestibule.")).unwrap();
    let file = browser.get(css);
    assert_eq!((file.status, file.header("content-type")), (200, Some("text/css; charset=utf-8")));
    assert!(file.header("cache-control").unwrap().contains("immutable"));
    for path in ["/static/vestibule.css", "/static/..%2fCargo.toml", "/static/%2e%2e/Cargo.toml", "/static/"] {
        assert_eq!(browser.get(path).status, 404, "{path}");
    }
}

#[test]
fn an_operators_own_templates_and_files_win() {
    let folder = Folder::make("overrides", "TERM");
    let at = |path: &str| folder.path().join(path);
    fs::create_dir_all(at("templates/signin")).unwrap();
    fs::create_dir_all(at("static")).unwrap();
    let own = "{% extends \"signin/login.html\" %}";
    fs::write(at("templates/signin/own.html"), own).unwrap();
    let frame = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/layout.html")).unwrap();
    fs::write(at("templates/layout.html"), frame.replace("<span>Vestibule</span>", "<span>Acme</span>")).unwrap();
    fs::write(at("static/brand.css"), ":root { --accent: rebeccapurple }").unwrap();
    let app = TestApp::with(&[("server.overrides_dir", folder.path().to_str().unwrap())]);
    let mut browser = app.browser();
    let page = browser.get("/login");
    assert!(page.has("Acme"), "{}", page.text());
    let text = page.answer.text();
    let css = text.split('"').find(|part| part.starts_with("/static/brand.")).unwrap();
    assert!(browser.get(css).answer.text().contains("rebeccapurple"));
}

#[test]
fn readiness_tells_whether_the_work_can_be_done() {
    let app = TestApp::start();
    let ready = app.browser().api("GET", "/readyz", Value::Null);
    assert_eq!((ready.status, &ready.json::<Value>()["status"]), (200, &json!("ready")));
    app.execute(
        "DELETE FROM __diesel_schema_migrations WHERE version = (SELECT max(version) FROM __diesel_schema_migrations)",
    );
    let mut elsewhere = app.browser().with_header("X-Forwarded-For", "203.0.113.9");
    let through_a_proxy: Value = elsewhere.api("GET", "/readyz", Value::Null).json();
    assert_eq!(through_a_proxy, json!({ "status": "not ready" }), "the details are not for the whole world");
    let behind = app.browser().api("GET", "/readyz", Value::Null);
    assert_eq!(behind.status, 503);
    assert!(behind.json::<Value>()["database"].as_str().unwrap().contains("vestibule migrate"));
    assert_eq!(app.browser().api("GET", "/healthz", Value::Null).status, 200, "the process lives all the same");
}

#[test]
fn the_service_says_whether_it_believes_the_proxy_in_front_of_it() {
    let trusting = TestApp::start();
    let wary = TestApp::with(&[("server.trusted_proxies", "192.0.2.1/32")]);
    for (app, told) in [(&trusting, "believed"), (&wary, "ignored")] {
        let forwarded = |browser: &mut Browser| -> Value { browser.api("GET", "/healthz", Value::Null).json() };
        assert_eq!(forwarded(&mut app.browser())["forwarded"], "none");
        let mut behind = app.browser().with_header("X-Forwarded-For", "203.0.113.9");
        assert_eq!(forwarded(&mut behind)["forwarded"], told);
    }
}

/// A whole life with the log at its most talkative, and not a secret in it.
#[test]
fn the_log_holds_no_secret() {
    let (port, database) = (Port::claim(), TestDb::make());
    let mut service = Tended::start(Folder::make("log", "TERM"), &mut talkative(&port, &database), "TERM");
    let mut browser = Browser::new(&format!("http://localhost:{}", port.number()), port.number());
    service.wait_until(|| TcpStream::connect(port.address()).is_ok());
    browser.get("/signup");
    browser.submit("/signup", &[("email", "ann.secretive@example.com"), ("password", PASSWORD)]);
    sign_in(&mut browser, "ann.secretive@example.com", PASSWORD);
    let mut stranger = Browser::new(&format!("http://localhost:{}", port.number()), port.number());
    sign_in(&mut stranger, "unknown.person@example.com", "a-wrong-password-typed");
    let letter = eventually("the letter", || {
        let list = browser.get("/dev/inbox");
        list.link("Confirm your address for Vestibule")
    });
    let letter = browser.get(letter.as_str());
    let token =
        letter.answer.text().split("token=").nth(1).map(|rest| rest.chars().take(43).collect::<String>()).unwrap();
    browser.get(&format!("/verify-email?token={token}"));
    browser.submit("/verify-email", &[]);
    let cookies: Vec<String> = browser.jar.all().iter().map(|cookie| cookie.value.clone()).collect();
    assert!(cookies.len() >= 3, "{cookies:?}");
    service.end("TERM");

    let log = service.log();
    let lines = log.lines().filter(|line| line.starts_with('{'));
    let lines: Vec<Value> = lines.map(|line| serde_json::from_str(line).expect(line)).collect();
    assert!(lines.iter().any(|line| line["path"] == "/verify-email" && line["request_id"].is_string()), "{log}");
    let opened = lines.iter().find(|line| line["event"] == "session.opened").expect("a line for the session");
    let subject = opened["subject"].as_str().expect("whose it is");
    assert!(Uuid::parse_str(subject).is_ok(), "{subject} is what their rows are found by");
    let secrets = [PASSWORD, "a-wrong-password-typed", "velvet", "unknown.person", "argon2id$", &token];
    for secret in secrets.into_iter().chain(cookies.iter().map(String::as_str)) {
        assert!(!log.contains(secret), "{secret} is in the log: {:?}", log.lines().find(|line| line.contains(secret)));
    }
}

/// Lines wait for each other while it runs.
#[test]
fn every_request_that_was_answered_has_its_line_once_the_service_has_ended() {
    let (port, database) = (Port::claim(), TestDb::make());
    let mut command = talkative(&port, &database);
    let mut service = Tended::start(Folder::make("lines", "TERM"), command.env("RUST_LOG", "info"), "TERM");
    service.wait_until(|| TcpStream::connect(port.address()).is_ok());
    let mut connection = raw::Connection::open(port.number()).expect("a connection");
    for number in 0..300 {
        let (path, host) = if number % 2 == 0 { ("/healthz", "a") } else { ("/gateway/forward-auth", "b") };
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nX-Request-Id: number-{number}.\r\n\r\n");
        connection.write(request).expect("a connection that is open");
        connection.answer().expect("an answer");
    }
    service.end("TERM");
    let log = service.log();
    let lines = log.lines().filter(|line| line.starts_with('{'));
    let lines: Vec<Value> = lines.map(|line| serde_json::from_str(line).expect(line)).collect();
    let asked = lines.iter().filter(|line| line["target"] == "access").map(|line| line["request_id"].clone());
    let expected: Vec<Value> = (0..300).map(|number| json!(format!("number-{number}."))).collect();
    assert_eq!(asked.collect::<Vec<_>>(), expected, "{log}");
    assert!(log.contains("stopping: no new requests"), "{log}");
}

/// The program on a database of its own, as it is started for real, with every line of its log.
fn talkative(port: &Port, database: &TestDb) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    let key = "dGhlIGtleSBvZiBhIHRlc3QgdGhhdCBub2JvZHkgbmVlZHMgdG8gaGlkZQ==";
    command
        .arg("serve")
        .env_clear()
        .env("VESTIBULE__SERVER__LISTEN", port.address().to_string())
        .env("VESTIBULE__SERVER__PUBLIC_URL", format!("http://localhost:{}", port.number()))
        .env("VESTIBULE__SERVER__METRICS_LISTEN", "")
        .env("VESTIBULE__DATABASE__URL", database.url())
        .env("VESTIBULE__SECRETS__KEY", key)
        .env("VESTIBULE__LOG__FORMAT", "json")
        .env("RUST_LOG", "trace");
    command
}
