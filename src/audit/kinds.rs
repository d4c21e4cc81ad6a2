//! Every kind of event there is: its word, where it belongs, who may see it, and how people are told of it.
//!
//! To record something new, add a line. A test holds the sources against this table. Nodes of a later version may have
//! written kinds that are not here; those are shown by their word.

/// Where people look for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Area {
    /// Coming in, going out, and trying to.
    SigningIn,
    /// What one signs in with.
    Factors,
    Account,
    ApiKeys,
    Organizations,
}

impl Area {
    pub const ALL: [Self; 5] = [Self::SigningIn, Self::Factors, Self::Account, Self::ApiKeys, Self::Organizations];

    /// The stable word for filters. Unlike that of a kind it has no dot.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SigningIn => "signing_in",
            Self::Factors => "factors",
            Self::Account => "account",
            Self::ApiKeys => "api_keys",
            Self::Organizations => "organizations",
        }
    }
}

/// Who may see it beside the operator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sight {
    /// Whom it is about, whoever it was that tried, and from where. Whoever tried does not: they would learn whose
    /// account there is.
    Attempt,
    /// Whom it is about.
    Person,
    /// Whom it is about, who did it, and the admins of the organization it happened in.
    Organization,
    /// Nobody: how the service works inside.
    Operator,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kind {
    /// Past tense. Other programs may rely on it.
    pub word: &'static str,
    pub area: Area,
    pub sight: Sight,
    /// As people read it, without its full stop: true for whoever did it and whomever it was done to.
    pub sentence: &'static str,
}

use Area::{Account, ApiKeys, Factors, Organizations, SigningIn};
use Sight::{Attempt, Operator, Organization, Person};

