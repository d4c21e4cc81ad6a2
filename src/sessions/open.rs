use super::{GateCookie, Method, Opened, Place, Remember, known_devices, places, store};
use crate::config::settings;
use crate::db::{self, Tx};
use crate::kernel::{DeviceId, SessionId, Token, UserId};

/// Opens a session for somebody who has just proved who they are, and says whether it is news where they are.
pub fn open(
    tx: &mut Tx<'_>,
    rules: &settings::Session,
    user: UserId,
    by: &[Method],
    remember: Remember,
) -> Result<(Opened, Place), db::Error> {
    let (id, device) = (SessionId::new(tx.now), DeviceId::new(tx.now));
    let token = Token::generate();
    let expires_at = tx.now + remember.absolute_timeout(rules);
    store::insert(tx, &store::NewSession { id, device, user, token: token.digest(), by, remember, expires_at })?;
    let gate = issue_gate_cookies(tx, rules, id)?;
    let known_by = Some(known_devices::remember(tx, user, device)?);
    let place = places::arrive(tx, user)?;
    Ok((Opened { id, device, user, token, known_by, gate, remember, expires_at }, place))
}

/// New gate tokens for a session that goes on; `None` when it has ended. The old ones are worthless from now on.
pub fn renew_gate_cookies(
    tx: &mut Tx<'_>,
    rules: &settings::Session,
    session: SessionId,
) -> Result<Option<Vec<GateCookie>>, db::Error> {
    // Two at once wait for each other, or both would put their tokens into the same place.
    if !store::lock(tx, session)? {
        return Ok(None);
    }
    store::delete_gate_tokens(tx, session)?;
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
