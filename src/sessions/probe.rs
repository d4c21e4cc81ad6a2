//! A session for the operator's own look at what the gate makes of one: minutes long, and without the portal.

use chrono::TimeDelta;

use super::hand_overs::issue_handed;
use super::open::issue_gate_cookies;
use super::{GateCookie, Method, Opening, Remember, store};
use crate::audit::{self, Event};
use crate::config::settings;
use crate::db::{self, Tx};
use crate::kernel::{DeviceId, SessionId, Token, UserId};

/// Should whoever opened it not come round to ending it.
const PROBE_TTL: TimeDelta = TimeDelta::minutes(5);

/// A session just opened, with the secrets that open the gate.
pub struct Probe {
    pub id: SessionId,
    pub gate: Vec<GateCookie>,
    /// Each with the host that it is good at.
    pub handed: Vec<(String, Token)>,
}

/// At `hosts`, which no cookie of the portal's reaches, it is handed over at once. They are as the gate has them: in
/// lower case, without a port.
///
/// Nobody has proved anything: it counts as the strongest proof because the way to the apps is looked at, and not the
/// person. Nobody is told of a new place, no browser becomes known, and the portal's token is thrown away here.
pub fn open_probe(
    tx: &mut Tx<'_>,
    rules: &settings::Session,
    user: UserId,
    hosts: &[String],
) -> Result<Probe, db::Error> {
    let (id, device) = (SessionId::new(tx.now), DeviceId::new(tx.now));
    let opening = Opening { user, by: &[Method::Passkey], provided: None, remember: Remember::No };
    let expires_at = tx.now + PROBE_TTL;
    let token = Token::generate().digest();
    store::insert(tx, &store::NewSession { id, device, token, opening: &opening, expires_at })?;
    let gate = issue_gate_cookies(tx, rules, id)?;
    let mut handed = Vec::with_capacity(hosts.len());
    for host in hosts {
        handed.push((host.clone(), issue_handed(tx, id, host)?));
    }
    audit::record(tx, Event::about(user, "session.lent"))?;
    Ok(Probe { id, gate, handed })
}
