//! `/saml/{connection}/acs`: what the provider says, posted by the browser of whoever it is about.
//!
//! A browser posts here from the provider's page, so none of our cookies comes along but the flow cookie, which is made
//! for that; over plain http there is no such cookie, and the browser is asked to post the same once more from a page of
//! ours. Everything that an answer can be an answer to is used up before it is looked at.

use actix_web::http::header;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde_json::json;

use super::login::serves;
use super::{LIMIT, browser, browser_cookie, find_ready, limits};
use crate::app::App;
use crate::audit::{self, Event};
use crate::db::{self, Tx};
use crate::kernel::{ConnectionId, Origin, Token, UserId};
use crate::orgs;
use crate::signin::by_sso::{self, Attempt, SignedIn};
use crate::signin::{Entered, Held};
use crate::sso::arrival::{self, Who};
use crate::sso::connections::{self, Place, Ready};
use crate::sso::provider_sessions;
use crate::sso::reports::{self, Account, Contents, MapsTo, Occasion};
use crate::sso::requests::{self, Open, Purpose, Taken};
use crate::sso::saml::{self, Answer, Asked, Check, Report};
use crate::stepup::{self, Answered, Refused};
use crate::web::failure::{Failure, wants_page};
use crate::web::pages::{login, second_factor};
use crate::web::who;
use crate::web::{body, cookies, half_in, session_store, view};

/// Marks a form that comes from our own page: it is asked for once.
const AGAIN: &str = "again";

/// What was posted.
struct Posted {
    response: String,
    relay_state: Option<String>,
    is_again: bool,
}

/// A good answer or a bad one, and what it is an answer to.
struct Judged {
    ready: Ready,
    open: Option<Box<Open>>,
    report: Report,
    now: DateTime<Utc>,
}

/// `POST /saml/{connection}/acs`
pub async fn acs(
    app: web::Data<App>,
    id: web::Path<String>,
    payload: web::Payload,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let id: ConnectionId = id.parse().map_err(|_| Failure::NotFound)?;
    let posted = read(&request, payload).await?;
    let held_browser = browser(&app, &request);
    if held_browser.is_none() && !cookies::is_secure(&app) && !posted.is_again {
        return Ok(once_more(&request, &posted));
    }
    let is_new = held_browser.is_none();
    let own = held_browser.unwrap_or_else(Token::generate);
    let mut origin = who::origin(&request)?;
    let judged = judge(&app, &origin, (id, &own), posted.response, posted.relay_state.as_deref()).await?;
    if let Some(open) = &judged.open {
        origin.known_by = origin.known_by.or(open.known_by);
    }
    let visit = Visit { app: &app, request: &request, origin, own, relay_state: posted.relay_state };
    let mut answer = visit.go_on(judged).await?;
    if is_new {
        cookies::add(&mut answer, vec![browser_cookie(&app, &visit.own)]);
    }
    Ok(answer)
}

async fn read(request: &HttpRequest, payload: web::Payload) -> Result<Posted, Failure> {
    if !request.content_type().eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Failure::InvalidRequest("Post a form with a SAMLResponse.".to_owned()));
    }
    let bytes = body::read(payload, LIMIT).await?;
    let (mut responses, mut states, mut is_again) = (Vec::new(), Vec::new(), false);
    for (name, value) in url::form_urlencoded::parse(&bytes) {
        match &*name {
            "SAMLResponse" => responses.push(value.into_owned()),
            "RelayState" => states.push(value.into_owned()),
            AGAIN => is_again = true,
            _ => {}
        }
    }
    match (<[String; 1]>::try_from(responses), states.len()) {
        (Ok([response]), 0 | 1) => {
            let relay_state = states.pop().filter(|state| !state.is_empty());
            Ok(Posted { response, relay_state, is_again })
        }
        (Ok(_), _) => Err(Failure::InvalidRequest("There is more than one RelayState.".to_owned())),
        (Err(_), _) => Err(Failure::InvalidRequest("There has to be one SAMLResponse.".to_owned())),
    }
}

/// Cookies that are not sent from another site are sent from a page of ours.
fn once_more(request: &HttpRequest, posted: &Posted) -> HttpResponse {
    let state = posted.relay_state.iter().map(|state| json!({ "name": "RelayState", "value": state }));
    let fields: Vec<_> = [json!({ "name": "SAMLResponse", "value": posted.response })]
        .into_iter()
        .chain(state)
        .chain([json!({ "name": AGAIN, "value": "yes" })])
        .collect();
    let context = json!({ "action": request.path(), "fields": fields });
    view::html(request, &mut HttpResponse::Ok(), "sso/post.html", context)
}

