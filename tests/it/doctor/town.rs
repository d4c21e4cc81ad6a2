//! A service, an app that tells what reaches it, somebody with an account, and what the doctor says of it all.

use secrecy::ExposeSecret as _;
use serde_json::Value;

pub use crate::proxies::street::replaced;
use crate::proxies::street::{ELSEWHERE_AT_HOME, Kind, Place, Plant};
use crate::support::TestApp;
use crate::support::command::{Said, vestibule};
use crate::support::echo::Echo;
use crate::support::proxy::Proxy;

pub const PERSON: &str = "ann@example.com";
pub const APP: &str = "http://app.vestibule.localhost/";

/// `public.vestibule.localhost` is open to everybody and served by nobody: a way to be judged as the wrong app.
const RULES: &str = r#"[
    { hosts = ["app.vestibule.localhost"], paths = ["/public/**"], allow = "public" },
    { hosts = ["app.vestibule.localhost"], paths = ["/closed/**"], allow = "deny" },
    { hosts = ["public.vestibule.localhost"], allow = "public" },
    { hosts = ["app.vestibule.localhost"], allow = "signed_in" },
]"#;

pub struct Town {
    pub service: TestApp,
    pub app: Echo,
    settings: Vec<(String, String)>,
}

impl Town {
    pub fn new() -> Self {
        Self::with(&[])
    }

    /// On one's own machine, where plain http is good enough, unless a test says otherwise.
    pub fn with(different: &[(&str, &str)]) -> Self {
        let usual = [
            ("server.public_url", "http://auth.vestibule.localhost"),
            ("session.cookie_domains", "vestibule.localhost"),
            ("gateway.rules", RULES),
        ];
        let is_usual = |key: &str| different.iter().all(|(own, _)| *own != key);
        let settings: Vec<(&str, &str)> =
            usual.into_iter().filter(|(key, _)| is_usual(key)).chain(different.iter().copied()).collect();
        let service = TestApp::with(&settings);
        service.catch_up();
        service.verified(PERSON);
        let owned = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Self { service, app: Echo::start(), settings: owned }
    }

    /// Our own example for this proxy, with the names and addresses of this town.
    pub fn street(&self, kind: Kind, plant: Plant) -> Proxy {
        kind.start(self.place(), plant)
    }

    pub fn place(&self) -> Place<'static> {
        Place { domain: "vestibule.localhost", service: self.service.port(), app: self.app.port() }
    }

    pub fn nginx(&self, plant: impl Fn(String) -> String) -> Proxy {
        self.street(Kind::Nginx, &|_, text| plant(text))
    }

    pub fn caddy(&self, plant: impl Fn(String) -> String) -> Proxy {
        self.street(Kind::Caddy, &|_, text| plant(text))
    }

    /// What the doctor says of these URLs behind the proxy, with a session of [`PERSON`].
    pub fn examined(&self, proxy: &Proxy, urls: &[&str]) -> Diagnosis {
        self.examined_with(proxy, &[], &[&["--as", PERSON], urls].concat())
    }

    /// With settings that differ, and with other arguments.
    pub fn examined_with(&self, proxy: &Proxy, different: &[(&str, &str)], arguments: &[&str]) -> Diagnosis {
        // The program lives in the present.
        self.service.catch_up();
        Diagnosis::of(&self.doctor(proxy, different, &[&["--json"], arguments].concat()))
    }

    /// The program with the settings of this service, and some that differ.
    pub fn doctor(&self, proxy: &Proxy, different: &[(&str, &str)], arguments: &[&str]) -> Said {
        let mail = &self.service.app.settings.mail;
        let mail_url = format!("submission://localhost:{}", self.service.mail().port());
        let authority = mail.ca_file.as_ref().expect("the tests' own").display().to_string();
        let usual = [
            ("mail.transport", "smtp"),
            ("mail.url", &mail_url),
            ("mail.username", &mail.username),
            ("mail.password", mail.password.expose_secret()),
            ("mail.from", "Vestibule <no-reply@example.com>"),
            ("mail.ca_file", &authority),
        ];
        let own = self.settings.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let settings: Vec<(&str, &str)> = usual.into_iter().chain(own).chain(different.iter().copied()).collect();
        let resolve = ["auth.vestibule.localhost", "app.vestibule.localhost", ELSEWHERE_AT_HOME]
            .map(|host| format!("--resolve={host}=127.0.0.1:{}", proxy.port()));
        let resolve = resolve.each_ref().map(String::as_str);
        vestibule(self.service.database_url(), &settings, &[&["doctor"], &resolve[..], arguments].concat())
    }
}

/// What the doctor has said.
#[derive(Debug)]
pub struct Diagnosis {
    pub code: i32,
    pub said: Value,
}

impl Diagnosis {
    pub fn of(said: &Said) -> Self {
        let read = serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"));
        Self { code: said.code, said: read }
    }

    fn checks(&self) -> impl Iterator<Item = (&Value, &Value)> {
        let places = self.said["places"].as_array().into_iter().flatten();
        places.flat_map(|place| place["checks"].as_array().into_iter().flatten().map(move |check| (place, check)))
    }

    pub fn findings(&self) -> Vec<&Value> {
        self.checks().flat_map(|(_, check)| check["findings"].as_array().into_iter().flatten()).collect()
    }

    pub fn codes(&self) -> Vec<&str> {
        self.findings().iter().map(|finding| finding["code"].as_str().expect("a code")).collect()
    }

    /// Which proxy is seen at each place.
    pub fn proxies(&self) -> Vec<&str> {
        self.said["places"].as_array().into_iter().flatten().map(|place| word(&place["proxy"])).collect()
    }

    /// What was not looked at, and why not.
    pub fn open(&self) -> Vec<(&str, &str)> {
        let open = self.checks().filter(|(_, check)| check["outcome"] == "not_checked");
        open.map(|(_, check)| (word(&check["check"]), word(&check["because"]))).collect()
    }

    pub fn outcomes(&self, check: &str) -> Vec<&str> {
        self.checks().filter(|(_, own)| own["check"] == check).map(|(_, own)| word(&own["outcome"])).collect()
    }

    /// Every finding says all that it has to, and the end of the program goes with them.
    pub fn assert_finds(&self, why: &str, codes: &[&str]) {
        assert_eq!(self.code, 1, "{why}: {self:#?}");
        for code in codes {
            assert!(self.codes().contains(code), "{why}: {code} is not among {:?}\n{self:#?}", self.codes());
        }
        for finding in self.findings() {
            for part in ["what", "why", "change"] {
                let text = word(&finding[part]);
                assert!(text.len() > 10 && text.ends_with(['.', ')', '`']), "{why}: {finding:#}");
            }
        }
    }

    pub fn assert_finds_nothing(&self, why: &str) {
        assert!(self.codes().is_empty(), "{why}: {self:#?}");
        assert_eq!((self.code, &self.said["findings"]), (0, &Value::from(0)), "{why}: {self:#?}");
    }
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
