//! Signing out on both sides: the provider ends what came of it here, and whoever signs out here is signed out there.
//!
//! What a provider says has been judged before ([`super::saml::logout`]). Whom it names is out in every browser, whatever
//! cookies that browser has kept; nobody waits for the provider before ending a session of ours.

mod store;

use chrono::{DateTime, Utc};

use super::connections::{self, Place, Ready};
use super::saml::logout::{LogoutRequest, LogoutResponse, SignOut};
use super::saml::{Binding, CannotSign, Form, Message, NameId};
use crate::crypto::Sealer;
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{ConnectionId, Digest, ProviderSessionId};
use crate::sessions::{self, EndReason};

/// What came of a provider's word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Taken {
    /// So many sessions have ended; none where there was none.
    Ended(usize),
    /// This very request was taken before.
    Again,
}

/// Ends every session that came of this name, and of these sessions there if the provider names some. A request is taken
/// once.
pub fn by_provider(tx: &mut Tx<'_>, connection: ConnectionId, asked: &SignOut) -> Result<Taken, db::Error> {
    // Assertions are remembered in the same table, by their own IDs.
    let digest = Digest::of(format!("LogoutRequest {}", asked.id).as_bytes());
    if !store::insert_used(tx, connection, &digest, asked.good_until)? {
        return Ok(Taken::Again);
    }
    let came = store::lock_provider_sessions(tx, connection, &asked.name_id.value)?;
    let meant = came.into_iter().filter(|(_, index)| is_meant(index.as_deref(), &asked.session_indexes));
    let meant: Vec<ProviderSessionId> = meant.map(|(id, _)| id).collect();
    let ended = sessions::revoke_of_providers(tx, &meant, EndReason::ByProvider)?;
    // With whatever is half signed in.
    store::delete_provider_sessions(tx, &meant)?;
    Ok(Taken::Ended(ended))
}

/// One that was never called anything by the provider could be any of those it names.
fn is_meant(index: Option<&str>, named: &[String]) -> bool {
    named.is_empty() || index.is_none_or(|index| named.iter().any(|name| name == index))
}

/// Somebody who signs out here and came by a provider that can be told.
#[derive(Debug)]
pub struct Departure {
    ready: Ready,
    name: NameId,
    index: Option<String>,
}

/// To be asked while the session is there. `None` where there is nobody to be told.
pub fn find_departure(
    tx: &mut ReadTx<'_>,
    sealer: &Sealer,
    session: ProviderSessionId,
) -> Result<Option<Departure>, connections::Error> {
    let Some((connection, name, index)) = store::find_provider_session(tx, session)? else { return Ok(None) };
    let ready = connections::find_for_sign_in(tx, sealer, connection)?;
    Ok(ready.filter(|ready| ready.connection.idp.slo.is_some()).map(|ready| Departure { ready, name, index }))
}

/// How a browser gets to a provider with a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Passage {
    Redirect(String),
    Form(Form),
}

impl Departure {
    pub fn connection(&self) -> ConnectionId {
        self.ready.connection.id
    }

    /// What the browser takes there. `id`: of [`super::saml::request_id`]. `None` when it cannot be said to them.
    pub fn passage(&self, place: &Place, id: &str, now: DateTime<Utc>) -> Result<Option<Passage>, CannotSign> {
        let Some(slo) = &self.ready.connection.idp.slo else { return Ok(None) };
        let request = LogoutRequest {
            id,
            issuer: &place.entity_id,
            destination: &slo.url,
            name_id: &self.name,
            session_index: self.index.as_deref(),
            issued_at: now,
        };
        carry(&request.message(), slo.binding, None, &self.ready).map(Some)
    }
}

/// The answer to a request that was taken. `None` for a provider that takes none.
pub fn answer(
    ready: &Ready,
    place: &Place,
    asked: &SignOut,
    relay_state: Option<&str>,
    (id, now): (&str, DateTime<Utc>),
) -> Result<Option<Passage>, CannotSign> {
    let idp = &ready.connection.idp;
    let Some(slo) = &idp.slo else { return Ok(None) };
    let answer = LogoutResponse {
        id,
        issuer: &place.entity_id,
        destination: idp.slo_answer_url.as_deref().unwrap_or(&slo.url),
        in_response_to: &asked.id,
        issued_at: now,
    };
    carry(&answer.message(), slo.binding, relay_state, ready).map(Some)
}

/// Always signed: a provider that takes unsigned ones would sign anybody out for anybody.
fn carry(message: &Message, binding: Binding, relay_state: Option<&str>, ready: &Ready) -> Result<Passage, CannotSign> {
    let key = Some(ready.keys.signing().ok_or(CannotSign)?);
    match binding {
        Binding::Redirect => message.redirect(relay_state, key).map(Passage::Redirect),
        Binding::Post => message.form(relay_state, key).map(Passage::Form),
    }
}
