//! `/not-me`: the page that the letter about a new place leads to. Looking at it changes nothing, and nobody has to
//! sign in for it: whoever reads the letter may end what somebody else has begun.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;
use url::form_urlencoded::Serializer;

use super::in_words;
use crate::accounts;
use crate::app::App;
use crate::db;
use crate::kernel::Token;
use crate::mail::{EMAIL_UNDO_TTL, NEW_PLACE_LINK_TTL};
use crate::sessions::{self, Doubtful, Reach};
use crate::web::csrf::{Checked, hide_address};
use crate::web::failure::Failure;
use crate::web::view;
use crate::web::who::Anyone;

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    token: String,
    #[serde(default)]
    done: String,
}

#[derive(Deserialize)]
pub struct Form {
    #[serde(default)]
    token: String,
    #[serde(default)]
    reach: String,
}

/// `GET /not-me?token=…`
pub async fn show(
    app: web::Data<App>,
    asked: web::Query<Asked>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let Some(token) = Token::parse(&asked.token) else { return Ok(gone(&app, &request)) };
    let rules = app.settings.session.clone();
    let found = app.db.read(move |tx| {
        let Some(doubtful) = sessions::find_doubtful(tx, &token)? else { return Ok(None) };
        let is_still_in = sessions::is_still_in(tx, &rules, &doubtful)?;
        let owner = accounts::find(tx, doubtful.user)?;
        Ok::<_, db::Error>(owner.map(|owner| (doubtful, is_still_in, owner.email)))
    });
    let Some((Doubtful { at, address, browser, email_key, .. }, is_still_in, email)) = found.await? else {
        return Ok(gone(&app, &request));
    };
    let context = json!({
        "token": asked.token,
        "sign_in": { "at": at, "address": address, "browser": browser.unwrap_or_default() },
        "is_still_in": is_still_in,
        "done": reach(&asked.done).map(word),
        // Not the one that the account may have by now: whoever reads the letter is not to learn it.
        "email": email_key.is_some_and(|key| key == email.key()).then(|| email.as_str().to_owned()),
        "undoable_for": in_words(EMAIL_UNDO_TTL),
    });
    let mut response = HttpResponse::Ok();
    hide_address(&app, &mut response);
    Ok(view::html(&request, &mut response, "accounts/not_me.html", context))
}

/// `POST /not-me`: signs out there, or everywhere. Once more does no harm.
pub async fn submit(
    app: web::Data<App>,
    who: Anyone,
    Checked(form): Checked<Form>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let Some(token) = Token::parse(&form.token) else { return Ok(gone(&app, &request)) };
    let reach = reach(&form.reach).ok_or_else(|| Failure::InvalidRequest("Say what is to end.".to_owned()))?;
    let disowned = app.db.write(&who.origin, move |tx| sessions::disown(tx, &token, reach)).await;
    if disowned.map_err(|error: db::Error| Failure::from(error))?.is_none() {
        return Ok(gone(&app, &request));
    }
    let mut query = Serializer::new(String::new());
    let query = query.append_pair("token", &form.token).append_pair("done", word(reach)).finish();
    Ok(view::see_other(&format!("/not-me?{query}")))
}

fn reach(word: &str) -> Option<Reach> {
    [Reach::ThatPlace, Reach::Everything].into_iter().find(|reach| self::word(*reach) == word)
}

/// As forms and addresses write it.
fn word(reach: Reach) -> &'static str {
    match reach {
        Reach::ThatPlace => "there",
        Reach::Everything => "everywhere",
    }
}

fn gone(app: &App, request: &HttpRequest) -> HttpResponse {
    let context = json!({ "valid_for": in_words(NEW_PLACE_LINK_TTL) });
    let mut response = HttpResponse::build(Failure::Gone.status());
    hide_address(app, &mut response);
    view::html(request, &mut response, "accounts/not_me_gone.html", context)
}
