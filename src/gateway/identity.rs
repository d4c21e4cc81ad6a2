//! Who it is, as the app is told.

use super::assertion;
use crate::affiliations::Affiliations;
use crate::api_keys::Program;
use crate::kernel::label::breaks_its_line;
use crate::kernel::{EmailAddress, UserId};
use crate::sessions::Live;

/// A proxy reads the head of our answer into one page of memory (nginx's `proxy_buffer_size` is 4 KiB), and lets nobody
/// through when it does not fit. What else is said of somebody takes less than half of that, where nothing is signed.
const MOST_BYTES_OF_GROUPS: usize = 2048;

/// What the identity headers take of that page together, where the last one says it all once more.
const ROOM: usize = 4096 - BESIDE;

/// The status, and the headers that every answer has.
const BESIDE: usize = 896;

/// What an app is told by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Told<'a> {
    /// The `Remote-*` headers alone.
    Plainly,
    /// An assertion as well, by this issuer. The groups are the same, so there is room for fewer: under half as many.
    AndSigned(&'a str),
}

/// The values of the identity headers.
///
/// A proxy that copies a header which our answer lacks may leave the client's own in place. So every answer
/// that lets somebody through carries every one of these, empty when there is nothing to say.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Identity {
    user: String,
    email: String,
    name: String,
    groups: String,
    are_groups_complete: bool,
}

impl Identity {
    /// Of somebody who is let through unasked.
    pub fn nobody() -> Self {
        Self::default()
    }

    pub fn of(live: &Live, affiliations: &Affiliations, told: Told<'_>) -> Self {
        Self::of_person(live.user, live.email_verified.then_some(&live.email), &live.name).with(affiliations, told)
    }

    /// That of the person whose key it is.
    pub fn of_program(program: &Program, affiliations: &Affiliations, told: Told<'_>) -> Self {
        let verified = program.email_verified.then_some(&program.email);
        Self::of_person(program.user, verified, &program.name).with(affiliations, told)
    }

    fn of_person(user: UserId, verified: Option<&EmailAddress>, name: &str) -> Self {
        let email = verified.map(EmailAddress::to_string).unwrap_or_default();
        Self { user: user.to_string(), email, name: in_one_line(name), ..Self::default() }
    }

    fn with(self, affiliations: &Affiliations, told: Told<'_>) -> Self {
        let fits = |list: usize, json: usize| match told {
            Told::Plainly => list <= MOST_BYTES_OF_GROUPS,
            Told::AndSigned(issuer) => list <= MOST_BYTES_OF_GROUPS && self.length(issuer, list, json) <= ROOM,
        };
        let (groups, are_groups_complete) = in_one_list(affiliations.words(), fits);
        Self { groups, are_groups_complete, ..self }
    }

    /// Of all five headers, for whichever app, with groups that take so many bytes in the one and in the other.
    fn length(&self, issuer: &str, list: usize, json: usize) -> usize {
        let own = [&self.user, &self.email, &self.name].map(String::as_str);
        // A colon, a space and the end of the line.
        let names: usize = Self::NAMES.iter().map(|name| name.len() + 4).sum();
        let values: usize = own.iter().map(|value| value.len()).sum();
        names + values + list + assertion::longest(issuer, own, json)
    }

    /// Whether the app is told of all groups and roles: there may be more than fit.
    pub fn are_groups_complete(&self) -> bool {
        self.are_groups_complete
    }

    /// The headers' names, in the order of [`Identity::values`].
    pub const NAMES: [&str; 5] = ["Remote-User", "Remote-Email", "Remote-Name", "Remote-Groups", "Vestibule-Assertion"];

    /// Empty where there is nothing to say; names are UTF-8 as they are.
    pub fn values(&self) -> [&str; 5] {
        [&self.user, &self.email, &self.name, &self.groups, ""]
    }
}

/// The words with commas between them, as many as fit (by the bytes they take here and as JSON), and whether that is all
/// of them. Whoever is named by fewer groups
/// can do less; so what follows the first that does not fit is left out as well, and never a part of a word is told.
fn in_one_list<'a>(words: impl Iterator<Item = &'a str>, fits: impl Fn(usize, usize) -> bool) -> (String, bool) {
    let (mut list, mut json) = (String::new(), 0);
    for word in words {
        let comma = if list.is_empty() { "" } else { "," };
        // It was checked when it was written; here it would make another word, or another header.
        let is_clean = !word.contains(|c: char| c == ',' || breaks_its_line(c));
        json += assertion::of_json(word);
        if !is_clean || !fits(list.len() + comma.len() + word.len(), json) {
            return (list, false);
        }
        list.push_str(comma);
        list.push_str(word);
    }
    (list, true)
}

/// Control characters would end the header, or confuse a terminal that shows it.
fn in_one_line(name: &str) -> String {
    let printable: String = name.chars().filter(|c| !c.is_control()).collect();
    printable.trim().to_owned()
}

#[cfg(test)]
pub(super) mod tests {
    use chrono::{DateTime, Utc};

    use super::*;
    use crate::kernel::{DeviceId, SessionId};

