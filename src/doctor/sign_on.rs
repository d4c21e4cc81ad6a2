//! Signing on at a host that no cookie of the portal's reaches: does `/.vestibule/` there lead to the service, past the
//! gate, and from there to the portal of this configuration?
//!
//! The service says who it is in what it answers there ([`NOT_ASKED`]), so nobody else is taken for it.

use url::Url;

use super::answer::{Answer, Passage};
use super::around::Visit;
use super::expected::Expected;
use super::finding::{Door, Finding, SignOn};
use super::guest::cookie_for;
use super::house::at;
use super::report::{Check, Examined, Outcome};
use super::request::Request;
use super::wire::Silence;
use super::{Audience, Doctor};
use crate::gateway::{NOT_ASKED, QUESTION, SIGN_ON, SIGN_ON_ENDS};
use crate::kernel::return_to::Destinations;

/// The portal's part of the way.
const PORTAL: &str = "/hand-over";

/// What the names of the cookies begin with by which a browser is known again, whatever prefix they have.
const BINDING: &str = "vestibule_hand_over_";

/// Only at a host that is handed cookies of its own. At others nothing has to answer there.
pub(super) async fn examine(doctor: &Doctor<'_>, visit: &Visit<'_>, examined: &mut Examined) {
    if visit.expected != Expected::SignIn || !is_handed(doctor, visit.url) {
        return;
    }
    let is_hidden = doctor.settings.server.public_url.scheme() == "https" && visit.url.scheme() == "http";
    let outcome = match doctor.plan.audience {
        Audience::Programs => Outcome::not_checked("programs do not sign in by a browser"),
        Audience::People if is_hidden => Outcome::not_checked("browsers send the gate's cookie over https alone"),
        Audience::People => walk(doctor, visit.url).await.unwrap_or_else(|why| Outcome::not_checked(why.to_string())),
    };
    examined.note(Check::SignOn, outcome);
}

fn is_handed(doctor: &Doctor<'_>, url: &Url) -> bool {
    let (own, session) = (doctor.settings.server.public_url.clone(), &doctor.settings.session);
    let destinations = Destinations::new(own, session.cookie_domains.clone(), session.handed_domains.clone());
    url.host_str().is_some_and(|host| destinations.is_handed(host))
}

/// As a browser goes it: begin, begin once more with the cookie, and come back without a code.
async fn walk(doctor: &Doctor<'_>, url: &Url) -> Result<Outcome, Silence> {
    let found = |finding: Finding| Ok(Outcome::of(vec![finding]));
    let start = beginning(url);
    let first = ask(doctor, &start, None).await?;
    if !is_ours(&first) {
        return somebody_else(doctor, url, &first).await;
    }
    let begun = match Begun::read(doctor, url, &first) {
        Ok(begun) => begun,
        Err(finding) => return found(finding),
    };
    if let Some(why) = begun.cookie.fault(url) {
        return found(Finding::from(SignOn::CookieLost { why }));
    }
    let again = ask(doctor, &start, Some(&begun.cookie.pair)).await?;
    if !Begun::read(doctor, url, &again).is_ok_and(|again| again.binding == begun.binding) {
        return found(Finding::from(SignOn::CookieLost { why: "Vestibule is not shown its cookie" }));
    }
    let end = ask(doctor, &at(url, SIGN_ON_ENDS), None).await?;
    let is_cut_off = !is_ours(&end);
    let cut_off = SignOn::Missing { path: SIGN_ON_ENDS, status: end.status };
    Ok(Outcome::of_one(is_cut_off.then(|| Finding::from(cut_off))))
}

fn beginning(url: &Url) -> Url {
    let mut start = at(url, SIGN_ON);
    start.query_pairs_mut().append_pair("return_to", at(url, "/").as_str());
    start
}

async fn ask(doctor: &Doctor<'_>, url: &Url, cookie: Option<&str>) -> Result<Answer, Silence> {
    let request = Request::navigation(url);
    let request = match cookie {
        Some(cookie) => request.with("Cookie", cookie),
        None => request,
    };
    doctor.wire.send(url, &request).await
}

fn is_ours(answer: &Answer) -> bool {
    answer.header(QUESTION) == Some(NOT_ASKED)
}

