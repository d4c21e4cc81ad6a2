//! Somebody arrives with a good answer: who that is to us ([`meet`]), and letting them in ([`admit`]).
//!
//! 1. **The identity** (connection and `NameID`) leads to an account, unless the domain of the account's address is proved
//!    by another organization by now.
//! 2. **The address**, exactly one, in a domain that this organization has proved and that signs in by this connection:
//!    whose it is. The account with it is linked, unless it comes by this connection under another name already (people can
//!    often change their own address at a provider); or one is made. Whose account it was before gets a letter.
//! 3. **Any other address** makes nobody of them: the owner of the account signs in and says so
//!    ([`super::identities::connect`]).
//!
//! Role, groups and name follow what the provider says, each time. Every verdict goes into the report.

use std::collections::BTreeSet;

use super::connections::{Connection, Ready, Said};
use super::identities::{self, Link};
use super::mapping::{self, NoAddress};
use super::saml::{Answer, Check, Report};
use crate::accounts::by_provider::{self, Claimed};
use crate::accounts::{self, Name, profile};
use crate::crypto::Sealer;
use crate::db::{self, ReadTx, Tx};
use crate::domains;
use crate::kernel::{EmailAddress, GroupId, UserId};
use crate::orgs::{self, Role, groups};

/// Who it is, as far as it can be known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Who {
    /// Their identity is known.
    Known(UserId),
    /// The connection speaks for this address; there may be an account with it.
    Holder(EmailAddress, Option<UserId>),
    /// It does not speak for it: its owner has to say that they are meant.
    Stranger(EmailAddress),
}

