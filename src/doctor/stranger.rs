//! Somebody without a session: is he stopped, told what to do, and not believed?

use futures_util::future::join_all;
use url::Url;

use super::around::{Visit, is_same};
use super::expected::{Expected, expected, open_places};
use super::finding::{Door, Finding, Knock};
use super::forgeries::{self, NOBODYS_HOST};
use super::proxy::Proxy;
use super::report::{Check, Examined, Outcome};
use super::request::{Body, Request};
use super::wire::Silence;
use super::{Audience, Doctor};
use crate::doctor::answer::{Answer, Passage};
use crate::gateway::QUESTION;
use crate::kernel::return_to::is_within;

/// More than the gate takes of a body, and than a proxy keeps in memory.
pub(super) const LARGE: usize = 200 * 1024;

/// All that is asked here for a stranger who is stopped.
const ALL: [Check; 5] =
    [Check::VisitorsWord, Check::Names, Check::Query, Check::WebsocketOfStrangers, Check::BodiesOfStrangers];

pub(super) async fn examine(doctor: &Doctor<'_>, visit: &Visit<'_>, examined: &mut Examined) {
    if visit.expected == Expected::SignIn {
        examined.note(Check::WayToSignIn, way_to_sign_in(doctor, visit));
        examined.note(Check::Cookie, cookie(doctor, visit.url));
    }
    let is_stopped = match visit.passage {
        Passage::LedToSignIn { .. } | Passage::Challenged => true,
        Passage::Refused => visit.expected == Expected::Closed,
        Passage::Unauthorized
        | Passage::Malformed(_)
        | Passage::Broken(_)
        | Passage::LedToHttps
        | Passage::Through(_) => false,
    };
    if !is_stopped {
        let why = match visit.expected {
            Expected::Open => "the rules open this to everybody: there is nothing to get around",
            Expected::SignIn | Expected::Closed => "the gate does not stop strangers as it should",
        };
        for check in ALL {
            examined.note(check, Outcome::not_checked(why));
        }
        return;
    }
    examined.note(Check::VisitorsWord, visitors_word(doctor, visit).await);
    examined.note(Check::Names, names(doctor, visit).await);
    examined.note(Check::Query, query(doctor, visit, examined.proxy).await);
    examined.note(Check::WebsocketOfStrangers, websocket(doctor, visit).await);
    examined.note(Check::BodiesOfStrangers, bodies(doctor, visit).await);
}

fn way_to_sign_in(doctor: &Doctor<'_>, visit: &Visit<'_>) -> Outcome {
    let found = |finding| Outcome::of(vec![finding]);
    match &visit.passage {
        Passage::LedToSignIn { back_to: None } => found(Finding::from(Door::NoWayBack)),
        Passage::LedToSignIn { back_to: Some(to) } if is_same(to, visit.url) => Outcome::Fine,
        Passage::LedToSignIn { back_to: Some(to) } => found(Finding::from(Door::WrongWayBack { to: to.clone() })),
        Passage::Challenged => match doctor.plan.audience {
            Audience::People => found(Finding::from(Door::NotLedToSignIn)),
            Audience::Programs => Outcome::Fine,
        },
        Passage::Unauthorized
        | Passage::Refused
        | Passage::Malformed(_)
        | Passage::Broken(_)
        | Passage::LedToHttps
        | Passage::Through(_) => Outcome::not_checked("the gate does not ask to sign in"),
    }
}

/// By the configuration: what a browser does with a cookie is known.
fn cookie(doctor: &Doctor<'_>, url: &Url) -> Outcome {
    let (own, session) = (&doctor.settings.server.public_url, &doctor.settings.session);
    let host = url.host_str().unwrap_or_default();
    let is_own_host = session.cookie_domains.is_empty() && own.host_str() == Some(host);
    let mut domains = session.cookie_domains.iter().chain(&session.handed_domains);
    let is_reached = is_own_host || domains.any(|domain| is_within(host, domain));
    // `Secure` goes over https alone.
    let is_hidden = own.scheme() == "https" && url.scheme() == "http";
    Outcome::of_one((!is_reached || is_hidden).then_some(Finding::from(Door::CookieOutOfReach)))
}

