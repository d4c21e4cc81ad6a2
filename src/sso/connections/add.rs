use super::wish::{Changes, Fault, Provider};
use super::{Attributes, Connection, Error, MOST, Mappings, enforcement, event, mappings, served, store};
use super::{keys, wish::ByHand};
use crate::audit;
use crate::crypto::Sealer;
use crate::db::Tx;
use crate::domains;
use crate::kernel::{ConnectionId, Label, OrganizationId};
use crate::orgs::Role;
use crate::sso::saml::keys::Pair;

/// What is wished for, with all that it takes.
#[derive(Clone, Debug)]
pub struct New {
    name: Label,
    provider: Provider,
    domains: Vec<domains::Name>,
    changes: Changes,
}

impl New {
    /// Or what is missing.
    pub fn from_changes(mut changes: Changes) -> Result<Self, Vec<Fault>> {
        let provider = changes.provider.take();
        let by_hand = std::mem::take(&mut changes.by_hand);
        if provider.is_some() && by_hand != ByHand::default() {
            let both = "Give the metadata, or what it would say by hand, and not both.";
            return Err(vec![("idp_entity_id", both.to_owned())]);
        }
        let missing = missing_of(&by_hand);
        match (changes.name.take(), provider.or_else(|| Provider::by_hand(by_hand))) {
            (Some(name), Some(provider)) => {
                let domains = changes.domains.take().unwrap_or_default();
                Ok(Self { name, provider, domains, changes })
            }
            (name, provider) => {
                let no_name = name.is_none().then(|| ("name", "Give it a name.".to_owned()));
                let no_provider = provider.is_none().then_some(missing).into_iter().flatten();
                Err(no_name.into_iter().chain(no_provider).collect())
            }
        }
    }
}

/// Somebody who has given nothing of it is better told of the metadata.
fn missing_of(parts: &ByHand) -> Vec<Fault> {
    if *parts == ByHand::default() {
        let nothing = "Give the provider's metadata, its URL, or entity id, URL and certificate by hand.";
        return vec![("metadata_xml", nothing.to_owned())];
    }
    let all = [
        (parts.entity_id.is_none(), "idp_entity_id", "Enter what the provider calls itself."),
        (parts.sso.is_none(), "sso_url", "Enter where the provider takes requests to sign in."),
        (parts.certificates.is_none(), "certificates", "Give a certificate that the provider signs with."),
    ];
    all.into_iter().filter(|(is_missing, ..)| *is_missing).map(|(_, field, why)| (field, why.to_owned())).collect()
}

/// Adds a connection that serves nobody before one of its domains is proved. `pair` becomes the key of ours: it was made
/// before, outside of the transaction ([`crate::sso::saml::keys::generate`]). The organization is locked.
pub fn add(
    tx: &mut Tx<'_>,
    sealer: &Sealer,
    organization: OrganizationId,
    new: New,
    pair: &Pair,
) -> Result<Connection, Error> {
    if store::count(tx, organization)? >= MOST {
        return Err(Error::TooMany);
    }
    let New { name, provider, domains, changes } = new;
    let connection = Connection {
        id: ConnectionId::new(tx.now),
        organization,
        name: name.as_str().to_owned(),
        idp: provider.idp,
        source: provider.source,
        attributes: Attributes {
            email: changes.email_attribute.flatten(),
            name: changes.name_attribute.flatten(),
            groups: changes.groups_attribute.flatten(),
        },
        // Whoever its provider sends belongs to it.
        default_role: changes.default_role.unwrap_or(Some(Role::Member)),
        signs_requests: changes.signs_requests.unwrap_or(true),
        allows_idp_initiated: changes.allows_idp_initiated.unwrap_or(false),
        enforced_from: None,
        tested_at: None,
        tested_by: None,
        created_at: tx.now,
        changed_at: tx.now,
    };
    let groups = mappings::resolve(tx, organization, changes.groups.unwrap_or_default())?;
    store::insert(tx, &connection)?;
    store::insert_certificates(tx, connection.id, &provider.certificates)?;
    mappings::put(tx, connection.id, &Mappings { roles: changes.roles.unwrap_or_default(), groups })?;
    keys::put(tx, sealer, &connection, pair, keys::Use::Signs)?;
    audit::record(tx, event(&connection, "sso.connection_added").with("provider", connection.idp.entity_id.as_str()))?;
    served::serve(tx, &connection, &domains)?;
    if let Some(owners) = &changes.break_glass {
        enforcement::name_break_glass(tx, &connection, owners)?;
    }
    if let Some(from) = changes.enforced_from {
        enforcement::enforce(tx, &connection, from)?;
    }
    Ok(connection)
}
