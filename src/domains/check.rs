use chrono::{DateTime, TimeDelta, Utc};

use super::change::{end_sign_ins, event, prove};
use super::dns::{self, Record, Seen};
use super::{Domain, Error, Name, ProvedBy, store};
use crate::app::App;
use crate::audit;
use crate::crypto::Sealer;
use crate::db::{self, Tx};
use crate::kernel::{DomainId, EmailAddress, OrganizationId, Origin, Shutdown, UserId};
use crate::mail::{self, DomainChange, Letter};
use crate::orgs::{self, Permission};
use crate::throttle::{self, Admission, Key};

/// How long a record that proved a domain may be missing.
const PATIENCE: TimeDelta = TimeDelta::days(7);

/// After so many days without it the owners are told, again and again.
const WARNINGS: [i64; 3] = [0, 3, 6];

/// Until a record is looked for again that was there, and one that could not be looked for.
const USUAL_PAUSE: TimeDelta = TimeDelta::days(1);
const SHORT_PAUSE: TimeDelta = TimeDelta::hours(1);

/// What became of a domain whose record was looked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Checked {
    Proved,
    /// And why it is not, or may not be for much longer; a sentence for whoever asked.
    NotSeen(String),
}

/// Looks for the record of a domain now, because an owner of its organization wants it.
pub async fn check(
    app: &App,
    origin: &Origin,
    (user, organization): (UserId, OrganizationId),
    name: Name,
) -> Result<(Domain, Checked), Error> {
    let (limit, asked, wanted) = (app.settings.limits.login_per_network, name.clone(), name.clone());
    let begin = move |tx: &mut Tx<'_>| {
        orgs::act(tx, user, organization, Permission::ManageSingleSignOn)?;
        // Each of them is work for others' servers.
        if let Admission::Wait(wait) = throttle::admit(tx, &[Key::domain_checked_of(organization, limit)])? {
            return Ok(Err(wait));
        }
        Ok::<_, Error>(Ok(store::find(tx, organization, &asked)?.ok_or(Error::Unknown)?))
    };
    let domain = app.db.write(origin, begin).await?.map_err(Error::Wait)?;
    let seen = dns::look_for(app.settings.sso.dns_server, &Record::of(&domain)).await;
    let sealer = app.sealer.clone();
    let settle = move |tx: &mut Tx<'_>| {
        orgs::act(tx, user, organization, Permission::ManageSingleSignOn)?;
        let domain = store::find(tx, organization, &name)?.ok_or(Error::Unknown)?;
        let checked = settle(tx, &sealer, &domain, seen)?;
        Ok((store::find(tx, organization, &name)?.ok_or(Error::Unknown)?, checked))
    };
    match app.db.write(origin, settle).await {
        // Perhaps the domain was theirs: if their record is gone as well, that is found out soon.
        Err(Error::Taken) => {
            app.db.write::<_, db::Error, _>(origin, move |tx| store::hasten(tx, &wanted)).await?;
            Err(Error::Taken)
        }
        settled => settled,
    }
}

/// Looks for the records of all whose turn it is. How many.
pub async fn check_due(app: &App, shutdown: &Shutdown) -> Result<usize, db::Error> {
    let origin = Origin::system("check_domains");
    let mut checked = 0;
    while !shutdown.is_requested() {
        let Some(domain) = app.db.write(&origin, take_due).await? else { break };
        let seen = dns::look_for(app.settings.sso.dns_server, &Record::of(&domain)).await;
        match settle_due(app, &origin, domain.id, seen).await {
            Ok(()) => checked += 1,
            Err(Error::Db(error)) => return Err(error),
            Err(error) => {
                return Err(db::Error::Internal(format!("the domain {} was not checked: {error}", domain.id)));
            }
        }
    }
    Ok(checked)
}

/// Whoever is killed on the way leaves it to the next one after a while.
fn take_due(tx: &mut Tx<'_>) -> Result<Option<Domain>, db::Error> {
    let Some(domain) = store::lock_due(tx)? else { return Ok(None) };
    let again = tx.now + SHORT_PAUSE;
    store::set_check_due(tx, domain.id, again)?;
    Ok(Some(domain))
}