/// Uses up what was asked, and judges.
async fn judge(
    app: &App,
    origin: &Origin,
    (id, own): (ConnectionId, &Token),
    response: String,
    relay_state: Option<&str>,
) -> Result<Judged, Failure> {
    let (app2, digest, state) = (app.clone(), own.digest(), relay_state.map(str::to_owned));
    let work = move |tx: &mut Tx<'_>| {
        let ready = find_ready(tx, &app2, id)?;
        if let Some(wait) = limits::admit_answer(tx, &app2)? {
            return Ok(Err(wait));
        }
        let taken = requests::take(tx, id, &digest, state.as_deref())?;
        let serves = serves(tx, &ready)?;
        Ok::<_, Failure>(Ok((ready, taken, serves, tx.now)))
    };
    let (ready, taken, serves, now) = app.db.write(origin, work).await?.map_err(Failure::RateLimited)?;
    if matches!(&taken, Taken::All(all) if all.is_empty()) {
        require_unasked(&ready, serves)?;
    }
    let place = Place::of(&app.settings.server.public_url, id);
    let is_unknown = relay_state.is_some() && !matches!(taken, Taken::Named(_));
    let judging = app.hasher.run(move || {
        let open = choose(taken, &response, ready.connection.allows_idp_initiated);
        let is_trial = open.as_ref().is_some_and(|open| open.purpose == Purpose::Test);
        // It may be tried out before it has anybody to serve.
        if !serves && !is_trial {
            return None;
        }
        let asked = match &open {
            Some(open) => Asked::This(&open.id),
            None if ready.connection.allows_idp_initiated => Asked::Nothing,
            None => Asked::NothingAndMust,
        };
        let report = saml::judge(&response, &ready.provider(&place), asked, now);
        Some((ready, open, report))
    });
    let (ready, open, mut report) = judging.await?.ok_or(Failure::NotFound)?;
    if is_unknown && open.is_some() {
        report.fail(
            Check::InResponseTo,
            "a RelayState that this browser was not given",
            "the one that it was, or none",
        );
    }
    Ok(Judged { ready, open, report, now })
}

/// What nobody has asked for is not looked at where the provider may not begin, and nothing is kept of it: anybody can
/// send such things.
fn require_unasked(ready: &Ready, serves: bool) -> Result<(), Failure> {
    if !serves {
        return Err(Failure::NotFound);
    }
    if ready.connection.allows_idp_initiated {
        return Ok(());
    }
    log::warn!(connection:% = ready.connection.id; "An answer that this browser had not asked for was refused");
    Err(Failure::Forbidden(
        "This browser is not waiting for an answer of your organization’s identity provider, or no longer. Sign in again, \
         and begin here."
            .to_owned(),
    ))
}

/// Of several that it may be an answer to, the one that it names; where it names none, any one, unless the provider may
/// begin. That it is an answer to it is judged with the rest.
fn choose(taken: Taken, response: &str, may_begin: bool) -> Option<Box<Open>> {
    let mut all = match taken {
        Taken::Named(open) => return Some(open),
        Taken::All(all) => all,
    };
    let text: String = response.split_ascii_whitespace().collect();
    let document = STANDARD.decode(text).unwrap_or_default();
    let is_named_by_it = |open: &Open| document.windows(open.id.len()).any(|part| part == open.id.as_bytes());
    match all.iter().position(is_named_by_it) {
        Some(at) => Some(Box::new(all.swap_remove(at))),
        None if may_begin => None,
        None => all.pop().map(Box::new),
    }
}

/// A browser that has brought an answer.
struct Visit<'a> {
    app: &'a App,
    request: &'a HttpRequest,
    origin: Origin,
    /// Of the flow cookie.
    own: Token,
    relay_state: Option<String>,
}

