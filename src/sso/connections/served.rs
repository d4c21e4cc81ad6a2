use super::{Connection, Error};
use crate::db::Tx;
use crate::domains::{self, Name};

/// From now on its people are those of these domains, once they are proved. What the organization has not claimed is
/// claimed. The organization is locked.
pub(super) fn serve(tx: &mut Tx<'_>, connection: &Connection, names: &[Name]) -> Result<(), Error> {
    for domain in domains::list_of_connection(tx, connection.id)? {
        if !names.contains(&domain.name) {
            domains::assign(tx, &domain, None)?;
        }
    }
    for name in names {
        let domain = match domains::find(tx, connection.organization, name)? {
            Some(domain) => domain,
            None => domains::claim(tx, connection.organization, name)?,
        };
        domains::assign(tx, &domain, Some(connection.id))?;
    }
    Ok(())
}
