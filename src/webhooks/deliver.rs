use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

use super::deliveries::store::{self, Claimed, Setback};
use super::payload::{self, Facts, Organization, Subject, SubjectAddress};
use super::signature::Secret;
use super::{Error, Keeper, Webhook, disable, manage, purpose};
use crate::app::App;
use crate::audit;
use crate::crypto::Sealer;
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{DeliveryId, Origin, Shutdown, UserId, WebhookId, backoff, quote};
use crate::outbound;

/// How many requests one node has under way, and how many of them to one webhook: a slow one must not hold up the
/// others.
const AT_ONCE: usize = 64;
const AT_ONCE_TO_ONE: usize = 4;

/// How many webhooks are looked after in a round.
const ROUND: i64 = 1_000;

/// How long an event is tried for, from the first attempt on.
const PATIENCE: TimeDelta = TimeDelta::days(3);

/// Longer than any attempt lasts, so that nobody else sends what is being sent.
const LEASE: TimeDelta = TimeDelta::seconds(60);

/// How often it looks for what is new while requests are under way.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// What is read of an answer that refuses, and what is kept of it.
const MOST_READ: usize = 4 * 1024;
const MOST_KEPT: usize = 500;

/// What became of an attempt.
#[derive(Debug)]
enum Outcome {
    Delivered(u16),
    Failed { status: Option<u16>, reason: String },
}

impl Outcome {
    fn failed(reason: impl Into<String>) -> Self {
        Self::Failed { status: None, reason: reason.into() }
    }
}

