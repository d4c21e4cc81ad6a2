//! `/hand-over`: on the way to an app under another domain, through the portal. The rest of the way is the gate's
//! (`/.vestibule/` at the app's host).

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::host_of;
use crate::app::App;
use crate::kernel::ReturnTo;
use crate::sessions::{HandOver, begin_hand_over};
use crate::web::failure::Failure;
use crate::web::forward_auth::hand_over::{FINISH, read_binding};
use crate::web::view;
use crate::web::who::SignedIn;

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    return_to: String,
    /// The digest of what the browser has got at the app's host.
    #[serde(default)]
    binding: String,
}

/// `GET /hand-over?return_to=…&binding=…`: whoever is not signed in does that first, and comes back here.
pub async fn show(
    app: web::Data<App>,
    who: SignedIn,
    asked: web::Query<Asked>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let (back, host) = handed(&app, &asked.return_to).ok_or_else(malformed)?;
    let binding = read_binding(&asked.binding).ok_or_else(malformed)?;
    let (session, return_to) = (who.live.session, back.to_string());
    let begun = app.db.write(&who.origin, move |tx| {
        begin_hand_over(tx, &HandOver { session, host: &host, binding, return_to: &return_to })
    });
    // It was there a moment ago: the sign-in page leads straight on where it is under another id by now.
    let code = begun.await?.ok_or(Failure::Unauthenticated)?;
    let mut url = back;
    url.set_path(FINISH);
    url.set_fragment(None);
    url.set_query(Some(&format!("code={}", code.expose())));
    let mut answer = onward(&app, &request, &url);
    answer.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(answer)
}

fn handed(app: &App, return_to: &str) -> Option<(Url, String)> {
    let ReturnTo::App(back) = app.destinations.check(return_to)? else { return None };
    // Written out, it may be too long by now.
    app.destinations.check(back.as_str())?;
    let host = back.host_str().filter(|host| app.destinations.is_handed(host))?.to_owned();
    Some((back, host))
}

fn malformed() -> Failure {
    Failure::InvalidRequest("This address leads to no app. Open the app itself, and you are led here.".to_owned())
}

/// Whoever has just sent a form of ours, to sign in by, cannot be redirected to another origin: our own policy
/// (`form-action 'self'`) holds for all that a form's answer leads to.
fn onward(app: &App, request: &HttpRequest, url: &Url) -> HttpResponse {
    if comes_from_us(app, request) {
        let context = json!({ "url": url.as_str(), "app_host": host_of(url) });
        return view::html(request, &mut HttpResponse::Ok(), "signin/continue.html", context);
    }
    view::see_other(url.as_str())
}

/// Over plain http browsers do not say it in `Sec-Fetch-Site`. A page of an app never comes from us: its host has led it
/// here.
fn comes_from_us(app: &App, request: &HttpRequest) -> bool {
    let says = |name: &str| request.headers().get(name)?.to_str().ok();
    match (says("sec-fetch-site"), says("referer")) {
        (Some(site), _) => site == "same-origin",
        (None, Some(page)) => {
            Url::parse(page).is_ok_and(|page| page.origin() == app.settings.server.public_url.origin())
        }
        (None, None) => false,
    }
}
