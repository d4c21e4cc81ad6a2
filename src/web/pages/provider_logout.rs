//! `/saml/{connection}/logout`: what identity providers say of signing out, and what they are told.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use futures_util::future::LocalBoxFuture;

use crate::app::App;
use crate::db::{self, Tx};
use crate::kernel::secrets::random_bytes;
use crate::kernel::{ConnectionId, Origin};
use crate::sso::connections::{self, Place, Ready};
use crate::sso::requests;
use crate::sso::saml::logout::{Answered, Arrived, Heard, Outcome, Refusal, SignOut, Terms, judge};
use crate::sso::saml::{Kind, request_id};
use crate::sso::signing_out::{self, Passage, Taken};
use crate::web::body;
use crate::web::failure::Failure;
use crate::web::handover::{self, Errand};
use crate::web::saml::{find_ready, limits};
use crate::web::view;
use crate::web::who::{self, Anyone};

/// Bindings, 3.4.3: 80 bytes. Some providers have more to remember; all of it goes back to them.
const LONGEST_STATE: usize = 2_000;

/// The fields of a provider's form, as they stand there.
pub struct ProviderForm(Vec<(String, String)>);

/// A message, and what has to go back with the answer to it.
enum Message {
    /// The query.
    Redirect(String),
    Form(Kind, String),
}

impl FromRequest for ProviderForm {
    type Error = Failure;
    type Future = LocalBoxFuture<'static, Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let form = web::Form::<Vec<(String, String)>>::from_request(request, payload);
        Box::pin(async move { Ok(Self(body::in_time(form, body::form_failure).await?.into_inner())) })
    }
}

/// `GET /saml/{connection}/logout`: the HTTP-Redirect binding.
pub async fn by_redirect(
    app: web::Data<App>,
    connection: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let query = request.query_string().to_owned();
    let parsed: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let state = relay_state(&parsed)?;
    hear(&app, &connection, Message::Redirect(query), state, &request).await
}

/// `POST /saml/{connection}/logout`: the HTTP-POST binding.
pub async fn by_form(
    app: web::Data<App>,
    connection: web::Path<String>,
    ProviderForm(fields): ProviderForm,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let values = |kind: Kind| fields.iter().filter(move |(name, _)| name == kind.parameter()).map(|(_, value)| value);
    let mut messages =
        [Kind::Request, Kind::Response].into_iter().flat_map(|kind| values(kind).map(move |value| (kind, value)));
    let (Some((kind, value)), None) = (messages.next(), messages.next()) else { return Err(unreadable()) };
    hear(&app, &connection, Message::Form(kind, value.clone()), relay_state(&fields)?, &request).await
}

fn relay_state(fields: &[(String, String)]) -> Result<Option<String>, Failure> {
    let mut states = fields.iter().filter(|(name, _)| name == "RelayState").map(|(_, value)| value);
    match (states.next(), states.next()) {
        (None, _) => Ok(None),
        (Some(state), None) if state.len() <= LONGEST_STATE => Ok(Some(state.clone())),
        (Some(_), _) => Err(unreadable()),
    }
}

fn unreadable() -> Failure {
    Failure::InvalidRequest("That is no SAML message about signing out.".to_owned())
}

async fn hear(
    app: &App,
    connection: &str,
    message: Message,
    state: Option<String>,
    request: &HttpRequest,
) -> Result<HttpResponse, Failure> {
    let id: ConnectionId = connection.parse().map_err(|_| Failure::NotFound)?;
    let origin = who::origin(request)?;
    let ready = load(app, &origin, id).await?;
    let place = Place::of(&app.settings.server.public_url, id);
    let now = app.clock.now();
    let judging = app.hasher.run(move || (judge_message(&message, &ready, &place, now), ready, place));
    let (judged, ready, place) = judging.await?;
    if judged.is_ok() {
        let limit = app.settings.limits.login_per_network;
        app.db.write::<_, db::Error, _>(&origin, move |tx| limits::forgive_answer(tx, limit)).await?;
    }
    match judged {
        Ok(Heard::Asked(asked)) => sign_out(app, &origin, (&ready, &place), &asked, (state, request)).await,
        Ok(Heard::Answered(answered)) => settle(app, &origin, id, answered).await,
        Err(refusal) => Err(refuse(id, refusal)),
    }
}

