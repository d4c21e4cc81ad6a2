//! `vestibule user show`.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::authenticator::set_up;
use crate::support::people::PASSWORD;

const ANN: &str = "ann@example.com";

#[test]
fn support_is_told_how_an_account_stands_and_no_secret() {
    let app = TestApp::start();
    app.catch_up();
    let mut ann = app.verified(ANN);
    let signed_up_at = app.clock().now();
    let (authenticator, codes) = set_up(&app, &mut ann);
    let made: Value = ann.api("POST", "/me/api-keys", json!({ "name": "backup" })).json();
    let said = app.vestibule(&["user", "show", "Ann@Example.com", "--json"]).json();
    let id = app.text("SELECT id::text AS t FROM users");
    assert_eq!((said["id"].as_str(), said["email"].as_str()), (Some(id.as_str()), Some(ANN)));
    let verified_at: DateTime<Utc> = said["email_verified_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(verified_at, signed_up_at);
    assert_eq!(
        (&said["state"], &said["came_by"], &said["password"]),
        (&json!("active"), &json!("sign_up"), &json!(true))
    );
    assert_eq!(said["mfa"], json!({ "totp": true, "passkeys": 0, "recovery_codes_left": 10 }));
    assert_eq!((&said["sessions"], &said["api_keys"], &said["deletion"]), (&json!(1), &json!(1), &Value::Null));

    let text = app.vestibule(&["user", "show", &id]);
    let address = format!("address        {ANN}, confirmed {}", verified_at.format("%Y-%m-%d %H:%M UTC"));
    for line in [&address, "state          active", "sessions       1", "API keys       1"] {
        assert!(text.text().lines().any(|said| said == line), "{line}:\n{}", text.out);
    }
    let hash = app.text("SELECT password_hash AS t FROM users");
    let key = made["key"].as_str().unwrap();
    let stored = app.text("SELECT encode(digest, 'hex') AS t FROM api_keys");
    for secret in [PASSWORD, &hash, key, &stored, &codes[0], &authenticator.code(&app)] {
        assert!(!text.out.contains(secret) && !said.to_string().contains(secret), "{secret}");
    }
}

#[test]
fn whoever_is_disabled_leaving_or_unproved_is_shown_as_that() {
    let app = TestApp::start();
    app.signed_up(ANN);
    let state = || app.vestibule(&["user", "show", ANN, "--json"]).json()["state"].clone();
    assert_eq!(state(), "unverified");
    app.execute("UPDATE users SET deletion_asked_at = '2027-01-01Z', deletes_at = '2027-01-31Z'");
    let said = app.vestibule(&["user", "show", ANN, "--json"]).json();
    assert_eq!(said["state"], "leaving");
    assert_eq!(said["deletion"], json!({ "asked_at": "2027-01-01T00:00:00Z", "deletes_at": "2027-01-31T00:00:00Z" }));
    app.execute("UPDATE users SET disabled_at = '2027-01-02Z'");
    assert_eq!(state(), "disabled");
    let text = app.vestibule(&["user", "show", ANN]);
    assert!(text.text().contains("\nstate          disabled 2027-01-02 00:00 UTC\n"), "{}", text.out);
}
