//! What to change, in the words of the proxy that is there: the line to write, and where it goes.
//!
//! The files of `deploy/` are what all of this comes from; whoever starts from them has every line of it.

mod apache;
mod caddy;
mod envoy;
mod haproxy;
mod nginx;
mod traefik;
mod unknown;

use super::finding::{App, Door, Finding, House, Knock, SignOn, Timepiece, Way};
use super::proxy::Proxy;
use super::tls::Fault;

/// What a proxy has to do when it asks the gate, whatever it was that showed that it does not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Asking {
    AskTheGate,
    AskForEveryName,
    TellTheUrl,
    LeadToSignIn,
    RefuseWebsockets,
    WithoutBody,
    HandOnTheCookie,
    HideTheGate,
    EndWithAQuestionMark,
}

/// And when it hands a request on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Passing {
    TellWho,
    ForgetWhoTheySayTheyAre,
    RefuseConnection,
    ForgetWhereTheySayTheyAre,
    KeepTheCookie,
    PassWebsockets,
    PassBodies,
    SetTheAddress,
}

/// And with `/.vestibule/` of a host that no cookie of the portal's reaches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum SigningOn {
    LeadToVestibule,
    TellTheHost,
    KeepCookies,
}

const COOKIE_DOMAIN: &str = "Name a domain above this host in session.cookie_domains, beside one above that of \
                             server.public_url if it is not the same, and serve both by https or both by http.";

/// The remedy for a finding, for this proxy.
pub fn change(finding: &Finding, proxy: Proxy) -> String {
    match finding {
        Finding::Way(found) => on_the_way(found, proxy),
        Finding::House(found) => at_home(found, proxy),
        Finding::Door(found) => at_the_door(found, proxy),
        Finding::SignOn(found) => at_sign_on(found, proxy).to_owned(),
        Finding::App(found) => towards_the_app(found, proxy).to_owned(),
    }
}

fn on_the_way(found: &Way, proxy: Proxy) -> String {
    match found {
        Way::Unreachable { .. } => {
            "Check the name's address, that the proxy listens there, and that nothing between here and there is in the \
             way. --resolve HOST=ADDRESS:PORT asks where a name does not lead yet."
                .to_owned()
        }
        Way::Certificate(fault) => certificate(fault).to_owned(),
        Way::CertificateEndsSoon { .. } => "See why it is not renewed, and renew it.".to_owned(),
        Way::InClear => in_clear(proxy).to_owned(),
        Way::ClockOff { whose, .. } => clock(*whose).to_owned(),
    }
}

fn at_home(found: &House, proxy: Proxy) -> String {
    match found {
        House::PortalSilent { .. } | House::PortalIsAnother => {
            "Have server.public_url name what people type, and the proxy lead that host to where server.listen is."
                .to_owned()
        }
        House::PortalNotReady => "Ask /readyz on the service's own machine: it says there what is missing.".to_owned(),
        House::GateAnswersPeople { .. } => asking(Asking::HideTheGate, proxy).to_owned(),
        House::AddressBelieved => {
            format!(
                "{} And let server.trusted_proxies hold nothing but proxies.",
                passing(Passing::SetTheAddress, proxy)
            )
        }
        House::AddressLost => passing(Passing::SetTheAddress, proxy).to_owned(),
        House::EverybodyTrusted => "Write the proxies' own addresses: trusted_proxies = [\"10.0.0.2/32\"].".to_owned(),
        House::MailServer { .. } => "Then try `vestibule mail test you@example.com`.".to_owned(),
    }
}

fn at_the_door(found: &Door, proxy: Proxy) -> String {
    match found {
        Door::OpenDirectly { .. } => {
            "Let the app listen where the proxy alone gets to: 127.0.0.1 on the same machine, a network of their own, \
             or a firewall's rule."
                .to_owned()
        }
        Door::OpenToStrangers { .. } => format!(
            "{} If the proxy does ask, the service that runs has other rules than this configuration: \
             reload it.",
            asking(Asking::AskTheGate, proxy)
        ),
        Door::ClosedToEverybody => {
            "Reload the service, so that it has the rules of this configuration; and see that the proxy asks about the \
             URL that was asked for."
                .to_owned()
        }
        Door::GateRefuses { .. } => format!(
            "Add the proxy's address to server.trusted_proxies: the service's log names it where that is missing. If it \
             is there, the gate is not told the right URL. {}",
            asking(Asking::TellTheUrl, proxy)
        ),
        Door::PeerNotTrusted => {
            "Add the proxy's address to server.trusted_proxies: the service's log names it.".to_owned()
        }
        Door::GateBroken { .. } => format!(
            "See whether the service runs and the proxy has its address right. {}",
            asking(Asking::AskTheGate, proxy)
        ),
        Door::NotLedToSignIn => asking(Asking::LeadToSignIn, proxy).to_owned(),
        Door::NoWayBack => format!("{COOKIE_DOMAIN} If that is so: {}", asking(Asking::LeadToSignIn, proxy)),
        Door::CookieOutOfReach => COOKIE_DOMAIN.to_owned(),
        Door::WrongWayBack { .. } | Door::VisitorBelieved { .. } => asking(Asking::TellTheUrl, proxy).to_owned(),
        Door::WebsocketLedAway => asking(Asking::RefuseWebsockets, proxy).to_owned(),
        Door::PostStopped { how: Knock::LargePost, .. } => {
            format!("{} {}", asking(Asking::WithoutBody, proxy), passing(Passing::PassBodies, proxy))
        }
        Door::PostStopped { .. } => asking(Asking::WithoutBody, proxy).to_owned(),
        Door::JudgedAsAnother { .. } => asking(Asking::AskForEveryName, proxy).to_owned(),
        Door::QueryReachesGate => asking(Asking::EndWithAQuestionMark, proxy).to_owned(),
    }
}