async fn settle_due(app: &App, origin: &Origin, id: DomainId, seen: Seen) -> Result<(), Error> {
    let sealer = app.sealer.clone();
    let work = move |tx: &mut Tx<'_>| {
        let Some(domain) = store::find_by_id(tx, id)? else { return Ok(()) };
        if orgs::lock(tx, domain.organization)?.is_none() {
            return Ok(());
        }
        match store::lock(tx, id)? {
            // It may have been given up meanwhile, or the operator has vouched for it.
            Some(domain) if domain.proof.is_some_and(|proof| proof.by == ProvedBy::Dns) => {
                settle(tx, &sealer, &domain, seen).map(|_| ())
            }
            Some(_) | None => Ok(()),
        }
    };
    app.db.write(origin, work).await
}

/// The organization is locked.
fn settle(tx: &mut Tx<'_>, sealer: &Sealer, domain: &Domain, seen: Seen) -> Result<Checked, Error> {
    let proved_by = domain.proof.map(|proof| proof.by);
    match (seen, proved_by) {
        (Seen::There, Some(ProvedBy::Operator)) => Ok(Checked::Proved),
        (Seen::There, Some(ProvedBy::Dns) | None) => {
            prove(tx, domain, ProvedBy::Dns)?;
            Ok(Checked::Proved)
        }
        (Seen::Missing(why) | Seen::Others(why, _) | Seen::Unknown(why), None | Some(ProvedBy::Operator)) => {
            store::note_check(tx, domain.id, &why, None)?;
            Ok(Checked::NotSeen(why))
        }
        // The domain has changed hands: whoever has it now says so where nobody else could.
        (Seen::Others(why, tokens), Some(ProvedBy::Dns)) if store::is_anothers_token(tx, domain, &tokens)? => {
            lose(tx, sealer, domain, &why)?;
            Ok(Checked::NotSeen(why))
        }
        (Seen::Unknown(why), Some(ProvedBy::Dns)) => {
            let due = tx.now + SHORT_PAUSE;
            store::note_check(tx, domain.id, &why, Some(due))?;
            Ok(Checked::NotSeen(why))
        }
        (Seen::Missing(why) | Seen::Others(why, _), Some(ProvedBy::Dns)) => {
            miss(tx, sealer, domain, &why)?;
            Ok(Checked::NotSeen(why))
        }
    }
}

/// A record that proved a domain is not there.
fn miss(tx: &mut Tx<'_>, sealer: &Sealer, domain: &Domain, why: &str) -> Result<(), Error> {
    let since = domain.missing_since.unwrap_or(tx.now);
    let ends_at = since + PATIENCE;
    if ends_at <= tx.now {
        return lose(tx, sealer, domain, why);
    }
    let due = (tx.now + USUAL_PAUSE).min(ends_at);
    store::note_check(tx, domain.id, why, Some(due))?;
    store::set_missing_since(tx, domain.id, since)?;
    if is_warning_due(domain, since, tx.now) {
        tell(tx, sealer, domain, &DomainChange::Missing(ends_at))
    } else {
        Ok(())
    }
}

/// It is the organization's no more, and what its provider said of people there ends.
fn lose(tx: &mut Tx<'_>, sealer: &Sealer, domain: &Domain, why: &str) -> Result<(), Error> {
    end_sign_ins(tx, domain)?;
    store::clear_proof(tx, domain.id, why)?;
    audit::record(tx, event(domain, "domain.lost"))?;
    tell(tx, sealer, domain, &DomainChange::Lost)
}

/// Whether one of the [`WARNINGS`] has come up since the record was missed before.
fn is_warning_due(domain: &Domain, since: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    let before = domain.missing_since.and(domain.checked_at).map_or(-1, |at| (at - since).num_days());
    WARNINGS.iter().any(|day| before < *day && *day <= (now - since).num_days())
}

/// Writes to the owners, as far as letters reach them.
fn tell(tx: &mut Tx<'_>, sealer: &Sealer, domain: &Domain, change: &DomainChange) -> Result<(), Error> {
    let Some(slug) = store::find_slug(tx, domain.organization)? else { return Ok(()) };
    for (owner, address) in store::list_owners(tx, domain.organization)? {
        let Ok(address) = EmailAddress::parse(&address) else { continue };
        let letter = Letter::DomainChanged {
            change: change.clone(),
            domain: domain.name.to_string(),
            organization: slug.clone(),
        };
        mail::enqueue(tx, sealer, &address, Some(owner), letter)?;
    }
    Ok(())
}
