use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::store::{self, Found};
use super::{PREFIX, Scope, Scopes};
use crate::affiliations::Affiliations;
use crate::app::App;
use crate::crypto::Sealer;
use crate::db::{self, ReadTx};
use crate::kernel::{ApiKeyId, Digest, EmailAddress, UserId};
use crate::sessions::{LiveSessions, Remembered, Thing};

/// A program that has shown a key which is good, and whose key it is.
#[derive(Clone, Debug)]
pub struct Program {
    pub key: ApiKeyId,
    pub user: UserId,
    pub email: EmailAddress,
    pub email_verified: bool,
    /// Of the person.
    pub name: String,
    pub scopes: Scopes,
    pub expires_at: DateTime<Utc>,
    /// To the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// From when on an organization asks the person for a second factor who has none.
    pub second_factor_due: Option<DateTime<Utc>>,
}

impl Program {
    /// Whether a second factor is asked for that the person has not.
    pub fn lacks_second_factor(&self, now: DateTime<Utc>) -> bool {
        self.second_factor_due.is_some_and(|due| due <= now)
    }
}

/// A text of our making: by its tag it may be a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shown(Digest);

impl Shown {
    /// `None` for whatever no node with one of these keys has made.
    pub fn parse(sealer: &Sealer, text: &[u8]) -> Option<Self> {
        sealer.untag(text.strip_prefix(PREFIX.as_bytes())?).map(|token| Self(token.digest()))
    }
}

/// A program that this node remembers for its gate, and what the door keeps beside it.
pub struct KnownProgram<K> {
    pub program: Program,
    pub kept: K,
}

impl<K> Remembered for KnownProgram<K> {
    fn thing(&self) -> Thing {
        Thing::Key(self.program.key)
    }

    fn user(&self) -> UserId {
        self.program.user
    }
}

/// Whose key it is, as PostgreSQL has it at this moment. `None` when it was revoked or its end has come, or its holder is
/// disabled.
pub async fn authenticate(app: &App, shown: Shown) -> Result<Option<Program>, db::Error> {
    let Shown(digest) = shown;
    let now = app.clock.now();
    let found = app.db.look_up(move |tx| store::find_by_digest(tx, &digest)).await?;
    Ok(good(found, now))
}

/// The same for the gate, which is asked far more often: from memory where that can be trusted. `None` for a key that is
/// not good for apps, too.
pub async fn recognise<S, K>(
    app: &App,
    live: &LiveSessions<S, KnownProgram<K>>,
    shown: Shown,
    keep: impl FnOnce(&Program, &Affiliations) -> K,
) -> Result<Option<Arc<KnownProgram<K>>>, db::Error> {
    let Shown(digest) = shown;
    let now = app.clock.now();
    if let Some(known) = live.recall(&app.db, &digest).filter(|known| now < known.program.expires_at) {
        return Ok(Some(known));
    }
    let ticket = live.ticket();
    let policy = app.policy.load_full();
    let look_up = move |tx: &mut ReadTx<'_>| store::find_for_gate(tx, &digest, &policy.gateway.organizations);
    let (found, server) = app.db.look_up_somewhere(look_up).await?;
    let (found, affiliations) = found.unzip();
    let Some(program) = good(found, now).filter(|program| program.scopes.has(Scope::Gateway)) else { return Ok(None) };
    let known = Arc::new(KnownProgram { kept: keep(&program, &affiliations.unwrap_or_default()), program });
    live.remember(digest, &known, ticket, &server);
    Ok(Some(known))
}

fn good(found: Option<Found>, now: DateTime<Utc>) -> Option<Program> {
    found.filter(|found| !found.is_disabled && now < found.program.expires_at).map(|found| found.program)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::SecretKey;
    use crate::kernel::Token;

    fn sealer(byte: u8) -> Sealer {
        Sealer::new(&[SecretKey::from_bytes(vec![byte; 32]).unwrap()]).unwrap()
    }

    #[test]
    fn a_key_is_known_for_ours_and_nothing_else_is() {
        let (own, token) = (sealer(7), Token::generate());
        let key = format!("vst_{}", own.tag(&token));
        assert_eq!(key.len(), 68);
        assert_eq!(Shown::parse(&own, key.as_bytes()), Some(Shown(token.digest())));
        let tag_of_nobody = format!("vst_{}", "A".repeat(64));
        let strangers = [
            own.tag(&token),
            format!("VST_{}", own.tag(&token)),
            format!("vst_{}", token.expose()),
            format!("vst_{}", sealer(8).tag(&token)),
            format!("{key} "),
            format!("{key}="),
            key[..67].to_owned(),
            tag_of_nobody,
            "vst_".to_owned(),
            String::new(),
        ];
        for text in strangers {
            assert_eq!(Shown::parse(&own, text.as_bytes()), None, "{text}");
        }
    }
}
