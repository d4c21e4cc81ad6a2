//! A key proves who somebody is.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};
use webauthn_rs::prelude::{DiscoverableAuthentication, Passkey as Credential, PublicKeyCredential, WebauthnError};

use super::ceremony::{self, Scope};
use super::party::relying_party;
use super::{Asked, is_backed_up, store, stored};
use crate::app::App;
use crate::audit::{self, Event};
use crate::db::{self, ReadTx, Tx};
use crate::factors::Error;
use crate::kernel::{DeviceId, Digest, Origin, PasskeyId, UserId};

/// What somebody proves who they are for. An answer counts for this and nothing else, and only from where it was asked.
#[derive(Clone, Copy, Debug)]
pub enum Use {
    /// To sign in with nothing else, by whichever key somebody has.
    SignIn,
    /// After the password, in the browser that is half signed in by the token of this digest.
    SecondFactor { user: UserId, pending: Digest },
    /// To confirm, within a session of this device, that it is them.
    Confirmation { user: UserId, device: DeviceId },
}

/// An answer to [`ask`], as a program sends it.
#[derive(Debug, Deserialize)]
pub struct Answer {
    pub ceremony: String,
    /// What `navigator.credentials.get` gave, with its bytes in base64url.
    pub credential: Value,
}

/// What an answer was worth. Whatever it is, the question is used up, so the transaction must commit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    Right(Used),
    Wrong,
    /// The question is unknown, was answered before, was put too long ago, or to somebody else.
    Over,
}

/// Whose key has answered, having verified that it is them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Used {
    pub user: UserId,
    pub passkey: PasskeyId,
}

/// Puts a question. `None` when nobody could answer it: there can be no passkeys here, or this person has none.
pub fn ask(tx: &mut Tx<'_>, app: &App, purpose: &Use) -> Result<Option<Asked>, Error> {
    let Some(party) = relying_party(app) else { return Ok(None) };
    let allowed = match user_of(purpose) {
        Some(user) => {
            let theirs = store::list_credentials(tx, user)?;
            if theirs.is_empty() {
                return Ok(None);
            }
            theirs.iter().map(|(id, credential)| describe(id, credential)).collect()
        }
        None => Vec::new(),
    };
    // Known people are asked in the same way as unknown ones, with a list of what they have: so nothing of their keys is
    // in the question, and the answer is checked against what is known of the key then.
    let (challenge, state) = party.start_discoverable_authentication().map_err(Error::unusable)?;
    let mut public_key = serde_json::to_value(&challenge.public_key).map_err(Error::unusable)?;
    if let Value::Object(options) = &mut public_key {
        options.insert("allowCredentials".to_owned(), Value::Array(allowed));
    }
    let scope = scope(purpose, &tx.origin);
    Ok(Some(Asked { ceremony: ceremony::begin(tx, &scope, &state)?, public_key }))
}

/// Who has the key that an answer names, whether or not the answer is any good.
pub fn holder_of(tx: &mut ReadTx<'_>, answer: &Answer) -> Result<Option<UserId>, db::Error> {
    match serde_json::from_value::<PublicKeyCredential>(answer.credential.clone()) {
        Ok(response) => store::find_holder(tx, response.get_credential_id()),
        Err(_) => Ok(None),
    }
}

/// Checks an answer, and keeps what the key says of its counter. The person must be locked.
pub fn check(tx: &mut Tx<'_>, app: &App, purpose: &Use, answer: &Answer) -> Result<Verdict, Error> {
    let Some(party) = relying_party(app) else { return Ok(Verdict::Over) };
    let scope = scope(purpose, &tx.origin);
    let state: Option<DiscoverableAuthentication> = ceremony::take(tx, &scope, &answer.ceremony)?;
    let Some(state) = state else { return Ok(Verdict::Over) };
    let Ok(response) = serde_json::from_value::<PublicKeyCredential>(answer.credential.clone()) else {
        return Ok(Verdict::Wrong);
    };
    let held = store::lock_by_credential_id(tx, response.get_credential_id())?;
    let Some(held) = held.filter(|held| is_by(purpose, held.user, &response)) else { return Ok(Verdict::Wrong) };
    let mut credential: Credential = serde_json::from_value(held.credential).map_err(Error::unusable)?;
    let used = Used { user: held.user, passkey: held.id };
    match party.finish_discoverable_authentication_v2(&response, state, &credential) {
        Ok(result) => {
            credential.update_credential(&result);
            let stored = stored(&credential)?;
            let is_backed_up = is_backed_up(&stored);
            store::set_used(tx, used.passkey, stored, is_backed_up)?;
            Ok(Verdict::Right(used))
        }
        Err(error) => refuse(tx, used, &error),
    }
}

fn scope(purpose: &Use, origin: &Origin) -> Scope {
    match purpose {
        Use::SignIn => Scope::of_anybody("sign_in", origin),
        Use::SecondFactor { user, pending } => Scope::of_half_signed_in("second_factor", *user, pending),
        Use::Confirmation { user, device } => Scope::of_device("confirm", *user, *device),
    }
}

fn user_of(purpose: &Use) -> Option<UserId> {
    match purpose {
        Use::SignIn => None,
        Use::SecondFactor { user, .. } | Use::Confirmation { user, .. } => Some(*user),
    }
}

/// Whether the key's holder is who is asked, and who the authenticator takes them for (WebAuthn, section 7.2).
fn is_by(purpose: &Use, holder: UserId, response: &PublicKeyCredential) -> bool {
    let told = response.get_user_unique_id();
    let is_told = told.map(|handle| handle == holder.as_uuid().as_bytes());
    match user_of(purpose) {
        Some(user) => user == holder && is_told.unwrap_or(true),
        None => is_told.unwrap_or(false),
    }
}

/// As the list of allowed keys has it. By the transports a browser knows where to look.
fn describe(id: &[u8], credential: &Value) -> Value {
    let mut described = json!({ "type": "public-key", "id": URL_SAFE_NO_PAD.encode(id) });
    if let (Value::Object(described), Some(transports @ Value::Array(_))) =
        (&mut described, credential.pointer("/cred/transports"))
    {
        described.insert("transports".to_owned(), transports.clone());
    }
    described
}

/// A counter that went back means that there are two of a key (WebAuthn, section 6.1.1), which its holder should know.
fn refuse(tx: &mut Tx<'_>, used: Used, error: &WebauthnError) -> Result<Verdict, Error> {
    let kind = match error {
        WebauthnError::CredentialPossibleCompromise => "passkey.counter_went_back",
        _ => "passkey.refused",
    };
    let event = Event::about(used.user, kind).with("passkey", used.passkey.to_string());
    audit::record(tx, event.with("why", error.to_string()))?;
    Ok(Verdict::Wrong)
}
