//! Answers as they came, and what an answer of the gate looks like.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use url::Url;

use crate::gateway::{QUESTION, SIGN_ON};

/// An answer whose head was HTTP.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// From which of our own addresses we asked.
    pub from: IpAddr,
}

impl Answer {
    /// The first header of that name.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// RFC 9110, section 6.6.1.
    pub(super) fn date(&self) -> Option<DateTime<Utc>> {
        DateTime::parse_from_rfc2822(self.header("date")?).ok().map(|date| date.to_utc())
    }

    fn is_redirect(&self) -> bool {
        matches!(self.status, 301 | 302 | 303 | 307 | 308)
    }

    /// Where it leads, if anywhere, as a whole URL.
    pub(super) fn location(&self, asked: &Url) -> Option<Url> {
        self.is_redirect().then(|| self.header("location")).flatten().and_then(|location| asked.join(location).ok())
    }

    /// Our own refusals carry a challenge of these, and every proxy hands it on.
    pub(super) fn has_our_challenge(&self) -> bool {
        let signs = ["realm=\"vestibule\"", "insufficient_user_authentication"];
        let is_ours = |value: &str| signs.iter().any(|sign| value.contains(sign));
        self.headers.iter().any(|(name, value)| name.eq_ignore_ascii_case("www-authenticate") && is_ours(value))
    }
}

/// What became of a request at the door.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Passage {
    /// To our sign-in page (or the one to confirm who one is), with the way back if there is one.
    LedToSignIn { back_to: Option<String> },
    /// A 401 of the gate's.
    Challenged,
    /// A 401 of somebody's: the gate's with its challenge lost, or the app's own.
    Unauthorized,
    /// 403.
    Refused,
    /// 400, 414, 431: the proxy or the gate did not want to understand.
    Malformed(u16),
    /// 500 to 504.
    Broken(u16),
    /// The same place by https.
    LedToHttps,
    /// Anything else: it was not the gate who spoke.
    Through(u16),
}

impl Passage {
    /// `portal` is `server.public_url`.
    pub(super) fn of(answer: &Answer, asked: &Url, portal: &Url) -> Self {
        match answer.status {
            401 if answer.has_our_challenge() => Self::Challenged,
            401 => Self::Unauthorized,
            403 => Self::Refused,
            400 | 414 | 431 => Self::Malformed(answer.status),
            500..=504 => Self::Broken(answer.status),
            status => match answer.location(asked) {
                Some(to) if is_sign_in(&to, asked, portal) => Self::LedToSignIn { back_to: way_back(&to) },
                Some(to) if is_same_by_https(&to, asked) => Self::LedToHttps,
                // The gate would lead somewhere, and the proxy has lost where to.
                None if answer.is_redirect() && answer.header(QUESTION).is_some() => Self::Challenged,
                Some(_) | None => Self::Through(status),
            },
        }
    }
}

/// Under another domain than the portal's the way there begins at the app's own host.
fn is_sign_in(to: &Url, asked: &Url, portal: &Url) -> bool {
    let is_at_portal = to.origin() == portal.origin() && matches!(to.path(), "/login" | "/confirm");
    is_at_portal || (to.origin() == asked.origin() && to.path() == SIGN_ON)
}

fn way_back(to: &Url) -> Option<String> {
    to.query_pairs().find(|(name, _)| name == "return_to").map(|(_, value)| value.into_owned())
}

fn is_same_by_https(to: &Url, asked: &Url) -> bool {
    asked.scheme() == "http" && to.scheme() == "https" && to.host() == asked.host() && to.path() == asked.path()
}

#[cfg(test)]
pub(super) fn example(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Answer { status, headers, body: body.as_bytes().to_vec(), from: IpAddr::from([127, 0, 0, 1]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passage(status: u16, headers: &[(&str, &str)]) -> Passage {
        let (asked, portal) = (Url::parse("http://app.example.com/x").unwrap(), Url::parse("https://auth.example.com"));
        Passage::of(&example(status, headers, ""), &asked, &portal.unwrap())
    }

    #[test]
    fn only_a_way_to_our_own_page_is_a_way_to_sign_in() {
        let login = "https://auth.example.com/login?return_to=http%3A%2F%2Fapp.example.com%2Fx";
        let back_to = Some("http://app.example.com/x".to_owned());
        assert_eq!(passage(302, &[("Location", login)]), Passage::LedToSignIn { back_to });
        let begins = "http://app.example.com/.vestibule/start?return_to=http%3A%2F%2Fapp.example.com%2Fx";
        let back_to = Some("http://app.example.com/x".to_owned());
        assert_eq!(passage(302, &[("Location", begins)]), Passage::LedToSignIn { back_to });
        let bare = Passage::LedToSignIn { back_to: None };
        assert_eq!(passage(303, &[("location", "https://auth.example.com/login")]), bare);
        for elsewhere in ["http://auth.example.com/login", "https://auth.example.com.evil.test/login", "/login", "//"] {
            assert_eq!(passage(302, &[("Location", elsewhere)]), Passage::Through(302), "{elsewhere}");
        }
        assert_eq!(passage(301, &[("Location", "https://app.example.com/x")]), Passage::LedToHttps);
        assert_eq!(passage(200, &[("Location", login)]), Passage::Through(200));
    }

    #[test]
    fn a_401_is_ours_by_its_challenge() {
        let ours = "Bearer realm=\"vestibule\", error=\"invalid_token\"";
        assert_eq!(passage(401, &[("WWW-Authenticate", "Basic"), ("WWW-Authenticate", ours)]), Passage::Challenged);
        assert_eq!(passage(401, &[("WWW-Authenticate", "Basic realm=\"x\"")]), Passage::Unauthorized);
    }

    #[test]
    fn a_date_is_read_as_http_writes_it() {
        let answer = example(200, &[("Date", "Sat, 21 Nov 2026 22:30:14 GMT")], "");
        assert_eq!(answer.date().unwrap().to_rfc3339(), "2026-11-21T22:30:14+00:00");
        assert_eq!(example(200, &[("Date", "yesterday")], "").date(), None);
    }
}
