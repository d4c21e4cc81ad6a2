//! One URL: whether it answers, who is in front of it, and then the stranger and the guest.

use url::{Position, Url};

use super::answer::{Answer, Passage};
use super::echo::MARK;
use super::expected::{Expected, expected};
use super::finding::{Door, Finding, Knock, Timepiece, Way};
use super::proxy::Proxy;
use super::report::{Check, Examined, Outcome};
use super::request::Request;
use super::wire::Silence;
use super::{Doctor, Standing, guest, house, sign_on, stranger};
use crate::gateway::NOT_A_PROXY;

/// What a stranger met who came by the URL itself.
pub(super) struct Visit<'a> {
    pub url: &'a Url,
    pub answer: Answer,
    pub passage: Passage,
    pub expected: Expected,
}

pub(super) async fn examine(doctor: &Doctor<'_>, url: &Url) -> Examined {
    let url = &without_fragment(url);
    let mut examined = Examined::new(url.as_str());
    examined.note(Check::Certificate, house::certificate(doctor, url).await);
    let first = doctor.wire.send(url, &Request::navigation(url).with(MARK, &doctor.mark)).await;
    let answer = match first {
        Ok(answer) => answer,
        Err(silence) => {
            examined.proxy = doctor.plan.proxy.unwrap_or(Proxy::Unknown);
            let outcome = match silence {
                Silence::Tls(_) => Outcome::not_checked("TLS fails"),
                silence => Outcome::of(vec![Finding::from(Way::Unreachable { why: silence.to_string() })]),
            };
            examined.note(Check::Reach, outcome);
            examined.note(Check::Door, Outcome::not_checked("there is no answer"));
            return examined;
        }
    };
    examined.note(Check::Reach, Outcome::of_one(house::in_clear(url)));
    examined.proxy = doctor.proxy(url, Some(&answer)).await;
    examined.note(Check::Clocks, clock(doctor, &answer));
    let Some(expected) = expected(&doctor.rules, "GET", url, answer.from) else {
        examined.note(Check::Door, Outcome::not_checked("the gate would not understand this URL"));
        return examined;
    };
    let passage = Passage::of(&answer, url, &doctor.settings.server.public_url);
    let visit = Visit { url, answer, passage, expected };
    examined.note(Check::Door, door(doctor, &visit));
    sign_on::examine(doctor, &visit, &mut examined).await;
    stranger::examine(doctor, &visit, &mut examined).await;
    guest::examine(doctor, &visit, &mut examined).await;
    examined
}

fn without_fragment(url: &Url) -> Url {
    let mut url = url.clone();
    url.set_fragment(None);
    url
}

fn clock(doctor: &Doctor<'_>, answer: &Answer) -> Outcome {
    match answer.date() {
        Some(date) => Outcome::of_one(house::clock_off(Timepiece::Proxy, date, doctor.plan.clock.now())),
        None => Outcome::not_checked("the proxy does not say what time it is"),
    }
}

fn door(doctor: &Doctor<'_>, visit: &Visit<'_>) -> Outcome {
    let found = |finding| Outcome::of(vec![finding]);
    match (&visit.passage, visit.expected) {
        (Passage::Refused | Passage::Malformed(_), _) if visit.answer.text().contains(NOT_A_PROXY) => {
            found(Finding::from(Door::PeerNotTrusted))
        }
        // nginx keeps to itself what the gate has said.
        (Passage::Refused, Expected::SignIn) if doctor.standing == Standing::NotTrusted => {
            found(Finding::from(Door::PeerNotTrusted))
        }
        (Passage::Broken(status), _) => found(Finding::from(Door::GateBroken { status: *status })),
        (Passage::LedToHttps, _) => Outcome::not_checked("it leads to https: give that URL"),
        (Passage::Unauthorized, _) => {
            Outcome::not_checked("there is a 401 without the gate's challenge: perhaps the app's own")
        }
        (Passage::Through(_), Expected::Open)
        | (Passage::LedToSignIn { .. } | Passage::Challenged, Expected::SignIn)
        | (Passage::LedToSignIn { .. } | Passage::Challenged | Passage::Refused, Expected::Closed) => Outcome::Fine,
        (Passage::Through(status), Expected::SignIn | Expected::Closed) => {
            found(Finding::from(Door::OpenToStrangers { how: Knock::Get, status: *status }))
        }
        (Passage::LedToSignIn { .. } | Passage::Challenged | Passage::Refused, Expected::Open) => {
            found(Finding::from(Door::ClosedToEverybody))
        }
        (Passage::Refused, Expected::SignIn) => found(Finding::from(Door::GateRefuses { status: 403 })),
        (Passage::Malformed(status), Expected::SignIn) => found(Finding::from(Door::GateRefuses { status: *status })),
        (Passage::Malformed(status), Expected::Open | Expected::Closed) => {
            Outcome::not_checked(format!("there is a {status}, which says nothing"))
        }
    }
}

/// Whether two places are the same, as URLs are compared.
pub(super) fn is_same(back_to: &str, url: &Url) -> bool {
    Url::parse(back_to).is_ok_and(|back_to| back_to[..Position::AfterQuery] == url[..Position::AfterQuery])
}
