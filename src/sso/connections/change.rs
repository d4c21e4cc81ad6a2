use super::wish::{ByHand, Changes};
use super::{Connection, Error, Mappings, Source, enforcement, event, load_mappings, mappings, served, store};
use crate::audit;
use crate::db::{self, Tx};
use crate::kernel::{ConnectionId, OrganizationId};
use crate::sessions::{self, EndReason};
use crate::sso::provider_sessions;
use crate::sso::saml::Certificate;

/// As it is afterwards. The organization is locked.
pub fn change(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    id: ConnectionId,
    changes: &Changes,
) -> Result<Connection, Error> {
    let before = store::lock(tx, id)?.filter(|one| one.organization == organization).ok_or(Error::Unknown)?;
    let mut after = before.clone();
    if let Some(name) = &changes.name {
        name.as_str().clone_into(&mut after.name);
    }
    let certificates = apply_provider(&mut after, changes);
    apply_rules(&mut after, changes);
    let mut words = words(&before, &after);
    store::update(tx, &after)?;
    if let Some(wanted) = certificates
        && replace_certificates(tx, id, &wanted)?
    {
        words.push("certificates");
    }
    if change_mappings(tx, &before, changes)? {
        words.push("mappings");
    }
    note(tx, &after, &words)?;
    if let Some(domains) = &changes.domains {
        served::serve(tx, &after, domains)?;
    }
    let after = store::find(tx, id)?.ok_or(Error::Unknown)?;
    if let Some(owners) = &changes.break_glass {
        enforcement::name_break_glass(tx, &after, owners)?;
    }
    if let Some(from) = changes.enforced_from {
        enforcement::enforce(tx, &after, from)?;
    }
    store::find(tx, id)?.ok_or(Error::Unknown)
}

/// Whoever signs in by it signs in as everybody does. The organization is locked.
pub fn remove(tx: &mut Tx<'_>, organization: OrganizationId, id: ConnectionId) -> Result<Connection, Error> {
    let connection = store::lock(tx, id)?.filter(|one| one.organization == organization).ok_or(Error::Unknown)?;
    served::serve(tx, &connection, &[])?;
    // Perhaps it is removed because somebody came by it who should not have.
    let sign_ins = provider_sessions::list_of(tx, id)?;
    sessions::revoke_of_providers(tx, &sign_ins, EndReason::ProviderGone)?;
    store::delete(tx, id)?;
    audit::record(tx, event(&connection, "sso.connection_removed"))?;
    Ok(connection)
}

/// Holds what is wished for against what there was. Whatever else is said by hand replaces what metadata has said, which is
/// not fetched any more then.
fn apply_provider(after: &mut Connection, changes: &Changes) -> Option<Vec<Certificate>> {
    if let Some(provider) = &changes.provider {
        after.idp = provider.idp.clone();
        after.source = provider.source.clone();
        return Some(provider.certificates.clone());
    }
    let by_hand = &changes.by_hand;
    if *by_hand == ByHand::default() {
        return None;
    }
    after.source = Source::Hand;
    if let Some(id) = &by_hand.entity_id {
        after.idp.entity_id.clone_from(id);
    }
    if let Some(sso) = &by_hand.sso {
        after.idp.sso = sso.clone();
    }
    if let Some(slo) = &by_hand.slo {
        after.idp.slo.clone_from(slo);
        after.idp.slo_answer_url = None;
    }
    by_hand.certificates.clone()
}

fn apply_rules(after: &mut Connection, changes: &Changes) {
    let names = [
        (&changes.email_attribute, &mut after.attributes.email),
        (&changes.name_attribute, &mut after.attributes.name),
        (&changes.groups_attribute, &mut after.attributes.groups),
    ];
    for (wanted, name) in names {
        if let Some(wanted) = wanted {
            name.clone_from(wanted);
        }
    }
    after.default_role = changes.default_role.unwrap_or(after.default_role);
    after.signs_requests = changes.signs_requests.unwrap_or(after.signs_requests);
    after.allows_idp_initiated = changes.allows_idp_initiated.unwrap_or(after.allows_idp_initiated);
}

/// What is another way, for the audit.
fn words(before: &Connection, after: &Connection) -> Vec<&'static str> {
    let all = [
        ("name", before.name != after.name),
        ("provider", before.idp != after.idp),
        ("source", source_word(&before.source) != source_word(&after.source)),
        ("attributes", before.attributes != after.attributes),
        ("default_role", before.default_role != after.default_role),
        ("sign_requests", before.signs_requests != after.signs_requests),
        ("allow_idp_initiated", before.allows_idp_initiated != after.allows_idp_initiated),
    ];
    all.into_iter().filter(|(_, has_changed)| *has_changed).map(|(word, _)| word).collect()
}

fn source_word(source: &Source) -> &str {
    match source {
        Source::Hand => "hand",
        Source::Xml { .. } => "xml",
        Source::Url(fetched) => &fetched.url,
    }
}

/// Whether that makes a difference. What stays keeps what is known of it.
pub(super) fn replace_certificates(
    tx: &mut Tx<'_>,
    id: ConnectionId,
    wanted: &[Certificate],
) -> Result<bool, db::Error> {
    let gone = store::delete_certificates_but(tx, id, wanted)?;
    let new = store::insert_certificates(tx, id, wanted)?;
    Ok(gone + new > 0)
}

fn change_mappings(tx: &mut Tx<'_>, connection: &Connection, changes: &Changes) -> Result<bool, Error> {
    let before = load_mappings(tx, connection.id)?;
    let groups = match changes.groups.clone() {
        Some(given) => mappings::resolve(tx, connection.organization, given)?,
        None => before.groups.clone(),
    };
    let after = Mappings { roles: changes.roles.clone().unwrap_or_else(|| before.roles.clone()), groups };
    if after == before {
        return Ok(false);
    }
    mappings::put(tx, connection.id, &after)?;
    Ok(true)
}

/// That it was changed, and that a test from before shows nothing any more, where a sign-in depends on what was.
pub(super) fn note(tx: &mut Tx<'_>, connection: &Connection, words: &[&'static str]) -> Result<(), db::Error> {
    if words.is_empty() {
        return Ok(());
    }
    if words.iter().any(|word| *word != "name") {
        store::touch(tx, connection.id)?;
    }
    audit::record(tx, event(connection, "sso.connection_changed").with("changed", words.to_vec()))
}
