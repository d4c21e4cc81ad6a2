use super::{Domain, Error, Name, Proof, ProvedBy, store};
use crate::audit::{self, Event};
use crate::db::{self, Tx};
use crate::kernel::{ConnectionId, DomainId, OrganizationId, Token};
use crate::sessions::{self, EndReason};

/// Domains that one organization can have.
pub const MOST: i64 = 50;

/// Of which unique constraints and indexes tell.
const PROVED_ONCE: &str = "domains_proved_once";

/// The organization says that a domain is its own, and is given what to prove it by. The organization is locked.
pub fn claim(tx: &mut Tx<'_>, organization: OrganizationId, name: &Name) -> Result<Domain, Error> {
    if store::find(tx, organization, name)?.is_some() {
        return Err(Error::Repeated);
    }
    if store::count(tx, organization)? >= MOST {
        return Err(Error::TooMany);
    }
    let domain = Domain {
        id: DomainId::new(tx.now),
        organization,
        name: name.clone(),
        token: Token::generate().expose(),
        connection: None,
        proof: None,
        checked_at: None,
        check_error: None,
        missing_since: None,
        created_at: tx.now,
    };
    store::insert(tx, &domain)?;
    audit::record(tx, event(&domain, "domain.claimed"))?;
    Ok(domain)
}

/// By which connection its people sign in; they can as soon as it is proved. The organization is locked.
pub fn assign(tx: &mut Tx<'_>, domain: &Domain, connection: Option<ConnectionId>) -> Result<(), Error> {
    if let Some(connection) = connection
        && !store::has_connection(tx, domain.organization, connection)?
    {
        return Err(Error::NoSuchConnection);
    }
    let before = store::lock(tx, domain.id)?.ok_or(Error::Unknown)?;
    if before.connection == connection {
        return Ok(());
    }
    store::set_connection(tx, domain.id, connection)?;
    if let (Some(connection), Some(_)) = (connection, before.proof) {
        store::enforce_anew(tx, connection)?;
    }
    let event = event(domain, "domain.assigned");
    let event = match connection {
        Some(connection) => event.with("connection", connection.to_string()),
        None => event,
    };
    Ok(audit::record(tx, event)?)
}

/// The operator says that it is theirs, who may not have claimed it yet. The organization is locked.
pub fn prove_by_word(tx: &mut Tx<'_>, organization: OrganizationId, name: &Name) -> Result<Domain, Error> {
    let found = store::find(tx, organization, name)?;
    let domain = match found {
        Some(domain) => domain,
        None => claim(tx, organization, name)?,
    };
    prove(tx, &domain, ProvedBy::Operator)?;
    store::lock(tx, domain.id)?.ok_or(Error::Unknown)
}

/// The organization is locked. It is refused where another has proved it, at this moment even.
pub(super) fn prove(tx: &mut Tx<'_>, domain: &Domain, by: ProvedBy) -> Result<(), Error> {
    let proof = Proof { at: tx.now, by };
    match store::set_proof(tx, domain.id, proof) {
        Ok(()) => {}
        Err(db::Error::Duplicate(constraint)) if constraint == PROVED_ONCE => return Err(Error::Taken),
        Err(error) => return Err(error.into()),
    }
    if domain.proof.map(|proof| proof.by) == Some(by) {
        return Ok(());
    }
    if let (Some(connection), None) = (domain.connection, domain.proof) {
        store::enforce_anew(tx, connection)?;
    }
    Ok(audit::record(tx, event(domain, "domain.proved").with("by", by.as_str()))?)
}

/// The organization says no more that it is its own. Its people sign in as everybody does. The organization is locked.
pub fn remove(tx: &mut Tx<'_>, organization: OrganizationId, name: &Name) -> Result<Domain, Error> {
    let domain = store::find(tx, organization, name)?.ok_or(Error::Unknown)?;
    end_sign_ins(tx, &domain)?;
    store::delete(tx, domain.id)?;
    audit::record(tx, event(&domain, "domain.removed"))?;
    Ok(domain)
}

/// A connection speaks for the people of a domain for as long as it is proved. Others of its people stay who can come by it
/// all the same.
pub(super) fn end_sign_ins(tx: &mut Tx<'_>, domain: &Domain) -> Result<(), db::Error> {
    let (Some(connection), Some(_)) = (domain.connection, domain.proof) else { return Ok(()) };
    let sign_ins = store::list_sign_ins_of(tx, connection, domain)?;
    sessions::revoke_of_providers(tx, &sign_ins, EndReason::ProviderGone)?;
    store::delete_sign_ins(tx, &sign_ins)
}

pub(super) fn event(domain: &Domain, kind: &'static str) -> Event {
    Event::about_nobody(kind).within(domain.organization).with("domain", domain.name.as_str())
}
