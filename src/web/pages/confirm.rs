//! `/confirm`: proving once more who one is, on the way to something dangerous.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderValue;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use super::errands::OPENER_POLICY;
use super::{destination, login, way};
use crate::affiliations;
use crate::app::App;
use crate::config::settings::Action;
use crate::db::ReadTx;
use crate::gateway::Wanted;
use crate::kernel::{ConnectionId, Redacted, ReturnTo};
use crate::sessions::Strength;
use crate::stepup::{self, Proof, Way};
use crate::web::csrf::Checked;
use crate::web::errand::{Errand, How};
use crate::web::failure::{Failure, Field};
use crate::web::forward_auth::{Gate, Person, Wish};
use crate::web::who::SignedInOrLeaving;
use crate::web::{cookies, reauth, saml, view};

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

/// What the page is about, and what somebody has for it.
struct Scene {
    return_to: String,
    errand: Option<Errand>,
    /// Where the rules of the gate ask for something.
    wish: Option<Wish>,
    methods: Vec<Way>,
    provider: Option<ConnectionId>,
    /// When they last proved anything.
    proved_at: DateTime<Utc>,
}

impl Scene {
    async fn find(app: &App, gate: &Gate, who: &SignedInOrLeaving, return_to: &str) -> Result<Self, Failure> {
        let (live, policy) = (who.live.clone(), app.policy.load_full());
        let find = move |tx: &mut ReadTx<'_>| {
            let affiliations = affiliations::find(tx, live.user, &policy.gateway.organizations)?;
            Ok((stepup::methods(tx, &live)?, stepup::find_provider(tx, &live)?, affiliations))
        };
        let (methods, provider, affiliations) = app.db.look_up(find).await?;
        let client = who.origin.address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let person = Person { live: &who.live, affiliations: &affiliations, client };
        let errand = Errand::of(app, return_to);
        let wish = errand.as_ref().map(|errand| Wish::of(gate, errand, person)).filter(Wish::is_something);
        let proved_at = who.live.last_auth_at;
        Ok(Self { return_to: return_to.to_owned(), errand, wish, methods, provider, proved_at })
    }

    /// What they have that is enough.
    fn enough(&self) -> Vec<Way> {
        let is_enough = |way: &Way| self.wish.as_ref().is_none_or(|wish| wish.is_fulfilled_by(at_best(*way)));
        self.methods.iter().copied().filter(is_enough).collect()
    }

    fn wanted(&self) -> Wanted {
        self.wish.as_ref().map_or(Wanted::Anything, Wish::least)
    }

    fn is_fulfilled(&self) -> bool {
        self.wish.as_ref().is_some_and(Wish::is_fulfilled)
    }

    /// Whether they have to set something up first.
    fn is_out_of_reach(&self) -> bool {
        self.wanted() != Wanted::Anything && self.enough().is_empty()
    }

    /// A script of the app may wait for what comes of it, and hears of it only where our page does not cut itself off
    /// from who has opened it.
    fn beside_the_app(&self, mut page: HttpResponse) -> HttpResponse {
        if self.errand.as_ref().is_some_and(|errand| errand.how == How::Asking) {
            page.headers_mut().insert(OPENER_POLICY, HeaderValue::from_static("unsafe-none"));
        }
        page
    }
}

/// What a provider says besides is known when it has answered.
fn at_best(way: Way) -> Wanted {
    match (way, way.strength()) {
        (Way::Sso, _) | (_, Strength::SecondFactor) => Wanted::SecondFactor,
        (_, Strength::OneFactor) => Wanted::Anything,
        (_, Strength::Passkey) => Wanted::Passkey,
    }
}

/// `GET /confirm?return_to=…`
pub async fn show(
    app: web::Data<App>,
    gate: web::Data<Gate>,
    who: SignedInOrLeaving,
    asked: web::Query<Asked>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let back = app.destinations.check(&asked.return_to);
    let scene = Scene::find(&app, &gate, &who, &asked.return_to).await?;
    if let (None, Some(ReturnTo::Here(path))) = (&scene.errand, &back)
        && stepup::is_fresh(&app.settings.step_up, reauth::action_towards(back.as_ref()), &who.live, app.clock.now())
    {
        // In another tab, or by going back.
        return Ok(view::see_other(path));
    }
    if scene.is_fulfilled() {
        return Ok(scene.beside_the_app(nothing_more(&app, &request, &scene)));
    }
    page(&app, &scene, &request, &asked.with, None)
}