/// In the order of their words.
pub const KINDS: &[Kind] = &[
    kind("api_key.created", ApiKeys, Person, "An API key was made"),
    kind("api_key.revoked", ApiKeys, Person, "An API key was revoked"),
    kind("api_keys.revoked", ApiKeys, Person, "All API keys were revoked"),
    kind("domain.assigned", Organizations, Organization, "A domain was given another provider to sign in by, or none"),
    kind("domain.claimed", Organizations, Organization, "A domain was added to the organization"),
    kind("domain.lost", Organizations, Organization, "A domain is no longer proved to be the organization's"),
    kind("domain.proved", Organizations, Organization, "A domain was proved to be the organization's"),
    kind("domain.removed", Organizations, Organization, "A domain was taken out of the organization"),
    kind("email.changed", Account, Person, "The email address was changed"),
    kind("email.respelled", Account, Person, "The spelling of the email address was changed"),
    kind("email.restored", Account, Person, "The email address from before was put back"),
    kind("email.verification_resent", Account, Person, "The letter to confirm the email address was sent again"),
    kind("email.verified", Account, Person, "The email address was confirmed"),
    kind("factors.removed", Factors, Person, "The second factors were taken away"),
    kind("group.created", Organizations, Organization, "A group was made"),
    kind("group.deleted", Organizations, Organization, "A group was deleted"),
    kind("group.member_added", Organizations, Organization, "A member was added to a group"),
    kind("group.member_removed", Organizations, Organization, "A member was taken out of a group"),
    kind("group.renamed", Organizations, Organization, "A group was renamed"),
    kind("invitation.accepted", Organizations, Organization, "An invitation was accepted"),
    kind("invitation.declined", Organizations, Organization, "An invitation was declined"),
    kind("invitation.resent", Organizations, Organization, "An invitation was sent again"),
    kind("invitation.sent", Organizations, Organization, "An invitation was sent"),
    kind("invitation.withdrawn", Organizations, Organization, "An invitation was withdrawn"),
    kind("job.run", Account, Operator, "A job was run by hand"),
    kind("letter.given_up", Account, Operator, "A letter could not be delivered"),
    kind(
        "magic_link.code_shown",
        SigningIn,
        Attempt,
        "A mailed link was opened in another browser, which was shown a code",
    ),
    kind("magic_link.requested", SigningIn, Attempt, "A link for signing in was asked for"),
    kind("member.added", Organizations, Organization, "A member joined the organization"),
    kind("member.left", Organizations, Organization, "A member left the organization"),
    kind("member.removed", Organizations, Organization, "A member was removed from the organization"),
    kind("member.role_changed", Organizations, Organization, "The role of a member was changed"),
    kind("organization.created", Organizations, Organization, "The organization was founded"),
    kind("organization.deleted", Organizations, Organization, "The organization was deleted"),
    kind("organization.ownership_passed", Organizations, Organization, "The organization got another owner"),
    kind("organization.renamed", Organizations, Organization, "The organization was renamed"),
    kind(
        "organization.second_factor_optional",
        Organizations,
        Organization,
        "Second factors became optional for members",
    ),
    kind(
        "organization.second_factor_required",
        Organizations,
        Organization,
        "Second factors became a must for members",
    ),
    kind("passkey.added", Factors, Person, "A passkey was added"),
    kind("passkey.counter_went_back", Factors, Attempt, "A passkey was refused that seems to have been copied"),
    kind("passkey.refused", Factors, Attempt, "A passkey was refused"),
    kind("passkey.removed", Factors, Person, "A passkey was removed"),
    kind("passkey.renamed", Factors, Person, "A passkey was renamed"),
    kind("password.changed", Factors, Person, "The password was changed"),
    kind("password.removed", Factors, Person, "The password was removed"),
    kind("password.reset", Factors, Person, "A new password was chosen by a mailed link"),
    kind("password.reset_requested", Factors, Attempt, "A letter was asked for, to choose a new password"),
    kind("password.set", Factors, Person, "A password was chosen"),
    kind("place.disowned", SigningIn, Person, "A sign-in was reported as somebody else's"),
    kind("place.new", SigningIn, Person, "That was from a new place"),
    kind("profile.changed", Account, Person, "The name was changed"),
    kind("recovery_code.used", SigningIn, Person, "A recovery code was used"),
    kind("recovery_codes.replaced", Factors, Person, "New recovery codes were made"),
    kind("session.confirmation_failed", SigningIn, Person, "Confirming to be the account's holder failed"),
    kind("session.confirmed", SigningIn, Person, "Confirmed to be the account's holder"),
    kind("session.lent", SigningIn, Person, "The operator looked through the gate as this person"),
    kind("session.opened", SigningIn, Person, "Signed in"),
    kind("session.revoked", SigningIn, Person, "Signed out"),
    kind("session.rotated", SigningIn, Operator, "A session went on under a new id"),
    kind("sessions.revoked", SigningIn, Person, "Signed out on several devices"),
    kind("signin.failed", SigningIn, Attempt, "Somebody failed to sign in"),
    kind(
        "signin.second_factor_asked",
        SigningIn,
        Attempt,
        "The second step of signing in was asked for, after the first one",
    ),
    kind("signing_key.made", Account, Operator, "A key was made that apps know us by"),
    kind("signing_key.removed", Account, Operator, "A key was removed that apps knew us by"),
    kind("signup.repeated", Account, Attempt, "Somebody tried to sign up with this email address"),
    kind(
        "sso.break_glass_named",
        Organizations,
        Organization,
        "An owner was named who may sign in without the provider",
    ),
    kind(
        "sso.break_glass_used",
        SigningIn,
        Organization,
        "Signed in with a password where the organization's provider is a must",
    ),
    kind(
        "sso.break_glass_withdrawn",
        Organizations,
        Organization,
        "An owner may not sign in without the provider any more",
    ),
    kind(
        "sso.certificate_ending",
        Organizations,
        Organization,
        "A certificate of an identity provider runs out, or has",
    ),
    kind("sso.connection_added", Organizations, Organization, "A connection to an identity provider was added"),
    kind("sso.connection_changed", Organizations, Organization, "A connection to an identity provider was changed"),
    kind("sso.connection_removed", Organizations, Organization, "A connection to an identity provider was removed"),
    kind("sso.cut_over", Organizations, Organization, "Sessions were ended that were not of the provider"),
    kind("sso.enforced", Organizations, Organization, "Signing in by the provider became a must"),
    kind("sso.enforcement_ended", Organizations, Organization, "Signing in by the provider became optional"),
    kind("sso.identity_linked", SigningIn, Organization, "A sign-in by an organization was connected to the account"),
    kind("sso.identity_unlinked", SigningIn, Person, "A sign-in by an organization was taken off the account"),
    kind("sso.key_activated", Organizations, Organization, "A connection began to sign with another key"),
    kind("sso.key_added", Organizations, Organization, "A connection was given a further key"),
    kind("sso.key_removed", Organizations, Organization, "A key of a connection was taken away"),
    kind(
        "sso.metadata_failed",
        Organizations,
        Organization,
        "The metadata of an identity provider could not be fetched",
    ),
    kind(
        "sso.metadata_refreshed",
        Organizations,
        Organization,
        "The metadata of an identity provider had changed and was taken over",
    ),
    kind("sso.refused", Organizations, Organization, "An answer of an identity provider was refused"),
    kind("sso.tested", Organizations, Organization, "A connection to an identity provider was tried out"),
    kind("totp.disabled", Factors, Person, "The authenticator app was turned off"),
    kind("totp.enabled", Factors, Person, "The authenticator app was turned on"),
    kind("totp.set_up", Factors, Person, "An authenticator app was prepared"),
    kind("user.created", Account, Person, "The account was made"),
    kind("user.deleted", Account, Operator, "The account was deleted"),
    kind("user.deletion_requested", Account, Person, "The account was asked to be deleted"),
    kind("user.disabled", Account, Person, "The account was disabled"),
    kind("user.enabled", Account, Person, "The account was enabled again"),
    kind("user.exported", Account, Person, "A copy of everything held about the account was taken"),
    kind("user.imported", Account, Person, "The account was brought over from another system"),
    kind("user.promoted", Account, Person, "Became an administrator of this service"),
    kind("user.restored", Account, Person, "The account was kept after all"),
    kind("webhook.added", Organizations, Organization, "A webhook was added"),
    kind("webhook.changed", Organizations, Organization, "A webhook was changed"),
    kind(
        "webhook.delivery_given_up",
        Organizations,
        Organization,
        "A webhook was not told of something, after many attempts",
    ),
    kind("webhook.delivery_repeated", Organizations, Organization, "A webhook was told of something again"),
    kind("webhook.disabled", Organizations, Organization, "A webhook was turned off"),
    kind("webhook.removed", Organizations, Organization, "A webhook was removed"),
    kind("webhook.secret_replaced", Organizations, Organization, "A webhook was given a new secret"),
    kind("webhook.tested", Organizations, Organization, "A webhook was sent a test"),
];

