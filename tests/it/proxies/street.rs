//! Visitor, proxy, service, app.

use std::fs;
use std::path::{Path, PathBuf};

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
    HaProxy,
    Apache,
    Traefik,
    Envoy,
}

impl Kind {
    /// With the configuration as it is delivered.
    fn start(self, service: &TestApp, app: &Echo) -> Proxy {
        match self {
            Self::Nginx => Proxy::nginx(|port| {
                let text = deployed("nginx/vestibule.conf", service.port(), app);
                replaced(&text, "listen 80", &format!("listen 127.0.0.1:{port}"))
            }),
            Self::Caddy => caddy(service.port(), app),
            Self::HaProxy => Proxy::haproxy(|port| {
                let text = deployed("haproxy/haproxy.cfg", service.port(), app);
                let script = in_deploy("haproxy/vestibule.lua");
                let text = replaced(&text, "/etc/haproxy/vestibule.lua\n", &format!("{}\n", script.display()));
                replaced(&text, "bind :80", &format!("bind 127.0.0.1:{port}"))
            }),
            Self::Apache => Proxy::apache(&in_deploy("apache/vestibule.lua"), |port, script| {
                let text = deployed("apache/vestibule.conf", service.port(), app);
                let text = replaced(&text, "/etc/apache2/vestibule.lua", &script.display().to_string());
                replaced(&text, "<VirtualHost *:80>", &format!("<VirtualHost 127.0.0.1:{port}>"))
            }),
            Self::Traefik => Proxy::traefik("auth.example.com", |port| {
                let own = fs::read_to_string(in_deploy("traefik/traefik.yml")).expect("a file that we deliver");
                let own = replaced(&own, "/etc/traefik/dynamic.yml", "dynamic.yml");
                let own = replaced(&own, "\":80\"", &format!("\"127.0.0.1:{port}\""));
                [own, deployed("traefik/dynamic.yml", service.port(), app)]
            }),
            Self::Envoy => Proxy::envoy(|port| {
                let at = |host: &str, port: u16| format!("{{ address: {host}, port_value: {port} }}");
                let text = fs::read_to_string(in_deploy("envoy/envoy.yaml")).expect("a file that we deliver");
                let text = replaced(&text, &at("0.0.0.0", 80), &at("127.0.0.1", port));
                let text = replaced(&text, &at("127.0.0.1", 8080), &at("127.0.0.1", service.port()));
                replaced(&text, &at("127.0.0.1", 3000), &at("127.0.0.1", app.port()))
            }),
        }
    }
}

pub struct Street {
    pub kind: Kind,
    pub proxy: Proxy,
    pub app: Echo,
    pub service: TestApp,
}

/// Each test is told by all of them, one after another.
pub fn streets() -> impl Iterator<Item = Street> {
    streets_with(&[])
}

/// With these settings of the service besides.
pub fn streets_with<'a>(special: &'a [(&'a str, &'a str)]) -> impl Iterator<Item = Street> + 'a {
    let kinds = [Kind::Nginx, Kind::Caddy, Kind::HaProxy, Kind::Apache, Kind::Traefik, Kind::Envoy];
    // Homebrew lacks what Apache asks by.
    let is_here = |kind: &Kind| *kind != Kind::Apache || !cfg!(target_os = "macos");
    kinds.into_iter().filter(is_here).map(|kind| Street::with(kind, special))
}

impl Street {
    fn with(kind: Kind, special: &[(&str, &str)]) -> Self {
        let usual = [
            ("server.public_url", "http://auth.example.com"),
            ("session.cookie_domains", "example.com"),
            ("gateway.rules", RULES),
            ("gateway.organizations", "acme,globex"),
        ];
        let service = TestApp::with(&[&usual[..], special].concat());
        let app = Echo::start();
        let proxy = kind.start(&service, &app);
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

/// With the service on this port.
pub fn caddy(service: u16, app: &Echo) -> Proxy {
    Proxy::caddy(|port| {
        let text = deployed("caddy/Caddyfile", service, app);
        let text = replaced(&text, "\nhttp:// {", &format!("\nhttp://:{port} {{"));
        ["auth", "app"].iter().fold(text, |text, name| {
            let site = format!("\n{name}.example.com {{");
            replaced(&text, &site, &format!("\nhttp://{name}.example.com:{port} {{"))
        })
    })
}

/// The file as it is delivered, with the addresses of the service and the app.
fn deployed(name: &str, service: u16, app: &Echo) -> String {
    let text = fs::read_to_string(in_deploy(name)).expect("a file that we deliver");
    let text = replaced(&text, "127.0.0.1:8080", &format!("127.0.0.1:{service}"));
    replaced(&text, "127.0.0.1:3000", &format!("127.0.0.1:{}", app.port()))
}

fn in_deploy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(name)
}

/// What is no longer there cannot be replaced in silence.
fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from:?} is not in the file");
    text.replace(from, to)
}
