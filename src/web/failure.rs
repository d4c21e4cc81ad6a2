//! Everything that can go wrong at the door, as a status, a stable code and a sentence.
//!
//! This is the only place that turns an error into a status ([`conversions`] and [`providers`] say which error is which failure).
//! Handlers return a [`Failure`]; [`present`] writes
//! it as a page or as `application/problem+json` (RFC 9457), whichever the request came for.

mod conversions;
mod providers;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use chrono::TimeDelta;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::enrollment;
use super::provider_only::ProviderOnly;
use super::reauth::Reauth;
use super::view;
use crate::app::App;
use crate::kernel::ReturnTo;
use crate::sessions::EndReason;

/// What is wrong with one input: its name and a sentence for whoever filled it in.
pub type Field = (&'static str, String);

#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Failure {
    /// Not JSON, not a form, or a part is missing. The sentence says which.
    #[error("{0}")]
    InvalidRequest(String),
    #[error("The email address or the password is not right.")]
    InvalidCredentials,
    /// What somebody has shown to prove that it is them, after the first proof.
    #[error("{0}")]
    NotProved(&'static str),
    /// The first proof was right, and one of these is asked for besides.
    #[error("A second proof is asked for: send a code of your authenticator app, or a recovery code.")]
    MfaRequired(Vec<&'static str>),
    #[error("Begin again: the first step was too long ago, or too many codes were tried.")]
    SignInAgain,
    #[error("Sign in first.")]
    Unauthenticated,
    /// The same, for a browser that was signed in and is to know why it is not.
    #[error("You were signed out. Sign in again.")]
    SignedOut(EndReason),
    /// Unknown, revoked, run out, or no key at all. It is not said which (RFC 6750, section 3.1).
    #[error("This API key is not valid.")]
    InvalidKey,
    /// The key is good, but not for this.
    #[error("{0}")]
    NotByKey(&'static str),
    /// Signed in, but not for this (RFC 9470).
    #[error("Re-authentication required")]
    ReauthRequired(Box<Reauth>),
    #[error("Confirm your email address first: the letter that we sent you has a link.")]
    EmailUnverified,
    /// Nobody with this address gets in, or comes to be, in any other way. Whether there is an account it does not say.
    #[error("Whoever has this address signs in with {}, as their organization wants it.", .0.name)]
    SsoRequired(Box<ProviderOnly>),
    #[error("{0}")]
    Forbidden(String),
    /// What an identity provider has said of them; by this reference their administrators find why.
    #[error(
        "The answer of your organization’s identity provider was not accepted. Its administrators find why by the reference {0}."
    )]
    SsoRefused(String),
    /// They have asked to be deleted, and can do nothing else.
    #[error("Your account is to be deleted. Restore it first, or sign out.")]
    Leaving,
    /// Nor is what is closed to whoever lacks a second factor that an organization asks for. The page where they set one up.
    #[error("An organization that you belong to asks for a second factor, and you have none. Set one up first.")]
    MfaEnrollmentRequired(String),
    #[error("This request did not come from our own pages, or the page was open for too long.")]
    Csrf,
    #[error("There is nothing here.")]
    NotFound,
    #[error("This does not understand that method.")]
    MethodNotAllowed,
    #[error("{0}")]
    Conflict(String),
    #[error("This link no longer works: it was used before, or it is too old.")]
    Gone,
    #[error("That is more than we take.")]
    TooLarge,
    #[error("The rest of this request did not arrive.")]
    TooSlow,
    #[error("{}", first_of(.0))]
    Validation(Vec<Field>),
    #[error("Too many attempts. Try again in {}.", in_words(*.0))]
    RateLimited(TimeDelta),
    #[error("Something went wrong on our side.")]
    Internal,
    #[error("We cannot do this just now. Try again in a moment.")]
    Unavailable,
}

/// RFC 9457, section 3.1, and what is our own in every one.
#[derive(Serialize)]
struct Problem<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    error: &'a str,
    request_id: &'a str,
}

impl Problem<'_> {
    /// As JSON, with further members in place of those called alike.
    fn with(&self, members: Map<String, Value>) -> serde_json::Result<String> {
        // Strangers at the gate are told this all the time.
        if members.is_empty() {
            return serde_json::to_string(self);
        }
        let mut all = serde_json::to_value(self)?;
        if let Some(all) = all.as_object_mut() {
            all.extend(members);
        }
        Ok(all.to_string())
    }
}

