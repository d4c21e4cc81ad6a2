use chrono::TimeDelta;

use super::manage::event;
use super::{Error, Keeper, Webhook, Why, deliveries, store};
use crate::audit;
use crate::crypto::Sealer;
use crate::db::{self, Tx};
use crate::kernel::{EmailAddress, WebhookId};
use crate::mail::{self, Letter};

/// For so long it may take nothing.
const PATIENCE: TimeDelta = TimeDelta::days(5);

/// Nothing is sent to it any more, and what it has not been told is given up; its keepers can have that sent again. The
/// webhook is locked.
pub(super) fn disable(tx: &mut Tx<'_>, webhook: &Webhook, why: Why) -> Result<(), db::Error> {
    store::disable(tx, webhook.id, why)?;
    let given_up = deliveries::give_up_all(tx, webhook.id)?;
    let event = event(webhook, "webhook.disabled").with("why", why.as_str()).with("given_up", given_up);
    audit::record(tx, event)
}

/// Counts an attempt that failed. After nothing but failures for too long, that was the last one, and those who look
/// after it get a letter.
pub(super) fn count_failure(tx: &mut Tx<'_>, sealer: &Sealer, id: WebhookId) -> Result<(), Error> {
    let Some(webhook) = store::lock(tx, Keeper::Operator, id)? else { return Ok(()) };
    store::count_failure(tx, &webhook)?;
    let is_too_long = webhook.failing_since.is_some_and(|since| tx.now - since >= PATIENCE);
    if !is_too_long || webhook.disabled.is_some() {
        return Ok(());
    }
    disable(tx, &webhook, Why::Failing)?;
    tell(tx, sealer, &webhook)
}

fn tell(tx: &mut Tx<'_>, sealer: &Sealer, webhook: &Webhook) -> Result<(), Error> {
    let (people, slug) = match webhook.organization {
        Some(organization) => (store::list_admins(tx, organization)?, store::find_slug(tx, organization)?),
        None => (store::list_administrators(tx)?, None),
    };
    for (person, address) in people {
        let Ok(address) = EmailAddress::parse(&address) else { continue };
        let letter = Letter::WebhookDisabled {
            host: webhook.address.host().to_owned(),
            webhook: webhook.id,
            organization: slug.clone(),
        };
        mail::enqueue(tx, sealer, &address, Some(person), letter)?;
    }
    Ok(())
}
