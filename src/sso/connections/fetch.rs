use chrono::{DateTime, TimeDelta, Utc};
use url::Url;

use crate::outbound::{self, Outside, Unreachable};
use crate::sso::saml::metadata::{self, LONGEST, Metadata, Unreadable};

/// How often metadata is fetched that has an address.
pub const REFRESH: TimeDelta = TimeDelta::hours(12);

/// Why nothing has come of it. The sentence is for those who look after the connection.
#[derive(Debug, thiserror::Error)]
pub enum Unfetchable {
    #[error("{0}")]
    Unreachable(#[from] Unreachable),
    /// It leads elsewhere, perhaps to where nobody may look.
    #[error("It answered with a redirection ({0}), which is not followed. Give the URL that it leads to.")]
    Redirected(u16),
    #[error("It answered with status {0}.")]
    Refused(u16),
    #[error("{0}")]
    Unreadable(#[from] Unreadable),
}

/// Fetches and reads the metadata of a provider: no longer than the patience of `outside`, and no more than it may have.
pub async fn fetch(outside: &Outside, url: &Url, now: DateTime<Utc>) -> Result<Metadata, Unfetchable> {
    let answer = outside.get(url).await?;
    let status = answer.status();
    if status.is_redirection() {
        return Err(Unfetchable::Redirected(status.as_u16()));
    }
    if !status.is_success() {
        return Err(Unfetchable::Refused(status.as_u16()));
    }
    // One byte more shows that there is too much.
    let document = outbound::all_of(answer, LONGEST + 1).await?;
    Ok(metadata::read(&document, now)?)
}
