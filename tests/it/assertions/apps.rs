//! The example apps, each in its own language, and what each of them believes.

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{APP, ON, from_base64, kid, parts, published, told, told_at};
use crate::gate::house::{Person, house_with, settings};
use crate::support::TestApp;
use crate::support::people::PASSWORD;
use crate::support::port::Port;
use crate::support::process::{Folder, Tended};
use crate::support::raw::{self, Answer};

struct App {
    port: Port,
    process: Tended,
}

impl App {
    /// As its head says, but that the keys are fetched from where the service really is.
    fn start(name: &str, service: &TestApp, command: impl FnOnce(&Port, &Path) -> Command) -> Self {
        let port = Port::claim();
        let folder = Folder::make(name, "TERM");
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/assertion").join(name);
        let mut command = command(&port, &own);
        command
            .env("VESTIBULE", "https://auth.example.com")
            .env("APP", APP)
            .env("PORT", port.number().to_string())
            .env("TMPDIR", folder.path())
            .env("JWKS_URL", format!("http://127.0.0.1:{}/.well-known/jwks.json", service.port()));
        let mut process = Tended::start(folder, &mut command, "TERM");
        process.wait_until(|| port.answers());
        Self { port, process }
    }

    fn ask(&self, assertion: &str) -> Answer {
        let lines = format!("Host: 127.0.0.1\r\nConnection: close\r\nVestibule-Assertion: {assertion}\r\n");
        raw::send(self.port.number(), format!("GET / HTTP/1.1\r\n{lines}\r\n"))
    }

    fn assert_refuses(&self, what: &str, assertion: &str) {
        let answer = self.ask(assertion);
        assert_eq!(answer.status, 401, "{what}: {}\n{}", answer.text(), self.process.log());
        assert!(answer.json::<Value>()["error"].is_string(), "{what}: {}", answer.text());
    }
}

