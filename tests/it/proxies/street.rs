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
    { hosts = ["app.example.com", "app.other.org"], allow = "signed_in" },
]"#;

/// An app under another domain than the portal.
pub const ELSEWHERE: &str = "app.other.org";

/// The same on one's own machine.
pub const ELSEWHERE_AT_HOME: &str = "app.other.localhost";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Nginx,
    Caddy,
    HaProxy,
    Apache,
    Traefik,
    Envoy,
}

/// Where a street's service and app listen, and the domain they have instead of `example.com`.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub domain: &'a str,
    pub service: u16,
    pub app: u16,
}

/// What a test changes in a file of `deploy/`, which it is told the name of, before the proxy sees it.
pub type Plant<'a> = &'a dyn Fn(&str, String) -> String;

impl Kind {
    pub const ALL: [Self; 6] = [Self::Nginx, Self::Caddy, Self::HaProxy, Self::Apache, Self::Traefik, Self::Envoy];

    /// Homebrew lacks what Apache asks by.
    pub fn is_here(self) -> bool {
        self != Self::Apache || !cfg!(target_os = "macos")
    }

    /// As the doctor calls it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Caddy => "caddy",
            Self::HaProxy => "haproxy",
            Self::Apache => "apache",
            Self::Traefik => "traefik",
            Self::Envoy => "envoy",
        }
    }

    /// With the configuration as it is delivered, but for what is planted.
    pub fn start(self, place: Place, plant: Plant) -> Proxy {
        let file = |name: &str| plant(name, place.deployed(name));
        match self {
            Self::Nginx => Proxy::nginx(|port| {
                replaced(&file("nginx/vestibule.conf"), "listen 80", &format!("listen 127.0.0.1:{port}"))
            }),
            Self::Caddy => Proxy::caddy(|port| {
                let text = replaced(&file("caddy/Caddyfile"), "\nhttp:// {", &format!("\nhttp://:{port} {{"));
                let own = ["auth", "app"].map(|name| format!("{name}.{}", place.domain));
                let hosts = own.into_iter().chain([ELSEWHERE, ELSEWHERE_AT_HOME].map(str::to_owned));
                let there = hosts.filter(|host| text.contains(&format!("\n{host} {{")));
                there.fold(text.clone(), |text, host| {
                    replaced(&text, &format!("\n{host} {{"), &format!("\nhttp://{host}:{port} {{"))
                })
            }),
            Self::HaProxy => Proxy::haproxy(&file("haproxy/vestibule.lua"), |port, script| {
                let text = file("haproxy/haproxy.cfg");
                let text = replaced(&text, "/etc/haproxy/vestibule.lua\n", &format!("{}\n", script.display()));
                replaced(&text, "bind :80", &format!("bind 127.0.0.1:{port}"))
            }),
            Self::Apache => Proxy::apache(&file("apache/vestibule.lua"), |port, script| {
                let text = file("apache/vestibule.conf");
                let text = replaced(&text, "/etc/apache2/vestibule.lua", &script.display().to_string());
                replaced(&text, "<VirtualHost *:80>", &format!("<VirtualHost 127.0.0.1:{port}>"))
            }),
            Self::Traefik => Proxy::traefik(&format!("auth.{}", place.domain), |port| {
                let own = replaced(&file("traefik/traefik.yml"), "/etc/traefik/dynamic.yml", "dynamic.yml");
                let own = replaced(&own, "\":80\"", &format!("\"127.0.0.1:{port}\""));
                [own, file("traefik/dynamic.yml")]
            }),
            Self::Envoy => Proxy::envoy(|port| {
                let to = format!("{{ address: 127.0.0.1, port_value: {port} }}");
                replaced(&file("envoy/envoy.yaml"), "{ address: 0.0.0.0, port_value: 80 }", &to)
            }),
        }
    }
}

impl Place<'_> {
    /// The file as it is delivered, with the names and addresses of this place, where it has any.
    pub fn deployed(self, name: &str) -> String {
        let text = fs::read_to_string(in_deploy(name)).expect("a file that we deliver");
        let (service, app) = (self.service.to_string(), self.app.to_string());
        let changes = [
            ("127.0.0.1:8080", format!("127.0.0.1:{service}")),
            ("127.0.0.1:3000", format!("127.0.0.1:{app}")),
            ("address: 127.0.0.1, port_value: 8080 ", format!("address: 127.0.0.1, port_value: {service} ")),
            ("address: 127.0.0.1, port_value: 3000 ", format!("address: 127.0.0.1, port_value: {app} ")),
            ("example.com", self.domain.to_owned()),
        ];
        changes.iter().fold(text, |text, (from, to)| text.replace(from, to))
    }
}

/// Nothing is changed.
pub fn as_delivered(_: &str, text: String) -> String {
    text
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
    Kind::ALL.into_iter().filter(|kind| kind.is_here()).map(|kind| Street::with(kind, special, &as_delivered))
}

/// With the app at [`ELSEWHERE`].
pub fn streets_elsewhere() -> impl Iterator<Item = Street> {
    let plant: Plant<'static> = &|_, text| text.replace("app.example.com", ELSEWHERE);
    let special = &[("session.cookie_domains", "example.com, other.org")];
    Kind::ALL.into_iter().filter(|kind| kind.is_here()).map(move |kind| Street::with(kind, special, plant))
}

impl Street {
    fn with(kind: Kind, special: &[(&str, &str)], plant: Plant) -> Self {
        let usual = [
            ("server.public_url", "http://auth.example.com"),
            ("session.cookie_domains", "example.com"),
            ("gateway.rules", RULES),
            ("gateway.organizations", "acme,globex"),
        ];
        let service = TestApp::with(&[&usual[..], special].concat());
        let app = Echo::start();
        let place = Place { domain: "example.com", service: service.port(), app: app.port() };
        let proxy = kind.start(place, plant);
        Self { kind, proxy, app, service }
    }

    pub fn browser(&self) -> Browser {
        Browser::new("http://auth.example.com", self.proxy.port())
            .knows("app.example.com", self.proxy.port())
            .knows(ELSEWHERE, self.proxy.port())
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
    Kind::Caddy.start(Place { domain: "example.com", service, app: app.port() }, &as_delivered)
}

fn in_deploy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(name)
}

/// What is no longer there cannot be replaced in silence.
pub fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from:?} is not in the file");
    text.replace(from, to)
}
