//! What docs/webhooks.md tells those who receive webhooks, tried on what they receive.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use vestibule::audit::Kind;

use super::{HERE, command};
use crate::documentation::{blocks, read};
use crate::resilience::service::Service;
use crate::support::postgres::TestDb;
use crate::support::process::Folder;
use crate::support::receiver::{Manner, Receiver, Told};

const DOCUMENT: &str = "docs/webhooks.md";

const PYTHON: &str = r#"
import base64 as b64, json, sys
from check import is_from_vestibule
case = json.load(open(sys.argv[1]))
print(is_from_vestibule(case["secret"], case["headers"], b64.b64decode(case["body"])))
"#;

const NODE: &str = r#"
import { readFileSync } from "node:fs";
import { isFromVestibule } from "./check.mjs";
const { secret, headers, body } = JSON.parse(readFileSync(process.argv[2]));
console.log(isFromVestibule(secret, headers, Buffer.from(body, "base64")) ? "True" : "False");
"#;

/// Whether both examples say so, of a request with this secret, body and time.
fn says(folder: &Path, told: &Told, secret: &str, body: &[u8], timestamp: &str) -> bool {
    use base64::Engine as _;
    let case = json!({
        "secret": secret,
        "headers": {
            "webhook-id": told.id(),
            "webhook-timestamp": timestamp,
            "webhook-signature": told.header("webhook-signature"),
        },
        "body": base64::engine::general_purpose::STANDARD.encode(body),
    });
    fs::write(folder.join("case.json"), case.to_string()).unwrap();
    let [python, node] = [("python3", "ask.py"), ("node", "ask.mjs")].map(|(program, script)| {
        let output = Command::new(program).args([script, "case.json"]).current_dir(folder).output().unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        match out.trim() {
            "True" => true,
            "False" => false,
            _ => panic!("{program}: {out}{err}"),
        }
    });
    assert_eq!(python, node, "the examples differ");
    python
}

#[test]
fn the_examples_know_our_requests_from_those_of_others() {
    let folder = Folder::make("examples", "TERM");
    let document = read(DOCUMENT);
    for (language, file, script, ask) in
        [("python", "check.py", PYTHON, "ask.py"), ("javascript", "check.mjs", NODE, "ask.mjs")]
    {
        fs::write(folder.path().join(file), &blocks(&document, language)[0]).unwrap();
        fs::write(folder.path().join(ask), script).unwrap();
    }
    let (database, receiver) = (TestDb::make(), Receiver::start(Manner::Takes));
    let _service = Service::start(&[("DATABASE__URL", database.url()), ("WEBHOOKS__ALLOWED_NETWORKS", HERE.1)]);
    let json = |arguments: &[&str]| -> Value {
        serde_json::from_str(&command::run(database.url(), &[arguments, &["--json"]].concat())).unwrap()
    };
    let added = json(&["add", &receiver.url()]);
    let (webhook, old) = (added["id"].as_str().unwrap(), added["secret"].as_str().unwrap());
    let rotated = json(&["rotate", webhook]);
    let new = rotated["secret"].as_str().unwrap();
    json(&["test", webhook]);
    let told = receiver.first("webhook.tested");
    let stamp = told.header("webhook-timestamp");
    let ask = |secret: &str, body: &[u8], stamp: &str| says(folder.path(), &told, secret, body, stamp);
    assert!(ask(new, told.body(), stamp) && ask(old, told.body(), stamp));
    let other = json(&["add", &receiver.url()]);
    assert!(!ask(other["secret"].as_str().unwrap(), told.body(), stamp));
    assert!(!ask(new, &[told.body(), b" "].concat(), stamp));
    let earlier = (stamp.parse::<i64>().unwrap() - 301).to_string();
    assert!(!ask(new, told.body(), &earlier));
}

#[test]
fn every_type_in_the_document_exists() {
    let document = read(DOCUMENT);
    let list = document.split("Types are those of the audit log").nth(1).unwrap().split("\n\n").next().unwrap();
    let words: Vec<&str> = list.split('`').filter(|word| word.contains('.') && !word.contains(' ')).collect();
    assert!(words.len() > 12, "{words:?}");
    for word in words.into_iter().filter(|word| !word.ends_with(".*")) {
        assert!(Kind::find(word).is_some(), "{word}");
    }
}