const fn kind(word: &'static str, area: Area, sight: Sight, sentence: &'static str) -> Kind {
    Kind { word, area, sight, sentence }
}

impl Kind {
    pub fn find(word: &str) -> Option<&'static Self> {
        let at = KINDS.binary_search_by(|kind| kind.word.cmp(word)).ok()?;
        KINDS.get(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_its_words_and_names_each_once() {
        for pair in KINDS.windows(2) {
            assert!(pair[0].word < pair[1].word, "{} stands before {}", pair[0].word, pair[1].word);
        }
        for kind in KINDS {
            assert_eq!(Kind::find(kind.word), Some(kind));
        }
        assert_eq!(Kind::find("session.teleported"), None);
    }

    #[test]
    fn a_word_is_lower_case_with_one_dot_and_no_sentence_ends() {
        for kind in KINDS {
            let is_plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            let parts: Vec<&str> = kind.word.split('.').collect();
            assert!(parts.len() == 2 && parts.iter().all(|part| is_plain(part)), "{}", kind.word);
            assert!(
                kind.sentence.starts_with(char::is_uppercase) && !kind.sentence.ends_with('.'),
                "{}",
                kind.sentence
            );
        }
        for area in Area::ALL {
            assert!(!area.as_str().contains('.') && KINDS.iter().any(|kind| kind.area == area), "{area:?}");
        }
    }
}
