//! When something breaks, and what the log says.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{key_for, revoke};
use crate::resilience::service::Service;
use crate::support::eventually;
use crate::support::postgres::OwnServer;
use crate::support::raw::{self, Answer};

const HOST: &str = "app.localhost";

pub fn serve(url: &str) -> Service {
    serve_with(url, &[])
}

pub fn serve_with(url: &str, special: &[(&str, &str)]) -> Service {
    let rules = format!(r#"[{{ hosts = ["{HOST}"], allow = "signed_in", api_keys = true }}]"#);
    let usual = [("DATABASE__URL", url), ("GATEWAY__RULES", &rules)];
    Service::start(&[&usual[..], special].concat())
}

fn me(port: u16, key: &str) -> Answer {
    let head = format!("GET /me HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n");
    raw::send(port, format!("{head}Authorization: Bearer {key}\r\n\r\n"))
}

pub fn gate(port: u16, key: &str) -> Answer {
    let head = "GET /gateway/forward-auth HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
    let about = format!(
        "X-Forwarded-Method: GET\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: {HOST}\r\nX-Forwarded-Uri: /\r\n"
    );
    raw::send(port, format!("{head}{about}Authorization: Bearer {key}\r\n\r\n"))
}

#[test]
fn without_postgresql_no_key_opens_anything_and_with_it_again_they_do() {
    let mut server = OwnServer::start();
    let service = serve(&server.url());
    let mut browser = service.browser();
    let (key, _) = made_in(&mut browser, &server.url());
    assert_eq!((me(service.port(), &key).status, gate(service.port(), &key).status), (200, 200));
    server.stop();
    eventually("the node to believe nothing any more", || {
        let statuses = (me(service.port(), &key).status, gate(service.port(), &key).status);
        assert!([200, 503].contains(&statuses.0) && [200, 503].contains(&statuses.1), "{statuses:?}");
        (statuses == (503, 503)).then_some(())
    });
    // What is no key of ours needs nobody to be asked.
    let made_up = format!("vst_{}", "A".repeat(64));
    assert_eq!((me(service.port(), &made_up).status, gate(service.port(), &made_up).status), (401, 401));
    server.resume();
    eventually("the service to recover", || {
        ((me(service.port(), &key).status, gate(service.port(), &key).status) == (200, 200)).then_some(())
    });
}

/// Signs up; whoever has the database says that the address is proved.
pub fn made_in(browser: &mut crate::support::browser::Browser, url: &str) -> (String, String) {
    let (email, password) = ("ann@example.com", crate::support::people::PASSWORD);
    let body = json!({ "email": email, "password": password });
    assert_eq!(browser.api("POST", "/auth/signup", body.clone()).status, 202);
    crate::resilience::sql::execute(url, "UPDATE users SET email_verified_at = now()");
    assert_eq!(browser.api("POST", "/auth/login", body).status, 200);
    browser.confirm();
    key_for(browser, &["account:read", "gateway"])
}

#[test]
fn no_key_stands_in_the_log_whatever_becomes_of_it() {
    let server = OwnServer::start();
    let rules = format!(r#"[{{ hosts = ["{HOST}"], allow = "signed_in", api_keys = true }}]"#);
    let service =
        Service::start(&[("LOG__LEVEL", "trace"), ("DATABASE__URL", &server.url()), ("GATEWAY__RULES", &rules)]);
    let mut browser = service.browser();
    let (key, id) = made_in(&mut browser, &server.url());
    for shown in [key.clone(), format!("{key}x"), key[..67].to_owned(), format!("{key},{key}")] {
        me(service.port(), &shown);
        gate(service.port(), &shown);
    }
    assert_eq!(revoke(&mut browser, &id).status, 204);
    me(service.port(), &key);
    gate(service.port(), &key);
    eventually("the log", || service.log().contains("api_key.revoked").then_some(()));
    let log = service.log();
    assert!(log.contains(&format!("invalid_key {HOST}")), "{log}");
    let secret = &key[8..40];
    for written in [secret.to_owned(), STANDARD.encode(&key), STANDARD.encode(secret)] {
        assert!(!log.contains(&written), "{:?}", log.lines().find(|line| line.contains(&written)));
    }
}
