//! The way back to an app, of somebody who had to sign in or to confirm first.
//!
//! What was sent by a form is never sent again by us: there may be a payment in it. So the way back leads by a page of
//! ours that says so, and from there by GET to where the form was. As the way is an address of ours, it survives
//! whatever somebody does to get in.

use url::Url;
use url::form_urlencoded::{self, Serializer};

use crate::app::App;
use crate::kernel::ReturnTo;

/// Where somebody is told that what they sent was not carried out.
pub const UNSENT: &str = "/unsent";

/// The portal's part of the way to an app under another domain.
pub const HAND_OVER: &str = "/hand-over";

/// Where the window ends that an app's script has opened.
pub const CONFIRMED: &str = "/confirmed";

/// What somebody wanted of an app.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Errand {
    /// Where they are led back to, by GET.
    pub back: Url,
    pub sent: Option<Sent>,
    pub how: How,
}

/// What did not get through, on the origin of the way back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sent {
    pub method: String,
    /// Path and query.
    pub target: String,
}

/// How they came from the app.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How {
    /// By a link or an address.
    Going,
    /// By a form whose content is lost.
    Sending,
    /// In a window of their own, beside the app that waits for it.
    Asking,
}

impl Errand {
    /// `None` for everything that does not lead to an app.
    pub fn of(app: &App, return_to: &str) -> Option<Self> {
        let path = match app.destinations.check(return_to)? {
            ReturnTo::App(back) => return Some(Self { back, sent: None, how: How::Going }),
            ReturnTo::Here(path) => path,
        };
        let (page, query) = path.split_once('?')?;
        let how = match page {
            UNSENT => How::Sending,
            CONFIRMED => How::Asking,
            HAND_OVER => How::Going,
            _ => return None,
        };
        Self::from_query(app, query, how)
    }

    /// What stands after the `?` of [`UNSENT`] and [`CONFIRMED`].
    pub fn from_query(app: &App, query: &str, how: How) -> Option<Self> {
        let named = |wanted: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            pairs.find_map(|(name, value)| (name == wanted).then_some(value))
        };
        let ReturnTo::App(back) = app.destinations.check(&named("return_to")?)? else { return None };
        let sent = named("sent").and_then(|sent| Sent::parse(&sent));
        Some(Self { back, sent, how })
    }

    /// The URL to which something was sent.
    pub fn url_of(&self, sent: &Sent) -> String {
        format!("{}{}", self.back.origin().ascii_serialization(), sent.target)
    }
}

impl Sent {
    fn parse(text: &str) -> Option<Self> {
        let (method, target) = text.split_once(' ')?;
        Some(Self { method: method.to_owned(), target: target.to_owned() })
    }
}

/// The address of the page that tells of it. `back` is absolute, `target` is path and query.
pub fn unsent_path(back: &str, method: &str, target: &str) -> String {
    let mut query = Serializer::new(String::new());
    query.append_pair("return_to", back).append_pair("sent", &format!("{method} {target}"));
    format!("{UNSENT}?{}", query.finish())
}