/// Somebody who may be let in, and what the provider says of them.
#[derive(Clone, Debug)]
pub struct Guest {
    pub who: Who,
    pub name: Option<Name>,
    /// Of the provider's, as they are called there.
    pub said_groups: BTreeSet<String>,
    /// The role they are to have.
    pub role: Role,
    /// Of ours, those they are to be in; and all that are mapped.
    pub groups: BTreeSet<GroupId>,
    pub mapped: BTreeSet<GroupId>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Which one, the report says.
    #[error("a check failed")]
    Refused,
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl From<orgs::Error> for Error {
    fn from(error: orgs::Error) -> Self {
        match error {
            orgs::Error::Db(error) => Self::Db(error),
            // Organization or person went away at this moment.
            _ => Self::Refused,
        }
    }
}

/// Looks at who it is and what they are to be. Changes nothing.
pub fn meet(tx: &mut ReadTx<'_>, ready: &Ready, answer: &Answer, report: &mut Report) -> Result<Guest, Error> {
    let connection = &ready.connection;
    let said = connection.attributes.read(answer);
    let who = match identities::find(tx, connection.id, &answer.name_id)? {
        Some(user) => known(tx, connection, user, report)?,
        None => by_address(tx, connection, (answer, &said), report)?,
    };
    let user = match &who {
        Who::Known(user) | Who::Holder(_, Some(user)) => Some(*user),
        Who::Holder(_, None) | Who::Stranger(_) => None,
    };
    require_open(tx, user, report)?;
    let said_groups = mapping::groups(&said);
    let role = role(tx, ready, (&who, user), &said_groups, report)?;
    Ok(Guest {
        name: mapping::name(&said),
        role,
        groups: mapping::own_groups(&ready.mappings, &said_groups),
        mapped: ready.mappings.groups.values().flatten().copied().collect(),
        said_groups,
        who,
    })
}

/// What was said of the address does not matter, only that of the account: the organization's own provider speaks for the
/// people of its domains and for its members, and for nobody who was one once.
fn known(tx: &mut ReadTx<'_>, connection: &Connection, user: UserId, report: &mut Report) -> Result<Who, Error> {
    let Some(account) = accounts::find(tx, user)? else { return Err(Error::Refused) };
    if identities::is_anothers(tx, account.email.domain(), connection.organization)? {
        return refuse(report, Check::Domain, account.email.domain(), "a domain that no other organization has proved");
    }
    let is_of_domain = domains::provider_of(tx, &account.email)?.is_some_and(|its| its.connection == connection.id);
    if !is_of_domain && orgs::find_member(tx, connection.organization, user)?.is_none() {
        let expected = "a member of the organization, or an address in a domain of this connection";
        return refuse(report, Check::Domain, "the account of somebody else", expected);
    }
    report.pass(Check::Address);
    report.pass(Check::Domain);
    Ok(Who::Known(user))
}

fn by_address(
    tx: &mut ReadTx<'_>,
    connection: &Connection,
    (answer, said): (&Answer, &Said),
    report: &mut Report,
) -> Result<Who, Error> {
    let address = match mapping::address(said) {
        Ok(address) => address,
        Err(problem) => {
            let names: Vec<&str> = answer.attributes.iter().map(|attribute| attribute.name.as_str()).collect();
            let seen = match problem {
                NoAddress::Missing => format!("no address; the attributes are: {}", names.join(", ")),
                problem @ (NoAddress::Several(_) | NoAddress::NotOne(_)) => problem.to_string(),
            };
            return refuse(report, Check::Address, &seen, "one email address, in ASCII");
        }
    };
    report.pass(Check::Address);
    match domains::provider_of(tx, &address)? {
        Some(provider) if provider.connection == connection.id => {
            report.pass(Check::Domain);
            let holder = by_provider::find(tx, &address)?;
            if let Some(holder) = holder {
                require_no_other_name(tx, connection, (holder, answer), report)?;
            }
            Ok(Who::Holder(address, holder))
        }
        Some(_) => refuse(report, Check::Domain, address.domain(), "a domain that signs in by this connection"),
        None if identities::is_anothers(tx, address.domain(), connection.organization)? => {
            refuse(report, Check::Domain, address.domain(), "a domain that the organization has proved")
        }
        None => Ok(Who::Stranger(address)),
    }
}

/// Who is this to the provider already has not become somebody else: it takes one of those who look after either to say
/// that they have.
fn require_no_other_name(
    tx: &mut ReadTx<'_>,
    connection: &Connection,
    (user, answer): (UserId, &Answer),
    report: &mut Report,
) -> Result<(), Error> {
    match identities::find_name_of(tx, connection.id, user)? {
        Some(other) if other != answer.name_id.value => {
            let seen = format!("the NameID {}, for an account that comes as {other}", answer.name_id.value);
            let expected = "the NameID that the account has come with; an owner can have it forgotten";
            refuse(report, Check::Account, &seen, expected)
        }
        Some(_) | None => Ok(()),
    }
}

fn require_open(tx: &mut ReadTx<'_>, user: Option<UserId>, report: &mut Report) -> Result<(), Error> {
    let Some(user) = user else { return Ok(()) };
    if accounts::find_credentials_of(tx, user)?.is_none_or(|held| held.is_disabled) {
        return refuse(report, Check::Account, "a disabled account", "an account that is not disabled");
    }
    report.pass(Check::Account);
    Ok(())
}

fn role(
    tx: &mut ReadTx<'_>,
    ready: &Ready,
    (who, user): (&Who, Option<UserId>),
    said: &BTreeSet<String>,
    report: &mut Report,
) -> Result<Role, Error> {
    let member = match user {
        Some(user) => orgs::find_member(tx, ready.connection.organization, user)?,
        None => None,
    };
    let before = member.map(|member| member.role);
    match mapping::role(&ready.mappings, ready.connection.default_role, said, before) {
        Some(role) => {
            report.pass(Check::Role);
            Ok(role)
        }
        // Whoever says that they are meant is a member by then.
        None if matches!(who, Who::Stranger(_)) && ready.mappings.roles.is_empty() => Ok(Role::Member),
        None => {
            let said: Vec<&str> = said.iter().map(String::as_str).collect();
            let seen = if said.is_empty() { "no groups".to_owned() } else { said.join(", ") };
            refuse(report, Check::Role, &seen, "a group that is mapped to a role, or a default role")
        }
    }
}

fn refuse<T>(report: &mut Report, check: Check, seen: &str, expected: &str) -> Result<T, Error> {
    report.fail(check, seen, expected);
    Err(Error::Refused)
}

/// Makes the account where there is none, links it, and has role, groups and name follow. Whose it is; `Ok(None)` for a
/// stranger. What was met may have changed since, so it is looked at again.
pub fn admit(
    tx: &mut Tx<'_>,
    sealer: &Sealer,
    ready: &Ready,
    answer: &Answer,
    report: &mut Report,
) -> Result<(Guest, Option<UserId>), Error> {
    let guest = meet(tx, ready, answer, report)?;
    let (user, standing) = match &guest.who {
        Who::Known(user) => (*user, Standing::Known),
        Who::Stranger(_) => return Ok((guest, None)),
        Who::Holder(address, _) => claim(tx, address, guest.name.as_ref(), report)?,
    };
    // Held from here on, and looked at once more: somebody may have been disabled at this moment.
    if accounts::lock_credentials(tx, user)?.is_none_or(|held| held.is_disabled) {
        return refuse(report, Check::Account, "a disabled account", "an account that is not disabled");
    }
    let connection = &ready.connection;
    if standing == Standing::Existing {
        require_no_other_name(tx, connection, (user, answer), report)?;
    }
    if orgs::follow(tx, connection.organization, user, guest.role)?.is_some() {
        groups::follow(tx, connection.organization, user, (&guest.mapped, &guest.groups))?;
    }
    rename(tx, user, guest.name.as_ref())?;
    match identities::link(tx, (connection.id, connection.organization), &answer.name_id, user)? {
        Link::New if standing == Standing::Existing => identities::tell(tx, sealer, connection, user)?,
        Link::New | Link::Known => {}
        Link::Anothers => {
            let expected = "the account that it was linked to";
            return refuse(report, Check::Account, "a NameID that is another account's", expected);
        }
    }
    report.pass(Check::Account);
    Ok((guest, Some(user)))
}

/// What an account was before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Standing {
    /// Theirs, by the identity.
    Known,
    /// Somebody's who has its address.
    Existing,
    /// None.
    Made,
}

fn claim(
    tx: &mut Tx<'_>,
    address: &EmailAddress,
    name: Option<&Name>,
    report: &mut Report,
) -> Result<(UserId, Standing), Error> {
    match by_provider::claim(tx, address, name.unwrap_or(&Name::default()))? {
        Claimed::By(user) => Ok((user, Standing::Existing)),
        Claimed::Made(user) => Ok((user, Standing::Made)),
        Claimed::Disabled => refuse(report, Check::Account, "a disabled account", "an account that is not disabled"),
        Claimed::Kept => refuse(
            report,
            Check::Account,
            "an address that somebody has left within the last three days, and can have back",
            "an address that is nobody else's",
        ),
    }
}

fn rename(tx: &mut Tx<'_>, user: UserId, name: Option<&Name>) -> Result<(), db::Error> {
    let Some(name) = name else { return Ok(()) };
    if accounts::find(tx, user)?.is_some_and(|account| account.name != name.as_str()) {
        profile::rename(tx, user, name)?;
    }
    Ok(())
}