impl Visit<'_> {
    async fn go_on(&self, judged: Judged) -> Result<HttpResponse, Failure> {
        let Judged { ready, open, mut report, now } = judged;
        let answer = match report.outcome.clone() {
            Ok(answer) if self.use_once(&ready, &answer).await? => {
                report.pass(Check::Unused);
                answer
            }
            Ok(answer) => {
                report.fail(Check::Unused, format!("{} once more", answer.assertion_id), "an assertion that is new");
                return self.keep_with(ready, open.as_deref(), report, None).await;
            }
            Err(_) => return self.keep_with(ready, open.as_deref(), report, None).await,
        };
        match open.as_deref() {
            Some(Open { purpose: Purpose::StepUp, person: Some(person), .. }) => {
                let asked_at = open.as_deref().map_or(now, |open| open.asked_at);
                self.confirm(ready, (*person, asked_at), (answer, report), open.as_deref()).await
            }
            Some(Open { purpose: Purpose::Test, person: Some((user, _)), .. }) => {
                self.try_out(ready, *user, (answer, report), open.as_deref()).await
            }
            Some(Open { purpose: Purpose::StepUp | Purpose::Test, person: None, .. }) => Err(Failure::NotFound),
            Some(Open { purpose: Purpose::SignIn, .. }) | None => {
                self.sign_in(ready, (answer, report), open.as_deref()).await
            }
        }
    }

    async fn use_once(&self, ready: &Ready, answer: &Answer) -> Result<bool, Failure> {
        let (connection, answer) = (ready.connection.id, answer.clone());
        let limit = self.app.settings.limits.login_per_network;
        let work = move |tx: &mut Tx<'_>| {
            let is_new = provider_sessions::use_once(tx, connection, &answer)?;
            if is_new {
                limits::forgive_answer(tx, limit)?;
                limits::forgive_questions(tx, limit)?;
            }
            Ok(is_new)
        };
        Ok(self.app.db.write::<_, db::Error, _>(&self.origin, work).await?)
    }

    async fn sign_in(
        &self,
        ready: Ready,
        (answer, report): (Answer, Report),
        open: Option<&Open>,
    ) -> Result<HttpResponse, Failure> {
        let return_to = match open {
            Some(open) => open.return_to.clone(),
            // Where the provider begins, this is where it wants them to go.
            None => self.relay_state.clone(),
        };
        let return_to = return_to.unwrap_or_default();
        let held = Held { replaces: open.and_then(|open| open.replaces), ..half_in::held(self.app, self.request) };
        let attempt = Attempt { ready, answer, report, browser: self.own.digest(), held };
        let connection = attempt.ready.connection.clone();
        match by_sso::sign_in(self.app, &self.origin, attempt).await {
            Ok(SignedIn::In(Entered::In(opened))) => {
                session_store::establish(self.request, self.app, &opened)?;
                let mut set = half_in::cookies_of(self.app, self.request, &opened);
                set.push(half_in::removal(self.app));
                Ok(login::go_to(self.app, self.request, &return_to, set))
            }
            Ok(SignedIn::In(Entered::HalfIn(half))) => {
                let mut answer = view::see_other(&second_factor::path(self.app, &return_to));
                cookies::add(&mut answer, vec![half_in::cookie(self.app, &half)]);
                Ok(answer)
            }
            Ok(SignedIn::Unknown) => {
                let mut answer = view::see_other(super::connect::PATH);
                cookies::add(&mut answer, vec![browser_cookie(self.app, &self.own)]);
                Ok(answer)
            }
            Err(by_sso::Error::Refused(report)) => self.keep(&connection, open, *report, None).await,
            Err(by_sso::Error::ProviderOnly(provider)) => Err(Failure::SsoRequired(Box::new(provider.into()))),
            Err(by_sso::Error::Db(error)) => Err(error.into()),
        }
    }

    async fn confirm(
        &self,
        ready: Ready,
        ((user, session), asked_at): ((UserId, crate::kernel::SessionId), DateTime<Utc>),
        (answer, report): (Answer, Report),
        open: Option<&Open>,
    ) -> Result<HttpResponse, Failure> {
        let connection = ready.connection.clone();
        let answered = Answered { ready, answer, report, user, session, asked_at };
        match stepup::confirm_by_sso(self.app, &self.origin, answered).await {
            Ok(()) => {
                let return_to = open.and_then(|open| open.return_to.clone()).unwrap_or_default();
                Ok(login::go_to(self.app, self.request, &return_to, Vec::new()))
            }
            Err(Refused::Check(report)) => self.keep(&connection, open, *report, None).await,
            Err(Refused::Ended) => Err(Failure::Unauthenticated),
            Err(Refused::Db(error)) => Err(error.into()),
        }
    }

    /// Lets nobody in, and leads to what was found.
    async fn try_out(
        &self,
        ready: Ready,
        user: UserId,
        (answer, mut report): (Answer, Report),
        open: Option<&Open>,
    ) -> Result<HttpResponse, Failure> {
        let work = move |tx: &mut Tx<'_>| {
            let maps_to = match arrival::meet(tx, &ready, &answer, &mut report) {
                Ok(guest) => Some(maps_to(tx, &ready, &guest)?),
                Err(arrival::Error::Refused) => None,
                Err(arrival::Error::Db(error)) => return Err(error),
            };
            let is_theirs = is_somebodys(maps_to.as_ref());
            let member = orgs::find_member(tx, ready.connection.organization, user)?;
            // They may have become less on the way.
            let may_try = member.is_some_and(|member| member.role >= orgs::Role::Admin);
            if report.outcome.is_ok() && is_theirs && may_try {
                connections::mark_tested(tx, &ready.connection, user)?;
            }
            Ok((ready, report, maps_to))
        };
        let (ready, report, maps_to) = self.app.db.write::<_, db::Error, _>(&self.origin, work).await?;
        self.keep_with(ready, open, report, maps_to).await
    }

    async fn keep_with(
        &self,
        ready: Ready,
        open: Option<&Open>,
        report: Report,
        maps_to: Option<MapsTo>,
    ) -> Result<HttpResponse, Failure> {
        let connection = ready.connection.clone();
        drop(ready);
        self.keep(&connection, open, report, maps_to).await
    }

    /// Keeps what was found for the administrators, and says so: to the one who tries it out all of it, to others a reference.
    async fn keep(
        &self,
        connection: &connections::Connection,
        open: Option<&Open>,
        report: Report,
        maps_to: Option<MapsTo>,
    ) -> Result<HttpResponse, Failure> {
        let trier = open.filter(|open| open.purpose == Purpose::Test).and_then(|open| open.person);
        let failed = report.outcome.as_ref().err().copied();
        let purpose = occasion_of(open);
        let occasion = Occasion { connection: connection.id, purpose, user: trier.map(|(user, _)| user) };
        let contents = Contents { report, maps_to };
        let (sealer, organization, id) = (self.app.sealer.clone(), connection.organization, connection.id);
        let work = move |tx: &mut Tx<'_>| {
            let reference = reports::keep(tx, &sealer, occasion, &contents)?;
            if let Some(check) = failed.filter(|_| trier.is_none()) {
                let event = Event::about_nobody("sso.refused").within(organization);
                let event = event.with("connection", id.to_string()).with("reference", reference.as_str());
                audit::record(tx, event.with("check", check.as_str()))?;
            }
            let of_trier = trier.map(|(user, _)| orgs::list_of(tx, user)).transpose()?.unwrap_or_default();
            let own = of_trier.into_iter().find(|membership| membership.organization.id == organization);
            Ok::<_, reports::Error>((reference, own.map(|membership| membership.organization.slug)))
        };
        let (reference, slug) = self.app.db.write(&self.origin, work).await?;
        match (trier, slug) {
            (Some(_), Some(slug)) => {
                Ok(view::see_other(&format!("/orgs/{}/sso/{id}/reports/{}", slug.as_str(), reference.as_str())))
            }
            (Some(_), None) => Err(Failure::NotFound),
            (None, _) => Ok(refused_page(self.request, &connection.name, reference.as_str())),
        }
    }
}

