//! A session for the operator's own look at what the gate makes of one: minutes long, and without the portal.

use chrono::TimeDelta;

use super::open::issue_gate_cookies;
use super::{GateCookie, Method, Opening, Remember, store};
use crate::audit::{self, Event};
use crate::config::settings;
use crate::db::{self, Tx};
use crate::kernel::{DeviceId, SessionId, Token, UserId};

/// Should whoever opened it not come round to ending it.
const PROBE_TTL: TimeDelta = TimeDelta::minutes(5);

/// Nobody has proved anything: it counts as the strongest proof because the way to the apps is looked at, and not the
/// person. Nobody is told of a new place, no browser becomes known, and the portal's token is thrown away here.
pub fn open_probe(
    tx: &mut Tx<'_>,
    rules: &settings::Session,
    user: UserId,
) -> Result<(SessionId, Vec<GateCookie>), db::Error> {
    let (id, device) = (SessionId::new(tx.now), DeviceId::new(tx.now));
    let opening = Opening { user, by: &[Method::Passkey], provided: None, remember: Remember::No };
    let expires_at = tx.now + PROBE_TTL;
    let token = Token::generate().digest();
    store::insert(tx, &store::NewSession { id, device, token, opening: &opening, expires_at })?;
    let gate = issue_gate_cookies(tx, rules, id)?;
    audit::record(tx, Event::about(user, "session.lent"))?;
    Ok((id, gate))
}
