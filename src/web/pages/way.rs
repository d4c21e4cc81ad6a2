//! Who signs up or has forgotten a password has to read a letter first. Meanwhile their browser keeps which address
//! they gave and where they were going. The letter does not say: a stranger who types somebody else's address must not
//! choose what stands in it.

use actix_web::HttpRequest;
use actix_web::cookie::Cookie;
use serde::{Deserialize, Serialize};
use url::Url;
use url::form_urlencoded::{self, Serializer, byte_serialize};

use crate::app::App;
use crate::kernel::{EmailAddress, ReturnTo};
use crate::web::cookies::{self, Kind};
use crate::web::errand::Errand;

/// All cookies together have to fit into one line of a request. Whoever wanted to go to a longer address goes home.
const LONGEST: usize = 2500;

#[derive(Default, Serialize, Deserialize)]
pub struct Way {
    /// As it was typed; empty when nothing is known.
    pub email: String,
    /// Empty for the home page.
    pub return_to: String,
}

impl Way {
    pub fn new(app: &App, email: &str, return_to: &str) -> Self {
        let place = place(app, return_to);
        let place = place.filter(|place| byte_serialize(place.as_bytes()).map(str::len).sum::<usize>() <= LONGEST);
        Self { email: email.trim().to_owned(), return_to: place.unwrap_or_default() }
    }

    /// What this browser has kept. Anything can stand there, so all of it is looked at again.
    pub fn of(app: &App, request: &HttpRequest) -> Self {
        let kept = request.cookie(cookies::name(app, Kind::Way));
        let kept: Self = kept.and_then(|cookie| serde_json::from_str(cookie.value()).ok()).unwrap_or_default();
        let email = if EmailAddress::parse(&kept.email).is_ok() { kept.email } else { String::new() };
        Self { email, return_to: place(app, &kept.return_to).unwrap_or_default() }
    }

    /// The page where they were to confirm, if that is where they were going, and the app that asked for it.
    pub fn to_confirm(&self, app: &App) -> Option<(&str, Url)> {
        let query = self.return_to.strip_prefix("/confirm?")?;
        let (_, return_to) = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "return_to")?;
        Some((&self.return_to, Errand::of(app, &return_to)?.back))
    }

    pub fn keep(&self, app: &App) -> Cookie<'static> {
        let json = serde_json::json!(self).to_string();
        let value = byte_serialize(json.as_bytes()).collect::<String>().replace('+', "%20");
        cookies::for_this_host(app, Kind::Way, value, Some(app.settings.accounts.verification_ttl))
    }

    /// The sign-in page, which says what was just done and leads on.
    pub fn sign_in(&self, done: &str) -> String {
        let mut query = Serializer::new(String::new());
        query.append_pair("done", done);
        if !self.return_to.is_empty() {
            query.append_pair("return_to", &self.return_to);
        }
        format!("/login?{}", query.finish())
    }
}

pub fn forget(app: &App) -> Cookie<'static> {
    let mut cookie = cookies::for_this_host(app, Kind::Way, String::new(), None);
    cookie.make_removal();
    cookie
}

fn place(app: &App, return_to: &str) -> Option<String> {
    match app.destinations.check(return_to)? {
        ReturnTo::App(url) => Some(url.into()),
        ReturnTo::Here(path) => Some(path),
    }
}
