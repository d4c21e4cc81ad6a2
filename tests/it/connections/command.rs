//! `vestibule sso`, the program itself.

use std::fs;
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::{certificate, metadata};
use crate::orgs::{OWNER, staffed};
use crate::support::TestApp;

/// Exit code, standard output, standard error.
fn sso(app: &TestApp, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command.env_clear().current_dir(std::env::temp_dir());
    command.env("VESTIBULE__DATABASE__URL", app.database_url());
    command.env("VESTIBULE__SERVER__PUBLIC_URL", app.public_url().as_str());
    command.env("VESTIBULE__SECRETS__KEY", "dGhlIGtleSBvZiBhIHRlc3QgdGhhdCBub2JvZHkgbmVlZHMgdG8gaGlkZQ==");
    let Output { status, stdout, stderr } = command.arg("sso").args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

fn run(app: &TestApp, arguments: &[&str]) -> String {
    let (code, out, err) = sso(app, arguments);
    assert_eq!(code, 0, "{arguments:?}: {out}{err}");
    out
}

fn as_json(app: &TestApp, arguments: &[&str]) -> Value {
    serde_json::from_str(&run(app, &[arguments, &["--json"]].concat())).unwrap()
}

fn file(name: &str, text: &str) -> String {
    let path = std::env::temp_dir().join(format!("vestibule-{}-{name}", std::process::id()));
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn the_operator_does_by_command_whatever_the_pages_can_and_a_domain_is_proved_by_their_word() {
    let app = TestApp::start();
    let (_, [owner_id, ..]) = staffed(&app);
    assert_eq!(run(&app, &["list"]), "There is no connection.\n");
    let document = file("metadata.xml", &metadata("https://idp.example.com/", &[&certificate("idp")]));
    let added = as_json(
        &app,
        &[
            "add",
            "acme",
            "--name",
            "Staff",
            "--metadata",
            &document,
            "--domain",
            "example.com",
            "--group-role",
            "IT=admin",
            "--default-role",
            "none",
            "--break-glass",
            OWNER,
        ],
    );
    let id = added["id"].as_str().unwrap();
    assert_eq!(
        (&added["domains"], &added["group_roles"], &added["default_role"], &added["break_glass"][0]["email"]),
        (&json!([{ "name": "example.com", "proved": true }]), &json!({ "IT": "admin" }), &Value::Null, &json!(OWNER))
    );
    assert_eq!(as_json(&app, &["list"])["connections"][0]["organization"], "acme");
    assert_eq!(as_json(&app, &["list", "acme"])["connections"][0]["id"], id);
    let shown = run(&app, &["show", id]);
    for said in
        ["https://idp.example.com/", "example.com (proved)", "IT = admin", "CN=idp", "break glass", "one way in"]
    {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    // Our metadata is what the service shows.
    let (_, published) = shown.split_once("our metadata ").unwrap();
    let path = published.lines().next().unwrap().trim().replace(app.public_url().as_str().trim_end_matches('/'), "");
    assert_eq!(app.browser().get(&path).status, 200);

    let (code, _, err) = sso(&app, &["change", id, "--enforced", "true"]);
    assert!(code == 1 && err.contains("Nobody has tried it out"), "{err}");
    assert_eq!(as_json(&app, &["preflight", id])["affected"], 3);
    app.execute(&format!(
        "UPDATE connections SET tested_at = greatest(now(), changed_at) + interval '1 minute', tested_by = '{owner_id}'"
    ));
    assert_eq!(as_json(&app, &["change", id, "--enforced", "true"])["enforced"], true);
    assert_eq!(as_json(&app, &["change", id, "--enforced", "false"])["enforced_from"], Value::Null);

    change_and_remove(&app, id, &added);
    let hands = "SELECT string_agg(DISTINCT hand || coalesce(actor_id::text, ''), ' ') AS t FROM audit_events WHERE kind LIKE 'sso.%' AND hand <> 'system'";
    assert_eq!(app.text(hands), "operator");
}

fn change_and_remove(app: &TestApp, id: &str, added: &Value) {
    let key = as_json(app, &["add-key", id]);
    let (old, new) = (added["keys"][0]["id"].as_str().unwrap(), key["id"].as_str().unwrap());
    run(app, &["use-key", id, new]);
    run(app, &["remove-key", id, old]);
    let pem =
        file("next.pem", &format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", certificate("next")));
    let by_hand = as_json(app, &["change", id, "--certificate", &pem, "--name", "All"]);
    assert_eq!(
        (&by_hand["metadata"]["from"], &by_hand["certificates"][0]["subject"]),
        (&json!("hand"), &json!("CN=next"))
    );
    let (code, _, err) = sso(app, &["refresh", id]);
    assert!(code == 1 && err.contains("whose metadata has a URL"), "{err}");
    assert_eq!(run(app, &["remove", id]), "All is removed.\n");
    assert_eq!(as_json(app, &["list"]), json!({ "connections": [] }));
}

#[test]
fn what_cannot_be_is_a_clear_error() {
    let app = TestApp::start();
    staffed(&app);
    let unknown = "01976d3e-0000-7000-8000-000000000000";
    let bad = file("bad.xml", "<html/>");
    let good = file("good.xml", &metadata("https://idp.example.com/", &[&certificate("idp")]));
    for (arguments, code, said) in [
        (&["add", "nobody", "--name", "x", "--metadata", &good][..], 1, "there is no organization nobody"),
        (&["add", "acme", "--name", "x", "--metadata", &bad], 1, "metadata_xml: This is no SAML metadata"),
        (&["add", "acme", "--name", "x", "--metadata", "/nowhere/x.xml"], 1, "/nowhere/x.xml cannot be read"),
        (&["add", "acme", "--metadata", "https://127.0.0.1:1/"], 1, "no public address"),
        (&["add", "acme", "--name", "x"], 1, "Give the provider's metadata"),
        (&["add", "acme", "--group-role", "IT"], 2, "there is no = in it"),
        (&["show", unknown], 1, "there is no connection of that id"),
        (&["remove", unknown], 1, "there is no connection of that id"),
        (&["list", "nobody"], 1, "there is no organization nobody"),
        (&["change", "nonsense"], 2, "nonsense"),
    ] {
        let (ended, out, err) = sso(&app, arguments);
        assert_eq!((ended, out.as_str()), (code, ""), "{arguments:?}: {err}");
        assert!(err.contains(said), "{arguments:?}: {err}");
    }
}
