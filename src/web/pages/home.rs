//! `/`: who you are, and what you can open.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::{Value, json};

use super::inbox_url;
use crate::accounts::Name;
use crate::accounts::profile::rename as set_name;
use crate::affiliations;
use crate::app::App;
use crate::db::{self, ReadTx};
use crate::gateway::{Proof, Subject, Wanted};
use crate::web::csrf::Checked;
use crate::web::failure::{Failure, Field};
use crate::web::who::SignedIn;
use crate::web::{Gate, reauth, view};

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
pub async fn show(
    app: web::Data<App>,
    gate: web::Data<Gate>,
    who: SignedIn,
    asked: web::Query<Asked>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let form = view::form(&json!({ "name": who.live.name }), &[], notice(&asked.done));
    Ok(page(&app, &request, form, &apps(&app, &gate, &who).await?, StatusCode::OK))
}

/// `POST /account/name`
pub async fn rename(
    app: web::Data<App>,
    gate: web::Data<Gate>,
    who: SignedIn,
    Checked(form): Checked<Form>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let name = match Name::parse(&form.name) {
        Ok(name) => name,
        Err(error) => {
            let wrong: [Field; 1] = [("name", error.to_string())];
            let form = view::form(&json!({ "name": form.name }), &wrong, None);
            let apps = apps(&app, &gate, &who).await?;
            return Ok(page(&app, &request, form, &apps, StatusCode::UNPROCESSABLE_ENTITY));
        }
    };
    let user = who.live.user;
    app.db.write(&who.origin, move |tx| set_name(tx, user, &name)).await.map_err(|e: db::Error| Failure::from(e))?;
    Ok(view::see_other("/?done=renamed"))
}

fn page(app: &App, request: &HttpRequest, form: Value, apps: &[Value], status: StatusCode) -> HttpResponse {
    let context = view::with(form, json!({ "apps": apps, "inbox_url": inbox_url(app) }));
    view::html(request, &mut HttpResponse::build(status), "home/home.html", context)
}

/// What they may open now, or once they have confirmed that it is them.
async fn apps(app: &App, gate: &Gate, who: &SignedIn) -> Result<Vec<Value>, db::Error> {
    let (user, policy) = (who.live.user, app.policy.load_full());
    let find = move |tx: &mut ReadTx<'_>| affiliations::find(tx, user, &policy.gateway.organizations);
    let affiliations = app.db.look_up(find).await?;
    let visitor = Subject::of(&who.live, &affiliations, app.clock.now());
    let client = who.origin.address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let statics = app.render.statics();
    let doors = gate.doors(&visitor, client).into_iter().map(|door| {
        let host = door.words.door.as_ref().map(|place| place.host.clone());
        json!({
            "name": door.name,
            "host": host,
            "url": door.url,
            "description": door.words.description,
            "icon": door.words.icon.as_deref().and_then(|name| statics.url_of(name)),
            "asks": door.asks.and_then(in_words),
        })
    });
    Ok(doors.collect())
}

/// `None` where being signed in is enough.
fn in_words(proof: Proof) -> Option<String> {
    let factor = match proof.factor {
        Wanted::Anything => None,
        Wanted::SecondFactor => Some("a second factor"),
        Wanted::Passkey => Some("your passkey"),
    };
    let recent = proof.max_age.map(|age| format!("unless you did in the last {}", duration(age)));
    match (factor, recent) {
        (None, None) => None,
        (Some(factor), None) => Some(format!("Asks for {factor}")),
        (None, Some(recent)) => Some(format!("Asks you to confirm that it is you, {recent}")),
        (Some(factor), Some(recent)) => Some(format!("Asks for {factor}, {recent}")),
    }
}

/// In the largest unit that leaves nothing over.
fn duration(age: TimeDelta) -> String {
    let (count, unit) = match age.num_seconds() {
        seconds if seconds % 86_400 == 0 => (seconds / 86_400, "day"),
        seconds if seconds % 3600 == 0 => (seconds / 3600, "hour"),
        seconds if seconds % 60 == 0 => (seconds / 60, "minute"),
        seconds => (seconds, "second"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
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
