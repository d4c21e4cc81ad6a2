//! The names of the keys, as files, variables and people write them.

/// Every key. `config/default.toml` and the reader of [`super::Settings`] are tested against this list.
pub const KEYS: [&str; 55] = [
    "server.listen",
    "server.public_url",
    "server.metrics_listen",
    "server.trusted_proxies",
    "server.workers",
    "server.data_dir",
    "server.overrides_dir",
    "database.url",
    "database.pool_size",
    "secrets.key",
    "session.idle_timeout",
    "session.absolute_timeout",
    "session.remember_timeout",
    "session.remember_idle_timeout",
    "session.cookie_domains",
    "session.cache_size",
    "step_up.window",
    "step_up.windows",
    "step_up.login_counts",
    "accounts.signup",
    "accounts.unverified_ttl",
    "accounts.verification_ttl",
    "accounts.reset_ttl",
    "accounts.deletion_grace",
    "password.min_length",
    "password.min_strength",
    "password.memory_kib",
    "password.iterations",
    "password.parallelism",
    "password.max_concurrent",
    "password.breach_api",
    "password.breach_file",
    "mail.transport",
    "mail.url",
    "mail.username",
    "mail.password",
    "mail.from",
    "mail.tls",
    "mail.ca_file",
    "mail.timeout",
    "limits.login_per_account",
    "limits.login_per_network",
    "limits.mail_per_account",
    "webhooks.allowed_networks",
    "sso.dns_server",
    "sso.allowed_networks",
    "gateway.default",
    "gateway.assertion",
    "gateway.organizations",
    "gateway.rules",
    "gateway.record",
    "gateway.record_kept",
    "gateway.record_most",
    "log.format",
    "log.level",
];

/// The keys of one of `gateway.rules`.
pub const RULE_KEYS: [&str; 16] = [
    "name",
    "description",
    "icon",
    "note",
    "hosts",
    "paths",
    "methods",
    "networks",
    "groups",
    "users",
    "allow",
    "recent_auth",
    "factor",
    "verified",
    "api_keys",
    "shadow",
];

/// The keys whose values are never shown. A database URL may hold a password.
const SECRET_KEYS: [&str; 3] = ["database.url", "secrets.key", "mail.password"];

pub const VARIABLE_PREFIX: &str = "VESTIBULE__";
pub const FILE_SUFFIX: &str = "_FILE";

pub fn is_key(name: &str) -> bool {
    KEYS.contains(&name)
}

pub fn is_secret(key: &str) -> bool {
    SECRET_KEYS.contains(&key)
}

pub fn is_section(name: &str) -> bool {
    KEYS.iter().any(|key| section_of(key) == name)
}

/// `mail.password` is set by `VESTIBULE__MAIL__PASSWORD`.
pub fn variable_of(key: &str) -> String {
    format!("{VARIABLE_PREFIX}{}", key.to_ascii_uppercase().replace('.', "__"))
}

/// What was probably meant by `name`: a key, or `[section]`. `name` may lack its section.
pub fn meant_by(name: &str) -> Option<String> {
    let wanted = name.to_ascii_lowercase().replace('-', "_");
    let word = word_of(&wanted);
    let same_word = || KEYS.iter().find(|key| word_of(key) == word).map(ToString::to_string);
    let whole = || nearest(&wanted, KEYS.into_iter()).map(str::to_owned);
    let section = || nearest(&wanted, KEYS.iter().map(|key| section_of(key))).map(|section| format!("[{section}]"));
    let similar_word = || {
        let meant = nearest(word, KEYS.iter().map(|key| word_of(key)))?;
        KEYS.iter().find(|key| word_of(key) == meant).map(ToString::to_string)
    };
    let by_whole_name = || if wanted.contains('.') { whole().or_else(same_word) } else { same_word().or_else(section) };
    by_whole_name().or_else(similar_word)
}

fn section_of(key: &str) -> &str {
    key.split('.').next().unwrap_or(key)
}

/// The key without its section.
fn word_of(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

/// The candidate that looks most like `wanted`, when one does.
pub fn nearest<'a>(wanted: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .filter(|candidate| is_near(wanted, candidate))
        .min_by_key(|candidate| strsim::damerau_levenshtein(wanted, candidate))
}

/// Up to a third of the letters may be wrong.
fn is_near(wanted: &str, candidate: &str) -> bool {
    strsim::damerau_levenshtein(wanted, candidate) <= candidate.len().div_ceil(3).min(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_is_recognised() {
        let meant = [
            ("server.lisen", Some("server.listen")),
            ("server.public-url", Some("server.public_url")),
            ("listen", Some("server.listen")),
            ("mail.listen", Some("server.listen")),
            ("sesion.idle_timeout", Some("session.idle_timeout")),
            ("idel_timeout", Some("session.idle_timeout")),
            ("gateway.rule", Some("gateway.rules")),
            ("sesion", Some("[session]")),
            ("databse.url", Some("database.url")),
            ("quite.something_else", None),
        ];
        for (name, key) in meant {
            assert_eq!(meant_by(name).as_deref(), key, "{name}");
        }
    }

    #[test]
    fn a_variable_is_named_after_its_key() {
        assert_eq!(variable_of("session.idle_timeout"), "VESTIBULE__SESSION__IDLE_TIMEOUT");
    }
}