impl Failure {
    pub fn field(name: &'static str, sentence: impl std::fmt::Display) -> Self {
        Self::Validation(vec![(name, format!("{sentence}"))])
    }

    /// Writes the cause down, once, for the operator; the outside sees the request id only.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        log::error!("{cause}");
        Self::Internal
    }

    /// The stable word that programs match on.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidRequest(_) | Self::MethodNotAllowed | Self::TooSlow => "invalid_request",
            Self::InvalidCredentials | Self::NotProved(_) => "invalid_credentials",
            Self::MfaRequired(_) => "mfa_required",
            Self::Unauthenticated | Self::SignedOut(_) | Self::SignInAgain | Self::InvalidKey => "unauthenticated",
            Self::ReauthRequired(_) => "reauth_required",
            Self::MfaEnrollmentRequired(_) => "mfa_enrollment_required",
            Self::SsoRequired(_) => "sso_required",
            Self::EmailUnverified => "email_unverified",
            Self::Forbidden(_) | Self::NotByKey(_) | Self::Leaving | Self::SsoRefused(_) => "forbidden",
            Self::Csrf => "csrf",
            Self::NotFound => "not_found",
            Self::Conflict(_) => "conflict",
            Self::Gone => "gone",
            Self::TooLarge => "too_large",
            Self::Validation(_) => "validation",
            Self::RateLimited(_) => "rate_limited",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
        }
    }

    pub fn status(&self) -> StatusCode {
        match self {
            Self::InvalidRequest(_) => StatusCode::BAD_REQUEST,
            Self::InvalidCredentials
            | Self::NotProved(_)
            | Self::MfaRequired(_)
            | Self::SignInAgain
            | Self::InvalidKey
            | Self::Unauthenticated
            | Self::SignedOut(_) => StatusCode::UNAUTHORIZED,
            Self::ReauthRequired(_)
            | Self::SsoRequired(_)
            | Self::EmailUnverified
            | Self::Forbidden(_)
            | Self::Leaving
            | Self::SsoRefused(_)
            | Self::MfaEnrollmentRequired(_)
            | Self::NotByKey(_)
            | Self::Csrf => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Gone => StatusCode::GONE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Validation(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::RateLimited(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// A heading of a few words.
    pub fn title(&self) -> &'static str {
        match self {
            Self::InvalidRequest(_) => "That could not be read",
            Self::InvalidCredentials | Self::NotProved(_) => "That did not match",
            Self::InvalidKey => "That key opens nothing",
            Self::MfaRequired(_) => "One more step",
            Self::Unauthenticated | Self::SignedOut(_) | Self::SignInAgain | Self::SsoRefused(_) => {
                "You are not signed in"
            }
            Self::ReauthRequired(_) => "Confirm that it is you",
            Self::SsoRequired(_) => "Sign in by your organization",
            Self::EmailUnverified => "Your address is not confirmed",
            Self::Forbidden(_) | Self::NotByKey(_) => "This is not open to you",
            Self::Leaving => "Your account is to be deleted",
            Self::MfaEnrollmentRequired(_) => "A second factor is asked for",
            Self::Csrf => "Please do that again",
            Self::NotFound => "Not found",
            Self::MethodNotAllowed => "That is not possible here",
            Self::Conflict(_) => "That does not fit how things stand",
            Self::Gone => "This link no longer works",
            Self::TooLarge => "That is too large",
            Self::TooSlow => "That took too long",
            Self::Validation(_) => "Something needs another look",
            Self::RateLimited(_) => "Too many attempts",
            Self::Internal => "Something went wrong",
            Self::Unavailable => "Not available just now",
        }
    }

    /// What to do next; may be empty.
    fn next_step(&self) -> &'static str {
        match self {
            Self::Csrf => "Go back, load the page again and repeat what you did. Nothing was changed.",
            Self::NotFound => "The address may have a slip in it.",
            Self::EmailUnverified => {
                "We have sent you a letter with a link. You can have it sent again from your home page."
            }
            Self::Internal | Self::Unavailable => {
                "Nothing you entered was used. If it happens again, tell whoever runs this service."
            }
            Self::Gone => "Sign in to see how things stand, or to get a new link.",
            _ => "",
        }
    }

    /// The problem document (RFC 9457) and its headers.
    pub fn as_problem(&self, request_id: &str) -> HttpResponse {
        let (sentence, code) = (self.to_string(), self.code());
        let problem = Problem {
            kind: format!("urn:vestibule:problem:{code}"),
            title: self.title(),
            status: self.status().as_u16(),
            detail: &sentence,
            code,
            error: &sentence,
            request_id,
        };
        let mut response = HttpResponse::build(self.status());
        response.insert_header((header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json")));
        self.add_headers(&mut response);
        // There is nothing in it that could not be written.
        response.body(problem.with(self.members()).unwrap_or_default())
    }

    /// What a problem of this kind says besides.
    fn members(&self) -> Map<String, Value> {
        let one = |name: &str, value: Value| Map::from_iter([(name.to_owned(), value)]);
        match self {
            Self::Validation(fields) => {
                one("fields", fields.iter().map(|(name, sentence)| ((*name).to_owned(), json!(sentence))).collect())
            }
            Self::SignedOut(reason) => one("reason", json!(reason_word(*reason))),
            Self::MfaRequired(methods) => one("methods", json!(methods)),
            Self::RateLimited(wait) => one("retry_after", json!(whole_seconds(*wait))),
            Self::SsoRequired(only) => one("sso_url", json!(only.url)),
            Self::ReauthRequired(reauth) => reauth.instructions(),
            Self::MfaEnrollmentRequired(page) => one("setup_url", json!(page)),
            Self::SsoRefused(reference) => one("reference", json!(reference)),
            _ => Map::new(),
        }
    }

    fn as_page(&self, request: &HttpRequest) -> HttpResponse {
        match self {
            Self::Unauthenticated | Self::SignedOut(_) => return to_sign_in(request),
            Self::ReauthRequired(reauth) => return view::see_other(&reauth.page()),
            Self::Leaving => return view::see_other("/account/restore"),
            Self::MfaEnrollmentRequired(_) => return view::see_other(enrollment::PAGE),
            _ => {}
        }
        let context = json!({ "error": {
            "status": self.status().as_u16(),
            "title": self.title(),
            "sentence": self.to_string(),
            "next": self.next_step(),
            "link": self.way_on(),
        }});
        let mut response = HttpResponse::build(self.status());
        self.add_headers(&mut response);
        view::html(request, &mut response, "errors/error.html", context)
    }

    /// The one way on from its page.
    fn way_on(&self) -> Value {
        match self {
            Self::SsoRequired(only) => json!({ "href": only.path, "label": format!("Sign in with {}", only.name) }),
            _ => json!({ "href": "/", "label": "Go to the start" }),
        }
    }

    /// A page that shows it beside a form says to programs, too, how long to wait.
    pub fn label(&self, mut page: HttpResponse) -> HttpResponse {
        if let Self::RateLimited(wait) = self {
            page.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(whole_seconds(*wait)));
        }
        page
    }

    fn add_headers(&self, response: &mut actix_web::HttpResponseBuilder) {
        response.insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")));
        match self {
            Self::RateLimited(wait) => {
                response.insert_header((header::RETRY_AFTER, whole_seconds(*wait)));
            }
            Self::Unauthenticated | Self::SignedOut(_) => {
                response
                    .insert_header((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"vestibule\"")));
            }
            Self::InvalidKey => {
                let challenge = HeaderValue::from_static("Bearer realm=\"vestibule\", error=\"invalid_token\"");
                response.insert_header((header::WWW_AUTHENTICATE, challenge));
            }
            Self::NotByKey(_) => {
                let challenge = HeaderValue::from_static("Bearer realm=\"vestibule\", error=\"insufficient_scope\"");
                response.insert_header((header::WWW_AUTHENTICATE, challenge));
            }
            Self::ReauthRequired(reauth) => {
                response.insert_header((header::WWW_AUTHENTICATE, reauth.challenge()));
            }
            _ => {}
        }
    }
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    /// Only seen where [`present`] is not in the way.
    fn error_response(&self) -> HttpResponse {
        self.as_problem("")
    }
}

/// For programs: whether it was to be kept signed in does not matter to them.
fn reason_word(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Idle(_) => "idle",
        EndReason::TooOld(_) => "too_old",
        EndReason::SignedOut
        | EndReason::SignedOutElsewhere
        | EndReason::PasswordChanged
        | EndReason::EmailRestored
        | EndReason::AccountLeft
        | EndReason::ByOperator
        | EndReason::ByProvider
        | EndReason::ProviderGone
        | EndReason::ProviderRequired => reason.as_str(),
    }
}

