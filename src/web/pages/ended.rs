//! Why somebody is not signed in any more, in words for a person who did not expect it.

use serde_json::{Value, json};

use super::in_words;
use crate::config::settings;
use crate::sessions::EndReason;

/// What has happened, and what to do about it. `None` when nobody needs to be told.
pub fn explain(reason: EndReason, rules: &settings::Session) -> Option<Value> {
    let (what, next) = match reason {
        EndReason::SignedOut => return None,
        EndReason::Idle(remember) => (
            format!("because you had not been here for {}.", in_words(remember.idle_timeout(rules))),
            "Sign in, and you are back where you were.",
        ),
        EndReason::TooOld(remember) => (
            format!("because signing in is good for {} at most.", in_words(remember.absolute_timeout(rules))),
            "Sign in, and you are back where you were.",
        ),
        EndReason::SignedOutElsewhere => (
            "on this device from somewhere else.".to_owned(),
            "That is done in the list of your devices, or by the link in a letter to you. If it was not you, choose a \
             new password: “Forgot your password?” below leads there.",
        ),
        EndReason::PasswordChanged => (
            "because the password of your account was changed.".to_owned(),
            "Sign in with the new one. If it was not you who changed it, choose another: “Forgot your password?” \
             below leads there.",
        ),
        EndReason::EmailRestored => (
            "because the address of your account was changed back to an earlier one.".to_owned(),
            "Whoever reads its mail did that by the link in our letter, and chooses a new password.",
        ),
        EndReason::AccountLeft => (
            "because your account is to be deleted.".to_owned(),
            "Sign in if it is to stay, or if it was not you who asked for that.",
        ),
        EndReason::ProviderRequired => (
            "because you sign in with your organization's provider from now on.".to_owned(),
            "Enter your address, and you are led there.",
        ),
        EndReason::ByOperator => {
            ("by whoever runs this service.".to_owned(), "You can sign in again. If you wonder why, ask them.")
        }
        EndReason::ProviderGone => (
            "because the identity provider that you had signed in with does not speak for you any more.".to_owned(),
            "Sign in in another way, or ask whoever looks after your organization.",
        ),
        EndReason::ByProvider => (
            "by your organization’s identity provider.".to_owned(),
            "Sign in with it again, and you are back where you were.",
        ),
    };
    Some(json!({ "what": format!("You were signed out {what}"), "next": next }))
}
