//! `/account/security` and what lies below: how this person gets in, and changing it.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};
use url::form_urlencoded::byte_serialize;

use super::password::look_at;
use super::way::Way;
use super::{host_of, in_words};
use crate::api_keys;
use crate::app::App;
use crate::db::ReadTx;
use crate::domains;
use crate::factors::{self, totp};
use crate::kernel::Redacted;
use crate::sso::identities;
use crate::web::csrf::Checked;
use crate::web::factor_change::{Change, Codes, Made, Standing};
use crate::web::failure::{Failure, Field};
use crate::web::who::{Fresh, SignedIn};
use crate::web::{cookies, reauth, view};

#[derive(Deserialize)]
pub struct Asked {
    /// What was just done, one of the words of [`notice`].
    #[serde(default)]
    pub done: String,
}

#[derive(Deserialize)]
pub struct Nothing {}

#[derive(Deserialize)]
pub struct CodeForm {
    code: Redacted,
}

/// `GET /account/security`
pub async fn show(
    app: web::Data<App>,
    who: SignedIn,
    asked: web::Query<Asked>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let (user, now) = (who.live.user, app.clock.now());
    let (factors, has_password) = look_at(&app, user).await?;
    let keys = app.db.look_up(move |tx| api_keys::list(tx, user)).await?;
    let email = who.live.email.clone();
    let find = move |tx: &mut ReadTx<'_>| Ok((identities::list_of(tx, user)?, domains::enforced_on(tx, &email, user)?));
    let (providers, only_way) = app.db.look_up(find).await?;
    let providers: Vec<Value> = providers.iter().map(describe_provider).collect();
    let context = json!({
        "password": has_password,
        "providers": providers,
        "only_way": only_way.map(|provider| provider.name),
        "totp": factors.totp,
        "passkeys": factors.passkeys,
        "recovery_codes_left": factors.recovery_codes_left,
        "api_keys": keys.iter().filter(|key| !key.is_expired(now)).count(),
        "notice": notice(&asked.done),
        "way_back": Way::of(&app, &request).to_confirm(&app).map(|(path, url)| {
            json!({ "path": path, "app_host": host_of(&url) })
        }),
    });
    Ok(view::html(&request, &mut HttpResponse::Ok(), "accounts/security.html", context))
}

fn describe_provider(linked: &identities::Linked) -> Value {
    json!({ "id": linked.connection, "name": linked.provider, "last_seen_at": linked.last_seen_at })
}

/// `GET /account/security/totp`: to set up the app, to enable it, or to turn it off, whichever comes next.
pub async fn show_totp(
    app: web::Data<App>,
    who: Fresh,
    asked: web::Query<Asked>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let change = Change::by(&app, &who.live, &who.origin, &request);
    totp_page(&change, &request, view::form(&json!({}), &[], notice(&asked.done)), StatusCode::OK).await
}

/// `POST /account/security/totp`: makes the secret that the page then shows.
pub async fn set_up_totp(
    app: web::Data<App>,
    who: Fresh,
    Checked(Nothing {}): Checked<Nothing>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    match Change::by(&app, &who.live, &who.origin, &request).start_totp().await {
        Ok(_) | Err(Failure::Conflict(_)) => Ok(view::see_other("/account/security/totp")),
        Err(failure) => Err(failure),
    }
}

/// `POST /account/security/totp/enable`: the answer shows the recovery codes, once.
pub async fn enable_totp(
    app: web::Data<App>,
    who: Fresh,
    Checked(form): Checked<CodeForm>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let change = Change::by(&app, &who.live, &who.origin, &request);
    let (wrong, status): (Vec<Field>, StatusCode) = match change.enable_totp(form.code).await {
        Ok(made) => return Ok(after_making(&app, &request, made, "totp-on")),
        // Done, or too late: the page says how things stand.
        Err(Failure::Conflict(_)) => return Ok(view::see_other("/account/security/totp")),
        Err(Failure::Validation(wrong)) => (wrong, StatusCode::UNPROCESSABLE_ENTITY),
        Err(failure @ Failure::RateLimited(_)) => {
            let wrong = [("", failure.to_string())];
            let form = view::form(&json!({}), &wrong, None);
            return totp_page(&change, &request, form, failure.status()).await.map(|page| failure.label(page));
        }
        Err(failure) => return Err(failure),
    };
    totp_page(&change, &request, view::form(&json!({}), &wrong, None), status).await
}