/// Sends what is due until nothing is, or until told to stop: then the requests under way are waited for and no other
/// is begun. Any number of nodes may do so at the same time. How many were delivered.
pub async fn drain(app: &App, shutdown: &Shutdown) -> Result<usize, db::Error> {
    let mut under_way = FuturesUnordered::new();
    let mut to_each: BTreeMap<WebhookId, usize> = BTreeMap::new();
    let (mut told, mut outcome) = (0, Ok(()));
    loop {
        if outcome.is_ok() && !shutdown.is_requested() {
            match claim_some(app, &mut to_each, AT_ONCE.saturating_sub(under_way.len())).await {
                Ok(claimed) => under_way.extend(claimed.into_iter().map(|claimed| deliver(app, claimed))),
                Err(error) => outcome = Err(error),
            }
        }
        if under_way.is_empty() {
            return outcome.map(|()| told);
        }
        tokio::select! {
            Some((webhook, noted)) = under_way.next() => {
                to_each.entry(webhook).and_modify(|count| *count = count.saturating_sub(1));
                match noted {
                    Ok(Noted::Delivered) => told += 1,
                    Ok(Noted::SetAside) => {}
                    Err(error) => outcome = outcome.and(Err(error)),
                }
            }
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
    }
}

/// One of each webhook in turn, until there are `room` of them, or no more may be taken.
async fn claim_some(
    app: &App,
    to_each: &mut BTreeMap<WebhookId, usize>,
    room: usize,
) -> Result<Vec<Claimed>, db::Error> {
    let mut claimed = Vec::new();
    if room == 0 {
        return Ok(claimed);
    }
    let mut due = app.db.look_up(|tx: &mut ReadTx<'_>| store::list_due(tx, tx.now, ROUND)).await?;
    while !due.is_empty() {
        let mut left = Vec::new();
        for webhook in due {
            let count = to_each.entry(webhook).or_default();
            if claimed.len() == room || *count >= AT_ONCE_TO_ONE {
                continue;
            }
            if let Some(one) = claim(app, webhook).await? {
                *count += 1;
                claimed.push(one);
                left.push(webhook);
            }
        }
        due = left;
    }
    to_each.retain(|_, count| *count > 0);
    Ok(claimed)
}

async fn claim(app: &App, webhook: WebhookId) -> Result<Option<Claimed>, db::Error> {
    let step = move |tx: &mut Tx<'_>| {
        let Some(due) = store::lock_due(tx, webhook)? else { return Ok(None) };
        let (until, give_up_after) = (tx.now + LEASE, due.give_up_after.unwrap_or(tx.now + PATIENCE));
        store::lease(tx, due.id, until, give_up_after).map(Some)
    };
    app.db.write(&origin(), step).await
}

/// How a delivery stands after an attempt.
#[derive(Clone, Copy, Debug)]
enum Noted {
    Delivered,
    /// To be tried again, or given up.
    SetAside,
}

async fn deliver(app: &App, claimed: Claimed) -> (WebhookId, Result<Noted, db::Error>) {
    let webhook = claimed.webhook_id;
    let noted = match attempt(app, &claimed).await {
        Ok(Outcome::Delivered(status)) => note_delivered(app, &claimed, status).await.map(|()| Noted::Delivered),
        Ok(Outcome::Failed { status, reason }) => {
            set_aside(app, claimed, status, reason).await.map(|()| Noted::SetAside)
        }
        Err(error) => Err(error),
    };
    (webhook, noted)
}

/// What is sent, and to whom.
struct Parcel {
    webhook: Webhook,
    /// The present one first.
    secrets: Vec<Secret>,
    body: Vec<u8>,
}

async fn attempt(app: &App, claimed: &Claimed) -> Result<Outcome, db::Error> {
    let (wanted, sealer) = (claimed.clone(), app.sealer.clone());
    let parcel = match app.db.read(move |tx| pack(tx, &sealer, &wanted)).await {
        Ok(Some(parcel)) => parcel,
        // Removed or turned off meanwhile.
        Ok(None) | Err(Error::Unknown | Error::Disabled | Error::TooMany | Error::Orgs(_)) => {
            return Ok(Outcome::failed("There is nothing to be told any more."));
        }
        Err(Error::Unsealable(error)) => return Ok(Outcome::failed(error.to_string())),
        Err(Error::Db(error)) => return Err(error),
    };
    let headers = sign(&parcel, claimed.id, app.clock.now());
    Ok(match app.outside.post(parcel.webhook.address.url(), headers, parcel.body).await {
        Ok(answer) => judge(answer).await,
        Err(unreachable) => Outcome::failed(quote::quote(&unreachable.to_string(), MOST_KEPT)),
    })
}

fn pack(tx: &mut ReadTx<'_>, sealer: &Sealer, claimed: &Claimed) -> Result<Option<Parcel>, Error> {
    let webhook = manage::find(tx, Keeper::Operator, claimed.webhook_id)?;
    let Some(facts) = facts(tx, &webhook, claimed)? else { return Ok(None) };
    let both = super::store::load_secrets(tx, webhook.id)?;
    let old = both.old.filter(|(_, until)| *until > tx.now).map(|(old, _)| old);
    let open = |blob: Vec<u8>| sealer.open(&purpose(webhook.id), &blob).map(Secret::from_bytes);
    let secrets = std::iter::once(both.secret).chain(old).map(open).collect::<Result<_, _>>()?;
    Ok(Some(Parcel { body: payload::compose(&facts), webhook, secrets }))
}

fn facts(tx: &mut ReadTx<'_>, webhook: &Webhook, claimed: &Claimed) -> Result<Option<Facts>, db::Error> {
    let Some(event) = store::find_event(tx, claimed.event_id)? else { return Ok(None) };
    let organization = match event.organization_id {
        Some(id) => Some(Organization { id, slug: super::store::find_slug(tx, id)? }),
        None => None,
    };
    let subject = match claimed.subject_id {
        Some(id) => Some(subject(tx, webhook, id)?),
        None => None,
    };
    Ok(Some(Facts {
        event: claimed.event_id,
        at: event.at,
        kind: event.kind,
        organization,
        hand: event.hand,
        actor: event.actor_id,
        subject,
        details: match webhook.organization {
            Some(_) => audit::shown(&event.details).into(),
            None => event.details,
        },
    }))
}

/// An organization knows the addresses of its members, and of nobody else.
fn subject(tx: &mut ReadTx<'_>, webhook: &Webhook, id: UserId) -> Result<Subject, db::Error> {
    let known = match webhook.organization {
        Some(organization) => store::find_member(tx, organization, id)?,
        None => store::find_person(tx, id)?,
    };
    let address = known.map(|(email, verified_at)| SubjectAddress { email, is_verified: verified_at.is_some() });
    Ok(Subject { id, address })
}

/// The signatures of all secrets that are good, with a space between them.
fn sign(parcel: &Parcel, id: DeliveryId, now: DateTime<Utc>) -> HeaderMap {
    let (id, timestamp) = (id.to_string(), now.timestamp());
    let signatures: Vec<String> =
        parcel.secrets.iter().map(|secret| secret.sign(&id, timestamp, &parcel.body)).collect();
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("webhook-timestamp", HeaderValue::from(timestamp));
    for (name, value) in [("webhook-id", id), ("webhook-signature", signatures.join(" "))] {
        // Hex digits and base64.
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    headers
}

async fn judge(answer: reqwest::Response) -> Outcome {
    let status = answer.status();
    if status.is_success() {
        return Outcome::Delivered(status.as_u16());
    }
    let said = outbound::beginning_of(answer, MOST_READ).await;
    let said = quote::quote(&String::from_utf8_lossy(&said), MOST_KEPT);
    let reason = match (status.is_redirection(), said.is_empty()) {
        (true, _) => format!("It answered {}, and redirects are not followed.", status.as_u16()),
        (false, true) => format!("It answered {}.", status.as_u16()),
        (false, false) => format!("It answered {}: {said}", status.as_u16()),
    };
    Outcome::Failed { status: Some(status.as_u16()), reason }
}

/// What was delivered and is not marked so is delivered again, so this is tried for longer than anything else.
async fn note_delivered(app: &App, claimed: &Claimed, status: u16) -> Result<(), db::Error> {
    let (id, webhook) = (claimed.id, claimed.webhook_id);
    log::info!(delivery:% = id, webhook:% = webhook, kind = claimed.kind.as_str(), attempt = claimed.attempts; "a webhook was told");
    app.db.meters().delivered("delivered");
    let mark = move |tx: &mut Tx<'_>| {
        super::store::forget_failures(tx, webhook)?;
        store::mark_delivered(tx, id, status.into())
    };
    for pause in [1, 2, 4, 8] {
        match app.db.write(&origin(), mark).await {
            Err(db::Error::Unavailable(_)) => tokio::time::sleep(Duration::from_secs(pause)).await,
            outcome => return outcome,
        }
    }
    app.db.write(&origin(), mark).await
}

async fn set_aside(app: &App, claimed: Claimed, status: Option<u16>, reason: String) -> Result<(), db::Error> {
    let sealer = app.sealer.clone();
    let step = move |tx: &mut Tx<'_>| {
        let setback = Setback { status: status.map(i32::from), reason: &reason };
        // The webhook is locked before the delivery, whoever locks both.
        disable::count_failure(tx, &sealer, claimed.webhook_id)?;
        match next(claimed.attempts, claimed.give_up_after, tx.now) {
            Next::TryAgain(at) => put_off(tx, &claimed, &setback, at)?,
            Next::GiveUp => give_up(tx, &claimed, &setback)?,
        }
        Ok(())
    };
    app.db.write::<_, Error, _>(&origin(), step).await.map_err(|error| match error {
        Error::Db(error) => error,
        error => db::Error::Internal(error.to_string()),
    })
}