/// A person is led to the sign-in page and comes back; a form's answer cannot be repeated, so a POST comes back to
/// the page of the form.
fn to_sign_in(request: &HttpRequest) -> HttpResponse {
    let wanted = if request.method().is_safe() {
        request.uri().path_and_query().map(|wanted| wanted.as_str().to_owned())
    } else {
        page_of_form(request)
    };
    // Nobody needs to be told the way to the start.
    let location = match wanted.filter(|wanted| wanted.split('?').next() != Some("/")) {
        Some(wanted) => {
            let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("return_to", &wanted).finish();
            format!("/login?{query}")
        }
        None => "/login".to_owned(),
    };
    let mut response = HttpResponse::SeeOther();
    response
        .insert_header((header::LOCATION, location))
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .finish()
}

/// Without its query, which may tell of something that was done then. Whoever was about to sign in is there already.
fn page_of_form(request: &HttpRequest) -> Option<String> {
    let app = request.app_data::<web::Data<App>>()?;
    let page = request.headers().get(header::REFERER)?.to_str().ok()?;
    match app.destinations.check(page)? {
        ReturnTo::Here(page) => {
            let path = page.split('?').next().unwrap_or_default();
            (path != "/login").then(|| path.to_owned())
        }
        ReturnTo::App(_) => None,
    }
}