/// `POST /account/security/totp/disable`
pub async fn disable_totp(
    app: web::Data<App>,
    who: Fresh,
    Checked(Nothing {}): Checked<Nothing>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let cookies = match Change::by(&app, &who.live, &who.origin, &request).disable_totp().await {
        Ok(cookies) => cookies,
        // Pressed twice.
        Err(Failure::NotFound) => Vec::new(),
        Err(failure) => return Err(failure),
    };
    let mut answer = view::see_other("/account/security?done=totp-off");
    cookies::add(&mut answer, cookies);
    Ok(answer)
}

/// `GET /account/security/recovery-codes`
pub async fn show_codes(
    app: web::Data<App>,
    who: Fresh,
    asked: web::Query<Asked>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let user = who.live.user;
    let factors = app.db.read(move |tx| factors::list(tx, user)).await?;
    if !factors.are_asked_for() {
        return Ok(view::see_other("/account/security"));
    }
    let context = json!({ "left": factors.recovery_codes_left, "notice": notice(&asked.done) });
    Ok(view::html(&request, &mut HttpResponse::Ok(), "accounts/recovery_codes.html", context))
}

/// `POST /account/security/recovery-codes`: the answer shows the new ones, once.
pub async fn replace_codes(
    app: web::Data<App>,
    who: Fresh,
    Checked(Nothing {}): Checked<Nothing>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    match Change::by(&app, &who.live, &who.origin, &request).replace_codes().await {
        Ok(codes) => Ok(codes_page(&app, &request, codes, "replaced")),
        Err(Failure::Conflict(_)) => Ok(view::see_other("/account/security")),
        Err(failure) => Err(failure),
    }
}

async fn totp_page(
    change: &Change<'_>,
    request: &HttpRequest,
    form: Value,
    status: StatusCode,
) -> Result<HttpResponse, Failure> {
    let (standing, factors) = change.look_at_totp().await?;
    let standing = match standing {
        Standing::Off => json!({ "standing": "off" }),
        Standing::On => json!({ "standing": "on", "is_last": factors.passkeys == 0 }),
        Standing::SetUp(set_up) => json!({
            "standing": "set_up",
            "secret": in_groups(set_up.secret.expose()),
            "otpauth_url": set_up.otpauth_url.expose(),
            "qr_svg": set_up.qr_svg.expose(),
            "valid_for": in_words(totp::SET_UP_TTL),
        }),
    };
    let context = view::with(form, standing);
    Ok(view::html(request, &mut HttpResponse::build(status), "accounts/totp.html", context))
}

/// The codes of a first factor, shown once; for a further one the page that lists them all.
pub(super) fn after_making(app: &App, request: &HttpRequest, made: Made, done: &str) -> HttpResponse {
    if let Some(codes) = made.codes {
        return codes_page(app, request, Codes { codes, cookies: made.cookies }, done);
    }
    let mut answer = view::see_other(&format!("/account/security?done={done}"));
    cookies::add(&mut answer, made.cookies);
    answer
}

fn codes_page(app: &App, request: &HttpRequest, shown: Codes, why: &str) -> HttpResponse {
    let site = app.settings.server.public_url.host_str().unwrap_or_default();
    let text = format!("Recovery codes for {site}\r\nEach works once.\r\n\r\n{}\r\n", shown.codes.join("\r\n"));
    let context = json!({
        "why": why,
        "codes": shown.codes,
        "site": site,
        // A link to a text of its own needs neither a script nor an address that would have to know the codes.
        "file": byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20"),
    });
    let mut answer = view::html(request, &mut HttpResponse::Ok(), "accounts/recovery_codes_shown.html", context);
    cookies::add(&mut answer, shown.cookies);
    answer
}

/// Nobody types 32 letters in one go.
fn in_groups(secret: &str) -> String {
    let letters: Vec<char> = secret.chars().collect();
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

fn notice(done: &str) -> Option<&'static str> {
    match done {
        "password-removed" => Some("Your password is removed. From now on you sign in with a passkey."),
        "totp-on" => Some("The app is on. From now on you may be asked for its code."),
        "totp-off" => Some("The app is turned off."),
        "connected" => Some("Your organization’s sign-in is connected. From now on it lets you in."),
        "disconnected" => Some("Your organization’s sign-in is taken off your account."),
        "passkey-added" => Some("The passkey is added. From now on you may be asked for it."),
        done => reauth::notice(done),
    }
}
