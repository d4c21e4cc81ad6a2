//! `/saml/{connection}/login`: to the identity provider, with a question.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::{browser, browser_cookie, find_ready, found, limits};
use crate::app::App;
use crate::db::Tx;
use crate::domains;
use crate::kernel::{ConnectionId, SessionId, Token, UserId};
use crate::orgs;
use crate::sso::connections::{Place, Ready};
use crate::sso::provider_sessions;
use crate::sso::requests::{self, Asking, Purpose};
use crate::sso::saml::{AuthnRequest, Binding, CannotSign, ForceAuthn};
use crate::sso::signing_out::Passage;
use crate::web::failure::Failure;
use crate::web::handover::{self, Errand};
use crate::web::who::Anyone;
use crate::web::{cookies, csrf};

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    return_to: String,
    /// `confirm` or `test`; to sign in otherwise.
    #[serde(default)]
    purpose: String,
}

/// `GET /saml/{connection}/login?return_to=…`
pub async fn login(
    app: web::Data<App>,
    who: Anyone,
    id: web::Path<String>,
    asked: web::Query<Asked>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let id: ConnectionId = id.parse().map_err(|_| Failure::NotFound)?;
    let purpose = purpose_of(&asked.purpose)?;
    let live = who.live.as_ref();
    if purpose != Purpose::SignIn && live.is_none() {
        return Err(Failure::Unauthenticated);
    }
    // An answer to this marks a connection as tested, or a session as confirmed: nobody else's page begins it.
    if purpose != Purpose::SignIn && csrf::is_led_from_elsewhere(&request) {
        return Err(Failure::Csrf);
    }
    let own = browser(&app, &request).unwrap_or_else(Token::generate);
    let asking = Asking {
        connection: id,
        browser: own.digest(),
        purpose,
        person: live.filter(|_| purpose != Purpose::SignIn).map(|live| (live.user, live.session)),
        replaces: live.filter(|_| purpose == Purpose::SignIn).map(|live| live.session),
        return_to: app.destinations.check(&asked.return_to).map(|place| place.to_string()),
    };
    let app2 = app.clone();
    let came_by = live.and_then(|live| live.provider_session);
    let work = move |tx: &mut Tx<'_>| {
        let ready = find_ready(tx, &app2, id)?;
        require_use(tx, &ready, &asking, came_by)?;
        if let Some(wait) = limits::admit_question(tx, &app2)? {
            return Ok(Err(wait));
        }
        let (request, relay_state) = requests::ask(tx, &asking)?;
        Ok::<_, Failure>(Ok((ready, request, relay_state, tx.now)))
    };
    let begun = app.db.write(&who.origin, work).await?;
    let (ready, asked_as, relay_state, now) = begun.map_err(Failure::RateLimited)?;
    let public_url = app.settings.server.public_url.clone();
    // Signing takes a millisecond or two.
    let sent = web::block(move || {
        let place = Place::of(&public_url, id);
        let force = if purpose == Purpose::StepUp { ForceAuthn::Yes } else { ForceAuthn::No };
        let asked = AuthnRequest {
            id: &asked_as,
            issuer: &place.entity_id,
            destination: &ready.connection.idp.sso.url,
            acs_url: &place.acs,
            force,
            issued_at: now,
        };
        send(&ready, &asked, &relay_state)
    });
    let sent = sent.await.map_err(Failure::internal)?.map_err(Failure::internal)?;
    let mut answer = match &sent {
        Passage::Redirect(url) => found(url),
        Passage::Form(_) => handover::onward(&request, Errand::SignIn, &sent)?,
    };
    cookies::add(&mut answer, vec![browser_cookie(&app, &own)]);
    Ok(answer)
}

fn purpose_of(word: &str) -> Result<Purpose, Failure> {
    match word {
        "" => Ok(Purpose::SignIn),
        "confirm" => Ok(Purpose::StepUp),
        "test" => Ok(Purpose::Test),
        _ => Err(Failure::NotFound),
    }
}

/// Whoever may not is told that there is nothing.
fn require_use(
    tx: &mut Tx<'_>,
    ready: &Ready,
    asking: &Asking,
    came_by: Option<crate::kernel::ProviderSessionId>,
) -> Result<(), Failure> {
    let is_theirs = match (asking.purpose, asking.person) {
        (Purpose::SignIn, _) => serves(tx, ready)?,
        (Purpose::StepUp, Some(_)) => match came_by {
            Some(session) => {
                let session = provider_sessions::find(tx, session)?;
                session.is_some_and(|session| session.connection == ready.connection.id)
            }
            None => false,
        },
        (Purpose::Test, Some(person)) => may_try_out(tx, ready, person)?,
        (Purpose::StepUp | Purpose::Test, None) => false,
    };
    if is_theirs { Ok(()) } else { Err(Failure::NotFound) }
}

/// Whether there is anybody for it to sign in.
pub fn serves(tx: &mut Tx<'_>, ready: &Ready) -> Result<bool, Failure> {
    let domains = domains::list_of_connection(tx, ready.connection.id)?;
    Ok(domains.iter().any(|domain| domain.proof.is_some()))
}

fn may_try_out(tx: &mut Tx<'_>, ready: &Ready, (user, _): (UserId, SessionId)) -> Result<bool, Failure> {
    let member = orgs::find_member(tx, ready.connection.organization, user)?;
    Ok(member.is_some_and(|member| member.role >= orgs::Role::Admin))
}

fn send(ready: &Ready, asked: &AuthnRequest<'_>, relay_state: &Token) -> Result<Passage, CannotSign> {
    let key = if ready.connection.signs_requests { ready.keys.signing() } else { None };
    let (message, state) = (asked.message(), relay_state.expose());
    match ready.connection.idp.sso.binding {
        Binding::Redirect => message.redirect(Some(&state), key).map(Passage::Redirect),
        Binding::Post => message.form(Some(&state), key).map(Passage::Form),
    }
}

/// Where somebody can confirm by the provider they came by: an absolute URL.
pub fn confirm_url(app: &App, connection: ConnectionId, return_to: &str) -> String {
    let place = Place::of(&app.settings.server.public_url, connection);
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("purpose", "confirm");
    if let Some(place) = app.destinations.check(return_to) {
        query.append_pair("return_to", &place.to_string());
    }
    format!("{}?{}", place.login, query.finish())
}

/// Where an administrator tries a connection out: an absolute URL.
pub fn test_url(app: &App, connection: ConnectionId) -> String {
    format!("{}?purpose=test", Place::of(&app.settings.server.public_url, connection).login)
}
