//! Sending a browser to an organization's identity provider with a message for it.

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};
use url::Url;

use super::failure::Failure;
use super::layers::policy_with_forms_to;
use super::view;
use crate::sso::saml::Form;
use crate::sso::signing_out::Passage;

/// Why the browser goes there, in the words of the page that it passes by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Errand {
    SignIn,
    SignOut,
}

/// The answer to a request of the provider's, or to a link: goes on at once where it can.
pub fn onward(request: &HttpRequest, errand: Errand, passage: &Passage) -> Result<HttpResponse, Failure> {
    match passage {
        Passage::Redirect(url) => Ok(view::see_other(url)),
        Passage::Form(form) => form_page(request, errand, form),
    }
}

/// The answer to a form of ours, which our own policy (`form-action 'self'`) forbids to redirect there.
pub fn after_form(request: &HttpRequest, errand: Errand, passage: &Passage) -> Result<HttpResponse, Failure> {
    match passage {
        Passage::Redirect(url) => {
            let context = with_words(errand, &host_of(url)?, json!({ "url": url, "fields": [] }));
            Ok(view::html(request, &mut HttpResponse::Ok(), "signin/handover.html", context))
        }
        Passage::Form(form) => form_page(request, errand, form),
    }
}

/// A form that sends itself, or has a button where scripts are switched off.
fn form_page(request: &HttpRequest, errand: Errand, form: &Form) -> Result<HttpResponse, Failure> {
    let fields: Vec<Value> = form.fields.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    let context = with_words(errand, &host_of(&form.action)?, json!({ "url": form.action, "fields": fields }));
    let mut page = view::html(request, &mut HttpResponse::Ok(), "signin/handover.html", context);
    let policy = HeaderValue::from_str(&policy_with_forms_to(&form.action)?).map_err(Failure::internal)?;
    page.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(page)
}

fn with_words(errand: Errand, host: &str, context: Value) -> Value {
    let word = match errand {
        Errand::SignIn => "sign_in",
        Errand::SignOut => "sign_out",
    };
    view::with(context, json!({ "errand": word, "provider_host": host }))
}

fn host_of(url: &str) -> Result<String, Failure> {
    let url = Url::parse(url).map_err(Failure::internal)?;
    Ok(url.host_str().unwrap_or_default().to_owned())
}
