//! Metadata that has an address is fetched again and again. What was read before holds until something good is read.

use chrono::{DateTime, TimeDelta, Utc};
use url::Url;

use super::fetch::{self, REFRESH, Unfetchable};
use super::wish::Provider;
use super::{Connection, Error, Fetched, Source, change, event, store};
use crate::app::App;
use crate::audit;
use crate::db::Tx;
use crate::kernel::{ConnectionId, Origin};

/// After a failure it is tried again not before this.
const SHORTEST_PAUSE: TimeDelta = TimeDelta::minutes(15);

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refreshed {
    /// It has no address, or is gone.
    NothingToFetch,
    /// It says what it said before.
    Same,
    Changed,
    /// What was read before holds; the sentence is kept with the connection.
    Failed(String),
}

/// Fetches the metadata of what is due for the longest time; `None` when nothing is.
pub async fn refresh_next(app: &App) -> Result<Option<Refreshed>, Error> {
    let origin = Origin::system("refresh_metadata");
    let claim = move |tx: &mut Tx<'_>| store::claim_due(tx, SHORTEST_PAUSE);
    match app.db.write(&origin, claim).await? {
        Some(id) => refresh(app, &origin, id).await.map(Some),
        None => Ok(None),
    }
}

/// Fetches the metadata of this connection now.
pub async fn refresh(app: &App, origin: &Origin, id: ConnectionId) -> Result<Refreshed, Error> {
    let Some(connection) = app.db.look_up(move |tx| store::find(tx, id)).await? else {
        return Ok(Refreshed::NothingToFetch);
    };
    let Source::Url(fetched) = &connection.source else { return Ok(Refreshed::NothingToFetch) };
    let Ok(url) = Url::parse(&fetched.url) else { return Ok(Refreshed::NothingToFetch) };
    let read = fetch::fetch(&app.providers, &url, app.clock.now()).await;
    app.db.write(origin, move |tx| keep(tx, id, &url, read.as_ref())).await
}

fn keep(
    tx: &mut Tx<'_>,
    id: ConnectionId,
    url: &Url,
    read: Result<&crate::sso::saml::Metadata, &Unfetchable>,
) -> Result<Refreshed, Error> {
    let Some(connection) = store::lock(tx, id)? else { return Ok(Refreshed::NothingToFetch) };
    let Source::Url(before) = connection.source.clone() else { return Ok(Refreshed::NothingToFetch) };
    // Somebody has typed another one meanwhile, which was read then.
    if before.url != url.as_str() {
        return Ok(Refreshed::Same);
    }
    match read {
        Ok(read) if read.entity_id == connection.idp.entity_id => {
            let fetched = Fetched { at: tx.now, error: None, due: tx.now + REFRESH, ..before };
            take(tx, connection, Provider::new(read.clone(), Source::Url(fetched)))
        }
        // Whoever has taken the address over is not to take the organization's people over.
        Ok(read) => fail(tx, connection, before, format!("It describes another provider: {}.", read.entity_id)),
        Err(error) => fail(tx, connection, before, error.to_string()),
    }
}

fn take(tx: &mut Tx<'_>, connection: Connection, provider: Provider) -> Result<Refreshed, Error> {
    let is_another = connection.idp != provider.idp;
    let after = Connection { idp: provider.idp, source: provider.source, ..connection };
    store::update(tx, &after)?;
    let has_others = change::replace_certificates(tx, after.id, &provider.certificates)?;
    if !is_another && !has_others {
        return Ok(Refreshed::Same);
    }
    store::touch(tx, after.id)?;
    audit::record(tx, event(&after, "sso.metadata_refreshed").with("certificates", provider.certificates.len()))?;
    Ok(Refreshed::Changed)
}

fn fail(tx: &mut Tx<'_>, connection: Connection, before: Fetched, why: String) -> Result<Refreshed, Error> {
    log::warn!(connection:% = connection.id; "the metadata of an identity provider was not refreshed: {why}");
    let is_new = before.error.is_none();
    let due = tx.now + pause(tx.now - before.at);
    let fetched = Fetched { error: Some(why.clone()), due, ..before };
    let after = Connection { source: Source::Url(fetched), ..connection };
    store::update(tx, &after)?;
    if is_new {
        audit::record(tx, event(&after, "sso.metadata_failed").with("why", why.as_str()))?;
    }
    Ok(Refreshed::Failed(why))
}

/// As long as it has been overdue: so each pause is about twice the one before.
fn pause(age: TimeDelta) -> TimeDelta {
    (age - REFRESH).clamp(SHORTEST_PAUSE, REFRESH)
}

/// How many cannot be fetched as things stand, for the operator.
pub fn count_failing(tx: &mut crate::db::ReadTx<'_>) -> Result<i64, crate::db::Error> {
    store::count_failing(tx)
}

/// When the certificate ends that ends next, of any connection; one that has ended counts for as long as it is there.
pub fn first_end(tx: &mut crate::db::ReadTx<'_>) -> Result<Option<DateTime<Utc>>, crate::db::Error> {
    store::first_end(tx)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pause_after_a_failure_is_about_twice_the_one_before() {
        let mut age = REFRESH;
        let pauses: Vec<i64> = (0..9)
            .map(|_| {
                let next = pause(age);
                age += next;
                next.num_minutes()
            })
            .collect();
        assert_eq!(pauses, [15, 15, 30, 60, 120, 240, 480, 720, 720]);
    }
}
