//! What those may do who look after webhooks.

use super::{Address, Error, Keeper, Kinds, MOST, OVERLAP, Secret, Webhook, Why, deliveries, disable, purpose, store};
use crate::audit::{self, Event};
use crate::crypto::Sealer;
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{DeliveryId, Redacted, WebhookId};

use chrono::{DateTime, Utc};

/// What is wished for.
#[derive(Clone, Debug)]
pub struct New {
    pub address: Address,
    pub kinds: Kinds,
}

#[derive(Debug)]
pub struct Added {
    pub webhook: Webhook,
    /// For the eyes of whoever asked, once.
    pub secret: Redacted,
}

/// What is to be another way.
#[derive(Clone, Default, Debug)]
pub struct Changes {
    pub address: Option<Address>,
    pub kinds: Option<Kinds>,
    pub turned: Option<Turned>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turned {
    On,
    Off,
}

#[derive(Debug)]
pub struct Rotated {
    /// For the eyes of whoever asked, once.
    pub secret: Redacted,
    /// Until then the one before it signs as well.
    pub old_until: DateTime<Utc>,
}

/// The oldest first.
pub fn list(tx: &mut ReadTx<'_>, keeper: Keeper) -> Result<Vec<Webhook>, db::Error> {
    store::list(tx, keeper)
}

pub fn find(tx: &mut ReadTx<'_>, keeper: Keeper, id: WebhookId) -> Result<Webhook, Error> {
    store::find(tx, keeper, id)?.ok_or(Error::Unknown)
}

pub fn add(tx: &mut Tx<'_>, sealer: &Sealer, keeper: Keeper, new: New) -> Result<Added, Error> {
    let organization = match keeper {
        Keeper::Operator => None,
        Keeper::Organization(id) => {
            // Two at once have waited for each other, so both are not the last that there is room for.
            if store::count(tx, id)? >= MOST {
                return Err(Error::TooMany);
            }
            Some(id)
        }
    };
    let (secret, id) = (Secret::generate(), WebhookId::new(tx.now));
    let webhook = Webhook {
        id,
        organization,
        address: new.address,
        kinds: new.kinds,
        created_at: tx.now,
        created_by: tx.origin.actor,
        failures: 0,
        failing_since: None,
        disabled: None,
        old_secret_until: None,
    };
    store::insert(tx, &webhook, &sealer.seal(&purpose(id), secret.as_bytes())?)?;
    audit::record(tx, event(&webhook, "webhook.added").with("kinds", webhook.kinds.words()))?;
    Ok(Added { webhook, secret: secret.expose() })
}

/// As it is afterwards.
pub fn change(tx: &mut Tx<'_>, keeper: Keeper, id: WebhookId, changes: Changes) -> Result<Webhook, Error> {
    let before = store::lock(tx, keeper, id)?.ok_or(Error::Unknown)?;
    if let Some(address) = changes.address.filter(|address| *address != before.address) {
        store::set_address(tx, id, &address)?;
        let moved = event(&before, "webhook.changed").with("new_host", address.host());
        audit::record(tx, moved)?;
    }
    if let Some(kinds) = changes.kinds.filter(|kinds| *kinds != before.kinds) {
        store::set_kinds(tx, id, &kinds)?;
        audit::record(tx, event(&before, "webhook.changed").with("kinds", kinds.words()))?;
    }
    match (changes.turned, before.disabled) {
        (Some(Turned::On), Some(_)) => {
            store::enable(tx, id)?;
            audit::record(tx, event(&before, "webhook.changed").with("enabled", true))?;
        }
        (Some(Turned::Off), None) => disable::disable(tx, &before, Why::ByHand)?,
        (Some(Turned::On), None) | (Some(Turned::Off), Some(_)) | (None, _) => {}
    }
    find(tx, keeper, id)
}

/// What it was not yet told goes with it.
pub fn remove(tx: &mut Tx<'_>, keeper: Keeper, id: WebhookId) -> Result<Webhook, Error> {
    let webhook = store::lock(tx, keeper, id)?.ok_or(Error::Unknown)?;
    store::delete(tx, id)?;
    audit::record(tx, event(&webhook, "webhook.removed"))?;
    Ok(webhook)
}

/// Gives it a new secret. The old one signs as well for [`OVERLAP`]; the one before that is no more.
pub fn rotate(tx: &mut Tx<'_>, sealer: &Sealer, keeper: Keeper, id: WebhookId) -> Result<Rotated, Error> {
    let webhook = store::lock(tx, keeper, id)?.ok_or(Error::Unknown)?;
    let (secret, old_until) = (Secret::generate(), tx.now + OVERLAP);
    store::replace_secret(tx, id, &sealer.seal(&purpose(id), secret.as_bytes())?, old_until)?;
    audit::record(tx, event(&webhook, "webhook.secret_replaced"))?;
    Ok(Rotated { secret: secret.expose(), old_until })
}

/// Tells it, and nobody else's, that it was tested, whatever it wants to be told of.
pub fn test(tx: &mut Tx<'_>, keeper: Keeper, id: WebhookId) -> Result<DeliveryId, Error> {
    let webhook = store::lock(tx, keeper, id)?.ok_or(Error::Unknown)?;
    if webhook.disabled.is_some() {
        return Err(Error::Disabled);
    }
    audit::record(tx, event(&webhook, "webhook.tested"))?;
    Ok(deliveries::find_test(tx, id)?)
}

/// Its URL may hold a secret: the host is enough to know it by.
pub(super) fn event(webhook: &Webhook, kind: &'static str) -> Event {
    let event = Event::about_nobody(kind).with("webhook", webhook.id.to_string()).with("host", webhook.address.host());
    match webhook.organization {
        Some(organization) => event.within(organization),
        None => event,
    }
}
