//! The first step of signing in, where anybody signs in by a provider of their organization: their address, which says
//! whether they do. The address is kept in a cookie on the way: what stands in a URL is written into the logs of proxies.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use super::way::Way;
use super::{destination, login};
use crate::app::App;
use crate::db::{self, Tx};
use crate::domains::{self, Enforcement, Provider};
use crate::kernel::EmailAddress;
use crate::web::csrf::Checked;
use crate::web::failure::Failure;
use crate::web::provider_only::{ProviderOnly, path};
use crate::web::saml::limits;
use crate::web::{cookies, view, who};

/// What follows the address.
pub const SECOND: &str = "password";

#[derive(Deserialize)]
pub struct Form {
    #[serde(default)]
    email: String,
    #[serde(default)]
    return_to: String,
}

/// `POST /login/address`: the same for every address of a domain.
pub async fn submit(app: web::Data<App>, Checked(form): Checked<Form>, request: HttpRequest) -> HttpResponse {
    if let Err(wrong) = EmailAddress::parse(&form.email) {
        let again = view::form(&json!({ "email": form.email }), &[("email", wrong.to_string())], None);
        return ask(&app, &request, &form.return_to, again, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let mut query = Serializer::new(String::new());
    query.append_pair("step", SECOND);
    if !form.return_to.is_empty() {
        query.append_pair("return_to", &form.return_to);
    }
    let mut answer = view::see_other(&format!("/login?{}", query.finish()));
    cookies::add(&mut answer, vec![Way::new(&app, &form.email, &form.return_to).keep(&app)]);
    answer
}

/// Whether the address is asked for first. Where that cannot be found out it is not.
pub async fn are_there(app: &App) -> bool {
    app.db.look_up(domains::serves_anybody).await.unwrap_or_else(|error| {
        log::error!("whether anybody signs in by a provider is not known: {error}");
        false
    })
}

/// For whoever has typed an address, or says so: from one network not without end, or anybody could find out which
/// companies are here.
async fn find_counted(app: &App, request: &HttpRequest, email: &str) -> Result<Option<Provider>, Failure> {
    let Ok(email) = EmailAddress::parse(email) else { return Ok(None) };
    let app2 = app.clone();
    let work = move |tx: &mut Tx<'_>| match limits::admit_address(tx, &app2)? {
        Some(wait) => Ok(Err(wait)),
        None => domains::provider_of(tx, &email).map(Ok),
    };
    let origin = who::origin(request)?;
    app.db.write::<_, db::Error, _>(&origin, work).await?.map_err(Failure::RateLimited)
}

/// What follows the address: the way to the provider, or a choice, or the password as everywhere.
pub async fn second_step(app: &App, request: &HttpRequest, return_to: &str) -> Result<HttpResponse, Failure> {
    let email = Way::of(app, request).email;
    let provider = find_counted(app, request, &email).await?;
    if let Some(provider) = provider.as_ref().filter(|provider| provider.enforcement == Enforcement::Enforced) {
        return Ok(lead_on(app, request, (provider, &email), return_to));
    }
    let offered =
        provider.map(|provider| json!({ "name": provider.name, "path": path(provider.connection, return_to) }));
    let form = view::form(&json!({ "email": email, "remember": false }), &[], None);
    let form = view::with(form, json!({ "provider": offered, "is_second": !email.is_empty() }));
    Ok(login::page(app, request, return_to, form, StatusCode::OK))
}

/// By a page that goes on by itself: our own policy (`form-action 'self'`) forbids that the answer to a form leads to
/// another origin, however many redirects away.
fn lead_on(app: &App, request: &HttpRequest, (provider, email): (&Provider, &str), return_to: &str) -> HttpResponse {
    let context = json!({
        "name": provider.name,
        "path": path(provider.connection, return_to),
        "email": email,
        "return_to": return_to,
        "refused": "",
    });
    let context = view::with(context, destination(app, return_to));
    view::html(request, &mut HttpResponse::Ok(), "signin/provider.html", context)
}

/// For somebody who has tried another way.
pub fn refuse(
    app: &App,
    request: &HttpRequest,
    failure: &Failure,
    (only, email): (&ProviderOnly, &str),
    return_to: &str,
) -> HttpResponse {
    let query = Serializer::new(String::new()).append_pair("return_to", return_to).finish();
    let place = if return_to.is_empty() { only.path.clone() } else { format!("{}?{query}", only.path) };
    let context = json!({
        "name": only.name,
        "path": place,
        "email": email,
        "return_to": return_to,
        "refused": failure.to_string(),
    });
    let context = view::with(context, destination(app, return_to));
    view::html(request, &mut HttpResponse::build(failure.status()), "signin/provider.html", context)
}

/// The page of the first step.
pub fn ask(app: &App, request: &HttpRequest, return_to: &str, form: Value, status: StatusCode) -> HttpResponse {
    login::page_of("signin/address.html", (app, request), return_to, form, status)
}
