//! Our own side: the sign-in page, the clocks, the mail server, and the app's back door.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use url::Url;

use super::answer::{Answer, Passage};
use super::finding::{Door, Finding, House, Timepiece, Way};
use super::forgeries::{FORGED_ADDRESS, NOBODYS_HOST};
use super::proxy::Proxy;
use super::report::{Check, Examined, Outcome};
use super::request::Request;
use super::wire::Silence;
use super::{Doctor, Standing, store};
use crate::kernel::return_to::is_loopback;
use crate::mail::Transport;

/// What codes and assertions bear: their own lifetimes are a minute.
const TOLERANCE: TimeDelta = TimeDelta::seconds(60);

/// Certificates are renewed a month before their end: two weeks before, something is wrong.
const SOON: TimeDelta = TimeDelta::days(14);

/// No method, path or header of this would pass any server: whoever answers is the one in front.
const NONSENSE: &[u8] = b"GET /\x01 HTTP/1.1\r\nHost: \x01\r\n\r\n";

const NO_PROXY: &str = "cannot tell from here: server.public_url is the service itself, with no proxy in front of it. Give \
                        the doctor a server.public_url that leads through the proxy, once there is one";

const WHILE_IT_ANSWERS: &str = "that shows only while the gate is down: stop the service for a minute and ask again";

pub(super) async fn examine(doctor: &Doctor<'_>) -> (Examined, Standing) {
    let url = &doctor.settings.server.public_url;
    let mut examined = Examined::new(url.as_str());
    let alive = doctor.wire.send(url, &Request::get(&at(url, "/healthz"))).await;
    examined.proxy = doctor.proxy(url, alive.as_ref().ok()).await;
    let forwarded = alive.as_ref().ok().and_then(|answer| told(answer, "forwarded"));
    let standing = standing(forwarded.as_deref());
    examined.note(Check::TrustedProxies, trusted_proxies(doctor, standing));
    examined.note(Check::Mail, mail(doctor).await);
    let (clear, certificate) = (in_clear(url), certificate(doctor, url).await);
    examined.note(Check::Certificate, certificate);
    examined.note(Check::Clocks, clocks(doctor, alive.as_ref().ok()).await);
    examined.note(Check::Reach, Outcome::of_one(clear));
    let portal = portal(doctor, url, &alive).await;
    let why_not = match &portal {
        // A service that is not ready tells of addresses all the same.
        Outcome::Fine | Outcome::Found(_) if forwarded.is_some() => None,
        Outcome::Fine | Outcome::Found(_) | Outcome::NotChecked(_) => {
            Some("the sign-in page does not answer as it should")
        }
    };
    examined.note(Check::Portal, portal);
    let why_not = why_not.or_else(|| is_bare(doctor, url, standing).then_some(NO_PROXY));
    if let Some(why) = why_not {
        for check in [Check::GateHidden, Check::ForwardedFor, Check::Failure] {
            examined.note(check, Outcome::not_checked(why));
        }
    } else {
        examined.note(Check::GateHidden, gate_hidden(doctor, url).await);
        examined.note(Check::ForwardedFor, forwarded_for(doctor, url, forwarded.as_deref()).await);
        examined.note(Check::Failure, Outcome::not_checked(WHILE_IT_ANSWERS));
    }
    (examined, standing)
}

/// Nobody is in front: `server.public_url` is the service itself, on one's own machine.
fn is_bare(doctor: &Doctor<'_>, url: &Url, standing: Standing) -> bool {
    let is_own_port = doctor.settings.server.listen.port() == url.port_or_known_default().unwrap_or_default();
    is_loopback(url) && is_own_port && standing == Standing::Unknown
}

/// A member of what `/healthz` says.
fn told(answer: &Answer, member: &str) -> Option<String> {
    let told: Value = serde_json::from_slice(&answer.body).ok()?;
    told.get(member)?.as_str().map(str::to_owned)
}

fn standing(forwarded: Option<&str>) -> Standing {
    match forwarded {
        Some("believed") => Standing::Trusted,
        Some("ignored") => Standing::NotTrusted,
        Some(_) | None => Standing::Unknown,
    }
}

