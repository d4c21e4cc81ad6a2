use std::collections::BTreeMap;

use super::{Error, Mappings, store};
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{ConnectionId, GroupId, OrganizationId};
use crate::orgs::groups;

/// Groups of the organization, each given by its id or its name.
pub(super) fn resolve(
    tx: &mut ReadTx<'_>,
    organization: OrganizationId,
    given: BTreeMap<String, Vec<String>>,
) -> Result<BTreeMap<String, Vec<GroupId>>, Error> {
    if given.is_empty() {
        return Ok(BTreeMap::new());
    }
    let own = groups::list(tx, organization)?;
    let find = |given: String| {
        let text = given.trim();
        let is_it = |group: &&groups::Group| group.name.eq_ignore_ascii_case(text) || group.id.to_string() == text;
        own.iter().find(is_it).map(|group| group.id).ok_or(Error::NoSuchGroup(given))
    };
    let resolved = given.into_iter().map(|(theirs, ours)| {
        let mut ids = ours.into_iter().map(find).collect::<Result<Vec<GroupId>, Error>>()?;
        ids.sort();
        ids.dedup();
        Ok((theirs, ids))
    });
    // One that means no group of ours is as one that is not there.
    let resolved = resolved.collect::<Result<BTreeMap<_, _>, Error>>()?;
    Ok(resolved.into_iter().filter(|(_, ids)| !ids.is_empty()).collect())
}

/// In place of what was mapped before.
pub(super) fn put(tx: &mut Tx<'_>, id: ConnectionId, mappings: &Mappings) -> Result<(), db::Error> {
    store::delete_roles(tx, id)?;
    store::insert_roles(tx, id, &mappings.roles)?;
    store::delete_groups(tx, id)?;
    store::insert_groups(tx, id, &mappings.groups)
}
