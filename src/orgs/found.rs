use super::{Error, Joined, Organization, Role, Slug, members, store};
use crate::audit::{self, Event};
use crate::db::Tx;
use crate::kernel::{Label, OrganizationId, UserId};

/// How many one person may own. Whoever founds another one hands one of them over first.
pub const MOST_OWNED: i64 = 20;

/// Makes an organization, with `founder` as its owner. Without a slug one is made from the name.
pub fn found(tx: &mut Tx<'_>, founder: UserId, name: &Label, slug: Option<Slug>) -> Result<Organization, Error> {
    // Two at once wait for each other here, or both could be the last that there is room for.
    let person = store::lock_people(tx, &[founder])?.into_iter().next().ok_or(Error::Ended)?;
    if person.is_disabled || person.is_leaving {
        return Err(Error::Ended);
    }
    if !person.is_verified {
        return Err(Error::NotVerified);
    }
    if store::count_owned(tx, founder)? >= MOST_OWNED {
        return Err(Error::TooMany);
    }
    let slug = match slug {
        Some(slug) => take(tx, std::iter::once(slug))?,
        None => take(tx, Slug::candidates(name))?,
    };
    let organization = Organization {
        id: OrganizationId::new(tx.now),
        slug,
        name: name.as_str().to_owned(),
        created_at: tx.now,
        second_factor_from: None,
    };
    store::insert(tx, &organization)?;
    let event = Event::about(founder, "organization.created")
        .within(organization.id)
        .with("slug", organization.slug.as_str())
        .with("name", organization.name.as_str());
    audit::record(tx, event)?;
    members::put(tx, organization.id, founder, Role::Owner, Joined::Created)?;
    Ok(organization)
}

/// The first that nobody has, or ever had.
fn take(tx: &mut Tx<'_>, candidates: impl Iterator<Item = Slug>) -> Result<Slug, Error> {
    for slug in candidates {
        if store::take_slug(tx, &slug)? {
            return Ok(slug);
        }
    }
    Err(Error::SlugTaken)
}
