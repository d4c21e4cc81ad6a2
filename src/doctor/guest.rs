//! Somebody who may come in: what is the app told of them, and does all that they send arrive?

use url::Url;

use super::answer::{Answer, Passage};
use super::around::Visit;
use super::echo::{MARK, Received, folded};
use super::expected::Expected;
use super::finding::{App, Door, Finding};
use super::forgeries::{self, FORGED, FORGED_ADDRESS, Spelling};
use super::proxy::Proxy;
use super::report::{Check, Examined, Outcome};
use super::request::Request;
use super::wire::Silence;
use super::{Doctor, stranger};
use crate::gateway::Identity;

/// All that only an app can tell.
const TOLD: [Check; 6] =
    [Check::Identity, Check::Connection, Check::Surroundings, Check::GateCookie, Check::Websocket, Check::Bodies];

/// Nobody who runs it can do anything about it.
const TRAEFIKS_LIMIT: &str = "it is not, because Traefik has no way of taking one cookie out of many. It opens the gate and \
                              nothing else; let apps that you do not trust have a domain of their own";

/// What opens the door, and what the app got of the first request.
struct Guest<'a> {
    doctor: &'a Doctor<'a>,
    url: &'a Url,
    /// `name=value`; none where nobody need be known.
    cookie: Option<&'a str>,
    /// What the app is to be told, if that is known.
    user: Option<&'a str>,
    first: Received,
}

pub(super) async fn examine(doctor: &Doctor<'_>, visit: &Visit<'_>, examined: &mut Examined) {
    let not_told = |examined: &mut Examined, why: &str| {
        for check in TOLD {
            examined.note(check, Outcome::not_checked(why));
        }
    };
    let (cookie, user) = match (visit.expected, cookie_for(doctor, visit.url)) {
        (Expected::Open, _) => (None, None),
        (Expected::SignIn | Expected::Closed, Ok((cookie, user))) => (Some(cookie), user),
        (Expected::SignIn | Expected::Closed, Err(why)) => {
            examined.note(Check::Session, Outcome::not_checked(&why));
            return not_told(examined, &why);
        }
    };
    let first = visit_as(doctor, visit.url, cookie).await;
    let session = session(doctor, visit, &first);
    let is_in = session == Outcome::Fine;
    if cookie.is_some() {
        examined.note(Check::Session, session);
    }
    let Ok(first) = first else { return not_told(examined, "there was no answer") };
    if !is_in {
        return not_told(examined, "the doctor was not let in");
    }
    let Some(first) = Received::read(&first, &doctor.mark) else {
        return not_told(examined, "the app does not tell what reaches it: see --stand-in");
    };
    let guest = Guest { doctor, url: visit.url, cookie, user, first };
    examined.note(Check::Identity, guest.identity().await);
    examined.note(Check::Connection, guest.connection().await);
    examined.note(Check::Surroundings, guest.surroundings().await);
    examined.note(Check::GateCookie, guest.gate_cookie(examined.proxy));
    examined.note(Check::Websocket, guest.websocket().await);
    examined.note(Check::Bodies, guest.bodies().await);
}

/// The one that a browser would send there, or why there is none.
pub(super) fn cookie_for<'a>(doctor: &'a Doctor<'_>, url: &Url) -> Result<(&'a str, Option<&'a str>), String> {
    let session = doctor.plan.session.as_ref().map_err(Clone::clone)?;
    let own = &doctor.settings.server.public_url;
    if own.scheme() == "https" && url.scheme() == "http" {
        return Err("browsers send the gate's cookie over https alone".to_owned());
    }
    let host = url.host_str().unwrap_or_default();
    let cookie = session.cookies.iter().find(|cookie| cookie.reach.includes(host));
    let cookie = cookie.ok_or_else(|| "no cookie of the gate's reaches this host".to_owned())?;
    Ok((&cookie.pair, session.user.as_deref()))
}

async fn visit_as(doctor: &Doctor<'_>, url: &Url, cookie: Option<&str>) -> Result<Answer, Silence> {
    doctor.wire.send(url, &with_marks(doctor, Request::get(url), cookie)).await
}

