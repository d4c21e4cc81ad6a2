//! `/`: who you are, and what you can open.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::inbox_url;
use crate::accounts::Name;
use crate::accounts::profile::rename as set_name;
use crate::app::App;
use crate::config::settings::{Allow, Rule};
use crate::db;
use crate::sessions::Live;
use crate::web::csrf::Checked;
use crate::web::failure::{Failure, Field};
use crate::web::who::SignedIn;
use crate::web::{reauth, view};

#[derive(Deserialize)]
pub struct Asked {
    /// What was just done, one of the words of [`notice`].
    #[serde(default)]
    done: String,
}

#[derive(Deserialize)]
pub struct Form {
    #[serde(default)]
    name: String,
}

/// `GET /`
pub async fn show(app: web::Data<App>, who: SignedIn, asked: web::Query<Asked>, request: HttpRequest) -> HttpResponse {
    let form = view::form(&json!({ "name": who.live.name }), &[], notice(&asked.done));
    page(&app, &who.live, &request, form, StatusCode::OK)
}

/// `POST /account/name`
pub async fn rename(
    app: web::Data<App>,
    who: SignedIn,
    Checked(form): Checked<Form>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let name = match Name::parse(&form.name) {
        Ok(name) => name,
        Err(error) => {
            let wrong: [Field; 1] = [("name", error.to_string())];
            let form = view::form(&json!({ "name": form.name }), &wrong, None);
            return Ok(page(&app, &who.live, &request, form, StatusCode::UNPROCESSABLE_ENTITY));
        }
    };
    let user = who.live.user;
    app.db.write(&who.origin, move |tx| set_name(tx, user, &name)).await.map_err(|e: db::Error| Failure::from(e))?;
    Ok(view::see_other("/?done=renamed"))
}

fn page(app: &App, live: &Live, request: &HttpRequest, form: Value, status: StatusCode) -> HttpResponse {
    let context = view::with(form, json!({ "apps": apps(app, live), "inbox_url": inbox_url(app) }));
    view::html(request, &mut HttpResponse::build(status), "home/home.html", context)
}

/// The hosts that the rules name and this person may open. A pattern is no address, so `*.` is left out.
fn apps(app: &App, live: &Live) -> Vec<Value> {
    let may_open = |rule: &&Rule| match rule.allow {
        Allow::Deny => false,
        Allow::Public => true,
        Allow::SignedIn | Allow::TwoFactor => live.email_verified || !rule.verified,
    };
    let scheme = app.settings.server.public_url.scheme();
    let hosts = app.settings.gateway.rules.iter().filter(may_open).flat_map(|rule| &rule.hosts);
    let mut seen: Vec<&String> = Vec::new();
    for host in hosts.filter(|host| !host.starts_with("*.")) {
        if !seen.contains(&host) {
            seen.push(host);
        }
    }
    seen.into_iter().map(|host| json!({ "name": host, "host": host, "url": format!("{scheme}://{host}/") })).collect()
}

fn notice(done: &str) -> Option<&'static str> {
    match done {
        "verified" => Some("Your address is confirmed."),
        "proved" => Some(
            "Your address is confirmed. The password from before is gone, since a stranger may have chosen it. You can \
             choose one at \u{201c}Forgot your password?\u{201d}.",
        ),
        "set-up" => Some("All is set up. You are the administrator."),
        "sent" => Some("We have sent you a new link."),
        "renamed" => Some("Your name is saved."),
        "stays" => Some("Your account stays, with everything in it."),
        "password" => Some("Your password is changed. All other devices are signed out."),
        done => reauth::notice(done),
    }
}
