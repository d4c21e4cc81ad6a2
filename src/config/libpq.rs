//! What libpq takes from the environment and from its usual files when an address leaves it open. The connection that
//! is not made by libpq must not be less careful, nor go elsewhere.

use std::path::Path;

use super::sources::Environment;

/// Without those that mean nothing to a connection of ours (`PGTZ`, `PGGEQO`, …).
const VARIABLES: [(&str, &str); 28] = [
    ("PGAPPNAME", "application_name"),
    ("PGCHANNELBINDING", "channel_binding"),
    ("PGDATABASE", "dbname"),
    ("PGGSSENCMODE", "gssencmode"),
    ("PGHOST", "host"),
    ("PGHOSTADDR", "hostaddr"),
    ("PGMINPROTOCOLVERSION", "min_protocol_version"),
    ("PGOPTIONS", "options"),
    ("PGPASSFILE", "passfile"),
    ("PGPASSWORD", "password"),
    ("PGPORT", "port"),
    ("PGREQUIREAUTH", "require_auth"),
    ("PGREQUIREPEER", "requirepeer"),
    ("PGREQUIRESSL", "requiressl"),
    ("PGSERVICE", "service"),
    ("PGSSLCERT", "sslcert"),
    ("PGSSLCERTMODE", "sslcertmode"),
    ("PGSSLCRL", "sslcrl"),
    ("PGSSLCRLDIR", "sslcrldir"),
    ("PGSSLKEY", "sslkey"),
    ("PGSSLMAXPROTOCOLVERSION", "ssl_max_protocol_version"),
    ("PGSSLMINPROTOCOLVERSION", "ssl_min_protocol_version"),
    ("PGSSLMODE", "sslmode"),
    ("PGSSLNEGOTIATION", "sslnegotiation"),
    ("PGSSLROOTCERT", "sslrootcert"),
    ("PGSSLSNI", "sslsni"),
    ("PGTARGETSESSIONATTRS", "target_session_attrs"),
    ("PGUSER", "user"),
];

/// In the home folder, and used wherever they exist.
const FILES: [(&str, &str); 5] = [
    (".pgpass", "passfile"),
    (".postgresql/postgresql.crt", "sslcert"),
    (".postgresql/root.crl", "sslcrl"),
    (".postgresql/postgresql.key", "sslkey"),
    (".postgresql/root.crt", "sslrootcert"),
];

/// By libpq's keywords. Of two values for one keyword the first stands.
pub fn libpq_defaults(environment: &Environment) -> Vec<(&'static str, String)> {
    let text = |name| environment.get(name).and_then(|value| value.to_str()).filter(|value| !value.is_empty());
    let variables = VARIABLES.iter().filter_map(|(name, keyword)| Some((*keyword, text(name)?.to_owned())));
    let mut defaults: Vec<_> = variables.collect();
    if let Some(home) = text("HOME").map(Path::new) {
        let files = FILES.iter().map(|(file, keyword)| (*keyword, home.join(file)));
        defaults.extend(
            files.filter(|(_, path)| path.exists()).map(|(keyword, path)| (keyword, path.display().to_string())),
        );
    }
    defaults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_goes_before_a_file_that_exists() {
        let home = std::env::temp_dir().join(format!("vestibule-libpq-{}", std::process::id()));
        std::fs::create_dir_all(home.join(".postgresql")).unwrap();
        std::fs::write(home.join(".postgresql/root.crt"), "").unwrap();
        let home = home.display().to_string();
        let environment: Environment =
            [("HOME", home.as_str()), ("PGSSLROOTCERT", "mine"), ("PGPASSWORD", ""), ("PATH", "/bin")]
                .into_iter()
                .collect();
        let root = format!("{home}/.postgresql/root.crt");
        let defaults = libpq_defaults(&environment);
        std::fs::remove_dir_all(&home).unwrap();
        assert_eq!(defaults, [("sslrootcert", "mine".to_owned()), ("sslrootcert", root)]);
    }
}