fn at_sign_on(found: &SignOn, proxy: Proxy) -> &'static str {
    match found {
        SignOn::Missing { .. } | SignOn::Judged => signing_on(SigningOn::LeadToVestibule, proxy),
        SignOn::Misaddressed { .. } => signing_on(SigningOn::TellTheHost, proxy),
        SignOn::CookieLost { .. } => signing_on(SigningOn::KeepCookies, proxy),
        SignOn::Elsewhere { .. } => {
            "Have the proxy lead /.vestibule/ of this host to the service that server.public_url leads to; or reload \
             the service, so that it has this configuration."
        }
    }
}

fn towards_the_app(found: &App, proxy: Proxy) -> &'static str {
    match found {
        App::SessionNotSeen => asking(Asking::HandOnTheCookie, proxy),
        App::IdentityMissing { .. } => passing(Passing::TellWho, proxy),
        App::IdentityForged { .. } => passing(Passing::ForgetWhoTheySayTheyAre, proxy),
        App::IdentityDropped { .. } => passing(Passing::RefuseConnection, proxy),
        App::SurroundingsForged { .. } => passing(Passing::ForgetWhereTheySayTheyAre, proxy),
        App::GateCookieHandedOn => passing(Passing::KeepTheCookie, proxy),
        App::WebsocketStopped { .. } => passing(Passing::PassWebsockets, proxy),
        App::BodyStopped { .. } => passing(Passing::PassBodies, proxy),
    }
}

fn certificate(fault: &Fault) -> &'static str {
    match fault {
        Fault::Expired => "Renew it, and see why that did not happen by itself.",
        Fault::NotYet => "Check the clock of this machine, and that of whoever made the certificate.",
        Fault::OtherName => {
            "Get one for this very name, or for a wildcard of its domain, and have the proxy show that."
        }
        Fault::UnknownAuthority => {
            "Have the proxy show the whole chain (fullchain.pem, not cert.pem). For an authority of your own: \
             --ca-file FILE."
        }
        Fault::Other(_) => "See that the proxy speaks TLS 1.2 or 1.3 on this port.",
    }
}

fn in_clear(proxy: Proxy) -> &'static str {
    match proxy {
        Proxy::Nginx => {
            "`listen 443 ssl;` with ssl_certificate and ssl_certificate_key, and `return 301 \
             https://$host$request_uri;` on port 80."
        }
        Proxy::Caddy => "Leave `http://` out before the site's name: Caddy then fetches a certificate itself.",
        Proxy::HaProxy => {
            "`bind :443 ssl crt /etc/haproxy/certs/`, and `http-request redirect scheme https unless { ssl_fc }`."
        }
        Proxy::Apache => "`<VirtualHost *:443>` with `SSLEngine on` and SSLCertificateFile.",
        Proxy::Traefik => "Give the router `tls: {}` and the entry point `websecure`.",
        Proxy::Envoy => "Give the filter chain a transport_socket with the certificate.",
        Proxy::Unknown => "Serve it by https.",
    }
}

fn clock(whose: Timepiece) -> &'static str {
    match whose {
        Timepiece::Proxy => {
            "Run chrony or systemd-timesyncd where the proxy runs; or this machine's clock is the wrong one."
        }
        Timepiece::Service => {
            "Run chrony or systemd-timesyncd where the service runs; or this machine's clock is the wrong one."
        }
        Timepiece::Database => {
            "Run chrony or systemd-timesyncd where PostgreSQL runs; or this machine's clock is the wrong one."
        }
    }
}

fn asking(duty: Asking, proxy: Proxy) -> &'static str {
    match proxy {
        Proxy::Nginx => nginx::asking(duty),
        Proxy::Caddy => caddy::asking(duty),
        Proxy::HaProxy => haproxy::asking(duty),
        Proxy::Apache => apache::asking(duty),
        Proxy::Traefik => traefik::asking(duty),
        Proxy::Envoy => envoy::asking(duty),
        Proxy::Unknown => unknown::asking(duty),
    }
}

fn signing_on(duty: SigningOn, proxy: Proxy) -> &'static str {
    match proxy {
        Proxy::Nginx => nginx::signing_on(duty),
        Proxy::Caddy => caddy::signing_on(duty),
        Proxy::HaProxy => haproxy::signing_on(duty),
        Proxy::Apache => apache::signing_on(duty),
        Proxy::Traefik => traefik::signing_on(duty),
        Proxy::Envoy => envoy::signing_on(duty),
        Proxy::Unknown => unknown::signing_on(duty),
    }
}

fn passing(duty: Passing, proxy: Proxy) -> &'static str {
    match proxy {
        Proxy::Nginx => nginx::passing(duty),
        Proxy::Caddy => caddy::passing(duty),
        Proxy::HaProxy => haproxy::passing(duty),
        Proxy::Apache => apache::passing(duty),
        Proxy::Traefik => traefik::passing(duty),
        Proxy::Envoy => envoy::passing(duty),
        Proxy::Unknown => unknown::passing(duty),
    }
}