fn with_marks(doctor: &Doctor<'_>, request: Request, cookie: Option<&str>) -> Request {
    let request = request.with("Accept", "application/json").with(MARK, &doctor.mark);
    match cookie {
        Some(cookie) => request.with("Cookie", cookie),
        None => request,
    }
}

fn session(doctor: &Doctor<'_>, visit: &Visit<'_>, first: &Result<Answer, Silence>) -> Outcome {
    let answer = match first {
        Ok(answer) => answer,
        Err(silence) => return Outcome::not_checked(silence.to_string()),
    };
    match Passage::of(answer, visit.url, &doctor.settings.server.public_url) {
        Passage::Through(_) => Outcome::Fine,
        Passage::LedToSignIn { .. } | Passage::Challenged => Outcome::of(vec![Finding::from(App::SessionNotSeen)]),
        Passage::Refused => Outcome::not_checked("the doctor's person is not let in here (403)"),
        Passage::Unauthorized => Outcome::not_checked("there is a 401 that may be the app's own"),
        Passage::Broken(status) => Outcome::of(vec![Finding::from(Door::GateBroken { status })]),
        Passage::Malformed(status) => Outcome::not_checked(format!("there is a {status}, which says nothing")),
        Passage::LedToHttps => Outcome::not_checked("it leads to https: give that URL"),
    }
}

