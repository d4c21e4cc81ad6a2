//! Organizations: who belongs to them, and who may do what there.
//!
//! Tables: `organizations` (one row each; its slug never changes), `organization_slugs` (every slug there ever was, so
//! that none is used twice), `members` (one row a person and organization, with a role). Everything else of an
//! organization goes with its row.
//!
//! - It is **founded** ([`found`]) by somebody whose address is proved, who becomes its first owner. Its slug is chosen or
//!   made from the name ([`Slug`]).
//! - Its members have a **role** ([`Role`]: owner, admin or member). What a role may do is one pure table
//!   ([`Role::may`]); steps ask it under the lock, of the role that the caller has at that moment ([`act`]).
//! - A member's role is **changed**, they are **removed**, or **leave** ([`change_role`], [`remove`], [`leave`]); an owner
//!   **hands over** to another member and becomes an admin ([`hand_over`]). Whoever's role has changed goes on in every
//!   session under a new id.
//! - An organization's identity provider may say in which role somebody is ([`follow`]).
//! - There is always an owner: the last one can neither leave, nor be removed, nor become anything less ([`Error::LastOwner`]).
//! - When the last owner goes for good, it **passes on** ([`succession`]).
//! - It may ask its members for a **second factor**, from some day on ([`ask_for_second_factor`]). Those who have none are
//!   told; the doors lead them to set one up, and let them no further once the day has come.
//! - It is **renamed** and **deleted** ([`rename`], [`delete`]). Its slug stays taken.
//!
//! Whoever is not a member is answered as if there were no such organization ([`Error::NotAMember`]).
//!
//! **Order of locks**: people in the order of their ids, then organizations in the order of theirs, then whatever
//! belongs to either. Every step that adds, changes or removes a member locks that person ([`lock_people`]) and then the
//! organization ([`act`], [`lock`]), so two such steps never wait for each other in a circle, and owners are counted while
//! nobody else can change them. Letters to all members are the exception: they refer to people while the organization is
//! held, so whoever erases one of these at that very moment may be thrown back, and tries again.
//!
//! Every change is an event within the organization, which its admins may see. Every node forgets at once what it
//! remembers of those whose membership has changed: the triggers of the tables tell it.

mod act;
mod change;
mod found;
pub mod groups;
pub mod invitations;
mod letters;
mod members;
mod ownership;
mod provided;
mod role;
mod second_factor;
mod slug;
mod store;
pub mod succession;

use chrono::{DateTime, Utc};

pub use act::{Acting, act, lock};
pub use change::{delete, rename};
pub use found::{MOST_OWNED, found};
pub use members::{Confirmation, Cursor, Joined, add, change_role, leave, list_members, remove};
pub use ownership::hand_over;
pub use provided::follow;
pub use role::{Permission, Role};
pub use second_factor::{LONGEST_GRACE, Requirement, USUAL_GRACE, ask_for_second_factor};
pub use slug::{InvalidSlug, Slug};

use crate::crypto::Unsealable;
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{EmailAddress, OrganizationId, UserId};
use crate::mail;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Organization {
    pub id: OrganizationId,
    pub slug: Slug,
    pub name: String,
    pub created_at: DateTime<Utc>,
    /// From then on its members need a second factor; `None` while they need none.
    pub second_factor_from: Option<DateTime<Utc>>,
}

/// Somebody's place in an organization.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Membership {
    pub organization: Organization,
    pub user: UserId,
    pub role: Role,
    pub joined_at: DateTime<Utc>,
}

/// A member as the others see them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    pub user: UserId,
    pub email: EmailAddress,
    /// Otherwise the address may be a stranger's.
    pub is_verified: bool,
    /// Of the person; may be empty.
    pub name: String,
    pub role: Role,
    pub joined_at: DateTime<Utc>,
    /// Whether it takes more than a password to sign in as them.
    pub has_second_factor: bool,
}

/// A person whom nobody else changes until the transaction ends.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: UserId,
    pub email: EmailAddress,
    pub is_verified: bool,
    pub is_disabled: bool,
    /// Whether they have asked to be forgotten.
    pub is_leaving: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Of an organization that is there, or that is not.
    #[error("they are not a member of such an organization")]
    NotAMember,
    /// The person it is done to.
    #[error("no such member")]
    NoSuchMember,
    /// The caller's role does not do.
    #[error("their role may not do this")]
    NotPermitted,
    /// What concerns owners is for somebody who has just confirmed that it is them, and so is asking for less.
    #[error("they have not confirmed that it is them")]
    NotConfirmed,
    #[error("there has to be an owner")]
    LastOwner,
    /// Nobody can become an owner whose account is disabled, about to go, or without a proved address.
    #[error("this person cannot be an owner")]
    CannotOwn,
    #[error("the address of the founder is not proved")]
    NotVerified,
    #[error("the slug is taken, or was")]
    SlugTaken,
    #[error("they own {MOST_OWNED} organizations already")]
    TooMany,
    /// Whoever asks others for a second factor has one.
    #[error("they have no second factor themselves")]
    NoSecondFactor,
    /// The person themselves is gone, or disabled.
    #[error("the session has ended")]
    Ended,
    #[error(transparent)]
    Db(#[from] db::Error),
    #[error(transparent)]
    Unsealable(#[from] Unsealable),
}

impl From<mail::Error> for Error {
    fn from(error: mail::Error) -> Self {
        match error {
            mail::Error::Db(error) => Self::Db(error),
            mail::Error::Unsealable(error) => Self::Unsealable(error),
        }
    }
}

/// `None` for an organization that they are no member of, and for one that is not there.
pub fn find_membership(tx: &mut ReadTx<'_>, user: UserId, slug: &Slug) -> Result<Option<Membership>, db::Error> {
    store::find_membership(tx, user, slug)
}

/// `None` for somebody who is no member of it.
pub fn find_member(
    tx: &mut ReadTx<'_>,
    organization: OrganizationId,
    user: UserId,
) -> Result<Option<Member>, db::Error> {
    store::find_member(tx, organization, user)
}

pub fn count_members(tx: &mut ReadTx<'_>, organization: OrganizationId) -> Result<i64, db::Error> {
    store::count_members(tx, organization)
}

/// All that a person belongs to, by name.
pub fn list_of(tx: &mut ReadTx<'_>, user: UserId) -> Result<Vec<Membership>, db::Error> {
    store::list_of(tx, user)
}

/// For whoever needs no membership: the operator.
pub fn find(tx: &mut ReadTx<'_>, slug: &Slug) -> Result<Option<Organization>, db::Error> {
    store::find(tx, slug)
}

/// For whoever needs no membership: the operator. By name.
pub fn list(tx: &mut ReadTx<'_>) -> Result<Vec<Organization>, db::Error> {
    store::list(tx)
}

/// Holds people, whoever of them there is, in the order of their ids. Before any organization.
pub fn lock_people(tx: &mut Tx<'_>, people: &[UserId]) -> Result<Vec<Person>, db::Error> {
    store::lock_people(tx, people)
}
