use super::{Attributes, Connection, Error, Idp, Key, MOST, Mappings, Source, event, purpose, store};
use crate::audit;
use crate::crypto::Sealer;
use crate::db::Tx;
use crate::kernel::{ConnectionId, ConnectionKeyId, Label, OrganizationId};
use crate::orgs::Role;
use crate::sso::saml::Certificate;
use crate::sso::saml::keys::Pair;

/// What is wished for.
#[derive(Clone, Debug)]
pub struct New {
    pub name: Label,
    pub idp: Idp,
    pub certificates: Vec<Certificate>,
    pub source: Source,
    pub attributes: Attributes,
    pub mappings: Mappings,
    pub default_role: Option<Role>,
    pub signs_requests: bool,
    pub allows_idp_initiated: bool,
}

/// Adds a connection that serves nobody yet. `pair` becomes the key of ours: it was made before, outside of the
/// transaction ([`crate::sso::saml::keys::generate`]).
pub fn add(
    tx: &mut Tx<'_>,
    sealer: &Sealer,
    organization: OrganizationId,
    new: New,
    pair: &Pair,
) -> Result<Connection, Error> {
    // Two at once have waited for each other, so both are not the last that there is room for.
    if store::count(tx, organization)? >= MOST {
        return Err(Error::TooMany);
    }
    let connection = Connection {
        id: ConnectionId::new(tx.now),
        organization,
        name: new.name.as_str().to_owned(),
        idp: new.idp,
        source: new.source,
        attributes: new.attributes,
        default_role: new.default_role,
        signs_requests: new.signs_requests,
        allows_idp_initiated: new.allows_idp_initiated,
        enforced_from: None,
        tested_at: None,
        tested_by: None,
        created_at: tx.now,
        changed_at: tx.now,
    };
    store::insert(tx, &connection)?;
    store::insert_certificates(tx, connection.id, &new.certificates)?;
    store::insert_roles(tx, connection.id, &new.mappings.roles)?;
    store::insert_groups(tx, connection.id, &new.mappings.groups)?;
    let key = Key {
        id: ConnectionKeyId::new(tx.now),
        certificate: pair.certificate.clone(),
        signs: true,
        created_at: tx.now,
        not_after: pair.not_after,
    };
    store::insert_key(tx, connection.id, &key, &sealer.seal(&purpose(key.id), &pair.key)?)?;
    audit::record(tx, event(&connection, "sso.connection_added").with("provider", connection.idp.entity_id.as_str()))?;
    Ok(connection)
}