/// The same request with words of the visitor's must come to the same.
async fn visitors_word(doctor: &Doctor<'_>, visit: &Visit<'_>) -> Outcome {
    let mut decoys = open_places(&doctor.settings.gateway, &doctor.rules, visit.url, visit.answer.from);
    if decoys.is_empty() {
        // The way back then tells what was judged.
        decoys.push(another_path(visit.url));
    }
    let mut found: Vec<Finding> = Vec::new();
    for decoy in &decoys {
        let words = forgeries::words(visit.url, decoy);
        // One by one to say which it was; and all together, where it takes several to be believed.
        let lots: Vec<&[(String, String)]> = words.iter().map(std::slice::from_ref).chain([words.as_slice()]).collect();
        let answers = join_all(lots.iter().map(|lot| with_words(doctor, visit.url, lot))).await;
        for (lot, answer) in lots.into_iter().zip(answers) {
            match answer {
                Ok(answer) if is_other(doctor, visit, &answer) => {
                    let finding = believed(lot, &found);
                    found.extend(finding);
                }
                Ok(_) | Err(Silence::Closed) => {}
                Err(silence) => return Outcome::not_checked(silence.to_string()),
            }
        }
    }
    Outcome::of(found)
}

async fn with_words(doctor: &Doctor<'_>, url: &Url, words: &[(String, String)]) -> Result<Answer, Silence> {
    doctor.wire.send(url, &Request::navigation(url).with_all(words)).await
}

/// `None` for what is known already.
fn believed(lot: &[(String, String)], known: &[Finding]) -> Option<Finding> {
    let header = lot.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
    let finding = Finding::from(Door::VisitorBelieved { header });
    let is_known = known.contains(&finding) || (lot.len() > 1 && !known.is_empty());
    (!is_known).then_some(finding)
}

/// Refusing to understand is an answer as good as the usual one.
fn is_other(doctor: &Doctor<'_>, visit: &Visit<'_>, answer: &Answer) -> bool {
    let passage = Passage::of(answer, visit.url, &doctor.settings.server.public_url);
    !matches!(passage, Passage::Malformed(_)) && passage != visit.passage
}

fn another_path(url: &Url) -> Url {
    let mut url = url.clone();
    url.set_path("/vestibule-doctor");
    url
}

/// A visitor names two hosts in one request (RFC 9112, section 3.2.2), or one that nobody has configured.
async fn names(doctor: &Doctor<'_>, visit: &Visit<'_>) -> Outcome {
    let url = visit.url;
    let nobodys = doctor.wire.send(url, &Request::navigation(url).for_host(NOBODYS_HOST)).await;
    let stray = stray(doctor, visit, nobodys.as_ref().ok());
    let mut found: Vec<Finding> = stray.is_judged_as_itself.then(|| judged_as(NOBODYS_HOST)).into_iter().collect();
    let decoys = open_places(&doctor.settings.gateway, &doctor.rules, url, visit.answer.from);
    let hosts = decoys.iter().filter_map(Url::host_str).filter(|host| url.host_str() != Some(host));
    for host in hosts.chain([NOBODYS_HOST]) {
        // Alone, it may be an app of that name. Where nobody's name is refused by the gate, it is this one.
        if stray.is_refused && host != NOBODYS_HOST {
            let alone = doctor.wire.send(url, &Request::navigation(url).for_host(host)).await;
            let is_through = alone.is_ok_and(|answer| matches!(passage(doctor, url, &answer), Passage::Through(_)));
            found.extend(is_through.then(|| judged_as(host)));
        }
        let both = Request::navigation(url).at(url.to_string()).for_host(host);
        let Ok(answer) = doctor.wire.send(url, &both).await else { continue };
        let alone = doctor.wire.send(url, &Request::navigation(url).for_host(host)).await;
        // A proxy that goes by Host alone serves the other one, which is as good.
        let is_served_as_other = alone.is_ok_and(|alone| passage(doctor, url, &alone) == passage(doctor, url, &answer));
        if is_other(doctor, visit, &answer) && !is_served_as_other {
            found.push(judged_as(host));
        }
    }
    found.dedup();
    Outcome::of(found)
}

/// What becomes of a host that nobody has configured.
struct Stray {
    /// It comes to this app, or to the gate, under its own name.
    is_judged_as_itself: bool,
    /// By the gate, or by a default of the proxy's: that cannot be told.
    is_refused: bool,
}

fn stray(doctor: &Doctor<'_>, visit: &Visit<'_>, answer: Option<&Answer>) -> Stray {
    let Some(answer) = answer else { return Stray { is_judged_as_itself: false, is_refused: false } };
    let is_judged_as_itself = match passage(doctor, visit.url, answer) {
        Passage::LedToSignIn { back_to: Some(to) } => !is_same(&to, visit.url),
        Passage::LedToSignIn { back_to: None } => true,
        // The gate refuses what no rule is about, and says so where the proxy lets it.
        Passage::Refused => answer.header(QUESTION).is_some(),
        Passage::Challenged
        | Passage::Unauthorized
        | Passage::Malformed(_)
        | Passage::Broken(_)
        | Passage::LedToHttps
        | Passage::Through(_) => false,
    };
    Stray { is_judged_as_itself, is_refused: answer.status == 403 }
}

