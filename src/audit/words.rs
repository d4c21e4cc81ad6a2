//! What happened, in a sentence for people, and the facts of it for their programs.

use serde_json::{Map, Value};

use super::kinds::Kind;
use super::search::Recorded;
use crate::kernel::EventId;

/// The facts that whoever may see an event may see of it. What else there is explains it to the operator.
const SHOWN: &[&str] = &[
    "before",
    "by",
    "count",
    "deletes_at",
    "expires_at",
    "group",
    "host",
    "how",
    "key",
    "left",
    "members",
    "method",
    "methods",
    "name",
    "passkey",
    "reason",
    "removed",
    "role",
    "scopes",
    "slug",
    "was_verified",
    "webhook",
];

/// What a program may rely on beside the kind; each is missing where there is nothing to say.
pub fn facts(event: &Recorded) -> Map<String, Value> {
    shown(&event.details)
}

/// Of the details of an event, those that whoever may see it may see.
pub fn shown(details: &Value) -> Map<String, Value> {
    let Value::Object(details) = details else { return Map::new() };
    let is_shown = |name: &str, value: &Value| SHOWN.contains(&name) && !(name == "before" && is_id(value));
    let shown = details.iter().filter(|(name, value)| is_shown(name, value));
    shown.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Of another person, or of a session that is no more.
fn is_id(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.parse::<EventId>().is_ok())
}

/// "Signed in with a password and a code of an authenticator app.", whoever did it. Of a kind that is not known here, its
/// word.
pub fn sentence(event: &Recorded) -> String {
    let Some(kind) = event.known() else { return format!("{} (described by a later version).", event.kind) };
    let facts = facts(event);
    let parts = [by_what(kind, &facts), why(&facts), roles(&facts), called(&facts), left(&facts)];
    let more: String = parts.into_iter().flatten().collect();
    format!("{}{more}.", kind.sentence)
}

fn by_what(kind: &Kind, facts: &Map<String, Value>) -> Option<String> {
    let words: Vec<&str> = match (facts.get("methods"), facts.get("method")) {
        (Some(Value::Array(methods)), _) => methods.iter().filter_map(Value::as_str).collect(),
        (_, Some(Value::String(method))) => vec![method],
        // It was the only way in once, and is not named.
        _ if kind.word == "signin.failed" => vec!["password"],
        _ => return None,
    };
    let names: Vec<&str> = words.into_iter().filter_map(method).collect();
    (!names.is_empty()).then(|| format!(" with {}", names.join(" and ")))
}

fn method(word: &str) -> Option<&'static str> {
    match word {
        "password" => Some("a password"),
        "setup_link" => Some("the set-up link"),
        "totp" => Some("a code of an authenticator app"),
        "recovery_code" => Some("a recovery code"),
        "magic_link" => Some("a mailed link"),
        "passkey" => Some("a passkey"),
        _ => None,
    }
}

fn why(facts: &Map<String, Value>) -> Option<String> {
    let words = match facts.get("reason")?.as_str()? {
        "signed_out_elsewhere" => ", from another device",
        "password_changed" => ", because the password was changed",
        "account_left" => ", because the account is to be deleted",
        "by_provider" => ", by the organization’s identity provider",
        "email_restored" => ", because the email address was put back",
        _ => return None,
    };
    Some(words.to_owned())
}

fn roles(facts: &Map<String, Value>) -> Option<String> {
    let word = |name: &str| facts.get(name).and_then(Value::as_str);
    match (word("before"), word("role")) {
        (Some(before), Some(role)) => Some(format!(", from {before} to {role}")),
        (None, Some(role)) => Some(format!(" as {role}")),
        (_, None) => None,
    }
}

fn called(facts: &Map<String, Value>) -> Option<String> {
    let name = |fact: &str| facts.get(fact).and_then(Value::as_str);
    let quoted = name("name").or_else(|| name("group")).map(|name| format!(": \u{201c}{name}\u{201d}"));
    quoted.or_else(|| name("host").map(|host| format!(": {host}")))
}

fn left(facts: &Map<String, Value>) -> Option<String> {
    facts.get("left").and_then(Value::as_i64).map(|left| format!("; {left} left"))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;

    use super::*;
    use crate::kernel::Hand;

    fn event(kind: &str, details: Value) -> Recorded {
        let at = DateTime::UNIX_EPOCH;
        Recorded {
            id: EventId::new(at),
            at,
            kind: kind.to_owned(),
            actor: None,
            subject: None,
            session: None,
            address: None,
            user_agent: None,
            request_id: String::new(),
            details,
            organization: None,
            hand: Hand::Visitor,
        }
    }

    #[test]
    fn what_happened_is_told_in_a_sentence() {
        let told = [
            ("signin.failed", json!({}), "Somebody failed to sign in with a password."),
            ("signin.failed", json!({ "method": "passkey" }), "Somebody failed to sign in with a passkey."),
            (
                "session.opened",
                json!({ "methods": ["password", "totp"] }),
                "Signed in with a password and a code of an authenticator app.",
            ),
            ("session.opened", json!({ "methods": ["telepathy"] }), "Signed in."),
            ("session.revoked", json!({ "reason": "signed_out", "session": "x" }), "Signed out."),
            ("session.revoked", json!({ "reason": "signed_out_elsewhere" }), "Signed out, from another device."),
            (
                "api_key.created",
                json!({ "name": "backup", "scopes": ["gateway"] }),
                "An API key was made: \u{201c}backup\u{201d}.",
            ),
            ("recovery_code.used", json!({ "left": 9 }), "A recovery code was used; 9 left."),
            ("member.added", json!({ "role": "admin" }), "A member joined the organization as admin."),
            (
                "member.role_changed",
                json!({ "before": "member", "role": "admin" }),
                "The role of a member was changed, from member to admin.",
            ),
            ("session.teleported", json!({ "method": 7 }), "session.teleported (described by a later version)."),
        ];
        for (kind, details, sentence) in told {
            assert_eq!(super::sentence(&event(kind, details.clone())), sentence, "{kind} {details}");
        }
    }

    #[test]
    fn of_the_details_only_known_facts_are_shown() {
        let event = event("letter.given_up", json!({ "reason": "550", "why": "internal", "device": "x" }));
        assert_eq!(Value::Object(facts(&event)), json!({ "reason": "550" }));
    }
}
