//! What a provider says of somebody, in our words. Pure.

use std::collections::BTreeSet;

use super::connections::{Mappings, Said};
use super::saml::Answer;
use crate::accounts::Name;
use crate::kernel::{EmailAddress, GroupId};
use crate::orgs::Role;
use crate::sessions::Strength;

/// What providers say of a sign-in that took more than one factor.
const SEVERAL_FACTORS: &[&str] = &[
    "https://refeds.org/profile/mfa",
    "http://schemas.microsoft.com/claims/multipleauthn",
    "urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorContract",
    "urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorUnregistered",
    "urn:oasis:names:tc:SAML:2.0:ac:classes:TimesyncToken",
];

/// Why there is no address.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoAddress {
    #[error("no address")]
    Missing,
    /// What was there instead.
    #[error("several: {}", .0.join(" | "))]
    Several(Vec<String>),
    #[error("{0}")]
    NotOne(String),
}

/// Exactly one address, of ASCII alone: nothing that looks like another one, and no list.
pub fn address(said: &Said) -> Result<EmailAddress, NoAddress> {
    let text = match said.emails.as_slice() {
        [] => return Err(NoAddress::Missing),
        [one] => one.trim_matches([' ', '\t', '\r', '\n']),
        several => return Err(NoAddress::Several(several.to_vec())),
    };
    let parsed = if text.is_ascii() { EmailAddress::parse(text).ok() } else { None };
    // Whatever reading it has changed beside the case was no address.
    let parsed = parsed.filter(|address| address.as_str().eq_ignore_ascii_case(text));
    parsed.ok_or_else(|| NoAddress::NotOne(text.to_owned()))
}

/// What they are called, if the provider says anything of use.
pub fn name(said: &Said) -> Option<Name> {
    Name::parse(said.name.as_deref()?).ok().filter(|name| !name.as_str().is_empty())
}

/// The provider's groups that they are in, each once.
pub fn groups(said: &Said) -> BTreeSet<String> {
    said.groups.iter().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect()
}

/// The role they are to have, who have `before` now; `None`: they are not let in. Where groups are mapped to roles, the
/// role follows them; where none is, it stays.
pub fn role(mappings: &Mappings, usual: Option<Role>, groups: &BTreeSet<String>, before: Option<Role>) -> Option<Role> {
    if mappings.roles.is_empty() {
        return before.or(usual);
    }
    let highest = groups.iter().filter_map(|group| mappings.roles.get(group)).max().copied();
    highest.or(usual)
}

/// In which of our groups they are to be, of those that are mapped.
pub fn own_groups(mappings: &Mappings, groups: &BTreeSet<String>) -> BTreeSet<GroupId> {
    groups.iter().filter_map(|group| mappings.groups.get(group)).flatten().copied().collect()
}

/// Whether the provider has asked for more than one factor. It does not say which.
pub fn strength(answer: &Answer) -> Strength {
    let has_several = answer.authn_context.as_deref().is_some_and(|said| SEVERAL_FACTORS.contains(&said));
    if has_several { Strength::SecondFactor } else { Strength::OneFactor }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Role::{Admin, Member, Owner};

    fn address_of(emails: &[&str]) -> Result<String, NoAddress> {
        let emails = emails.iter().map(|text| (*text).to_owned()).collect();
        address(&Said { emails, ..Said::default() }).map(|address| address.to_string())
    }

    #[test]
    fn one_address_of_ascii_is_one() {
        assert_eq!(address_of(&["\n  Ann@CORP.example\t"]).unwrap(), "Ann@corp.example");
        assert_eq!(address_of(&["ann@xn--bcher-kva.example"]).unwrap(), "ann@xn--bcher-kva.example");
    }

    #[test]
    fn whatever_could_be_read_as_another_address_is_none() {
        let tricks = [
            "",
            "ann",
            "ann@corp.example,eve@evil.example",
            "ann@corp.example;eve@evil.example",
            "ann@corp.example eve@evil.example",
            "eve@evil.example@corp.example",
            "Ann <ann@corp.example>",
            "<ann@corp.example>",
            "\"ann@corp.example\"@evil.example",
            "mailto:ann@corp.example,eve@evil.example",
            "ann@corp.example\0",
            "ann@corp.example\n.evil.example",
            "ann@corp.example.",
            "ann@c\u{43e}rp.example",
            "\u{430}nn@corp.example",
            "ann@corp\u{3002}example",
            "ann@\u{ff43}orp.example",
            "ann\u{ff20}corp.example",
            "ann@b\u{fc}cher.example",
            "ann@corp.example\u{200b}",
            "ann@[192.0.2.1]",
            "ann(comment)@corp.example",
        ];
        for trick in tricks {
            assert!(address_of(&[trick]).is_err(), "{trick:?}");
        }
        for several in [["ann@corp.example", "eve@evil.example"], ["ann@corp.example", "ann@corp.example"]] {
            assert!(matches!(address_of(&several), Err(NoAddress::Several(_))), "{several:?}");
        }
        assert_eq!(address_of(&[]), Err(NoAddress::Missing));
    }

    #[test]
    fn a_name_that_breaks_its_line_is_none() {
        let called = |text: &str| name(&Said { name: Some(text.to_owned()), ..Said::default() });
        assert_eq!(called("Ann Lee").unwrap().as_str(), "Ann Lee");
        assert_eq!((called("Ann\nRemote-User: root"), called("  ")), (None, None));
    }

    #[test]
    fn a_role_follows_mapped_groups_and_stays_where_none_is_mapped() {
        let mapped = |roles: &[(&str, Role)]| Mappings {
            roles: roles.iter().map(|(group, role)| ((*group).to_owned(), *role)).collect(),
            ..Mappings::default()
        };
        let staff: BTreeSet<String> = ["Staff", "Leads"].map(str::to_owned).into();
        let table = [
            (mapped(&[]), None, None, None),
            (mapped(&[]), Some(Member), None, Some(Member)),
            (mapped(&[]), Some(Member), Some(Owner), Some(Owner)),
            (mapped(&[]), None, Some(Admin), Some(Admin)),
            (mapped(&[("Staff", Member)]), None, Some(Owner), Some(Member)),
            (mapped(&[("Staff", Member), ("Leads", Admin)]), None, None, Some(Admin)),
            (mapped(&[("staff", Owner)]), None, Some(Owner), None),
            (mapped(&[("Others", Owner)]), Some(Member), Some(Admin), Some(Member)),
        ];
        for (mappings, usual, before, expected) in table {
            assert_eq!(role(&mappings, usual, &staff, before), expected, "{mappings:?} {usual:?} {before:?}");
        }
    }
}