/// Never led on by itself: were the gate to see another session than this one, that would go round and round. Going on
/// makes the gate's cookies anew.
fn nothing_more(app: &App, request: &HttpRequest, scene: &Scene) -> HttpResponse {
    let context = view::with(destination(app, &scene.return_to), about(scene));
    let mut page = view::html(request, &mut HttpResponse::Ok(), "stepup/nothing_more.html", context);
    cookies::add(&mut page, vec![way::forget(app)]);
    page
}

/// `POST /confirm`: back to the interrupted page.
pub async fn submit(
    app: web::Data<App>,
    gate: web::Data<Gate>,
    who: SignedInOrLeaving,
    Checked(form): Checked<Form>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let (proof, with) = match (form.password, form.code) {
        (Some(password), _) => (Proof::Password(password), Way::Password),
        (None, Some(code)) => (Proof::Code(code), Way::Totp),
        (None, None) => return Err(Failure::InvalidRequest("Enter your password, or a code.".to_owned())),
    };
    let confirmed = stepup::confirm(&app, &who.origin, &who.live, proof).await.map_err(Failure::from);
    let scene = Scene::find(&app, &gate, &who, &form.return_to).await?;
    let failure = match confirmed {
        Ok(()) if scene.wish.as_ref().is_none_or(|wish| wish.is_fulfilled_by(at_best(with))) => {
            return Ok(scene.beside_the_app(login::go_to(&app, &request, &form.return_to, Vec::new())));
        }
        Ok(()) => {
            let scene = Scene { proved_at: app.clock.now(), ..scene };
            return page(&app, &scene, &request, "", None);
        }
        Err(failure) => failure,
    };
    let shown = page(&app, &scene, &request, with.as_str(), Some(failure.clone()))?;
    Ok(failure.label(shown))
}

/// With what went wrong, as far as it can be said on this page.
fn page(
    app: &App,
    scene: &Scene,
    request: &HttpRequest,
    with: &str,
    failure: Option<Failure>,
) -> Result<HttpResponse, Failure> {
    let status = failure.as_ref().map_or(StatusCode::OK, Failure::status);
    let enough = scene.enough();
    let (way, others) = choose(&enough, with);
    let wrong: Vec<Field> = match failure {
        None => Vec::new(),
        Some(Failure::NotProved(sentence)) => vec![(field(way), sentence.to_owned())],
        Some(Failure::Validation(fields)) => fields,
        Some(failure @ Failure::RateLimited(_)) => vec![("", failure.to_string())],
        Some(failure) => return Err(failure),
    };
    let back = app.destinations.check(&scene.return_to);
    let context = view::with(
        view::form(&json!({}), &wrong, None),
        json!({
            "purpose": purpose(reauth::action_towards(back.as_ref())),
            "way": way.map(Way::as_str),
            "passkey": enough.contains(&Way::Passkey),
            "sso_url": scene.provider.map(|connection| saml::login::confirm_url(app, connection, &scene.return_to)),
            "others": others.into_iter().map(Way::as_str).collect::<Vec<_>>(),
            "falls_short": falls_short(app, scene),
        }),
    );
    let context = view::with(view::with(context, about(scene)), destination(app, &scene.return_to));
    let mut shown = view::html(request, &mut HttpResponse::build(status), "stepup/confirm.html", context);
    if scene.is_out_of_reach() {
        let back =
            format!("/confirm?{}", Serializer::new(String::new()).append_pair("return_to", &scene.return_to).finish());
        cookies::add(&mut shown, vec![way::Way::new(app, "", &back).keep(app)]);
    }
    Ok(scene.beside_the_app(shown))
}

/// What the page says of the app's wish.
fn about(scene: &Scene) -> Value {
    json!({
        "app_name": scene.wish.as_ref().and_then(|wish| wish.name.as_deref()),
        "app_note": scene.wish.as_ref().and_then(|wish| wish.note.as_deref()),
        "wanted": match scene.wanted() {
            Wanted::Anything => "anything",
            Wanted::SecondFactor => "second_factor",
            Wanted::Passkey => "passkey",
        },
        "is_out_of_reach": scene.is_out_of_reach(),
        "has_own_factor": scene.methods.iter().any(|way| matches!(way, Way::Totp | Way::Passkey)),
        "is_window": scene.errand.as_ref().is_some_and(|errand| errand.how == How::Asking),
    })
}

/// Whether they have proved something a moment ago that was not enough: they need not wonder what became of it.
fn falls_short(app: &App, scene: &Scene) -> bool {
    scene.wanted() != Wanted::Anything && app.clock.now() - scene.proved_at < TimeDelta::minutes(1)
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
