//! What whoever runs the service asks: is the process alive, and can it do its work?

use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use serde_json::json;

use super::layers::{self, Caller};
use crate::app::App;
use crate::mail;

/// How long PostgreSQL may take before we are not ready.
const PATIENCE: Duration = Duration::from_secs(1);

/// `GET /healthz`: the process answers, and says what time it takes it to be, and whether it believes what a proxy has
/// written about the caller. Never touches the database.
pub async fn alive(app: web::Data<App>, request: HttpRequest) -> HttpResponse {
    let forwarded = layers::forwarded(&app, &request);
    let body = json!({ "status": "alive", "now": app.clock.now(), "forwarded": forwarded.as_str() });
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(body)
}

/// `GET /readyz`: PostgreSQL answers within a second and has every table we need, and letters get out. The details
/// are for callers on this machine.
pub async fn ready(app: web::Data<App>, request: HttpRequest) -> HttpResponse {
    let database = match app.db.check(PATIENCE).await {
        Ok(0) => Ok(()),
        Ok(missing) => Err(format!("{missing} migrations are missing: run `vestibule migrate`")),
        Err(error) => Err(error.to_string()),
    };
    let mail = match &database {
        Ok(()) => letters_get_out(&app).await,
        Err(_) => Err("unknown while there is no database".to_owned()),
    };
    let is_ready = database.is_ok() && mail.is_ok();
    let mut body = json!({ "status": if is_ready { "ready" } else { "not ready" } });
    // Behind a proxy on this machine everybody's peer is local.
    let is_local = request.extensions().get::<Caller>().is_some_and(Caller::is_local);
    if let (true, Some(body)) = (is_local, body.as_object_mut()) {
        body.insert("database".to_owned(), json!(database.err().unwrap_or_else(|| "ready".to_owned())));
        body.insert("mail".to_owned(), json!(mail.err().unwrap_or_else(|| "ready".to_owned())));
    }
    let mut response = if is_ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    response.insert_header((header::CACHE_CONTROL, "no-store")).json(body)
}

/// A mail server that is down does not count: sign-in works without it, and letters wait.
async fn letters_get_out(app: &App) -> Result<(), String> {
    match app.db.look_up(mail::is_stuck).await {
        Ok(false) => Ok(()),
        Ok(true) => Err("letters are overdue: see `vestibule mail queue`".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
