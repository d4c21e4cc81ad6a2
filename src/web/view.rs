//! Pages: a template, what it is given, and the headers a page has.

use actix_web::http::header;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, HttpResponseBuilder, web};
use serde_json::{Map, Value, json};

use super::csrf;
use super::failure::{Failure, Field};
use super::layers::Caller;
use super::session_store;
use crate::app::App;

/// Renders a template with `context` and what every page is given (`page`, `who`).
pub fn html(request: &HttpRequest, response: &mut HttpResponseBuilder, template: &str, context: Value) -> HttpResponse {
    let Some(app) = request.app_data::<web::Data<App>>() else {
        return HttpResponse::InternalServerError().finish();
    };
    let token = csrf::form_token(app, request);
    let frame = json!({
        "page": { "request_id": request_id(request), "csrf": token.text, "path": request.path() },
        "who": who(app, request),
    });
    let rendered = app.render.render(template, merge(frame, context));
    let body = match rendered {
        Ok(body) => body,
        Err(error) => return Failure::internal(error).as_problem(&request_id(request)),
    };
    if let Some(cookie) = token.cookie {
        response.cookie(cookie);
    }
    response
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(body)
}

/// The id under which this request stands in the log.
pub fn request_id(request: &HttpRequest) -> String {
    let extensions = request.extensions();
    extensions.get::<Caller>().map(|caller| caller.origin.request_id.clone()).unwrap_or_default()
}

fn who(app: &App, request: &HttpRequest) -> Value {
    match session_store::live(request) {
        Ok(Some(live)) => json!({
            "name": live.name,
            "email": live.email,
            "email_verified": live.email_verified,
            "second_factor_due": live.second_factor_due,
            "lacks_second_factor": live.lacks_second_factor(app.clock.now()),
        }),
        Ok(None) | Err(_) => Value::Null,
    }
}

fn merge(frame: Value, context: Value) -> Value {
    match (frame, context) {
        (Value::Object(mut frame), Value::Object(context)) => {
            frame.extend(context);
            Value::Object(frame)
        }
        (frame, _) => frame,
    }
}

/// What a page with a form is given: the earlier input, what was wrong with it, what was just done.
pub fn form(input: &Value, wrong: &[Field], notice: Option<&str>) -> Value {
    let errors: Map<String, Value> = wrong
        .iter()
        .filter(|(field, _)| !field.is_empty())
        .map(|(field, sentence)| ((*field).to_owned(), json!(sentence)))
        .collect();
    let summary: Vec<Value> = wrong.iter().map(|(field, text)| json!({ "field": field, "text": text })).collect();
    json!({ "form": input, "errors": errors, "error_summary": summary, "notice": notice })
}

/// Adds to what a page is given.
#[must_use]
pub fn with(context: Value, more: Value) -> Value {
    merge(context, more)
}

/// After a form: somewhere else, by GET.
pub fn see_other(path: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, path))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .finish()
}