    pub(in crate::gateway) fn live(name: &str) -> Live {
        let now = DateTime::<Utc>::UNIX_EPOCH;
        Live {
            session: SessionId::new(now),
            device: DeviceId::new(now),
            user: UserId::new(now),
            email: EmailAddress::parse("ann@example.com").unwrap(),
            email_verified: true,
            name: name.to_owned(),
            created_at: now,
            last_active_at: now,
            last_auth_at: now,
            confirmed_at: None,
            methods: Vec::new(),
            second_factor_at: None,
            passkey_at: None,
            expires_at: now,
            provider_session: None,
            is_remembered: false,
            is_rotation_due: false,
            deletes_at: None,
            second_factor_due: None,
        }
    }

    fn told(words: &[&str]) -> Affiliations {
        Affiliations::from_stored(words.iter().map(|word| (*word).to_owned()).collect())
    }

    fn groups(words: &[&str]) -> (String, bool) {
        let identity = Identity::of(&live("Ann"), &told(words), Told::Plainly);
        (value(&identity, "Remote-Groups"), identity.are_groups_complete())
    }

    fn value(identity: &Identity, name: &str) -> String {
        let at = Identity::NAMES.iter().position(|own| *own == name).unwrap();
        identity.values()[at].to_owned()
    }

    #[test]
    fn a_person_is_named_by_id_address_and_name() {
        let ann = live("Ann Ünal");
        let identity = Identity::of(&ann, &told(&[]), Told::Plainly);
        assert_eq!(value(&identity, "Remote-User"), ann.user.to_string());
        assert_eq!(value(&identity, "Remote-Email"), "ann@example.com");
        assert_eq!(value(&identity, "Remote-Name"), "Ann Ünal");
    }

    #[test]
    fn an_unverified_address_is_nobodys_identity() {
        let identity = Identity::of(&Live { email_verified: false, ..live("Ann") }, &told(&[]), Told::Plainly);
        assert_eq!(value(&identity, "Remote-Email"), "");
        assert!(!value(&identity, "Remote-User").is_empty());
    }

    #[test]
    fn nobody_has_every_header_too() {
        assert_eq!(Identity::nobody().values(), [""; 5]);
    }

    #[test]
    fn a_name_cannot_begin_another_header() {
        let identity = Identity::of(&live(" A\r\nRemote-Groups: admins\0\u{85}\u{7f}\tB "), &told(&[]), Told::Plainly);
        assert_eq!(value(&identity, "Remote-Name"), "ARemote-Groups: adminsB");
    }

    #[test]
    fn groups_are_a_list_with_commas() {
        assert_eq!(groups(&[]), (String::new(), true));
        let words = ["acme", "acme:admin", "acme/Größe & Gewicht"];
        assert_eq!(groups(&words), ("acme,acme:admin,acme/Größe & Gewicht".to_owned(), true));
    }

    #[test]
    fn of_more_groups_than_fit_the_first_are_told_and_none_in_part() {
        let many: Vec<String> = (0..300).map(|number| format!("acme/{number:05}")).collect();
        let (list, is_complete) = groups(&many.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(!is_complete && list.len() <= MOST_BYTES_OF_GROUPS, "{}", list.len());
        let told: Vec<&str> = list.split(',').collect();
        assert_eq!(told, many[..told.len()]);
        assert!(list.len() + ",acme/00000".len() > MOST_BYTES_OF_GROUPS, "as many as fit: {}", list.len());
    }

    #[test]
    fn a_word_that_would_be_another_by_the_time_it_arrives_is_not_told() {
        for sneaky in ["acme/x,admins", "acme/x\r\nRemote-User: root", "acme/\0", "acme/\u{202e}x"] {
            assert_eq!(groups(&["acme", sneaky, "globex"]), ("acme".to_owned(), false), "{sneaky:?}");
        }
    }

    #[test]
    fn where_it_is_signed_as_well_fewer_groups_are_told_and_the_whole_fits_into_a_page() {
        const ISSUER: &str = "https://auth.example.com";
        let many: Vec<String> = (0..600).map(|number| format!("acme/Team \"{number:05}\"")).collect();
        let all = Affiliations::from_stored(many.clone());
        let long = Live {
            email: EmailAddress::parse(&format!("{}@{}.example.com", "a".repeat(64), ["b"; 80].join("."))).unwrap(),
            ..live(&"\u{1f6f6}".repeat(200))
        };
        for (live, at_least) in [(live("Ann Lee"), 600), (long, 40)] {
            let identity = Identity::of(&live, &all, Told::AndSigned(ISSUER));
            let told: Vec<&str> = identity.groups.split(',').collect();
            assert_eq!(told, many[..told.len()]);
            assert!(!identity.are_groups_complete() && identity.groups.len() > at_least, "{}", identity.groups.len());
            let json = |count: usize| many[..count].iter().map(|word| assertion::of_json(word)).sum::<usize>();
            let length = |count: usize| identity.length(ISSUER, many[..count].join(",").len(), json(count));
            assert!(length(told.len()) <= ROOM && ROOM < length(told.len() + 1), "as many as fit");
        }
        let few = Identity::of(&live("Ann"), &told(&["acme", "acme:admin"]), Told::AndSigned(ISSUER));
        assert_eq!((few.groups.as_str(), few.are_groups_complete()), ("acme,acme:admin", true));
    }
}
