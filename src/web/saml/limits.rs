//! How much of this a network may ask for: strangers can begin and answer as often as they like, and each time costs a
//! signature made or verified.

use chrono::TimeDelta;

use crate::app::App;
use crate::config::settings::Limit;
use crate::db::{self, Tx};
use crate::throttle::{self, Admission, Key};

/// So many go to a provider for one who brings something bad: most come back, and a company's people share a network.
const BEGUN_FOR_ONE_REFUSED: u32 = 6;

/// Counts an answer or a message about signing out, before it is judged. How long they have to wait, if they have to.
pub fn admit_answer(tx: &mut Tx<'_>, app: &App) -> Result<Option<TimeDelta>, db::Error> {
    let limit = app.settings.limits.login_per_network;
    let key = tx.origin.address.map(|address| Key::provider_answered_from(address, limit));
    admit(tx, key)
}

/// Counts somebody who goes to a provider. How long they have to wait, if they have to.
pub fn admit_question(tx: &mut Tx<'_>, app: &App) -> Result<Option<TimeDelta>, db::Error> {
    let limit = begun(app.settings.limits.login_per_network);
    let key = tx.origin.address.map(|address| Key::provider_sought_from(address, limit));
    admit(tx, key)
}

/// Counts an address of which somebody is told by whom it signs in. How long they have to wait, if they have to.
pub fn admit_address(tx: &mut Tx<'_>, app: &App) -> Result<Option<TimeDelta>, db::Error> {
    let limit = begun(app.settings.limits.login_per_network);
    let key = tx.origin.address.map(|address| Key::address_typed_from(address, limit));
    admit(tx, key)
}

fn admit(tx: &mut Tx<'_>, key: Option<Key>) -> Result<Option<TimeDelta>, db::Error> {
    Ok(match key.map(|key| throttle::admit(tx, &[key])).transpose()? {
        Some(Admission::Wait(wait)) => Some(wait),
        Some(Admission::Admitted) | None => None,
    })
}

/// What was brought is the provider's: it does not count.
pub fn forgive_answer(tx: &mut Tx<'_>, limit: Limit) -> Result<(), db::Error> {
    match tx.origin.address {
        Some(address) => throttle::take_back(tx, &Key::provider_answered_from(address, limit)),
        None => Ok(()),
    }
}

/// Somebody has come back with what is the provider's and new: those who went there from this network did so for that.
pub fn forgive_questions(tx: &mut Tx<'_>, limit: Limit) -> Result<(), db::Error> {
    match tx.origin.address {
        Some(address) => {
            throttle::take_back(tx, &Key::address_typed_from(address, begun(limit)))?;
            throttle::forget(tx, &Key::provider_sought_from(address, begun(limit)))
        }
        None => Ok(()),
    }
}

fn begun(limit: Limit) -> Limit {
    Limit { count: limit.count.saturating_mul(BEGUN_FOR_ONE_REFUSED), ..limit }
}
