//! `/dev/inbox`: letters that were kept and not sent. They hold links that open accounts, so it is there for
//! somebody who sits at this machine, and for everybody else it is not there at all.

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap};
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use serde_json::{Value, json};
use std::future::{Ready, ready};
use url::Url;

use crate::app::App;
use crate::kernel::LetterId;
use crate::kernel::return_to::is_loopback;
use crate::mail::{Inbox, Kept};
use crate::web::failure::Failure;
use crate::web::view;

/// A letter's own styles and nothing else: no script, no image, no form, no origin.
const LETTER_POLICY: &str = "sandbox allow-top-navigation-by-user-activation; default-src 'none'; \
                             style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// What a proxy adds. Whoever comes through one may be anybody.
const SIGNS_OF_A_PROXY: [&str; 5] = ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"];

/// The inbox, asked for from this machine: listener, client, `Host` and `server.public_url` are all loopback.
/// Without the last two, another site's name that was made to point here (DNS rebinding) could read it.
pub struct AtHome(Inbox);

impl FromRequest for AtHome {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let app = request.app_data::<web::Data<App>>().filter(|app| is_at_home(app, request));
        ready(app.and_then(|app| Inbox::of(&app.settings)).map(Self).ok_or(Failure::NotFound))
    }
}

fn is_at_home(app: &App, request: &HttpRequest) -> bool {
    let server = &app.settings.server;
    let headers = request.headers();
    server.listen.ip().is_loopback()
        && is_loopback(&server.public_url)
        && request.peer_addr().is_some_and(|peer| peer.ip().to_canonical().is_loopback())
        && SIGNS_OF_A_PROXY.iter().all(|name| !headers.contains_key(*name))
        && host(headers).is_some_and(|host| is_loopback(&host))
}

/// The one `Host`, as a URL's.
fn host(headers: &HeaderMap) -> Option<Url> {
    let mut hosts = headers.get_all(header::HOST);
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return None };
    Url::parse(&format!("http://{}/", host.to_str().ok()?)).ok()
}

/// `GET /dev/inbox`
pub async fn list(AtHome(inbox): AtHome, request: HttpRequest) -> Result<HttpResponse, Failure> {
    let letters = inbox.list().await.map_err(Failure::internal)?;
    let letters: Vec<Value> = letters
        .iter()
        .map(|letter| json!({ "id": letter.id, "to": letter.to, "subject": letter.subject, "at": letter.at }))
        .collect();
    let context = json!({ "letters": letters });
    Ok(view::html(&request, &mut HttpResponse::Ok(), "dev/inbox.html", context))
}

/// `GET /dev/inbox/{id}`: its text.
pub async fn show(AtHome(inbox): AtHome, id: web::Path<String>, request: HttpRequest) -> Result<HttpResponse, Failure> {
    let letter = load(&inbox, &id).await?;
    let links: Vec<String> = letter.links().iter().map(ToString::to_string).collect();
    let context = json!({ "letter": {
        "id": letter.id, "from": letter.from, "to": letter.to, "subject": letter.subject, "at": letter.at,
        "text": letter.text, "links": links,
    } });
    let mut response = HttpResponse::Ok();
    response.insert_header((header::REFERRER_POLICY, "no-referrer"));
    Ok(view::html(&request, &mut response, "dev/letter.html", context))
}

/// `GET /dev/inbox/{id}/html`: the letter as a mail program would show it, in a sandbox.
pub async fn show_html(AtHome(inbox): AtHome, id: web::Path<String>) -> Result<HttpResponse, Failure> {
    let letter = load(&inbox, &id).await?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((header::CONTENT_SECURITY_POLICY, LETTER_POLICY))
        .body(letter.html))
}

async fn load(inbox: &Inbox, id: &str) -> Result<Kept, Failure> {
    let id: LetterId = id.parse().map_err(|_| Failure::NotFound)?;
    inbox.find(id).await.map_err(Failure::internal)?.ok_or(Failure::NotFound)
}