/// Where nobody but the proxy is to get in.
pub(super) async fn examine_direct(doctor: &Doctor<'_>, url: &Url) -> Examined {
    let mut examined = Examined::new(url.as_str());
    examined.proxy = doctor.plan.proxy.unwrap_or(Proxy::Unknown);
    let outcome = if is_loopback(url) {
        Outcome::not_checked("only this machine can reach that address, and the doctor is on it: ask from another")
    } else {
        match doctor.wire.send(url, &Request::navigation(url)).await {
            Ok(answer) => match Passage::of(&answer, url, &doctor.settings.server.public_url) {
                Passage::LedToSignIn { .. } | Passage::Challenged => Outcome::Fine,
                Passage::Refused
                | Passage::Unauthorized
                | Passage::Malformed(_)
                | Passage::Broken(_)
                | Passage::LedToHttps
                | Passage::Through(_) => Outcome::of(vec![Finding::from(Door::OpenDirectly { status: answer.status })]),
            },
            Err(Silence::NotHttp | Silence::Tls(_)) => {
                Outcome::not_checked("something listens there that does not speak as the URL says")
            }
            Err(Silence::NoAddress(..) | Silence::NoConnection(..) | Silence::Closed | Silence::Hangs) => Outcome::Fine,
        }
    };
    examined.note(Check::Direct, outcome);
    examined
}

pub(super) fn at(url: &Url, path: &str) -> Url {
    let mut url = url.clone();
    url.set_path(path);
    url.set_query(None);
    url
}

/// Plain http is good for one's own machine.
pub(super) fn in_clear(url: &Url) -> Option<Finding> {
    (url.scheme() == "http" && !is_loopback(url)).then_some(Finding::from(Way::InClear))
}

pub(super) async fn certificate(doctor: &Doctor<'_>, url: &Url) -> Outcome {
    if url.scheme() == "http" {
        return Outcome::not_checked("there is none over http");
    }
    match doctor.wire.certificate(url).await {
        Ok(Some(certificate)) => {
            let left = certificate.left(doctor.plan.clock.now());
            Outcome::of_one((left < SOON).then_some(Finding::from(Way::CertificateEndsSoon { days: left.num_days() })))
        }
        Ok(None) => Outcome::not_checked("it was not shown"),
        Err(Silence::Tls(fault)) => Outcome::of(vec![Finding::from(Way::Certificate(fault))]),
        Err(silence) => Outcome::not_checked(silence.to_string()),
    }
}

pub(super) fn clock_off(whose: Timepiece, theirs: DateTime<Utc>, ours: DateTime<Utc>) -> Option<Finding> {
    let off = theirs - ours;
    (off.abs() > TOLERANCE).then(|| Finding::from(Way::ClockOff { whose, seconds: off.num_seconds() }))
}

fn trusted_proxies(doctor: &Doctor<'_>, standing: Standing) -> Outcome {
    let trusts_everybody = doctor.settings.server.trusted_proxies.is_everybody();
    let is_left_out = standing == Standing::NotTrusted;
    let everybody = trusts_everybody.then_some(Finding::from(House::EverybodyTrusted));
    let left_out = is_left_out.then_some(Finding::from(Door::PeerNotTrusted));
    Outcome::of(everybody.into_iter().chain(left_out).collect())
}

async fn mail(doctor: &Doctor<'_>) -> Outcome {
    let transport = match Transport::new(doctor.settings) {
        Ok(transport) => transport,
        Err(unusable) => return Outcome::of(vec![Finding::from(House::MailServer { why: unusable.to_string() })]),
    };
    match transport.try_out().await {
        Ok(crate::mail::Reached::Server) => Outcome::Fine,
        Ok(crate::mail::Reached::Inbox) => {
            Outcome::not_checked("mail.transport is \"inbox\": no letter leaves this machine")
        }
        Err(failure) => Outcome::of(vec![Finding::from(House::MailServer { why: failure.to_string() })]),
    }
}

/// The proxy's and the service's by what they say themselves, PostgreSQL's by asking it.
async fn clocks(doctor: &Doctor<'_>, alive: Option<&Answer>) -> Outcome {
    let now = || doctor.plan.clock.now();
    let mut found = Vec::new();
    let mut silent = Vec::new();
    match alive.and_then(Answer::date) {
        Some(date) => found.extend(clock_off(Timepiece::Proxy, date, now())),
        None => silent.push("the proxy does not say what time it is".to_owned()),
    }
    match alive.and_then(|answer| told(answer, "now")?.parse().ok()) {
        Some(time) => found.extend(clock_off(Timepiece::Service, time, now())),
        None => silent.push("the service does not say what time it is".to_owned()),
    }
    let there = match &doctor.plan.db {
        Ok(db) => db.look_up(store::now_there).await.map_err(|error| error.to_string()),
        Err(why) => Err(why.clone()),
    };
    match there {
        Ok(time) => found.extend(clock_off(Timepiece::Database, time, now())),
        Err(why) => silent.push(format!("the database's is not known: {why}")),
    }
    if found.is_empty() && !silent.is_empty() { Outcome::NotChecked(silent.join("; ")) } else { Outcome::of(found) }
}

