//! A service with rules for some apps, the people who live there, and the questions that proxies ask.

use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::browser::Browser;
use crate::support::raw::{self, Answer};

pub const GATE_COOKIE: &str = "__Secure-vestibule_gate";

const RULES: &str = r#"[
    { hosts = ["app.example.com"], paths = ["/public/**"], allow = "public" },
    { hosts = ["app.example.com"], paths = ["/closed/**"], allow = "deny" },
    { hosts = ["app.example.com"], paths = ["/welcome"], allow = "signed_in", verified = false },
    { hosts = ["app.example.com", "*.example.com:8443", "far.test"], allow = "signed_in" },
]"#;

/// Over https, with apps below `example.com`.
pub fn house() -> TestApp {
    house_with(&[])
}

pub fn house_with(special: &[(&str, &str)]) -> TestApp {
    TestApp::with(&settings(special))
}

pub fn settings<'a>(special: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let usual = [
        ("server.public_url", "https://auth.example.com"),
        ("session.cookie_domains", "example.com"),
        ("gateway.rules", RULES),
    ];
    [&usual[..], special].concat()
}

/// Somebody with an account, signed in.
pub struct Person {
    pub browser: Browser,
    pub id: String,
}

impl Person {
    /// Whose address nobody has confirmed.
    pub fn newcomer(app: &TestApp, email: &str) -> Self {
        Self::who_is(app.unverified(email))
    }

    /// Ann Ünal, whose address is confirmed.
    pub fn of_the_house(app: &TestApp, email: &str) -> Self {
        let mut browser = app.verified(email);
        assert_eq!(browser.api("PATCH", "/me", json!({ "name": "Ann Ünal" })).status, 200);
        Self::who_is(browser)
    }

    pub fn who_is(mut browser: Browser) -> Self {
        let me: Value = browser.api("GET", "/me", json!(null)).json();
        let id = me["id"].as_str().expect("an id").to_owned();
        Self { browser, id }
    }

    pub fn gate_token(&self) -> String {
        self.token("vestibule_gate")
    }

    pub fn portal_token(&self) -> String {
        self.token("vestibule_session")
    }

    /// The value of a cookie, whatever the prefix of its name.
    fn token(&self, name: &str) -> String {
        let cookie = self.browser.jar.all().iter().find(|cookie| cookie.name.ends_with(name));
        cookie.expect("signing in brings both cookies").value.clone()
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Door {
    ForwardAuth,
    AuthRequest,
    ExtAuthz,
}

pub const DOORS: [Door; 3] = [Door::ForwardAuth, Door::AuthRequest, Door::ExtAuthz];

impl Door {
    pub fn path(self) -> &'static str {
        match self {
            Self::ForwardAuth => "/gateway/forward-auth",
            Self::AuthRequest => "/gateway/auth-request",
            Self::ExtAuthz => "/gateway/ext-authz",
        }
    }
}

/// What a proxy asks, line by line.
#[derive(Clone)]
pub struct Question {
    pub start: String,
    pub lines: Vec<(String, String)>,
}

impl Question {
    /// A client's GET of `url`, as this kind of proxy tells of it.
    pub fn about(door: Door, url: &str) -> Self {
        let (scheme, rest) = url.split_once("://").expect("a scheme");
        let (host, path) = rest.split_at(rest.find('/').expect("a path"));
        let (at, asked) = match door {
            Door::ForwardAuth | Door::AuthRequest => (door.path().to_owned(), "127.0.0.1"),
            Door::ExtAuthz => (format!("{}{path}", door.path()), host),
        };
        let question = Self { start: format!("GET {at} HTTP/1.1"), lines: Vec::new() };
        let question = question.with("Host", asked).with("Connection", "close");
        match door {
            Door::ForwardAuth => question
                .with("X-Forwarded-Method", "GET")
                .with("X-Forwarded-Proto", scheme)
                .with("X-Forwarded-Host", host)
                .with("X-Forwarded-Uri", path),
            Door::AuthRequest => question.with("X-Original-Method", "GET").with("X-Original-URL", url),
            Door::ExtAuthz => question.with("X-Forwarded-Proto", scheme),
        }
    }

    /// One more line.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.lines.push((name.to_owned(), value.to_owned()));
        self
    }

    /// In place of every line of that name.
    pub fn but(self, name: &str, value: &str) -> Self {
        self.without(name).with(name, value)
    }

    pub fn without(mut self, name: &str) -> Self {
        self.lines.retain(|(own, _)| !own.eq_ignore_ascii_case(name));
        self
    }

    pub fn method(mut self, method: &str) -> Self {
        if self.start.contains(Door::ExtAuthz.path()) {
            self.start = self.start.replacen("GET", method, 1);
            return self;
        }
        let name = if self.start.contains("forward-auth") { "X-Forwarded-Method" } else { "X-Original-Method" };
        self.but(name, method)
    }

    /// Somebody looks at what comes back.
    pub fn in_a_browser(self) -> Self {
        self.with("Accept", "text/html,application/xhtml+xml").with("Sec-Fetch-Mode", "navigate")
    }

    pub fn by(self, person: &Person) -> Self {
        self.with("Cookie", &format!("{GATE_COOKIE}={}", person.gate_token()))
    }

    pub fn bytes(&self) -> Vec<u8> {
        let lines: Vec<_> = self.lines.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        format!("{}\r\n{}\r\n", self.start, lines.concat()).into_bytes()
    }

    /// Asks, and checks what is true of every answer.
    pub fn ask(&self, app: &TestApp) -> Answer {
        let answer = raw::send(app.port(), self.bytes());
        assert!(answer.headers("set-cookie").is_empty(), "{answer:?}");
        assert_eq!(answer.headers("cache-control"), ["no-store"], "{answer:?}");
        assert_eq!(answer.headers("content-length").len(), 1, "{answer:?}");
        let identity = ["Remote-User", "Remote-Email", "Remote-Name", "Remote-Groups", "Vestibule-Assertion"];
        for name in identity {
            assert_eq!(answer.headers(name).len(), usize::from(answer.status == 200), "{name}: {answer:?}");
        }
        let common = ["x-request-id", "content-security-policy", "x-content-type-options", "referrer-policy"];
        for name in common {
            assert_eq!(answer.headers(name).len(), 1, "{name}: {answer:?}");
        }
        answer
    }
}
