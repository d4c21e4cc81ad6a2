//! `vestibule user reset-mfa`.

use std::process::{Command, Output};

use serde_json::{Value, json};

use super::{ANN, half_in, is_in, protected, totp};
use crate::support::TestApp;
use crate::support::people::{PASSWORD, code};
use crate::support::process::Folder;

const KEY: &str = "dGhlIGtleSBvZiBhIHRlc3QgdGhhdCBub2JvZHkgbmVlZHMgdG8gaGlkZQ==";

pub fn reset_mfa(app: &TestApp, arguments: &[&str]) -> (i32, String, String) {
    let folder = Folder::make("reset-mfa", "TERM");
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command.args(["user", "reset-mfa"]).args(arguments).current_dir(folder.path()).env_clear();
    command.env("VESTIBULE__DATABASE__URL", app.database_url()).env("VESTIBULE__SECRETS__KEY", KEY);
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

#[test]
fn the_operator_lets_somebody_in_again_whose_phone_and_codes_are_gone() {
    let app = TestApp::start();
    let (mut signed_in, authenticator, _) = protected(&app);
    let mut half = half_in(&app);
    let (status, said, complaints) = reset_mfa(&app, &[ANN]);
    assert_eq!(status, 0, "{complaints}");
    assert!(said.starts_with("ann@example.com signs in with the password alone now"), "{said}");
    assert!(!is_in(&mut signed_in), "signed out everywhere");
    assert_eq!(code(&totp(&mut half, &authenticator.code(&app))), "unauthenticated");
    assert_eq!(app.log_in(ANN, PASSWORD).1.status, 200);

    let letter = app.mail().to(ANN);
    assert_eq!(letter.subject(), "Your second factor at Vestibule was removed");
    assert!(letter.text().contains("whoever runs this service has removed the authenticator app"), "{}", letter.text());
    assert!(!letter.text().contains("unknown browser") && !letter.html().contains("unknown browser"));
    let audited = "SELECT count(*) AS n FROM audit_events WHERE kind = 'factors.removed' AND actor_id IS NULL
        AND details->>'by' = 'operator' AND request_id = 'user reset-mfa'";
    assert_eq!(app.count(audited), 1);
}

#[test]
fn scripts_are_told_what_has_happened() {
    let app = TestApp::start();
    protected(&app);
    let told = |arguments: &[&str]| -> Value { serde_json::from_str(&reset_mfa(&app, arguments).1).unwrap() };
    assert_eq!(told(&[ANN, "--json"]), json!({ "email": ANN, "changed": true, "revoked": 1 }));
    assert_eq!(told(&[ANN, "--json"]), json!({ "email": ANN, "changed": false, "revoked": 0 }));
    let (status, said, _) = reset_mfa(&app, &[ANN]);
    assert_eq!((status, said.as_str()), (0, "ann@example.com has no second factor.\n"));
    let (status, said, complaint) = reset_mfa(&app, &["nobody@example.com"]);
    assert_eq!((status, said.as_str()), (1, ""));
    assert!(complaint.contains("nobody@example.com has no account"), "{complaint}");
}
