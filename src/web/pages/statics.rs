//! Static files. Their names carry a hash of what is in them, so a browser may keep them for good.

use actix_web::http::header;
use actix_web::{HttpResponse, web};

use crate::app::App;
use crate::web::failure::Failure;

/// `GET /static/{name}`
pub async fn file(app: web::Data<App>, name: web::Path<String>) -> Result<HttpResponse, Failure> {
    let statics = app.render.statics();
    let file = statics.find(&name).ok_or(Failure::NotFound)?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, file.content_type))
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .body(file.bytes.to_vec()))
}

/// `GET /favicon.ico`: where browsers look for the icon when no page has told them of it.
pub async fn favicon(app: web::Data<App>) -> Result<HttpResponse, Failure> {
    let statics = app.render.statics();
    let icon = statics.find_by_name("favicon.svg").ok_or(Failure::NotFound)?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, icon.content_type))
        .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
        .body(icon.bytes.to_vec()))
}

/// `GET /gateway/step-up.js`: for the pages of apps, on whatever host they are.
pub async fn step_up(app: web::Data<App>) -> Result<HttpResponse, Failure> {
    let statics = app.render.statics();
    let script = statics.find_by_name("step-up.js").ok_or(Failure::NotFound)?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, script.content_type))
        .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header(("cross-origin-resource-policy", "cross-origin"))
        .body(script.bytes.to_vec()))
}

/// `GET /robots.txt`: a front door is not for search engines.
pub async fn robots() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/plain; charset=utf-8"))
        .body("User-agent: *\nDisallow: /\n")
}