impl Guest<'_> {
    /// What the app got of it; `None` where it was not let through.
    async fn send(&self, request: Request) -> Result<Option<Received>, Silence> {
        let request = with_marks(self.doctor, request, self.cookie);
        let answer = self.doctor.wire.send(self.url, &request).await?;
        Ok(Received::read(&answer, &self.doctor.mark))
    }

    async fn identity(&self) -> Outcome {
        let mut found: Vec<Finding> = self.told_wrongly(&self.first).into_iter().collect();
        for spelling in Spelling::ALL {
            let request = Request::get(self.url).with_all(&forgeries::identity(spelling));
            match self.send(request).await {
                Ok(Some(received)) => {
                    let forged = received
                        .holding(FORGED)
                        .map(|header| Finding::from(App::IdentityForged { header: header.to_owned() }));
                    found.extend(forged);
                    found.extend(self.told_wrongly(&received));
                }
                // Refusing whoever forges is as good.
                Ok(None) | Err(Silence::Closed) => {}
                Err(silence) => return Outcome::not_checked(silence.to_string()),
            }
        }
        Outcome::of(each_once(found))
    }

    fn told_wrongly(&self, received: &Received) -> Option<Finding> {
        let told = |name| received.value(name).map(str::to_owned);
        let missing = |got| Some(Finding::from(App::IdentityMissing { got }));
        let user = told("Remote-User").filter(|value| !value.contains(FORGED));
        match (self.cookie, user, self.user) {
            (Some(_), None, _) => missing(None),
            (Some(_), Some(got), Some(user)) if got != user => missing(Some(got)),
            // Caddy writes the name of what it did not find.
            (Some(_), Some(got), None) if got.starts_with('{') => missing(Some(got)),
            (Some(_), Some(_), _) => None,
            (None, _, _) => {
                let got = Identity::NAMES.into_iter().find_map(told).filter(|value| !value.contains(FORGED));
                got.and_then(|got| missing(Some(got)))
            }
        }
    }

    async fn connection(&self) -> Outcome {
        if self.cookie.is_none() {
            return Outcome::not_checked("nobody need be known here: there is nothing to take away");
        }
        let mut found = Vec::new();
        for line in forgeries::connections() {
            match self.send(Request::get(self.url).with("Connection", &line)).await {
                Ok(Some(received)) => {
                    let has_gone = |name: &&&str| self.first.value(name).is_some() && received.value(name).is_none();
                    // What is named there, the next who passes the request on takes away.
                    let is_named = |name: &str| received.values("Connection").any(|line| line.contains(name));
                    let dropped = Identity::NAMES.iter().filter(|name| has_gone(name) || is_named(name));
                    found
                        .extend(dropped.map(|name| Finding::from(App::IdentityDropped { header: (*name).to_owned() })));
                }
                Ok(None) | Err(Silence::Closed) => {}
                Err(silence) => return Outcome::not_checked(silence.to_string()),
            }
        }
        Outcome::of(each_once(found))
    }

    async fn surroundings(&self) -> Outcome {
        let forged = forgeries::surroundings();
        match self.send(Request::get(self.url).with_all(&forged)).await {
            Ok(Some(received)) => {
                let by_value = received.holding(FORGED).chain(received.holding(FORGED_ADDRESS));
                let is_one = |name: &&str| forged.iter().any(|(own, _)| folded(own) == folded(name));
                let header = |name: &str| Finding::from(App::SurroundingsForged { header: name.to_owned() });
                Outcome::of(each_once(by_value.filter(is_one).map(header).collect()))
            }
            Ok(None) => Outcome::not_checked("whoever writes them is not let in"),
            Err(silence) => Outcome::not_checked(silence.to_string()),
        }
    }

    fn gate_cookie(&self, proxy: Proxy) -> Outcome {
        let Some((_, token)) = self.cookie.and_then(|cookie| cookie.split_once('=')) else {
            return Outcome::not_checked("nobody need be known here");
        };
        let is_handed_on = self.first.holding(token).next().is_some();
        if is_handed_on && proxy == Proxy::Traefik {
            return Outcome::not_checked(TRAEFIKS_LIMIT);
        }
        Outcome::of_one(is_handed_on.then_some(Finding::from(App::GateCookieHandedOn)))
    }

    async fn websocket(&self) -> Outcome {
        let request = with_marks(self.doctor, Request::websocket(self.url), self.cookie);
        let answer = match self.doctor.wire.send(self.url, &request).await {
            Ok(answer) => answer,
            Err(silence) => return Outcome::not_checked(silence.to_string()),
        };
        let arrived = Received::read(&answer, &self.doctor.mark)
            .is_some_and(|received| received.values("Upgrade").any(|value| value.eq_ignore_ascii_case("websocket")));
        let is_open = answer.status == 101 || arrived;
        Outcome::of_one((!is_open).then_some(Finding::from(App::WebsocketStopped { status: answer.status })))
    }

    async fn bodies(&self) -> Outcome {
        let mut found = Vec::new();
        for (how, body) in stranger::knocks() {
            let sent = String::from_utf8_lossy(body.bytes()).into_owned();
            let request = with_marks(self.doctor, Request::post(self.url, body), self.cookie);
            match self.doctor.wire.send(self.url, &request).await {
                Ok(answer) => match self.arrived(&answer, &sent) {
                    Arrived::Whole => {}
                    Arrived::Not(why) => found.push(Finding::from(App::BodyStopped { how, why })),
                    Arrived::Unknown(why) => return Outcome::not_checked(why),
                },
                Err(silence) => found.push(Finding::from(App::BodyStopped { how, why: silence.to_string() })),
            }
        }
        Outcome::of(found)
    }

    fn arrived(&self, answer: &Answer, sent: &str) -> Arrived {
        match Received::read(answer, &self.doctor.mark).map(|received| received.body) {
            Some(Some(body)) if body == sent => Arrived::Whole,
            Some(Some(body)) => Arrived::Not(format!("of {} bytes {} arrive", sent.len(), body.len())),
            Some(None) => Arrived::Unknown("the app tells of headers, and not of bodies"),
            None if matches!(answer.status, 403 | 405) => Arrived::Unknown("a POST is not taken here"),
            None => Arrived::Not(format!("the answer is {}", answer.status)),
        }
    }
}

/// What became of a body.
enum Arrived {
    Whole,
    Not(String),
    Unknown(&'static str),
}

fn each_once(found: Vec<Finding>) -> Vec<Finding> {
    let mut once: Vec<Finding> = Vec::new();
    for finding in found {
        if !once.contains(&finding) {
            once.push(finding);
        }
    }
    once
}

#[cfg(test)]
mod tests {
    use super::super::finding::Knock;
    use super::*;

    #[test]
    fn a_finding_is_told_once() {
        let one = Finding::from(App::GateCookieHandedOn);
        let other = Finding::from(App::BodyStopped { how: Knock::Post, why: String::new() });
        assert_eq!(each_once(vec![one.clone(), other.clone(), one.clone()]), [one, other]);
    }
}
