//! `/login/connect`: a provider vouches for somebody, and nobody knows whose account is meant. Its owner signs in, and says
//! so.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::browser;
use crate::app::App;
use crate::db::Tx;
use crate::kernel::Token;
use crate::sso::identities;
use crate::web::csrf::Checked;
use crate::web::failure::Failure;
use crate::web::who::{Anyone, Fresh};
use crate::web::{reauth, view};

pub const PATH: &str = "/login/connect";

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    done: String,
}

#[derive(Deserialize)]
pub struct Shown {
    #[serde(default)]
    mark: String,
}

/// `GET /login/connect`
pub async fn show(
    app: web::Data<App>,
    who: Anyone,
    asked: web::Query<Asked>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let digest = browser(&app, &request).ok_or(Failure::Gone)?.digest();
    let found = app.db.look_up(move |tx| identities::find_pending(tx, &digest)).await?;
    let waiting = found.ok_or(Failure::Gone)?;
    let context = json!({
        "provider": waiting.connection.name,
        "email": waiting.pending.email,
        "name_id": waiting.pending.name.value,
        "mark": waiting.mark,
        "is_signed_in": who.live.is_some(),
        "path": PATH,
        "notice": reauth::notice(&asked.done),
    });
    Ok(view::html(&request, &mut HttpResponse::Ok(), "sso/connect.html", context))
}

/// `POST /login/connect`
pub async fn submit(
    app: web::Data<App>,
    who: Fresh,
    Checked(shown): Checked<Shown>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let own: Token = browser(&app, &request).ok_or(Failure::Gone)?;
    let user = who.live.user;
    let sealer = app.sealer.clone();
    let work = move |tx: &mut Tx<'_>| identities::connect(tx, &sealer, &own.digest(), &shown.mark, user);
    match app.db.write(&who.origin, work).await {
        Ok(_) => Ok(view::see_other("/account/security?done=connected")),
        Err(identities::Error::Another) => Ok(view::see_other(PATH)),
        Err(error) => Err(error.into()),
    }
}
