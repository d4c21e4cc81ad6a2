//! Who it is, as the app is told.

use crate::api_keys::Program;
use crate::kernel::{EmailAddress, UserId};
use crate::sessions::Live;

/// The values of the identity headers.
///
/// A proxy that copies a header which our answer lacks may leave the client's own in place. So every answer
/// that lets somebody through carries every one of these, empty when there is nothing to say.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Identity {
    user: String,
    email: String,
    name: String,
}

impl Identity {
    /// Of somebody who is let through unasked.
    pub fn nobody() -> Self {
        Self::default()
    }

    pub fn of(live: &Live) -> Self {
        Self::of_person(live.user, live.email_verified.then_some(&live.email), &live.name)
    }

    /// That of the person whose key it is.
    pub fn of_program(program: &Program) -> Self {
        Self::of_person(program.user, program.email_verified.then_some(&program.email), &program.name)
    }

    fn of_person(user: UserId, verified: Option<&EmailAddress>, name: &str) -> Self {
        let email = verified.map(EmailAddress::to_string).unwrap_or_default();
        Self { user: user.to_string(), email, name: in_one_line(name) }
    }

    /// The headers' names, in the order of [`Identity::values`].
    pub const NAMES: [&str; 5] = ["Remote-User", "Remote-Email", "Remote-Name", "Remote-Groups", "Vestibule-Assertion"];

    /// Empty where there is nothing to say; the name is UTF-8 as it is.
    pub fn values(&self) -> [&str; 5] {
        [&self.user, &self.email, &self.name, "", ""]
    }
}

/// Control characters would end the header, or confuse a terminal that shows it.
fn in_one_line(name: &str) -> String {
    let printable: String = name.chars().filter(|c| !c.is_control()).collect();
    printable.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;
    use crate::kernel::{DeviceId, SessionId};

    fn live(name: &str) -> Live {
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
            expires_at: now,
            is_remembered: false,
            is_rotation_due: false,
        }
    }

    fn value(identity: &Identity, name: &str) -> String {
        let at = Identity::NAMES.iter().position(|own| *own == name).unwrap();
        identity.values()[at].to_owned()
    }

    #[test]
    fn a_person_is_named_by_id_address_and_name() {
        let ann = live("Ann Ünal");
        let identity = Identity::of(&ann);
        assert_eq!(value(&identity, "Remote-User"), ann.user.to_string());
        assert_eq!(value(&identity, "Remote-Email"), "ann@example.com");
        assert_eq!(value(&identity, "Remote-Name"), "Ann Ünal");
    }

    #[test]
    fn an_unverified_address_is_nobodys_identity() {
        let identity = Identity::of(&Live { email_verified: false, ..live("Ann") });
        assert_eq!(value(&identity, "Remote-Email"), "");
        assert!(!value(&identity, "Remote-User").is_empty());
    }

    #[test]
    fn nobody_has_every_header_too() {
        assert_eq!(Identity::nobody().values(), [""; 5]);
    }

    #[test]
    fn a_name_cannot_begin_another_header() {
        let identity = Identity::of(&live(" A\r\nRemote-Groups: admins\0\u{85}\u{7f}\tB "));
        assert_eq!(value(&identity, "Remote-Name"), "ARemote-Groups: adminsB");
    }
}
