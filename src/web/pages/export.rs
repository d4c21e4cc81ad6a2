//! `/account/export`: taking along what is kept about somebody.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::security::Asked;
use crate::app::App;
use crate::web::api::export::answer;
use crate::web::csrf::Checked;
use crate::web::failure::Failure;
use crate::web::who::FreshOrLeaving;
use crate::web::{reauth, view};

#[derive(Deserialize)]
pub struct Nothing {}

/// `GET /account/export`
pub async fn show(who: FreshOrLeaving, asked: web::Query<Asked>, request: HttpRequest) -> HttpResponse {
    let context = json!({ "notice": reauth::notice(&asked.done), "is_leaving": who.live.is_leaving() });
    view::html(&request, &mut HttpResponse::Ok(), "accounts/export.html", context)
}

/// `POST /account/export`: the answer is the file.
pub async fn submit(
    app: web::Data<App>,
    who: FreshOrLeaving,
    Checked(Nothing {}): Checked<Nothing>,
) -> Result<HttpResponse, Failure> {
    answer(&app, &who).await
}
