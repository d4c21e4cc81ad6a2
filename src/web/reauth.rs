//! What is dangerous, by its address, and what somebody is told who has to confirm first.

use actix_web::HttpRequest;
use actix_web::dev::Url;
use chrono::TimeDelta;
use serde_json::{Map, Value, json};
use url::form_urlencoded::Serializer;

use super::failure::Failure;
use super::saml::login;
use super::view;
use crate::app::App;
use crate::config::settings::Action;
use crate::db::{self, ReadTx};
use crate::kernel::ReturnTo;
use crate::sessions::Live;
use crate::stepup::{self, Way};

/// What is done at and below an address, and the page on which people do it. What does not stand here is dangerous all
/// the same where its handler asks for `Fresh`.
const DANGEROUS: [(&str, Action, &str); 18] = [
    ("/account/password", Action::Password, "/account/password"),
    ("/me/password", Action::Password, "/account/password"),
    ("/account/email", Action::Email, "/account/email"),
    ("/me/email", Action::Email, "/account/email"),
    ("/account/api-keys", Action::ApiKeys, "/account/api-keys"),
    ("/me/api-keys", Action::ApiKeys, "/account/api-keys"),
    ("/account/security/totp", Action::Factors, "/account/security/totp"),
    ("/account/security/passkeys", Action::Factors, "/account/security/passkeys"),
    ("/account/security/recovery-codes", Action::Factors, "/account/security/recovery-codes"),
    ("/me/totp", Action::Factors, "/account/security/totp"),
    ("/me/passkeys", Action::Factors, "/account/security/passkeys"),
    ("/me/recovery-codes", Action::Factors, "/account/security/recovery-codes"),
    ("/account/security/providers", Action::Factors, "/account/security"),
    ("/login/connect", Action::Factors, "/login/connect"),
    ("/account/export", Action::Other, "/account/export"),
    ("/me/export", Action::Other, "/account/export"),
    ("/account/delete", Action::Deletion, "/account/delete"),
    (ME, Action::Deletion, "/account/delete"),
];

/// What is dangerous there has no window of its own.
pub const ACTION_IN_ORGANIZATIONS: Action = Action::Other;

/// Everything else of the API lies below it, and is something else.
const ME: &str = "/me";

/// The word by which a page says that what was sent from it was not carried out.
const UNSENT: &str = "unsent";

/// Why somebody who is signed in is not let through.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reauth {
    live: Live,
    window: TimeDelta,
    /// Where they are led back to.
    back: String,
    /// Where they can confirm: a path of ours.
    page: String,
    /// The same for programs.
    url: String,
    methods: Vec<Way>,
    /// Where the identity provider is asked by which they came.
    sso_url: Option<String>,
}

impl Reauth {
    fn new(app: &App, live: &Live, request: &HttpRequest) -> Self {
        let back = way_back(request);
        let page = confirm_page(&back);
        Self {
            back,
            live: live.clone(),
            window: stepup::window(&app.settings.step_up, action_at(path_of(request))),
            url: app.settings.server.public_url.join(&page).map(String::from).unwrap_or_default(),
            page,
            methods: Vec::new(),
            sso_url: None,
        }
    }

    pub fn page(&self) -> String {
        self.page.clone()
    }

    /// RFC 9470, section 3.
    pub fn challenge(&self) -> String {
        format!("Bearer error=\"insufficient_user_authentication\", max_age=\"{}\"", self.window.num_seconds())
    }

    /// What a problem document says beside the usual.
    pub fn instructions(&self) -> Map<String, Value> {
        let methods: Vec<&str> = self.methods.iter().map(|way| way.as_str()).collect();
        let instructions = json!({
            "action": action(&self.methods),
            "max_age": self.window.num_seconds(),
            "methods": methods,
            "confirm_url": self.url,
        });
        let instructions = match &self.sso_url {
            Some(url) => view::with(instructions, json!({ "sso_url": url })),
            None => instructions,
        };
        match instructions {
            Value::Object(instructions) => instructions,
            _ => Map::new(),
        }
    }

    /// Looks up what this person can confirm with.
    pub async fn find_methods(&mut self, app: &App) -> Result<(), db::Error> {
        let live = self.live.clone();
        let find = move |tx: &mut ReadTx<'_>| Ok((stepup::methods(tx, &live)?, stepup::find_provider(tx, &live)?));
        let (methods, provider) = app.db.look_up(find).await?;
        self.methods = methods;
        self.sso_url = provider.map(|connection| login::confirm_url(app, connection, &self.back));
        Ok(())
    }
}

