//! The keys by which apps know that it is us who tell them who comes.
//!
//! A key is a row, sealed, and goes through three states by the clock alone, so that all nodes agree without a word:
//!
//! - It **waits** from when it is made until its time has come: published, so that every app has fetched it before it
//!   signs anything ([`PUBLISHED_AHEAD`]).
//! - It **signs** until the next one's time has come. The first one ever signs at once: there is nothing that an app could
//!   have fetched before.
//! - It is **retired**, still published for what it has signed ([`PUBLISHED_AFTER`]), and then removed.
//!
//! The next one is made when the one that signs is [`LASTS`] old ([`keep`], which a job runs), or when the operator wants
//! it ([`rotate`]); after a leak one takes the place of all others at once ([`replace`]). Each node reads them again
//! every few seconds into its [`crate::crypto::Keyring`] ([`read`]).

mod store;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::app::App;
use crate::audit::{self, Event};
use crate::config::settings::Gateway;
use crate::crypto::keyring::{Key, Keys, place_of_signer};
use crate::crypto::{PublicKey, Sealer, SigningKey, Unsealable, UnusableKey};
use crate::db::{self, ReadTx, Tx};
use crate::kernel::Origin;

/// How long a key signs.
pub const LASTS: TimeDelta = TimeDelta::days(90);

/// Longer than anybody keeps a set of keys without looking for a newer one.
pub const PUBLISHED_AHEAD: TimeDelta = TimeDelta::days(1);

/// Far longer than anything lives that it has signed, by whatever clock.
pub const PUBLISHED_AFTER: TimeDelta = TimeDelta::days(1);

/// What it is sealed for.
const PURPOSE: &str = "signing key";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    Waiting,
    Signing,
    Retired,
}

impl State {
    /// The stable word for scripts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Signing => "signing",
            Self::Retired => "retired",
        }
    }
}

/// A row, without its secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listed {
    /// The thumbprint, by which it is named wherever it was used.
    pub kid: String,
    pub state: State,
    pub created_at: DateTime<Utc>,
    pub signs_at: DateTime<Utc>,
    /// When the next one's time comes, as far as there is a next one.
    pub signs_until: Option<DateTime<Utc>>,
}

