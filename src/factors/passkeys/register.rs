//! A key is registered: asked for by somebody who has just confirmed that it is them, and named by them.

use serde_json::Value;
use webauthn_rs::prelude::{
    CreationChallengeResponse, Passkey as Credential, PasskeyRegistration, RegisterPublicKeyCredential,
};

use super::ceremony::{self, Scope};
use super::party::relying_party;
use super::{Asked, MOST, Passkey, is_backed_up, store, stored};
use crate::app::App;
use crate::audit::{self, Event};
use crate::db::Tx;
use crate::factors::recovery::RecoveryCode;
use crate::factors::{self, Error, Holder, letters};
use crate::kernel::{Label, PasskeyId, Token};
use crate::mail::FactorChange;
use crate::sessions::{self, Live, Opened};

const PURPOSE: &str = "register";

/// WebAuthn, section 7.1.
const LONGEST_ID: usize = 1023;

#[derive(Debug)]
pub enum Started {
    Asked(Asked),
    /// They have [`MOST`].
    TooMany,
    /// There can be no passkeys here: see [`super::are_possible`].
    Impossible,
}

/// An answer to [`start`].
#[derive(Debug)]
pub struct Registration {
    pub ceremony: String,
    /// What `navigator.credentials.create` gave, with its bytes in base64url.
    pub credential: Value,
    pub name: Label,
}

/// What became of it. The refused ones have used the question up, so the transaction must commit.
#[derive(Debug)]
pub enum Finished {
    Added(Box<Added>),
    /// The question is unknown, was answered before, was put too long ago, or to somebody else.
    Over,
    /// The answer does not fit the question.
    Refused,
    /// The key is registered already, here or with another account.
    Taken,
    /// They have [`MOST`].
    TooMany,
}

#[derive(Debug)]
pub struct Added {
    pub passkey: Passkey,
    /// Ten, when this is the first factor of its holder.
    pub codes: Option<Vec<RecoveryCode>>,
    /// The session of its holder, as it goes on.
    pub rotated: Option<Opened>,
}

/// Asks for a new key. `session` is the portal token of who asks.
pub fn start(tx: &mut Tx<'_>, app: &App, who: &Live, session: Option<&Token>) -> Result<Started, Error> {
    let Some(party) = relying_party(app) else { return Ok(Started::Impossible) };
    if let Some(token) = session
        && !sessions::hold(tx, token)?
    {
        return Err(Error::Ended);
    }
    let known = store::list_credentials(tx, who.user)?;
    if known.len() >= MOST as usize {
        return Ok(Started::TooMany);
    }
    let known = known.into_iter().map(|(id, _)| id).collect();
    let email = who.email.as_str();
    let shown = if who.name.is_empty() { email } else { &who.name };
    let asked = party.start_passkey_registration(*who.user.as_uuid(), email, shown, Some(known));
    let (challenge, state) = asked.map_err(Error::unusable)?;
    let ceremony = ceremony::begin(tx, &scope(who), &state)?;
    Ok(Started::Asked(Asked { ceremony, public_key: options(challenge)? }))
}

/// Keeps the key. From now on signing in takes more than the password.
pub fn finish(
    tx: &mut Tx<'_>,
    app: &App,
    who: &Live,
    session: Option<Token>,
    answer: Registration,
) -> Result<Finished, Error> {
    let Some(party) = relying_party(app) else { return Ok(Finished::Over) };
    // Two at once must not both be the first.
    factors::store::lock_person(tx, who.user)?;
    let state: Option<PasskeyRegistration> = ceremony::take(tx, &scope(who), &answer.ceremony)?;
    let Some(state) = state else { return Ok(Finished::Over) };
    let Ok(response) = serde_json::from_value::<RegisterPublicKeyCredential>(answer.credential) else {
        return refuse(tx, who, "not a credential");
    };
    let credential = match party.finish_passkey_registration(&response, &state) {
        Ok(credential) if credential.cred_id().len() <= LONGEST_ID => credential,
        Ok(_) => return refuse(tx, who, "its id is too long"),
        Err(error) => return refuse(tx, who, &error.to_string()),
    };
    let before = factors::list(tx, who.user)?;
    if before.passkeys >= MOST {
        return Ok(Finished::TooMany);
    }
    let Some(passkey) = keep(tx, who, &credential, &answer.name)? else { return Ok(Finished::Taken) };
    let holder = Holder::signed_in(who, session);
    let codes = factors::make_codes_for_the_first(tx, &app.sealer, &before, who.user)?;
    audit::record(tx, Event::about(who.user, "passkey.added").with("passkey", passkey.id.to_string()))?;
    letters::tell(tx, &app.sealer, &holder, FactorChange::PasskeyAdded(passkey.name.clone()))?;
    let rotated = factors::go_on(tx, app, &holder)?;
    Ok(Finished::Added(Box::new(Added { passkey, codes, rotated })))
}

fn scope(who: &Live) -> Scope {
    Scope::of_device(PURPOSE, who.user, who.device)
}

/// The library asks authenticators not to keep the key where they could find it by themselves; then nobody could sign
/// in with nothing else.
fn options(mut challenge: CreationChallengeResponse) -> Result<Value, Error> {
    let mut options = serde_json::to_value(&mut challenge.public_key).map_err(Error::unusable)?;
    if let Some(Value::Object(selection)) = options.get_mut("authenticatorSelection") {
        selection.insert("residentKey".to_owned(), "required".into());
        selection.insert("requireResidentKey".to_owned(), true.into());
    }
    Ok(options)
}

/// `None` when it is registered already.
fn keep(tx: &mut Tx<'_>, who: &Live, credential: &Credential, name: &Label) -> Result<Option<Passkey>, Error> {
    let (id, now) = (PasskeyId::new(tx.now), tx.now);
    let stored = stored(credential)?;
    let is_backed_up = is_backed_up(&stored);
    let new = store::NewPasskey {
        id,
        user: who.user,
        credential_id: credential.cred_id().as_slice(),
        credential: stored,
        name,
        backed_up: is_backed_up,
    };
    let is_kept = store::insert(tx, new)?;
    let passkey = Passkey { id, name: name.as_str().to_owned(), is_backed_up, created_at: now, last_used_at: None };
    Ok(is_kept.then_some(passkey))
}

fn refuse(tx: &mut Tx<'_>, who: &Live, why: &str) -> Result<Finished, Error> {
    audit::record(tx, Event::about(who.user, "passkey.refused").with("why", why))?;
    Ok(Finished::Refused)
}