fn in_base64(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn house() -> (TestApp, Person) {
    let service = house_with(&[ON]);
    service.catch_up();
    let ann = Person::of_the_house(&service, "ann@example.com");
    (service, ann)
}

/// Of this very moment: an app goes by the real clock.
fn fresh(service: &TestApp, ann: &Person) -> String {
    service.catch_up();
    told(service, ann)
}

fn believes_the_good_one_and_nothing_else(name: &str, command: impl FnOnce(&Port, &Path) -> Command) {
    let (service, ann) = house();
    let app = App::start(name, &service, command);
    let good = fresh(&service, &ann);
    let answer = app.ask(&good);
    assert_eq!(answer.status, 200, "{name}: {}\n{}", answer.text(), app.process.log());
    let [header, claims] = parts(&good);
    assert_eq!(answer.json::<Value>(), claims, "{name}");

    app.assert_refuses("nothing", "");
    app.assert_refuses("no token", "root");
    refuses_what_was_tampered_with(&app, &good, &header, &claims);
    refuses_what_was_signed_otherwise(&app, &service, &good, &claims);
    refuses_what_is_for_others(&app, &service, &ann);
    assert_eq!(app.ask(&fresh(&service, &ann)).status, 200, "{name}: after all of that");
}

fn refuses_what_was_tampered_with(app: &App, good: &str, header: &Value, claims: &Value) {
    let (message, signature) = good.rsplit_once('.').expect("a signature");
    let mut other = claims.clone();
    other["sub"] = json!("root");
    app.assert_refuses("another person", &format!("{}.{}.{signature}", in_base64(header), in_base64(&other)));
    other = claims.clone();
    other["exp"] = json!(9_999_999_999_i64);
    app.assert_refuses("a longer life", &format!("{}.{}.{signature}", in_base64(header), in_base64(&other)));
    let mut bytes = from_base64(signature);
    bytes[40] ^= 1;
    app.assert_refuses("another signature", &format!("{message}.{}", URL_SAFE_NO_PAD.encode(bytes)));
    app.assert_refuses("zeros for a signature", &format!("{message}.{}", URL_SAFE_NO_PAD.encode([0; 64])));
    app.assert_refuses("no signature", &format!("{message}."));
}

fn refuses_what_was_signed_otherwise(app: &App, service: &TestApp, good: &str, claims: &Value) {
    let kid = kid(good);
    for alg in ["none", "None", "NONE"] {
        let header = json!({ "alg": alg, "typ": "JWT", "kid": kid });
        app.assert_refuses(alg, &format!("{}.{}.", in_base64(&header), in_base64(claims)));
    }
    // The public key is known to everybody: taken for a shared secret it would let everybody sign.
    let x = published(service)[0]["x"].as_str().expect("a coordinate").to_owned();
    let message = format!("{}.{}", in_base64(&json!({ "alg": "HS256", "typ": "JWT", "kid": kid })), in_base64(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(&from_base64(&x)).expect("any length is a key");
    mac.update(message.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    app.assert_refuses("a shared secret", &format!("{message}.{signature}"));

    let (stranger, somebody) = house();
    let foreign = fresh(&stranger, &somebody);
    app.assert_refuses("the key of a stranger", &foreign);
    let [_, said] = parts(&foreign);
    let header = json!({ "alg": "ES256", "typ": "JWT", "kid": kid });
    let signature = foreign.rsplit_once('.').expect("a signature").1;
    app.assert_refuses("a key of that name", &format!("{}.{}.{signature}", in_base64(&header), in_base64(&said)));
}

fn refuses_what_is_for_others(app: &App, service: &TestApp, ann: &Person) {
    service.catch_up();
    app.assert_refuses("for another app", &told_at(service, ann, "https://a.example.com:8443/x"));
    app.assert_refuses("for the same host over http", &told_at(service, ann, "http://app.example.com/x"));
    let special = [ON, ("server.public_url", "https://sso.example.com")];
    let elsewhere = service.again_with(&settings(&special));
    elsewhere.catch_up();
    let (browser, answer) = elsewhere.log_in("ann@example.com", PASSWORD);
    assert_eq!(answer.status, 200);
    let ann_elsewhere = Person::who_is(browser);
    let foreign = told(&elsewhere, &ann_elsewhere);
    assert_eq!(kid(&foreign), kid(&told(service, ann)), "the same key");
    app.assert_refuses("of another issuer", &foreign);
    service.catch_up();
    service.clock().advance(-TimeDelta::seconds(100));
    app.assert_refuses("of yesterday", &told(service, ann));
    service.catch_up();
    service.clock().advance(TimeDelta::hours(1));
    let (browser, _) = service.log_in("ann@example.com", PASSWORD);
    app.assert_refuses("of tomorrow", &told(service, &Person::who_is(browser)));
    service.catch_up();
}

// Homebrew does not package the library.
#[cfg(target_os = "linux")]
#[test]
fn an_app_in_python_believes_the_good_one_and_nothing_else() {
    believes_the_good_one_and_nothing_else("python", |_, own| {
        // The system's own, which has the system's libraries.
        let mut command = Command::new("/usr/bin/python3");
        command.arg(own.join("app.py"));
        command
    });
}

#[test]
fn an_app_in_node_believes_the_good_one_and_nothing_else() {
    believes_the_good_one_and_nothing_else("node", |_, own| {
        assert!(own.join("node_modules/jose").is_dir(), "jose is not installed: run `make setup-test`");
        let mut command = Command::new("node");
        command.arg(own.join("app.mjs"));
        command
    });
}

#[test]
fn an_app_in_php_believes_the_good_one_and_nothing_else() {
    believes_the_good_one_and_nothing_else("php", |port, own| {
        let mut command = Command::new("php");
        command.arg("-S").arg(port.address().to_string()).arg(own.join("app.php"));
        command
    });
}

/// What the head of each of them tells people to type.
#[test]
fn the_examples_name_the_same_variables() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples/assertion");
    for file in ["python/app.py", "node/app.mjs", "php/app.php"] {
        let text = std::fs::read_to_string(root.join(file)).expect("an example");
        assert!(text.contains("VESTIBULE=https://auth.example.com APP=https://app.example.com"), "{file}");
        assert!(text.contains("JWKS_URL") && text.contains("ES256"), "{file}");
    }
}