/// The connection, unless too much was brought from this network that was not its provider's.
async fn load(app: &App, origin: &Origin, id: ConnectionId) -> Result<Ready, Failure> {
    let app2 = app.clone();
    let work = move |tx: &mut Tx<'_>| {
        let ready = find_ready(tx, &app2, id)?;
        Ok::<_, Failure>(limits::admit_answer(tx, &app2)?.map_or(Ok(ready), Err))
    };
    app.db.write(origin, work).await?.map_err(Failure::RateLimited)
}

fn judge_message(message: &Message, ready: &Ready, place: &Place, now: DateTime<Utc>) -> Result<Heard, Refusal> {
    let terms =
        Terms { entity_id: &ready.connection.idp.entity_id, certificates: &ready.certificates, url: &place.logout };
    let arrived = match message {
        Message::Redirect(query) => Arrived::Redirect(query),
        Message::Form(kind, value) => Arrived::Form(*kind, value),
    };
    judge(arrived, &terms, now)
}

/// What we had asked is answered, once.
async fn settle(app: &App, origin: &Origin, id: ConnectionId, answered: Answered) -> Result<HttpResponse, Failure> {
    let Answered { to, outcome } = answered;
    let is_open = app.db.write::<_, db::Error, _>(origin, move |tx| requests::take_departure(tx, id, &to)).await?;
    if !is_open {
        return Err(refuse(id, Refusal::Unasked));
    }
    Ok(match outcome {
        Outcome::Everywhere => view::see_other("/logged-out"),
        Outcome::Partly => view::see_other("/logged-out?provider=partly"),
    })
}

async fn sign_out(
    app: &App,
    origin: &Origin,
    (ready, place): (&Ready, &Place),
    asked: &SignOut,
    (state, request): (Option<String>, &HttpRequest),
) -> Result<HttpResponse, Failure> {
    let (connection, whom) = (ready.connection.id, asked.clone());
    let taken = app.db.write(origin, move |tx| signing_out::by_provider(tx, connection, &whom)).await;
    match taken.map_err(|error: db::Error| Failure::from(error))? {
        // Somebody has pressed "reload": it is done, and the provider may be told so again.
        Taken::Ended(_) | Taken::Again => {}
    }
    let said = (request_id(random_bytes()), app.clock.now());
    let answer = signing_out::answer(ready, place, asked, state.as_deref(), (&said.0, said.1));
    match answer.map_err(Failure::internal)? {
        Some(passage) => handover::onward(request, Errand::SignOut, &passage),
        None => Ok(view::see_other("/logged-out")),
    }
}

/// The administrators' only trace of it: nothing has changed, and anybody can send such things.
fn refuse(id: ConnectionId, refusal: Refusal) -> Failure {
    log::warn!(connection:% = id, check = refusal.as_str(); "A message about signing out was refused: {refusal}");
    Failure::Forbidden(
        "This did not come from your organization’s identity provider as it should. Nobody was signed out.".to_owned(),
    )
}

/// Where whoever signs out here has to be sent, to be signed out there too. Nothing that goes wrong on this way may keep
/// them from signing out.
pub async fn departure(app: &App, who: &Anyone) -> Option<Passage> {
    let session = who.live.as_ref()?.provider_session?;
    let sealer = app.sealer.clone();
    let begin = move |tx: &mut Tx<'_>| {
        let Some(departure) = signing_out::find_departure(tx, &sealer, session)? else { return Ok(None) };
        let id = requests::ask_to_sign_out(tx, departure.connection())?;
        Ok(Some((departure, id)))
    };
    let asked = app.db.write(&who.origin, begin).await;
    let (departure, id) = asked.inspect_err(|error: &connections::Error| log::error!("{error}")).ok().flatten()?;
    let place = Place::of(&app.settings.server.public_url, departure.connection());
    let passage = departure.passage(&place, &id, app.clock.now());
    passage.inspect_err(|error| log::error!("{error}")).ok().flatten()
}
