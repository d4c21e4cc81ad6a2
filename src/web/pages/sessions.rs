//! `/account/sessions`: where somebody is signed in, and signing out from afar.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{in_words, logout};
use crate::app::App;
use crate::db;
use crate::kernel::{DeviceId, UserId, device};
use crate::sessions::{self, Activity, Device, EndReason, Method};
use crate::web::csrf::Checked;
use crate::web::failure::Failure;
use crate::web::view;
use crate::web::who::SignedIn;

/// Nearer than this nobody can tell.
const JUST_NOW: TimeDelta = TimeDelta::minutes(2);

#[derive(Deserialize)]
pub struct Asked {
    /// What was just done, one of the words of [`notice`].
    #[serde(default)]
    done: String,
}

#[derive(Deserialize)]
pub struct Nothing {}

/// `GET /account/sessions`
pub async fn show(
    app: web::Data<App>,
    activity: web::Data<Activity>,
    who: SignedIn,
    asked: web::Query<Asked>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let now = app.clock.now();
    let (this, others): (Vec<Device>, Vec<Device>) = load(&app, &activity, who.live.user)
        .await?
        .into_iter()
        .partition(|device| device.live.device == who.live.device);
    let describe = |devices: &[Device]| devices.iter().map(|device| describe(device, now)).collect::<Vec<Value>>();
    let context = json!({ "this": describe(&this), "others": describe(&others), "notice": notice(&asked.done) });
    Ok(view::html(&request, &mut HttpResponse::Ok(), "accounts/sessions.html", context))
}

/// `POST /account/sessions/{id}/sign-out`: one device, by the id that it keeps when its session gets another.
pub async fn sign_out(
    app: web::Data<App>,
    who: SignedIn,
    id: web::Path<String>,
    Checked(Nothing {}): Checked<Nothing>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let device: DeviceId = id.parse().map_err(|_| Failure::NotFound)?;
    if device == who.live.device {
        logout::end(&app, &who.into(), &request).await?;
        return Ok(logout::taking_cookies_away(&app, view::see_other("/logged-out")));
    }
    let (user, reason) = (who.live.user, EndReason::SignedOutElsewhere);
    let revoked = app.db.write(&who.origin, move |tx| sessions::revoke_device(tx, user, device, reason)).await;
    let is_theirs = revoked.map_err(|error: db::Error| Failure::from(error))?;
    if is_theirs { Ok(view::see_other("/account/sessions?done=one")) } else { Err(Failure::NotFound) }
}

/// `POST /account/sessions/sign-out-others`
pub async fn sign_out_others(
    app: web::Data<App>,
    who: SignedIn,
    Checked(Nothing {}): Checked<Nothing>,
) -> Result<HttpResponse, Failure> {
    revoke_others(&app, &who).await?;
    Ok(view::see_other("/account/sessions?done=others"))
}

/// Where they are signed in, the last active first.
pub async fn load(app: &App, activity: &Activity, user: UserId) -> Result<Vec<Device>, Failure> {
    let (rules, activity) = (app.settings.session.clone(), activity.clone());
    Ok(app.db.look_up(move |tx| sessions::list_devices(tx, &rules, &activity, user)).await?)
}

/// Ends all but the session that this comes from. How many ended.
pub async fn revoke_others(app: &App, who: &SignedIn) -> Result<usize, Failure> {
    let (user, kept, reason) = (who.live.user, who.live.device, EndReason::SignedOutElsewhere);
    let revoked = app.db.write(&who.origin, move |tx| sessions::revoke_all(tx, user, Some(kept), reason)).await;
    revoked.map_err(|error: db::Error| error.into())
}

fn describe(device: &Device, now: DateTime<Utc>) -> Value {
    let live = &device.live;
    json!({
        "id": live.device,
        "name": device.name(),
        "kind": match device.kind() {
            device::Kind::Laptop => "laptop",
            device::Kind::Phone => "phone",
            device::Kind::Unknown => "unknown",
        },
        "address": device.address,
        "last_seen_at": live.last_active_at,
        "last_seen": ago(now - live.last_active_at),
        "signed_in_at": live.created_at,
        "signed_in_by": device.methods.iter().map(|method| by(*method, device)).collect::<Vec<_>>().join(" and "),
        "is_remembered": live.is_remembered,
        "ends_at": live.expires_at,
    })
}

/// "just now", "5 minutes ago".
pub fn ago(time: TimeDelta) -> String {
    if time < JUST_NOW { "just now".to_owned() } else { format!("{} ago", in_words(time)) }
}

fn by(method: Method, device: &Device) -> String {
    let words = match method {
        Method::Password => "your password",
        Method::SetupLink => "the set-up link",
        Method::Totp => "a code",
        Method::RecoveryCode => "a recovery code",
        Method::MagicLink => "a mailed link",
        Method::Passkey => "a passkey",
        Method::Sso => return device.provider.clone().unwrap_or_else(|| "your organization’s sign-in".to_owned()),
    };
    words.to_owned()
}

fn notice(done: &str) -> Option<&'static str> {
    match done {
        "one" => Some("That device is signed out, here and in every app."),
        "others" => Some("All other devices are signed out, here and in every app."),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_since_is_told_in_words() {
        let told = [
            (TimeDelta::seconds(-5), "just now"),
            (TimeDelta::seconds(119), "just now"),
            (TimeDelta::minutes(2), "2 minutes ago"),
            (TimeDelta::minutes(59), "59 minutes ago"),
            (TimeDelta::minutes(60), "1 hour ago"),
            (TimeDelta::hours(47), "47 hours ago"),
            (TimeDelta::hours(48), "2 days ago"),
        ];
        for (time, words) in told {
            assert_eq!(ago(time), words);
        }
    }
}
