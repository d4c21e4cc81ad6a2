//! Pages for people. Forms post and lead on by GET; nothing needs a script.

pub mod activity;
pub mod api_keys;
pub mod confirm;
pub mod deletion;
pub mod domains;
pub mod email;
mod ended;
pub mod errands;
pub mod export;
pub mod groups;
pub mod hand_over;
pub mod home;
pub mod inbox;
pub mod invitation;
pub mod invitations;
pub mod login;
pub mod logout;
pub mod magic_link;
pub mod not_me;
pub mod orgs;
pub mod passkeys;
pub mod password;
pub mod provider;
pub mod provider_logout;
pub mod provider_metadata;
pub mod providers;
pub mod reset;
pub mod second_factor;
pub mod security;
pub mod sessions;
pub mod setup;
pub mod signup;
pub mod sso;
mod sso_hints;
pub mod sso_reports;
pub mod statics;
pub mod undo_email;
pub mod verify_email;
mod way;
pub mod webhooks;

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::app::App;
use crate::kernel::ReturnTo;
use crate::mail::Inbox;
use crate::web::errand::{Errand, How};

/// Where the local inbox is, when letters are kept there.
fn inbox_url(app: &App) -> Option<String> {
    Inbox::url(&app.settings)
}

/// The destination a form or an address names, as a template needs it: `return_to`, `app_host`, and whether they have
/// sent something there that was not carried out.
fn destination(app: &App, return_to: &str) -> Value {
    let place = match app.destinations.check(return_to) {
        Some(ReturnTo::App(url)) => String::from(url),
        Some(ReturnTo::Here(path)) => path,
        None => String::new(),
    };
    let errand = Errand::of(app, return_to);
    json!({
        "return_to": place,
        "app_host": errand.as_ref().map(|errand| host_of(&errand.back)),
        "unsent": errand.is_some_and(|errand| errand.how == How::Sending),
    })
}

/// `app.example.com`, or `localhost:8081` where the port tells apps apart.
fn host_of(url: &url::Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => String::new(),
    }
}

/// "24 hours", "30 days", "15 minutes".
fn in_words(time: TimeDelta) -> String {
    let (count, unit) = match time {
        t if t.num_days() >= 2 => (t.num_days(), "day"),
        t if t.num_hours() >= 1 => (t.num_hours(), "hour"),
        t => (t.num_minutes().max(1), "minute"),
    };
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}
