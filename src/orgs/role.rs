/// What somebody is in an organization. The greater may do all that the lesser may.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Role {
    Member,
    Admin,
    Owner,
}

/// What there is to do in an organization.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Permission {
    /// Who belongs to it, its groups, and its rules.
    See,
    /// Who of them has a second factor.
    SeeSecondFactors,
    /// What has happened in it.
    SeeActivity,
    Rename,
    ManageGroups,
    /// Somebody into it, with that role; also to change or withdraw such an invitation.
    Invite(Role),
    /// Somebody else who has that role. Everybody may leave.
    Remove(Role),
    ChangeRole {
        from: Role,
        to: Role,
    },
    RequireSecondFactor,
    ManageWebhooks,
    /// Which domains and providers there are, and what became of their answers.
    SeeSingleSignOn,
    ManageSingleSignOn,
    HandOver,
    Delete,
}

impl Role {
    pub const ALL: [Self; 3] = [Self::Owner, Self::Admin, Self::Member];

    /// The stable word for the API, the table and the audit.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Member => "member",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }

    /// Admins have everybody in hand who is no owner, and make nobody one. Owners may do everything.
    pub fn may(self, permission: Permission) -> bool {
        use Permission as P;
        let needed = match permission {
            P::See => Self::Member,
            P::SeeSecondFactors
            | P::SeeActivity
            | P::Rename
            | P::ManageGroups
            | P::RequireSecondFactor
            | P::ManageWebhooks
            | P::SeeSingleSignOn => Self::Admin,
            P::Invite(role) | P::Remove(role) => role.max(Self::Admin),
            P::ChangeRole { from, to } => from.max(to).max(Self::Admin),
            P::ManageSingleSignOn | P::HandOver | P::Delete => Self::Owner,
        };
        self >= needed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Permission as P;
    use Role::{Admin, Member, Owner};

    /// Whether a member, an admin and an owner may.
    const NOBODY_LESS_THAN_AN_OWNER: [bool; 3] = [false, false, true];
    const ADMINS: [bool; 3] = [false, true, true];

    #[test]
    fn who_may_do_what_stands_in_one_table() {
        let table = [
            (P::See, [true; 3]),
            (P::SeeSecondFactors, ADMINS),
            (P::SeeActivity, ADMINS),
            (P::Rename, ADMINS),
            (P::ManageGroups, ADMINS),
            (P::RequireSecondFactor, ADMINS),
            (P::ManageWebhooks, ADMINS),
            (P::Invite(Member), ADMINS),
            (P::Invite(Admin), ADMINS),
            (P::Invite(Owner), NOBODY_LESS_THAN_AN_OWNER),
            (P::Remove(Member), ADMINS),
            (P::Remove(Admin), ADMINS),
            (P::Remove(Owner), NOBODY_LESS_THAN_AN_OWNER),
            (P::SeeSingleSignOn, ADMINS),
            (P::ManageSingleSignOn, NOBODY_LESS_THAN_AN_OWNER),
            (P::HandOver, NOBODY_LESS_THAN_AN_OWNER),
            (P::Delete, NOBODY_LESS_THAN_AN_OWNER),
        ];
        for (permission, expected) in table {
            assert_eq!([Member, Admin, Owner].map(|role| role.may(permission)), expected, "{permission:?}");
        }
    }

    #[test]
    fn whoever_is_no_owner_neither_makes_nor_touches_one() {
        for from in Role::ALL {
            for to in Role::ALL {
                let change = P::ChangeRole { from, to };
                let concerns_owners = from == Owner || to == Owner;
                assert!(!Member.may(change), "{change:?}");
                assert_eq!(Admin.may(change), !concerns_owners, "{change:?}");
                assert!(Owner.may(change), "{change:?}");
            }
        }
    }

    #[test]
    fn a_role_is_one_of_three_words() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        for strange in ["", "Owner", "root", "admin "] {
            assert_eq!(Role::parse(strange), None, "{strange:?}");
        }
    }
}
