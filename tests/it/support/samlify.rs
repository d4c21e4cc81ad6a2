//! A real provider made of samlify, which comes from npm, on a loopback port.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use vestibule::kernel::Clock;
use vestibule::sso::saml::keys::{self, Pair};

use super::browser::Browser;
use super::port::Port;
use super::process::{Folder, Tended};
use super::simplesamlphp::pem;

pub struct Samlify {
    port: Port,
    settings: Value,
    process: Tended,
}

impl Samlify {
    /// It signs everybody in as Ann of `example.com`, and signs the response.
    pub fn start() -> Self {
        let drivers = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/providers");
        assert!(drivers.join("node_modules/samlify").is_dir(), "samlify is not installed: run `make setup-test`");
        let (port, folder) = (Port::claim(), Folder::make("samlify", "TERM"));
        let settings = json!({
            "service": "",
            "person": { "id": "ann-1", "email": "ann@example.com", "name": "Ann Lee", "groups": ["engineering"] },
            "sign_response": true,
            "sign_assertion": false,
            "encrypt": false,
            "binding": "redirect",
        });
        let file = folder.path().join("settings.json");
        let mut command = Command::new("node");
        command.arg(drivers.join("samlify.mjs")).arg(port.number().to_string()).arg(file);
        let process = Tended::start(folder, &mut command, "TERM");
        let mut provider = Self { port, settings, process };
        provider.change_key();
        provider.process.wait_until(|| provider.port.answers());
        provider
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port.number())
    }

    pub fn entity_id(&self) -> String {
        self.url("metadata")
    }

    /// As it publishes it.
    pub fn metadata(&self) -> String {
        let mut browser = Browser::new(&self.url(""), self.port.number());
        let page = browser.get(&self.entity_id());
        assert_eq!(page.status, 200, "{}\n{}", page.answer.text(), self.process.log());
        page.answer.text()
    }

    /// Lets a service ask it: by that service's own metadata, and by nothing else.
    pub fn trust(&mut self, metadata: &str) {
        self.set("service", json!(metadata));
    }

    /// Signs with another key from now on.
    pub fn change_key(&mut self) {
        let Pair { key, certificate, .. } = keys::generate("samlify", Clock::System.now()).expect("a key");
        self.settings["key"] = json!(pem("PRIVATE KEY", &key));
        self.set("certificate", json!(pem("CERTIFICATE", &certificate)));
    }

    /// The same, with this one way of speaking about signing out.
    pub fn metadata_with(&mut self, binding: &str) -> String {
        self.set("binding", json!(binding));
        self.metadata()
    }

    /// Changes one of its settings at once, as `samlify.mjs` names them.
    pub fn set(&mut self, name: &str, value: Value) {
        self.settings[name] = value;
        let folder = self.process.folder();
        fs::write(folder.join("settings.new"), self.settings.to_string()).expect("its own folder");
        fs::rename(folder.join("settings.new"), folder.join("settings.json")).expect("its own folder");
    }
}
