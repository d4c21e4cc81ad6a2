//! `/confirm`: proving once more who one is, on the way to something dangerous.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::{destination, login};
use crate::app::App;
use crate::config::settings::Action;
use crate::kernel::{Redacted, ReturnTo, UserId};
use crate::stepup::{self, Proof, Way};
use crate::web::csrf::Checked;
use crate::web::failure::{Failure, Field};
use crate::web::who::SignedIn;
use crate::web::{reauth, view};

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    return_to: String,
}

#[derive(Deserialize)]
pub struct Form {
    password: Redacted,
    #[serde(default)]
    return_to: String,
}

/// `GET /confirm?return_to=…`
pub async fn show(
    app: web::Data<App>,
    who: SignedIn,
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
    page(&app, who.live.user, &request, &asked.return_to, None).await
}

/// `POST /confirm`: back to the interrupted page.
pub async fn submit(
    app: web::Data<App>,
    who: SignedIn,
    Checked(form): Checked<Form>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let proof = Proof::Password(form.password);
    let failure = match stepup::confirm(&app, &who.origin, &who.live, proof).await.map_err(Failure::from) {
        Ok(()) => return Ok(login::go_to(&app, &request, &form.return_to, Vec::new())),
        Err(failure) => failure,
    };
    page(&app, who.live.user, &request, &form.return_to, Some(failure)).await
}

/// With what went wrong, as far as it can be said on this page.
async fn page(
    app: &App,
    user: UserId,
    request: &HttpRequest,
    return_to: &str,
    failure: Option<Failure>,
) -> Result<HttpResponse, Failure> {
    let status = failure.as_ref().map_or(StatusCode::OK, Failure::status);
    let wrong: Vec<Field> = match failure {
        None => Vec::new(),
        Some(Failure::NotProved(sentence)) => vec![("password", sentence.to_owned())],
        Some(Failure::Validation(fields)) => fields,
        Some(failure @ Failure::RateLimited(_)) => vec![("", failure.to_string())],
        Some(failure) => return Err(failure),
    };
    let methods = app.db.look_up(move |tx| stepup::methods(tx, user)).await?;
    let back = app.destinations.check(return_to);
    let context = view::with(
        view::form(&json!({}), &wrong, None),
        json!({
            "purpose": purpose(reauth::action_towards(back.as_ref())),
            "methods": methods.into_iter().map(Way::as_str).collect::<Vec<_>>(),
        }),
    );
    let context = view::with(context, destination(app, return_to));
    Ok(view::html(request, &mut HttpResponse::build(status), "stepup/confirm.html", context))
}

/// "To … , prove once more that it is you."
fn purpose(action: Action) -> &'static str {
    match action {
        Action::Password => "change your password",
        Action::Factors => "change how you sign in",
        Action::Other => "go on",
    }
}
