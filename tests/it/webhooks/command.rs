//! `vestibule webhook`, the program itself.

use std::process::{Command, Output};

use serde_json::{Value, json};

use super::{HERE, start};
use crate::support::eventually;
use crate::support::receiver::{Manner, Receiver};

/// Exit code, standard output, standard error.
pub fn webhook(database: &str, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command.env_clear().current_dir(std::env::temp_dir());
    command.env("VESTIBULE__DATABASE__URL", database);
    command.env("VESTIBULE__WEBHOOKS__ALLOWED_NETWORKS", HERE.1);
    command.env("VESTIBULE__SECRETS__KEY", "dGhlIGtleSBvZiBhIHRlc3QgdGhhdCBub2JvZHkgbmVlZHMgdG8gaGlkZQ==");
    let Output { status, stdout, stderr } = command.arg("webhook").args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

/// What it says when it succeeds.
pub fn run(database: &str, arguments: &[&str]) -> String {
    let (code, out, err) = webhook(database, arguments);
    assert_eq!(code, 0, "{out}{err}");
    out
}

/// The id of a new one.
pub fn add(database: &str, url: &str) -> String {
    let added: Value = serde_json::from_str(&run(database, &["add", url, "--json"])).unwrap();
    added["id"].as_str().unwrap().to_owned()
}

#[test]
fn the_operator_adds_tries_rotates_and_removes_a_webhook() {
    let (app, receiver) = (start(), Receiver::start(Manner::Takes));
    let database = app.database_url();
    let json = |arguments: &[&str]| -> Value {
        serde_json::from_str(&run(database, &[arguments, &["--json"]].concat())).unwrap()
    };
    assert_eq!(run(database, &["list"]), "There is no webhook.\n");
    let added = json(&["add", &receiver.url(), "--kind", "user.*", "--kind", "session.revoked"]);
    let (id, secret) = (added["id"].as_str().unwrap(), added["secret"].as_str().unwrap());
    assert_eq!((&added["url"], &added["kinds"]), (&json!(receiver.url()), &json!(["session.revoked", "user.*"])));
    assert!(secret.starts_with("whsec_"));

    let out = run(database, &["test", id]);
    let told = receiver.first("webhook.tested");
    assert!(out.starts_with(told.id()), "{out}");
    assert_eq!(told.signatures_by(secret), 1);
    let delivery = eventually("a delivery", || {
        let all = json(&["deliveries", id]);
        let delivery = all["deliveries"][0].clone();
        (delivery["state"] == "delivered").then_some(delivery)
    });
    assert_eq!((&delivery["type"], &delivery["last_status"]), (&json!("webhook.tested"), &json!(204)));
    assert!(run(database, &["deliveries", id]).contains("attempts 1, delivered "));
    assert_eq!(json(&["redeliver", told.id()]), json!({ "delivery": told.id(), "outcome": "queued" }));
    receiver.until_told(2);

    let rotated = json(&["rotate", id]);
    assert_ne!(rotated["secret"], secret);
    assert_eq!(json(&["disable", id]), json!({ "id": id, "enabled": false }));
    let (code, _, err) = webhook(database, &["test", id]);
    assert!(code == 1 && err.contains("`vestibule webhook enable` turns it on"), "{err}");
    assert_eq!(json(&["enable", id]), json!({ "id": id, "enabled": true }));
    let list = json(&["list"]);
    assert_eq!((&list["webhooks"][0]["id"], &list["webhooks"][0]["organization"]), (&json!(id), &Value::Null));
    assert!(run(database, &["list"]).contains("the instance, session.revoked user.*, on"));
    assert_eq!(run(database, &["remove", id]), "The webhook at localhost is removed.\n");
    assert_eq!(json(&["list"]), json!({ "webhooks": [] }));
    let kinds = "SELECT string_agg(kind, ' ' ORDER BY at, id) AS t FROM audit_events
        WHERE hand = 'operator' AND actor_id IS NULL AND request_id LIKE 'webhook %'";
    assert_eq!(
        app.text(kinds),
        "webhook.added webhook.tested webhook.delivery_repeated webhook.secret_replaced webhook.disabled \
         webhook.changed webhook.removed"
    );
}

#[test]
fn what_cannot_be_is_a_clear_error() {
    let app = start();
    let database = app.database_url();
    let unknown = "01976d3e-0000-7000-8000-000000000000";
    for (arguments, code, said) in [
        (&["add", "https://10.0.0.1/"][..], 1, "no public address. webhooks.allowed_networks says"),
        (&["add", "hooks"], 1, "This is no URL"),
        (&["add", "http://localhost:1/", "--kind", "user.craeted"], 1, "no such kind of event: user.craeted"),
        (&["add"], 2, "<URL>"),
        (&["remove", unknown], 1, "there is no webhook of that id"),
        (&["deliveries", unknown], 1, "there is no webhook of that id"),
        (&["redeliver", unknown], 1, "there is no delivery of that id"),
        (&["rotate", "nonsense"], 2, "nonsense"),
    ] {
        let (ended, out, err) = webhook(database, arguments);
        assert_eq!((ended, out.as_str()), (code, ""), "{arguments:?}: {err}");
        assert!(err.contains(said), "{arguments:?}: {err}");
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM webhooks"), 0);
}
