//! `/confirm`: proving once more who one is, on the way to something dangerous.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::{destination, login};
use crate::app::App;
use crate::config::settings::Action;
use crate::db::ReadTx;
use crate::kernel::{Redacted, ReturnTo};
use crate::sessions::Live;
use crate::stepup::{self, Proof, Way};
use crate::web::csrf::Checked;
use crate::web::failure::{Failure, Field};
use crate::web::who::SignedInOrLeaving;
use crate::web::{reauth, saml, view};

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    return_to: String,
    /// What to confirm with, as [`Way`] has it; the most usual of what they have otherwise.
    #[serde(default)]
    with: String,
}

/// With the one that was asked for.
#[derive(Deserialize)]
pub struct Form {
    password: Option<Redacted>,
    code: Option<Redacted>,
    #[serde(default)]
    return_to: String,
}

/// `GET /confirm?return_to=…`
pub async fn show(
    app: web::Data<App>,
    who: SignedInOrLeaving,
    asked: web::Query<Asked>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let back = app.destinations.check(&asked.return_to);
    if let Some(ReturnTo::Here(path)) = &back
        && stepup::is_fresh(&app.settings.step_up, reauth::action_towards(back.as_ref()), &who.live, app.clock.now())
    {
        // In another tab, or by going back.
        return Ok(view::see_other(path));
    }
    page(&app, &who.live, &request, (&asked.return_to, &asked.with), None).await
}

/// `POST /confirm`: back to the interrupted page.
pub async fn submit(
    app: web::Data<App>,
    who: SignedInOrLeaving,
    Checked(form): Checked<Form>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let (proof, with) = match (form.password, form.code) {
        (Some(password), _) => (Proof::Password(password), Way::Password),
        (None, Some(code)) => (Proof::Code(code), Way::Totp),
        (None, None) => return Err(Failure::InvalidRequest("Enter your password, or a code.".to_owned())),
    };
    let failure = match stepup::confirm(&app, &who.origin, &who.live, proof).await.map_err(Failure::from) {
        Ok(()) => return Ok(login::go_to(&app, &request, &form.return_to, Vec::new())),
        Err(failure) => failure,
    };
    let shown = page(&app, &who.live, &request, (&form.return_to, with.as_str()), Some(failure.clone())).await?;
    Ok(failure.label(shown))
}

/// With what went wrong, as far as it can be said on this page.
async fn page(
    app: &App,
    live: &Live,
    request: &HttpRequest,
    (return_to, with): (&str, &str),
    failure: Option<Failure>,
) -> Result<HttpResponse, Failure> {
    let status = failure.as_ref().map_or(StatusCode::OK, Failure::status);
    let live = live.clone();
    let find = move |tx: &mut ReadTx<'_>| Ok((stepup::methods(tx, &live)?, stepup::find_provider(tx, &live)?));
    let (methods, provider) = app.db.look_up(find).await?;
    let (way, others) = choose(&methods, with);
    let wrong: Vec<Field> = match failure {
        None => Vec::new(),
        Some(Failure::NotProved(sentence)) => vec![(field(way), sentence.to_owned())],
        Some(Failure::Validation(fields)) => fields,
        Some(failure @ Failure::RateLimited(_)) => vec![("", failure.to_string())],
        Some(failure) => return Err(failure),
    };
    let back = app.destinations.check(return_to);
    let context = view::with(
        view::form(&json!({}), &wrong, None),
        json!({
            "purpose": purpose(reauth::action_towards(back.as_ref())),
            "way": way.map(Way::as_str),
            "passkey": methods.contains(&Way::Passkey),
            "sso_url": provider.map(|connection| saml::login::confirm_url(app, connection, return_to)),
            "others": others.into_iter().map(Way::as_str).collect::<Vec<_>>(),
        }),
    );
    let context = view::with(context, destination(app, return_to));
    Ok(view::html(request, &mut HttpResponse::build(status), "stepup/confirm.html", context))
}

/// What they are asked for, and what they have besides.
fn choose(methods: &[Way], with: &str) -> (Option<Way>, Vec<Way>) {
    let asked_for = methods.iter().find(|way| way.as_str() == with);
    let chosen = asked_for.or_else(|| methods.first()).copied();
    // A button for the passkey stands on every one of these pages.
    (chosen, methods.iter().copied().filter(|way| Some(*way) != chosen && *way != Way::Passkey).collect())
}

fn field(way: Option<Way>) -> &'static str {
    match way {
        Some(Way::Totp) => "code",
        Some(Way::Password) => "password",
        // Nothing is typed.
        Some(Way::Passkey | Way::Sso) | None => "",
    }
}

/// "To … , prove once more that it is you."
fn purpose(action: Action) -> &'static str {
    match action {
        Action::Password => "change your password",
        Action::Email => "change your address",
        Action::Factors => "change how you sign in",
        Action::ApiKeys => "change what your programs may do",
        Action::Deletion => "delete your account",
        Action::Other => "go on",
    }
}
