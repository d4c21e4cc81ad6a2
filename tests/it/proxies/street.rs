//! Visitor, proxy, service, app.

use std::fs;
use std::path::Path;

use url::Url;

use crate::gate::house::Person;
use crate::support::app::TestApp;
use crate::support::browser::Browser;
use crate::support::echo::{Echo, Received};
use crate::support::people::{PASSWORD, sign_in};
use crate::support::proxy::Proxy;
use crate::support::raw::{self, Answer};

/// `public.example.com` is open to everybody and served by nobody: a way to be judged as the wrong app.
const RULES: &str = r#"[
    { hosts = ["app.example.com"], paths = ["/public/**"], allow = "public" },
    { hosts = ["app.example.com"], paths = ["/closed/**"], allow = "deny" },
    { hosts = ["public.example.com"], allow = "public" },
    { hosts = ["app.example.com"], paths = ["/api/**"], allow = "signed_in", api_keys = true },
    { hosts = ["app.example.com"], allow = "signed_in" },
]"#;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Nginx,
    Caddy,
}

pub struct Street {
    pub kind: Kind,
    pub proxy: Proxy,
    pub app: Echo,
    pub service: TestApp,
}

/// Each test is told by both.
pub fn streets() -> [Street; 2] {
    [Kind::Nginx, Kind::Caddy].map(Street::with)
}

impl Street {
    fn with(kind: Kind) -> Self {
        let service = TestApp::with(&[
            ("server.public_url", "http://auth.example.com"),
            ("session.cookie_domains", "example.com"),
            ("gateway.rules", RULES),
            ("gateway.organizations", "acme,globex"),
        ]);
        let app = Echo::start();
        let proxy = match kind {
            Kind::Nginx => Proxy::nginx(|port| {
                let text = deployed("nginx/vestibule.conf", &service, &app);
                replaced(&text, "listen 80", &format!("listen 127.0.0.1:{port}"))
            }),
            Kind::Caddy => Proxy::caddy(|port| {
                let text = deployed("caddy/Caddyfile", &service, &app);
                let text = replaced(&text, "\nhttp:// {", &format!("\nhttp://:{port} {{"));
                ["auth", "app"].iter().fold(text, |text, name| {
                    let site = format!("\n{name}.example.com {{");
                    replaced(&text, &site, &format!("\nhttp://{name}.example.com:{port} {{"))
                })
            }),
        };
        Self { kind, proxy, app, service }
    }

    pub fn browser(&self) -> Browser {
        Browser::new("http://auth.example.com", self.proxy.port()).knows("app.example.com", self.proxy.port())
    }

    /// Somebody of the house, who signs in through the proxy.
    pub fn ann(&self) -> Person {
        Person::of_the_house(&self.service, "ann@example.com");
        let mut browser = self.browser();
        assert_eq!(sign_in(&mut browser, "ann@example.com", PASSWORD).status, 303);
        Person::who_is(browser)
    }

    /// The `Cookie` line that a person's browser sends to the app.
    pub fn cookies_of(person: &Person) -> String {
        let app = Url::parse("http://app.example.com/").expect("a URL");
        let header = person.browser.jar.header(&app, crate::support::jar::Sender::SameSite);
        format!("Cookie: {}\r\n", header.expect("the gate's cookie reaches the app's host"))
    }

    /// A request with these lines, to the app unless they name another host.
    pub fn send(&self, start: &str, lines: &str) -> Answer {
        raw::send(self.proxy.port(), Self::request(start, lines))
    }

    pub fn request(start: &str, lines: &str) -> String {
        let host = if lines.starts_with("Host:") { "" } else { "Host: app.example.com\r\n" };
        format!("{start} HTTP/1.1\r\n{host}Connection: close\r\n{lines}\r\n")
    }

    /// What reached the app, of which there must be exactly one.
    pub fn received(&self) -> Received {
        let received = self.app.received();
        assert_eq!(received.len(), 1, "{:?}: {received:?}", self.kind);
        received[0].clone()
    }

    pub fn assert_nothing_arrived(&self, why: &str) {
        assert!(self.app.received().is_empty(), "{:?}: {why}: {:?}", self.kind, self.app.received());
    }
}

/// The file as it is delivered, with the addresses of the service and the app.
fn deployed(name: &str, service: &TestApp, app: &Echo) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(name);
    let text = fs::read_to_string(&path).expect("a file that we deliver");
    let text = replaced(&text, "127.0.0.1:8080", &format!("127.0.0.1:{}", service.port()));
    replaced(&text, "127.0.0.1:3000", &format!("127.0.0.1:{}", app.port()))
}

/// What is no longer there cannot be replaced in silence.
fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from:?} is not in the file");
    text.replace(from, to)
}