fn judged_as(host: &str) -> Finding {
    Finding::from(Door::JudgedAsAnother { host: host.to_owned() })
}

fn passage(doctor: &Doctor<'_>, url: &Url, answer: &Answer) -> Passage {
    Passage::of(answer, url, &doctor.settings.server.public_url)
}

async fn query(doctor: &Doctor<'_>, visit: &Visit<'_>, proxy: Proxy) -> Outcome {
    let url = &forgeries::with_arguments(visit.url);
    let answer = match doctor.wire.send(url, &Request::navigation(url)).await {
        Ok(answer) => answer,
        Err(silence) => return Outcome::not_checked(silence.to_string()),
    };
    let found = |finding| Outcome::of(vec![finding]);
    let question = answer.header(QUESTION);
    match passage(doctor, url, &answer) {
        Passage::LedToSignIn { back_to: Some(to) } if !is_same(&to, url) => {
            found(Finding::from(Door::WrongWayBack { to }))
        }
        Passage::Through(_) => found(Finding::from(Door::VisitorBelieved { header: "query".to_owned() })),
        Passage::LedToSignIn { .. }
        | Passage::Challenged
        | Passage::Unauthorized
        | Passage::Refused
        | Passage::Malformed(_)
        | Passage::Broken(_)
        | Passage::LedToHttps => match (question, proxy) {
            (Some(question), _) if question.contains("query") => found(Finding::from(Door::QueryReachesGate)),
            (Some(_), _) | (None, Proxy::Nginx | Proxy::HaProxy | Proxy::Apache | Proxy::Traefik | Proxy::Envoy) => {
                Outcome::Fine
            }
            (None, Proxy::Caddy | Proxy::Unknown) => {
                Outcome::not_checked("the proxy keeps to itself what the gate says of its question")
            }
        },
    }
}

async fn websocket(doctor: &Doctor<'_>, visit: &Visit<'_>) -> Outcome {
    let answer = match doctor.wire.send(visit.url, &Request::websocket(visit.url)).await {
        Ok(answer) => answer,
        Err(silence) => return Outcome::not_checked(silence.to_string()),
    };
    let found = |finding| Outcome::of(vec![finding]);
    match passage(doctor, visit.url, &answer) {
        Passage::Challenged | Passage::Unauthorized | Passage::Refused | Passage::Malformed(_) => Outcome::Fine,
        Passage::LedToSignIn { .. } | Passage::LedToHttps => found(Finding::from(Door::WebsocketLedAway)),
        Passage::Broken(status) => found(Finding::from(Door::GateBroken { status })),
        Passage::Through(status) => found(Finding::from(Door::OpenToStrangers { how: Knock::Websocket, status })),
    }
}

/// Only where the rules stop strangers: a POST that got through might change something.
async fn bodies(doctor: &Doctor<'_>, visit: &Visit<'_>) -> Outcome {
    if expected(&doctor.rules, "POST", visit.url, visit.answer.from) != Some(Expected::SignIn) {
        return Outcome::not_checked("the rules do not ask a stranger's POST to sign in");
    }
    let mut found = Vec::new();
    for (how, body) in knocks() {
        let request = Request::post(visit.url, body).with("Accept", "text/html").with("Sec-Fetch-Mode", "navigate");
        let finding = match doctor.wire.send(visit.url, &request).await {
            Ok(answer) => match passage(doctor, visit.url, &answer) {
                Passage::LedToSignIn { .. } | Passage::Challenged | Passage::Unauthorized => None,
                Passage::Through(status) if status < 400 => Some(Finding::from(Door::OpenToStrangers { how, status })),
                Passage::Refused
                | Passage::Malformed(_)
                | Passage::Broken(_)
                | Passage::LedToHttps
                | Passage::Through(_) => {
                    Some(Finding::from(Door::PostStopped { how, why: format!("the answer is {}", answer.status) }))
                }
            },
            Err(silence) => Some(Finding::from(Door::PostStopped { how, why: silence.to_string() })),
        };
        found.extend(finding);
    }
    Outcome::of(found)
}

/// Every way in which a body comes.
pub(super) fn knocks() -> [(Knock, Body); 3] {
    let large = || b"vestibule doctor\n".iter().copied().cycle().take(LARGE).collect::<Vec<u8>>();
    [
        (Knock::Post, Body::AtOnce(b"vestibule doctor".to_vec())),
        (Knock::LargePost, Body::AtOnce(large())),
        (Knock::PolitePost, Body::WhenAsked(b"vestibule doctor".to_vec())),
    ]
}
