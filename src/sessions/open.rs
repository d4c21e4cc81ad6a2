use super::{GateCookie, Opened, Opening, Place, known_devices, places, store};
use crate::config::settings;
use crate::db::{self, Tx};
use crate::kernel::{DeviceId, SessionId, Token};

/// Opens a session for somebody who has just proved who they are, and says whether it is news where they are.
pub fn open(tx: &mut Tx<'_>, rules: &settings::Session, opening: &Opening<'_>) -> Result<(Opened, Place), db::Error> {
    let Opening { user, remember, .. } = *opening;
    let (id, device) = (SessionId::new(tx.now), DeviceId::new(tx.now));
    let token = Token::generate();
    let usual_end = tx.now + remember.absolute_timeout(rules);
    let end_elsewhere = opening.provided.and_then(|provided| provided.ends_at);
    let expires_at = end_elsewhere.map_or(usual_end, |end| end.min(usual_end));
    store::insert(tx, &store::NewSession { id, device, token: token.digest(), opening, expires_at })?;
    let gate = issue_gate_cookies(tx, rules, id)?;
    let known_by = Some(known_devices::remember(tx, user, device)?);
    let place = places::arrive(tx, user)?;
    Ok((Opened { id, device, user, token, known_by, gate, remember, expires_at }, place))
}

/// New gate tokens for a session that goes on; `None` when it has ended. The old ones are worthless from now on. Those
/// that were handed over stay as they are: no answer of the portal's could bring others.
pub fn renew_gate_cookies(
    tx: &mut Tx<'_>,
    rules: &settings::Session,
    session: SessionId,
) -> Result<Option<Vec<GateCookie>>, db::Error> {
    // Two at once wait for each other, or both would put their tokens into the same place.
    if !store::lock(tx, session)? {
        return Ok(None);
    }
    store::delete_domain_tokens(tx, session)?;
    issue_gate_cookies(tx, rules, session).map(Some)
}

/// One for each cookie domain.
pub(super) fn issue_gate_cookies(
    tx: &mut Tx<'_>,
    rules: &settings::Session,
    session: SessionId,
) -> Result<Vec<GateCookie>, db::Error> {
    let domains: Vec<Option<String>> = match rules.cookie_domains.as_slice() {
        [] => vec![None],
        domains => domains.iter().cloned().map(Some).collect(),
    };
    let mut cookies = Vec::with_capacity(domains.len());
    for domain in domains {
        let token = Token::generate();
        store::insert_gate_token(tx, session, domain.as_deref().unwrap_or_default(), &token.digest())?;
        cookies.push(GateCookie { domain, token });
    }
    Ok(cookies)
}