/// Turns failures into answers: a page for whoever came for one, a problem document for everybody else.
pub async fn present(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let response = next.call(request).await?.map_into_boxed_body();
    let Some(failure) = failure_of(&response) else { return Ok(response) };
    let (request, before) = response.into_parts();
    let mut answer = if wants_page(&request) {
        failure.as_page(&request)
    } else {
        with_methods(failure, &request).await.as_problem(&view::request_id(&request))
    };
    // What failed may have come with a session that was rotated on the way.
    for cookie in before.headers().get_all(header::SET_COOKIE) {
        answer.headers_mut().append(header::SET_COOKIE, cookie.clone());
    }
    Ok(ServiceResponse::new(request, answer))
}

/// Programs are told what this person can confirm with. Which is looked up here, so that a handler's parameters refuse
/// at once, before a body is read.
async fn with_methods(failure: Failure, request: &HttpRequest) -> Failure {
    match (failure, request.app_data::<web::Data<App>>()) {
        (Failure::ReauthRequired(mut reauth), Some(app)) => match reauth.find_methods(app).await {
            Ok(()) => Failure::ReauthRequired(reauth),
            Err(error) => error.into(),
        },
        (Failure::SsoRequired(mut only), Some(app)) => {
            only.locate(app);
            Failure::SsoRequired(only)
        }
        (failure, _) => failure,
    }
}

fn failure_of(response: &ServiceResponse<BoxBody>) -> Option<Failure> {
    let error = response.response().error()?;
    if let Some(failure) = error.as_error::<Failure>() {
        return Some(failure.clone());
    }
    // Not one of ours: the framework's own, from an extractor or from the session store.
    Some(match error.as_response_error().status_code() {
        StatusCode::NOT_FOUND => Failure::NotFound,
        StatusCode::PAYLOAD_TOO_LARGE => Failure::TooLarge,
        status if status.is_client_error() => Failure::InvalidRequest("This request could not be read.".to_owned()),
        _ => Failure::internal(error),
    })
}

/// The API is called by programs; everything else is opened by people, unless they say otherwise.
pub fn wants_page(request: &HttpRequest) -> bool {
    let path = request.path();
    let is_api = ["/auth/", "/me", "/gateway/", "/healthz", "/readyz"].iter().any(|prefix| path.starts_with(prefix));
    let accepts = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    !is_api && (accepts.contains("text/html") || request.app_data::<web::Data<App>>().is_none())
}

/// At least one: a client that waits zero seconds has not waited.
fn whole_seconds(wait: TimeDelta) -> i64 {
    let rounded_up = wait.num_milliseconds().saturating_add(999) / 1000;
    rounded_up.max(1)
}

fn in_words(wait: TimeDelta) -> String {
    match whole_seconds(wait) {
        1 => "a second".to_owned(),
        seconds if seconds < 60 => format!("{seconds} seconds"),
        seconds if seconds <= 90 => "a minute".to_owned(),
        seconds => format!("{} minutes", (seconds + 59) / 60),
    }
}

fn first_of(fields: &[Field]) -> &str {
    fields.first().map_or("Something needs another look.", |(_, sentence)| sentence)
}