fn occasion_of(open: Option<&Open>) -> reports::Purpose {
    match open.map(|open| open.purpose) {
        Some(Purpose::SignIn) => reports::Purpose::SignIn,
        Some(Purpose::StepUp) => reports::Purpose::StepUp,
        Some(Purpose::Test) => reports::Purpose::Test,
        None => reports::Purpose::IdpInitiated,
    }
}

/// Whether anybody would be let in by it.
fn is_somebodys(maps_to: Option<&MapsTo>) -> bool {
    maps_to.is_some_and(|maps_to| maps_to.account != Account::Unknown)
}

fn maps_to(tx: &mut Tx<'_>, ready: &Ready, guest: &arrival::Guest) -> Result<MapsTo, db::Error> {
    let own = orgs::groups::list(tx, ready.connection.organization)?;
    let (email, account) = match &guest.who {
        Who::Known(user) => {
            (crate::accounts::find(tx, *user)?.map(|account| account.email.to_string()), Account::Known)
        }
        Who::Holder(email, Some(_)) => (Some(email.to_string()), Account::Existing),
        Who::Holder(email, None) => (Some(email.to_string()), Account::New),
        Who::Stranger(email) => (Some(email.to_string()), Account::Unknown),
    };
    Ok(MapsTo {
        email,
        name: guest.name.as_ref().map(|name| name.as_str().to_owned()),
        groups: guest.said_groups.iter().cloned().collect(),
        role: guest.role.as_str().to_owned(),
        own_groups: own.into_iter().filter(|group| guest.groups.contains(&group.id)).map(|group| group.name).collect(),
        account,
    })
}

fn refused_page(request: &HttpRequest, provider: &str, reference: &str) -> HttpResponse {
    let failure = Failure::SsoRefused(reference.to_owned());
    if !wants_page(request) {
        return failure.as_problem(&view::request_id(request));
    }
    let mut answer = HttpResponse::build(failure.status());
    answer.insert_header((header::CACHE_CONTROL, "no-store"));
    view::html(request, &mut answer, "sso/refused.html", json!({ "provider": provider, "reference": reference }))
}
