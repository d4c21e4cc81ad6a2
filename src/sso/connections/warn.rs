//! Certificates of providers run out; those who look after them are told a month before, a week before, and then.

use chrono::TimeDelta;

use super::{Error, event, store};
use crate::audit;
use crate::crypto::Sealer;
use crate::db::Tx;
use crate::kernel::EmailAddress;
use crate::mail::{self, Ending, Letter};

/// Before the end of a certificate, when there is a warning.
pub const WARNINGS: [TimeDelta; 3] = [TimeDelta::days(30), TimeDelta::days(7), TimeDelta::zero()];

/// Writes of the next certificate that calls for it: to the log, the audit, and the organization's owners and admins. Once
/// for each of [`WARNINGS`]. `false` when there is none.
pub fn warn_next(tx: &mut Tx<'_>, sealer: &Sealer) -> Result<bool, Error> {
    let Some((id, certificate)) = store::lock_unwarned(tx, &WARNINGS)? else { return Ok(false) };
    store::set_warned(tx, id, &certificate.sha256)?;
    let Some(connection) = store::find(tx, id)? else { return Ok(true) };
    let ending = if certificate.not_after <= tx.now { Ending::Over } else { Ending::Soon };
    log::warn!(
        connection:% = id, not_after:% = certificate.not_after.to_rfc3339();
        "a certificate of an identity provider {}", if ending == Ending::Over { "has run out" } else { "runs out soon" }
    );
    let event = event(&connection, "sso.certificate_ending").with("not_after", certificate.not_after.to_rfc3339());
    audit::record(tx, event)?;
    let slug = store::find_slug(tx, connection.organization)?;
    for (person, address) in store::list_admins(tx, connection.organization)? {
        let Ok(address) = EmailAddress::parse(&address) else { continue };
        let letter = Letter::CertificateEnds {
            organization: slug.clone(),
            connection: connection.name.clone(),
            subject: certificate.subject.clone(),
            ends_at: certificate.not_after,
            ending,
        };
        mail::enqueue(tx, sealer, &address, Some(person), letter)?;
    }
    Ok(true)
}