/// A stranger cannot see who is behind the gate; whoever comes in can.
async fn somebody_else(doctor: &Doctor<'_>, url: &Url, first: &Answer) -> Result<Outcome, Silence> {
    let portal = &doctor.settings.server.public_url;
    let missing = |status| Finding::from(SignOn::Missing { path: SIGN_ON, status });
    let finding = match Passage::of(first, url, portal) {
        Passage::LedToHttps => return Ok(Outcome::not_checked("it leads to https: give that URL")),
        Passage::LedToSignIn { .. } | Passage::Challenged | Passage::Refused => match cookie_for(doctor, url) {
            Ok((cookie, _)) => {
                // Whoever is in already is shown a page there, unless this is what they want.
                let mut anew = beginning(url);
                anew.query_pairs_mut().append_pair("again", "1");
                let behind = ask(doctor, &anew, Some(cookie)).await?;
                let is_stopped = stopped(&Passage::of(&behind, url, portal));
                if is_ours(&behind) || is_stopped { Finding::from(SignOn::Judged) } else { missing(behind.status) }
            }
            Err(_) => Finding::from(SignOn::Judged),
        },
        Passage::Unauthorized | Passage::Malformed(_) | Passage::Broken(_) | Passage::Through(_) => {
            missing(first.status)
        }
    };
    Ok(Outcome::of(vec![finding]))
}

fn stopped(passage: &Passage) -> bool {
    matches!(passage, Passage::LedToSignIn { .. } | Passage::Challenged | Passage::Refused)
}

/// What the service answers to whoever begins.
#[derive(Debug)]
struct Begun {
    cookie: Binding,
    /// What the portal is to know of the cookie.
    binding: String,
}

/// By which a browser is known again.
#[derive(Debug)]
struct Binding {
    /// `name=value`; empty where none came.
    pair: String,
    /// In lower case.
    attributes: Vec<String>,
}

impl Begun {
    fn read(doctor: &Doctor<'_>, url: &Url, answer: &Answer) -> Result<Self, Finding> {
        let portal = &doctor.settings.server.public_url;
        let to = answer.location(url).ok_or_else(|| refused(answer.status))?;
        let argument = |wanted: &str| to.query_pairs().find(|(name, _)| name == wanted).map(|(_, value)| value);
        let is_portal = to.origin() == portal.origin() && to.path() == PORTAL;
        if !is_portal {
            let mut to = to;
            to.set_query(None);
            return Err(Finding::from(SignOn::Elsewhere { to: to.into() }));
        }
        if argument("return_to").as_deref() != Some(at(url, "/").as_str()) {
            return Err(Finding::from(SignOn::Misaddressed { status: answer.status }));
        }
        let binding = argument("binding").unwrap_or_default().into_owned();
        Ok(Self { cookie: Binding::read(answer), binding })
    }
}

fn refused(status: u16) -> Finding {
    match status {
        403 => Finding::from(Door::PeerNotTrusted),
        500..=504 => Finding::from(Door::GateBroken { status }),
        _ => Finding::from(SignOn::Misaddressed { status }),
    }
}

impl Binding {
    fn read(answer: &Answer) -> Self {
        let lines = answer.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
        let is_binding = |line: &&str| line.trim_start_matches("__Host-").starts_with(BINDING);
        let line = lines.map(|(_, value)| value.as_str()).find(is_binding).unwrap_or_default();
        let mut parts = line.split(';').map(str::trim);
        let pair = parts.next().unwrap_or_default().to_owned();
        Self { pair, attributes: parts.map(str::to_ascii_lowercase).collect() }
    }

    /// RFC 6265bis, section 4.1.3.
    fn fault(&self, url: &Url) -> Option<&'static str> {
        let has = |wanted: &str| self.attributes.iter().any(|attribute| attribute == wanted);
        let is_secure = url.scheme() == "http" || (self.pair.starts_with("__Host-") && has("secure"));
        if self.pair.is_empty() {
            Some("no cookie arrives")
        } else if self.attributes.iter().any(|attribute| attribute.starts_with("domain=")) {
            Some("its cookie is for a whole domain, and not for this host alone")
        } else if !has("path=/") || !is_secure {
            Some("its cookie arrives without what browsers want of it")
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::answer::example;
    use super::*;

    #[test]
    fn a_cookie_that_is_not_for_this_host_alone_is_not_good() {
        let (http, https) = (Url::parse("http://a.test/").unwrap(), Url::parse("https://a.test/").unwrap());
        let fault = |url: &Url, line: &str| Binding::read(&example(303, &[("Set-Cookie", line)], "")).fault(url);
        let good = "__Host-vestibule_hand_over_x=y; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=600";
        assert_eq!(fault(&https, good), None);
        assert_eq!(fault(&http, "vestibule_hand_over_x=y; Path=/"), None);
        for (line, word) in [
            ("vestibule_hand_over_x=y; Path=/; Secure", "without"),
            ("__Host-vestibule_hand_over_x=y; Path=/", "without"),
            ("__Host-vestibule_hand_over_x=y; Path=/.vestibule/; Secure", "without"),
            ("__Host-vestibule_hand_over_x=y; Domain=a.test; Path=/; Secure", "domain"),
            ("vestibule_gate=y; Path=/; Secure", "no cookie"),
        ] {
            assert!(fault(&https, line).is_some_and(|why| why.contains(word)), "{line}: {:?}", fault(&https, line));
        }
    }
}