/// What came of [`rotate`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Rotated {
    Made(Listed),
    /// One was waiting already, and still is.
    Waits(Listed),
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "the signing key {0} was sealed under a secrets.key that is not there any more: put that one back, behind the \
         first, or make another signing key with `vestibule keys rotate --now`"
    )]
    Sealed(String),
    #[error("a signing key could not be sealed: {0}")]
    Unsealable(#[from] Unsealable),
    #[error(transparent)]
    Unusable(#[from] UnusableKey),
    #[error("there is no key to sign with")]
    NoKey,
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Makes and removes what is due, as long as anything is signed. How much that was.
pub async fn keep(app: &App, origin: &Origin) -> Result<usize, Error> {
    let rows = app.db.look_up(store::list).await?;
    if !is_anything_due(&rows, &app.settings.gateway, app.clock.now()) {
        return Ok(0);
    }
    let (sealer, settings) = (app.sealer.clone(), Arc::clone(&app.settings));
    app.db.write(origin, move |tx| do_what_is_due(tx, &sealer, &settings.gateway)).await
}

/// Has this node know the keys there are. Where nothing is signed none is opened: they are published all the same, since
/// another node may sign, or may have signed a moment before.
pub async fn read(app: &App) -> Result<Arc<Keys>, Error> {
    let rows = app.db.look_up(store::list).await?;
    match app.keyring.held(rows.iter().map(|row| row.kid.as_str())) {
        Some(keys) => Ok(keys),
        None => Ok(app.keyring.replace(open(&app.sealer, &app.settings.gateway, rows, app.clock.now())?)),
    }
}

/// Those that this node knows, of which one signs ([`signer`]). It is made if there is none.
pub async fn keys_to_sign_with(app: &App) -> Result<Arc<Keys>, Error> {
    if let Some(keys) = app.keyring.keys().filter(|keys| !keys.is_empty()) {
        return Ok(keys);
    }
    keep(app, &Origin::system("signing keys")).await?;
    read(app).await
}

/// The one of them that signs at this moment.
pub fn signer(keys: &Keys, now: DateTime<Utc>) -> Option<(&Key, &SigningKey)> {
    let key = keys.get(place_of_signer(keys.iter().map(|key| key.signs_at), now))?;
    Some((key, key.signing.as_ref()?))
}

/// The oldest first.
pub fn list(tx: &mut ReadTx<'_>) -> Result<Vec<Listed>, db::Error> {
    let rows = store::list(tx)?;
    let signer = place_of_signer(rows.iter().map(|row| row.signs_at), tx.now);
    let following = rows.iter().skip(1).map(|row| Some(row.signs_at)).chain([None]);
    let listed = rows.iter().zip(following).enumerate().map(|(place, (row, signs_until))| Listed {
        kid: row.kid.clone(),
        state: match place.cmp(&signer) {
            std::cmp::Ordering::Less => State::Retired,
            std::cmp::Ordering::Equal => State::Signing,
            std::cmp::Ordering::Greater => State::Waiting,
        },
        created_at: row.created_at,
        signs_at: row.signs_at,
        signs_until,
    });
    Ok(listed.collect())
}

/// Makes the next key, which signs from a day on, unless one waits already.
pub fn rotate(tx: &mut Tx<'_>, sealer: &Sealer) -> Result<Rotated, Error> {
    store::lock(tx)?;
    if let Some(waiting) = list(tx)?.pop().filter(|last| last.state == State::Waiting) {
        return Ok(Rotated::Waits(waiting));
    }
    let rows = store::list(tx)?;
    let signs_at = if rows.is_empty() { tx.now } else { tx.now + PUBLISHED_AHEAD };
    make(tx, sealer, &rows, signs_at)?;
    list(tx)?.pop().map(Rotated::Made).ok_or(Error::NoKey)
}

/// Makes a key that signs at once, and removes all others: whatever they have signed is worth nothing to whoever fetches
/// the keys from now on.
pub fn replace(tx: &mut Tx<'_>, sealer: &Sealer) -> Result<Listed, Error> {
    store::lock(tx)?;
    let rows = store::list(tx)?;
    make(tx, sealer, &rows, tx.now)?;
    for row in rows {
        remove(tx, &row)?;
    }
    list(tx)?.pop().ok_or(Error::NoKey)
}

fn is_anything_due(rows: &[store::Row], gateway: &Gateway, now: DateTime<Utc>) -> bool {
    next_signs_at(rows, gateway, now).is_some() || over(rows, now) > 0
}

fn do_what_is_due(tx: &mut Tx<'_>, sealer: &Sealer, gateway: &Gateway) -> Result<usize, Error> {
    store::lock(tx)?;
    let rows = store::list(tx)?;
    let next = next_signs_at(&rows, gateway, tx.now);
    if let Some(signs_at) = next {
        make(tx, sealer, &rows, signs_at)?;
    }
    let over = over(&rows, tx.now);
    for row in rows.iter().take(over) {
        remove(tx, row)?;
    }
    Ok(over + usize::from(next.is_some()))
}

/// When the key signs that is to be made now; `None` where none is.
fn next_signs_at(rows: &[store::Row], gateway: &Gateway, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if !gateway.assertion {
        return None;
    }
    let Some(newest) = rows.last() else { return Some(now) };
    let due = newest.signs_at + LASTS - PUBLISHED_AHEAD;
    (due <= now).then(|| now + PUBLISHED_AHEAD)
}

/// How many of the oldest have been retired for long enough.
fn over(rows: &[store::Row], now: DateTime<Utc>) -> usize {
    let long_ago = now - PUBLISHED_AFTER;
    place_of_signer(rows.iter().map(|row| row.signs_at), long_ago)
}

fn make(tx: &mut Tx<'_>, sealer: &Sealer, before: &[store::Row], signs_at: DateTime<Utc>) -> Result<(), Error> {
    let private = SigningKey::generate()?;
    let public = *SigningKey::from_pkcs8(&private)?.public();
    let row = store::Row {
        number: before.last().map_or(1, |newest| newest.number + 1),
        kid: public.thumbprint(),
        public_key: public.as_bytes().to_vec(),
        sealed_key: sealer.seal(PURPOSE, &private)?,
        created_at: tx.now,
        signs_at,
    };
    store::insert(tx, &row)?;
    let event = Event::about_nobody("signing_key.made").with("kid", row.kid);
    Ok(audit::record(tx, event.with("signs_at", signs_at.to_rfc3339()))?)
}

fn remove(tx: &mut Tx<'_>, row: &store::Row) -> Result<(), Error> {
    store::delete(tx, row.number)?;
    Ok(audit::record(tx, Event::about_nobody("signing_key.removed").with("kid", row.kid.clone()))?)
}

/// Only what signs now or later is opened.
fn open(sealer: &Sealer, gateway: &Gateway, rows: Vec<store::Row>, now: DateTime<Utc>) -> Result<Keys, Error> {
    let signer = place_of_signer(rows.iter().map(|row| row.signs_at), now);
    let key = |(place, row): (usize, store::Row)| -> Result<Key, Error> {
        let public = PublicKey::from_bytes(&row.public_key).ok_or(UnusableKey)?;
        let is_opened = gateway.assertion && place >= signer;
        let signing = is_opened.then(|| open_one(sealer, &row)).transpose()?;
        Ok(Key { public, kid: row.kid, signs_at: row.signs_at, signing })
    };
    rows.into_iter().enumerate().map(key).collect()
}

fn open_one(sealer: &Sealer, row: &store::Row) -> Result<SigningKey, Error> {
    let private = sealer.open(PURPOSE, &row.sealed_key).map_err(|_| Error::Sealed(row.kid.clone()))?;
    Ok(SigningKey::from_pkcs8(&zeroize::Zeroizing::new(private))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::{Allow, Organizations, Record};

    fn day(number: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(number)
    }

    fn rows(signs_at: &[i64]) -> Vec<store::Row> {
        let row = |(number, day_of): (i32, &i64)| store::Row {
            number,
            kid: number.to_string(),
            public_key: Vec::new(),
            sealed_key: Vec::new(),
            created_at: day(0),
            signs_at: day(*day_of),
        };
        (1..).zip(signs_at).map(row).collect()
    }

    fn gateway(assertion: bool) -> Gateway {
        let (organizations, rules, record) = (Organizations::All, Vec::new(), Record::NOTHING);
        Gateway { default: Allow::Deny, assertion, organizations, rules, record }
    }

    #[test]
    fn a_key_is_made_when_there_is_none_and_again_a_day_before_the_last_one_has_signed_for_long_enough() {
        let next = |signs_at: &[i64], now: i64| next_signs_at(&rows(signs_at), &gateway(true), day(now));
        for (signs_at, now, expected) in [
            (&[][..], 5, Some(5)),
            (&[0], 88, None),
            (&[0], 89, Some(90)),
            (&[0], 200, Some(201)),
            (&[0, 90], 89, None),
            (&[0, 90], 178, None),
            (&[0, 90], 179, Some(180)),
        ] {
            assert_eq!(next(signs_at, now), expected.map(day), "{signs_at:?} on day {now}");
        }
        assert_eq!(next_signs_at(&[], &gateway(false), day(5)), None, "nothing is signed");
    }

    #[test]
    fn a_key_is_removed_a_day_after_the_next_one_has_begun_to_sign() {
        for (signs_at, now, expected) in
            [(&[][..], 5, 0), (&[0], 900, 0), (&[0, 90], 90, 0), (&[0, 90], 91, 1), (&[0, 1, 2, 9], 9, 2), (&[9], 5, 0)]
        {
            assert_eq!(over(&rows(signs_at), day(now)), expected, "{signs_at:?} on day {now}");
        }
    }
}