async fn portal(doctor: &Doctor<'_>, url: &Url, alive: &Result<Answer, Silence>) -> Outcome {
    let answer = match alive {
        Ok(answer) => answer,
        Err(silence) => return Outcome::of(vec![Finding::from(House::PortalSilent { why: silence.to_string() })]),
    };
    if matches!(answer.status, 502..=504) {
        let why =
            format!("the proxy answers {} in its place: it does not run, or not where the proxy looks", answer.status);
        return Outcome::of(vec![Finding::from(House::PortalSilent { why })]);
    }
    if answer.status != 200 || told(answer, "status").as_deref() != Some("alive") {
        return Outcome::of(vec![Finding::from(House::PortalIsAnother)]);
    }
    match doctor.wire.send(url, &Request::get(&at(url, "/readyz"))).await {
        Ok(ready) if ready.status == 503 => Outcome::of(vec![Finding::from(House::PortalNotReady)]),
        Ok(_) => Outcome::Fine,
        Err(silence) => Outcome::of(vec![Finding::from(House::PortalSilent { why: silence.to_string() })]),
    }
}

/// The gate's own words: it does not answer anybody otherwise.
async fn gate_hidden(doctor: &Doctor<'_>, url: &Url) -> Outcome {
    for path in ["/gateway/forward-auth", "/gateway/auth-request", "/gateway/ext-authz/"] {
        match doctor.wire.send(url, &Request::get(&at(url, path))).await {
            Ok(answer) if matches!(answer.status, 200 | 302 | 303 | 400 | 401) => {
                return Outcome::of(vec![Finding::from(House::GateAnswersPeople { path })]);
            }
            // A 403 is a proxy's own, or ours to one that is not trusted: nobody gets anything by it.
            Ok(_) | Err(Silence::Closed) => {}
            Err(silence) => return Outcome::not_checked(silence.to_string()),
        }
    }
    Outcome::Fine
}

/// `/readyz` tells details to callers on its own machine alone: by that it can be seen whom it takes us for.
async fn forwarded_for(doctor: &Doctor<'_>, url: &Url, forwarded: Option<&str>) -> Outcome {
    if standing(forwarded) == Standing::NotTrusted {
        return Outcome::not_checked("the service believes nobody's, not even the proxy's");
    }
    let lost = (forwarded == Some("none")).then_some(Finding::from(House::AddressLost));
    match is_believed(doctor, &at(url, "/readyz")).await {
        Ok(is_believed) => {
            let believed = is_believed.then_some(Finding::from(House::AddressBelieved));
            Outcome::of(lost.into_iter().chain(believed).collect())
        }
        Err(silence) => Outcome::not_checked(silence.to_string()),
    }
}

async fn is_believed(doctor: &Doctor<'_>, url: &Url) -> Result<bool, Silence> {
    let plain = has_details(doctor, url, None).await?;
    for claimed in ["127.0.0.1", FORGED_ADDRESS] {
        if has_details(doctor, url, Some(claimed)).await? != plain {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn has_details(doctor: &Doctor<'_>, url: &Url, claimed: Option<&str>) -> Result<bool, Silence> {
    let request = Request::get(url);
    let request = match claimed {
        Some(address) => request.with("X-Forwarded-For", address),
        None => request,
    };
    let answer = doctor.wire.send(url, &request).await?;
    let told: Option<Value> = serde_json::from_slice(&answer.body).ok();
    Ok(told.is_some_and(|told| told.get("database").is_some()))
}

impl Doctor<'_> {
    /// By how it refuses nonsense, and a name that nobody has configured, before any app can have a say.
    pub(super) async fn proxy(&self, url: &Url, answer: Option<&Answer>) -> Proxy {
        if let Some(named) = self.plan.proxy {
            return named;
        }
        let nonsense = self.wire.send_raw(url, NONSENSE).await.ok();
        let nobodys = self.wire.send(url, &Request::get(&at(url, "/")).for_host(NOBODYS_HOST)).await.ok();
        Proxy::recognise(nonsense.iter().chain(&nobodys).chain(answer))
    }
}
