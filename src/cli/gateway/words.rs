//! What is decided, for people to read.

/// By the stable word of a decision.
pub(super) fn decision(word: &str) -> &str {
    match word {
        "allow" => "let through",
        "sign_in" => "asked to sign in",
        "confirm" => "asked to confirm that it is them",
        "deny" => "refused",
        "invalid_key" => "refused for a key that is not good",
        other => other,
    }
}

/// By its number and name; `None` for the default.
pub(super) fn rule(rule: Option<(usize, Option<&str>)>) -> String {
    let Some((number, name)) = rule else { return "gateway.default".to_owned() };
    let name = name.map(|name| format!(" ({name})")).unwrap_or_default();
    format!("gateway.rules[{number}]{name}")
}