fn put_off(tx: &mut Tx<'_>, claimed: &Claimed, setback: &Setback<'_>, at: DateTime<Utc>) -> Result<(), db::Error> {
    tx.meters.delivered("failed");
    if store::put_off(tx, claimed, at, setback)? {
        log::warn!(
            delivery:% = claimed.id, webhook:% = claimed.webhook_id, kind = claimed.kind.as_str(),
            attempt = claimed.attempts, next_attempt_at:% = at;
            "a webhook was not told: {}", setback.reason
        );
    }
    Ok(())
}

fn give_up(tx: &mut Tx<'_>, claimed: &Claimed, setback: &Setback<'_>) -> Result<(), db::Error> {
    tx.meters.delivered("gave_up");
    if !store::give_up(tx, claimed, setback)? {
        return Ok(());
    }
    log::error!(
        delivery:% = claimed.id, webhook:% = claimed.webhook_id, kind = claimed.kind.as_str(), attempt = claimed.attempts;
        "a webhook was never told: {}", setback.reason
    );
    let Some(webhook) = super::store::find(tx, Keeper::Operator, claimed.webhook_id)? else { return Ok(()) };
    let event = manage::event(&webhook, "webhook.delivery_given_up");
    audit::record(tx, event.with("delivery", claimed.id.to_string()).with("type", claimed.kind.as_str()))
}

/// What is to be done after a failed attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Next {
    TryAgain(DateTime<Utc>),
    GiveUp,
}

fn next(attempts: i32, give_up_after: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Next {
    let end = give_up_after.unwrap_or(now);
    // The last attempt is at the very end, however long the wait would have been.
    if now >= end { Next::GiveUp } else { Next::TryAgain(end.min(now + backoff::wait(attempts))) }
}

fn origin() -> Origin {
    Origin::system("deliver_webhooks")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::RECEIVER_PATIENCE;

    #[test]
    fn waits_grow_to_an_hour_and_end_with_an_attempt_after_three_days() {
        let start = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let (mut now, mut attempts) = (start, 1);
        while let Next::TryAgain(at) = next(attempts, Some(start + PATIENCE), now) {
            assert!(at > now && at - now <= TimeDelta::hours(1));
            (now, attempts) = (at, attempts + 1);
        }
        assert_eq!((now, attempts), (start + PATIENCE, 78));
    }

    #[test]
    fn a_lease_outlasts_every_attempt() {
        assert!(LEASE.to_std().unwrap() > RECEIVER_PATIENCE * 3);
    }
}
