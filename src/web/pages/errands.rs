//! Where people end who came from an app and are on the way back to it.

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::host_of;
use crate::app::App;
use crate::web::errand::{Errand, How};
use crate::web::view;
use crate::web::who::Anyone;

/// What our pages have by themselves cuts them off from whoever has opened them.
pub const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// `GET /unsent?return_to=…`: what somebody has sent to an app was not carried out.
pub async fn unsent(app: web::Data<App>, _: Anyone, request: HttpRequest) -> HttpResponse {
    show(&app, &request, How::Sending, "stepup/unsent.html")
}

/// `GET /confirmed?return_to=…`: in a window that an app's script has opened, which is told of it. Whether it is true, the
/// gate judges.
pub async fn confirmed(app: web::Data<App>, _: Anyone, request: HttpRequest) -> HttpResponse {
    let mut page = show(&app, &request, How::Asking, "stepup/confirmed.html");
    page.headers_mut().insert(OPENER_POLICY, HeaderValue::from_static("unsafe-none"));
    page
}

fn show(app: &App, request: &HttpRequest, how: How, template: &str) -> HttpResponse {
    let Some(errand) = Errand::from_query(app, request.query_string(), how) else { return view::see_other("/") };
    let context = json!({
        "url": errand.back.as_str(),
        "origin": errand.back.origin().ascii_serialization(),
        "app_host": host_of(&errand.back),
    });
    view::html(request, &mut HttpResponse::Ok(), template, context)
}
