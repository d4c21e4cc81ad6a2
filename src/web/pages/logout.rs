//! `/logout` and the page after it.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use crate::app::App;
use crate::db;
use crate::sessions::{self, EndReason};
use crate::web::csrf::Checked;
use crate::web::failure::Failure;
use crate::web::handover::{self, Errand};
use crate::web::pages::provider_logout;
use crate::web::who::Anyone;
use crate::web::{cookies, session_store, view};

#[derive(serde::Deserialize)]
pub struct Nothing {}

#[derive(serde::Deserialize)]
pub struct Asked {
    /// What the provider has said of signing out there, one of the words of [`notice`].
    #[serde(default)]
    provider: String,
}

/// `POST /logout`: ends the session and takes every cookie of it away. Somebody whose session has ended already is
/// signed out as well. Whoever came by a provider goes on to it, to be signed out there too; nothing waits for that.
pub async fn submit(
    app: web::Data<App>,
    who: Anyone,
    Checked(Nothing {}): Checked<Nothing>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let departure = provider_logout::departure(&app, &who).await;
    end(&app, &who, &request).await?;
    let onward = departure.and_then(|passage| handover::after_form(&request, Errand::SignOut, &passage).ok());
    Ok(taking_cookies_away(&app, onward.unwrap_or_else(|| view::see_other("/logged-out"))))
}

/// `GET /logged-out`: home for somebody who is signed in, perhaps again, and not to be told otherwise.
pub async fn show(who: Anyone, asked: web::Query<Asked>, request: HttpRequest) -> HttpResponse {
    if who.live.is_some() {
        return view::see_other("/");
    }
    view::html(
        &request,
        &mut HttpResponse::Ok(),
        "signin/logged_out.html",
        json!({ "notice": notice(&asked.provider) }),
    )
}

fn notice(provider: &str) -> Option<&'static str> {
    match provider {
        "partly" => Some(
            "Your organization’s identity provider could not sign you out everywhere. Close this browser to be sure.",
        ),
        _ => None,
    }
}

/// Ends the session of this browser, if it has one.
pub async fn end(app: &App, who: &Anyone, request: &HttpRequest) -> Result<(), Failure> {
    if let Some(live) = &who.live {
        // Not by the session's id: it may have got another since this request began.
        let (user, device) = (live.user, live.device);
        app.db
            .write(&who.origin, move |tx| sessions::revoke_device(tx, user, device, EndReason::SignedOut))
            .await
            .map_err(|e: db::Error| Failure::from(e))?;
        session_store::forget(request);
    }
    Ok(())
}

/// Adds the removal of the portal's and every gate cookie.
pub fn taking_cookies_away(app: &App, mut answer: HttpResponse) -> HttpResponse {
    cookies::add(&mut answer, cookies::removals(app));
    answer
}
