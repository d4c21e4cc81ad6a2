//! Our own side: the sign-in page, the clocks, the mail server, and the app's back door.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use url::Url;

use super::answer::{Answer, Passage};
use super::finding::{Door, Finding, House, Timepiece, Way};
use super::proxy::Proxy;
use super::report::{Check, Examined, Outcome};
use super::request::Request;
use super::wire::Silence;
use super::{Doctor, store};
use crate::kernel::return_to::is_loopback;
use crate::mail::Transport;

/// What codes and assertions bear: their own lifetimes are a minute.
const TOLERANCE: TimeDelta = TimeDelta::seconds(60);

/// Certificates are renewed a month before their end: two weeks before, something is wrong.
const SOON: TimeDelta = TimeDelta::days(14);

/// Documentation's own (RFC 5737): nobody comes from there.
const FORGED_ADDRESS: &str = "203.0.113.9";

pub(super) async fn examine(doctor: &Doctor<'_>) -> Examined {
    let url = &doctor.settings.server.public_url;
    let mut examined = Examined::new(url.as_str());
    examined.note(Check::TrustedProxies, trusted_proxies(doctor));
    examined.note(Check::Mail, mail(doctor).await);
    let (clear, certificate) = (in_clear(url), certificate(doctor, url).await);
    examined.note(Check::Certificate, certificate);
    let alive = doctor.wire.send(url, &Request::get(&at(url, "/healthz"))).await;
    match &alive {
        Ok(answer) => examined.proxy = doctor.proxy(std::slice::from_ref(answer)),
        Err(_) => examined.proxy = doctor.plan.proxy.unwrap_or(Proxy::Unknown),
    }
    examined.note(Check::Clocks, clocks(doctor, alive.as_ref().ok()).await);
    examined.note(Check::Reach, Outcome::of_one(clear));
    let portal = portal(doctor, url, &alive).await;
    let is_there = portal == Outcome::Fine;
    examined.note(Check::Portal, portal);
    if is_there {
        examined.note(Check::GateHidden, gate_hidden(doctor, url).await);
        examined.note(Check::ForwardedFor, forwarded_for(doctor, url).await);
    } else {
        let why = "the sign-in page does not answer as it should";
        examined.note(Check::GateHidden, Outcome::not_checked(why));
        examined.note(Check::ForwardedFor, Outcome::not_checked(why));
    }
    examined
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

fn trusted_proxies(doctor: &Doctor<'_>) -> Outcome {
    let trusts_everybody = doctor.settings.server.trusted_proxies.is_everybody();
    Outcome::of_one(trusts_everybody.then_some(Finding::from(House::EverybodyTrusted)))
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
    match alive.and_then(told_time) {
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

/// What `/healthz` says.
fn told_time(answer: &Answer) -> Option<DateTime<Utc>> {
    let told: Value = serde_json::from_slice(&answer.body).ok()?;
    told.get("now")?.as_str()?.parse().ok()
}

async fn portal(doctor: &Doctor<'_>, url: &Url, alive: &Result<Answer, Silence>) -> Outcome {
    let answer = match alive {
        Ok(answer) => answer,
        Err(silence) => return Outcome::of(vec![Finding::from(House::PortalSilent { why: silence.to_string() })]),
    };
    let is_ours = |answer: &Answer| {
        let told: Option<Value> = serde_json::from_slice(&answer.body).ok();
        told.is_some_and(|told| told.get("status").and_then(Value::as_str) == Some("alive"))
    };
    if answer.status != 200 || !is_ours(answer) {
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
    if is_loopback(url) && doctor.settings.server.listen.port() == url.port_or_known_default().unwrap_or_default() {
        return Outcome::not_checked("server.public_url is the service itself, without a proxy in front");
    }
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
async fn forwarded_for(doctor: &Doctor<'_>, url: &Url) -> Outcome {
    let url = &at(url, "/readyz");
    let plain = has_details(doctor, url, None).await;
    for claimed in ["127.0.0.1", FORGED_ADDRESS] {
        let forged = has_details(doctor, url, Some(claimed)).await;
        match (&plain, forged) {
            (Ok(plain), Ok(forged)) if *plain != forged => {
                return Outcome::of(vec![Finding::from(House::AddressBelieved)]);
            }
            (Ok(_), Ok(_)) => {}
            (Err(silence), _) => return Outcome::not_checked(silence.to_string()),
            (_, Err(silence)) => return Outcome::not_checked(silence.to_string()),
        }
    }
    Outcome::Fine
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
    pub(super) fn proxy(&self, seen: &[Answer]) -> Proxy {
        self.plan.proxy.unwrap_or_else(|| Proxy::recognise(seen.iter()))
    }
}