/// What to do, in words for whoever writes the program. Names nothing that this person does not have.
fn action(methods: &[Way]) -> String {
    let posted = methods.iter().copied().filter(|way| *way != Way::Sso);
    let names: Vec<&str> = posted.map(name).collect();
    if names.is_empty() && methods.contains(&Way::Sso) {
        return "Open sso_url in a browser, to confirm by your organization’s identity provider".to_owned();
    }
    match names.split_last() {
        None => "This account has nothing to confirm with: choose a password by /auth/forgot-password".to_owned(),
        Some((only, [])) => format!("POST /auth/confirm with your {only}"),
        Some((last, others)) => format!("POST /auth/confirm with your {} or {last}", others.join(", ")),
    }
}

fn name(way: Way) -> &'static str {
    match way {
        Way::Password => "password",
        Way::Totp => "TOTP code",
        Way::Passkey => "passkey",
        Way::Sso => "identity provider",
    }
}

/// Refuses what is asked for by somebody who has not confirmed lately that it is them.
pub fn require_fresh(app: &App, live: &Live, request: &HttpRequest) -> Result<(), Failure> {
    if stepup::is_fresh(&app.settings.step_up, action_at(path_of(request)), live, app.clock.now()) {
        return Ok(());
    }
    app.db.meters().challenged(action_at(path_of(request)).as_str());
    Err(Failure::ReauthRequired(Box::new(Reauth::new(app, live, request))))
}

/// What somebody wants to do who is on the way to an address, as far as it is ours.
pub fn action_towards(destination: Option<&ReturnTo>) -> Action {
    match destination {
        Some(ReturnTo::Here(path)) => action_at(Url::new(path.parse().unwrap_or_default()).path()),
        Some(ReturnTo::App(_)) | None => Action::Other,
    }
}

/// What to say on a page to which somebody comes back whose form had to wait.
pub fn notice(done: &str) -> Option<&'static str> {
    (done == UNSENT).then_some("Thank you. Nothing was changed yet. Please send it again.")
}

/// As the router reads it: `/account/%70assword` is the same door, and no way around the window of its action.
fn path_of(request: &HttpRequest) -> &str {
    request.match_info().as_str()
}

fn action_at(path: &str) -> Action {
    dangerous(path).map_or(Action::Other, |(action, _)| action)
}

fn dangerous(path: &str) -> Option<(Action, &'static str)> {
    let is_below = |place: &str| path.strip_prefix(place).is_some_and(|rest| rest.starts_with('/'));
    let is_at = |place: &str| path == place || (place != ME && is_below(place));
    DANGEROUS.iter().find(|(place, ..)| is_at(place)).map(|(_, action, page)| (*action, *page))
}

/// The page itself. Nothing of a form is kept, since there may be a password in it: its page comes up empty and says so.
fn way_back(request: &HttpRequest) -> String {
    let is_page = super::failure::wants_page(request);
    let form_page = page_at(path_of(request));
    match (is_page, request.method().is_safe()) {
        (true, true) => request.uri().path_and_query().map_or("/", |wanted| wanted.as_str()).to_owned(),
        (true, false) => format!("{form_page}?done={UNSENT}"),
        (false, _) => form_page,
    }
}

/// The page on which people do what is done at this address.
fn page_at(path: &str) -> String {
    let of_account = dangerous(path).map(|(_, page)| page.to_owned());
    of_account.or_else(|| page_of_organization(path)).unwrap_or_else(|| "/".to_owned())
}

/// Its own, but for what has a page to itself.
fn page_of_organization(path: &str) -> Option<String> {
    let mut parts = path.strip_prefix("/orgs/")?.split('/');
    let slug = parts.next()?;
    Some(match parts.next() {
        Some("owner" | "hand-over") => format!("/orgs/{slug}/hand-over"),
        Some("invitations") => format!("/orgs/{slug}/invitations"),
        Some("delete") => format!("/orgs/{slug}/delete"),
        Some(things @ ("webhooks" | "sso")) => match parts.next() {
            Some(id) if id != "add" => format!("/orgs/{slug}/{things}/{id}"),
            Some(_) | None => format!("/orgs/{slug}/{things}"),
        },
        Some(_) | None => format!("/orgs/{slug}"),
    })
}

fn confirm_page(return_to: &str) -> String {
    format!("/confirm?{}", Serializer::new(String::new()).append_pair("return_to", return_to).finish())
}
