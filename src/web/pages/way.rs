//! Where a person was going who first has to prove an address. The letter does not say: a stranger who types
//! somebody else's address must not choose what stands in it. So the browser that signed up keeps it.

use actix_web::HttpRequest;
use actix_web::cookie::Cookie;
use url::form_urlencoded::{Serializer, byte_serialize};

use crate::app::App;
use crate::kernel::ReturnTo;
use crate::web::cookies::{self, Kind};

/// All cookies together have to fit into one line of a request.
const LONGEST: usize = 2000;

/// `None` when there is no such place, or its name is too long to be kept.
pub fn keep(app: &App, return_to: &str) -> Option<Cookie<'static>> {
    let place = place(app, return_to)?;
    let value: String = byte_serialize(place.as_bytes()).collect();
    let lasts = app.settings.accounts.verification_ttl;
    (value.len() <= LONGEST).then(|| cookies::for_this_host(app, Kind::Way, value, Some(lasts)))
}

/// The sign-in page, which says that the address is confirmed and leads on to there.
pub fn sign_in_after(app: &App, request: &HttpRequest) -> String {
    let mut query = Serializer::new(String::new());
    query.append_pair("done", "verified");
    let kept = request.cookie(cookies::name(app, Kind::Way));
    if let Some(place) = kept.and_then(|cookie| place(app, cookie.value())) {
        query.append_pair("return_to", &place);
    }
    format!("/login?{}", query.finish())
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
