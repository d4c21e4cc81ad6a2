//! The whole way from sources to settings.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use config::ValueKind;
use secrecy::ExposeSecret as _;

use super::keys::{KEYS, is_secret, variable_of};
use super::layers::{DEFAULTS, parse_toml};
use super::settings::{Allow, Factor, Organizations, Rule, Signup, Tls, Transport};
use super::*;
use crate::kernel::EmailAddress;

/// Removed when dropped.
pub struct TempFolder(PathBuf);

impl TempFolder {
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(format!("vestibule-{}", crate::kernel::Token::generate().expose()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for TempFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Loads a file of this text.
fn of_file(text: &str) -> Result<Loaded, Mistakes> {
    let folder = TempFolder::new();
    let file = ConfigFile::Named { path: folder.file("vestibule.toml", text), by: "--config" };
    load(&Sources { file, ..Sources::default() })
}

fn of_environment(variables: &[(&str, &str)]) -> Result<Loaded, Mistakes> {
    load(&Sources { environment: variables.iter().copied().collect(), ..Sources::default() })
}

fn of_flags(flags: &[&str]) -> Result<Loaded, Mistakes> {
    load(&Sources { flags: flags.iter().map(|flag| flag.parse().unwrap()).collect(), ..Sources::default() })
}

fn keys_of(mistakes: &Mistakes) -> Vec<&str> {
    mistakes.as_slice().iter().map(|finding| finding.key.as_str()).collect()
}

#[test]
fn the_built_in_defaults_are_whole_and_without_warnings() {
    let loaded = load(&Sources::default()).unwrap();
    assert_eq!(loaded.warnings, []);
    let settings = loaded.settings;
    assert_eq!(settings.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.server.public_url.as_str(), "http://localhost:8080/");
    assert!(settings.server.workers >= 1 && settings.password.max_concurrent >= 1);
    assert!(settings.database.url.is_none() && settings.secrets.keys.is_empty());
    assert_eq!(settings.session.absolute_timeout, chrono::TimeDelta::hours(24));
    assert_eq!(settings.step_up.window, chrono::TimeDelta::minutes(5));
    assert!(settings.step_up.windows.is_empty() && !settings.step_up.login_counts);
    assert_eq!(settings.accounts.signup, Signup::Open);
    assert_eq!(settings.accounts.reset_ttl, chrono::TimeDelta::hours(1));
    assert_eq!((settings.mail.transport, settings.mail.tls), (Transport::Inbox, Tls::Required));
    assert_eq!((settings.gateway.default, settings.gateway.rules.len()), (Allow::Deny, 0));
    assert_eq!(settings.gateway.organizations, Organizations::Named(Vec::new()));
    assert_eq!(settings.limits.login_per_network.count, 50);
}

#[test]
fn the_default_file_holds_every_key_and_no_other() {
    let mut written: Vec<String> = Vec::new();
    for (section, value) in parse_toml(DEFAULTS).unwrap() {
        let ValueKind::Table(table) = value.kind else { panic!("{section}") };
        written.extend(table.keys().map(|word| format!("{section}.{word}")));
    }
    written.sort();
    let mut known = KEYS.to_vec();
    known.sort_unstable();
    assert_eq!(written, known);
}

#[test]
fn the_default_file_tells_of_each_key_its_default_and_its_variable() {
    let mut section = "";
    let mut comment = String::new();
    let mut described = 0;
    for line in DEFAULTS.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
        } else if let Some((word, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            let variable = format!("Variable: {}", variable_of(&format!("{section}.{word}")));
            let ends_well = comment.contains(&format!("{variable}\n")) || comment.contains(&format!("{variable}, "));
            assert!(ends_well && comment.contains("# Default: "), "{section}.{word}: {comment}");
            described += 1;
        }
        if line.starts_with('#') {
            comment.push_str(line);
            comment.push('\n');
        } else {
            comment.clear();
        }
    }
    assert_eq!(described, KEYS.len());
}

/// A key that no setting reads would let this pass.
#[test]
fn every_key_is_read_into_a_setting() {
    for key in KEYS {
        let (section, word) = key.split_once('.').unwrap();
        let mistakes = of_file(&format!("[{section}]\n{word} = 1979-05-27T07:32:00Z\n")).err();
        let as_date = mistakes.as_ref().map(keys_of).unwrap_or_default();
        let mistakes = of_file(&format!("[{section}]\n{word} = {{ a = 1 }}\n")).unwrap_err();
        assert!(keys_of(&mistakes).contains(&key), "{key}: {mistakes}");
        assert!(as_date.contains(&key) || ["data_dir", "username", "password"].contains(&word), "{key}");
    }
}

#[test]
fn each_layer_wins_over_the_one_before() {
    let folder = TempFolder::new();
    let path = folder.file("v.toml", "[database]\npool_size = 2\n[server]\nworkers = 2\ndata_dir = 'file'\n");
    let mut sources = Sources { file: ConfigFile::Named { path, by: "--config" }, ..Sources::default() };
    sources.environment =
        [("VESTIBULE__SERVER__WORKERS", "3"), ("VESTIBULE__SERVER__DATA_DIR", "variable")].into_iter().collect();
    sources.flags = vec!["server.data_dir=flag".parse().unwrap()];
    let settings = load(&sources).unwrap().settings;
    assert_eq!((settings.database.pool_size, settings.server.workers), (2, 3));
    assert_eq!(settings.server.data_dir, Path::new("flag"));
    assert_eq!(settings.password.min_length, 8);
}

#[test]
fn a_value_is_read_from_the_file_a_variable_names() {
    let folder = TempFolder::new();
    for (text, password) in [("0123\n", "0123"), ("a\n\n", "a\n"), ("a b \r\n", "a b "), ("plain", "plain")] {
        let file = folder.file("secret", text);
        let variables =
            [("VESTIBULE__MAIL__PASSWORD_FILE", file.to_str().unwrap()), ("VESTIBULE__MAIL__USERNAME", "0123")];
        let mail = of_environment(&variables).unwrap().settings.mail;
        assert_eq!(mail.password.expose_secret(), password);
        assert_eq!(mail.username, "0123");
    }
}

#[test]
fn a_key_whose_own_name_ends_in_file_is_not_mistaken() {
    let folder = TempFolder::new();
    let pem = folder.file("ca.pem", "-----BEGIN CERTIFICATE-----\n");
    let indirect = folder.file("where", &format!("{}\n", pem.display()));
    for (variable, value) in [("VESTIBULE__MAIL__CA_FILE", &pem), ("VESTIBULE__MAIL__CA_FILE_FILE", &indirect)] {
        let mail = of_environment(&[(variable, value.to_str().unwrap())]).unwrap().settings.mail;
        assert_eq!(mail.ca_file.as_ref(), Some(&pem));
    }
}

#[test]
fn a_variable_and_its_file_together_are_refused_by_name() {
    let mistakes =
        of_environment(&[("VESTIBULE__MAIL__PASSWORD", "hunter2"), ("VESTIBULE__MAIL__PASSWORD_FILE", "/x")]);
    let text = mistakes.unwrap_err().to_string();
    assert!(text.contains("VESTIBULE__MAIL__PASSWORD and VESTIBULE__MAIL__PASSWORD_FILE are both set"), "{text}");
    assert!(!text.contains("hunter2"));
}

#[test]
fn unknown_names_are_answered_with_what_was_meant() {
    let file = [
        ("[server]\nlisen = 'x'\n", "server.lisen", "Did you mean server.listen?"),
        ("listen = 'x'\n", "listen", "Did you mean server.listen?"),
        ("[sesion]\nidle_timeout = '1m'\n", "sesion", "Did you mean [session]?"),
        ("server = 5\n", "server", "It is a section"),
        (
            "[[gateway.rules]]\nhost = ['a.example']\nhosts = ['a.example']\nallow = 'deny'\n",
            "gateway.rules[0].host",
            "hosts?",
        ),
    ];
    for (text, key, remedy) in file {
        let mistakes = of_file(text).unwrap_err();
        let finding =
            mistakes.as_slice().iter().find(|finding| finding.key == key).unwrap_or_else(|| panic!("{mistakes}"));
        assert!(finding.remedy.contains(remedy) && finding.origin.ends_with("vestibule.toml"), "{finding}");
    }
    let variables = [
        ("VESTIBULE__SERVER__LISEN", "Did you mean VESTIBULE__SERVER__LISTEN?"),
        ("VESTIBULE__SERVER_LISTEN", "Did you mean VESTIBULE__SERVER__LISTEN?"),
        ("VESTIBULE__MAIL__PASWORD_FILE", "Did you mean VESTIBULE__MAIL__PASSWORD_FILE?"),
        ("VESTIBULE__server__listen", "Did you mean VESTIBULE__SERVER__LISTEN?"),
        ("VESTIBULE__WEATHER__TOMORROW", "unset it"),
    ];
    for (name, remedy) in variables {
        let mistakes = of_environment(&[(name, "1")]).unwrap_err();
        assert!(mistakes.to_string().contains(remedy) && mistakes.to_string().contains(name), "{mistakes}");
    }
    assert!(of_flags(&["mail.trasnport=smtp"]).unwrap_err().to_string().contains("mail.transport?"));
}

#[test]
fn all_mistakes_are_reported_together() {
    let folder = TempFolder::new();
    let path = folder.file("v.toml", "[server]\nlisten = 'here'\nworker = 1\n[password]\nmin_strength = 9\n");
    let environment = [("VESTIBULE__SESSION__IDLE_TIMEOUT", "2d"), ("VESTIBULE__LOG__LEVL", "info")];
    let sources = Sources {
        file: ConfigFile::Named { path, by: "--config" },
        environment: environment.into_iter().collect(),
        flags: vec!["gateway.default=perhaps".parse().unwrap()],
    };
    let mistakes = load(&sources).unwrap_err();
    let expected =
        ["", "gateway.default", "password.min_strength", "server.listen", "server.worker", "session.idle_timeout"];
    assert_eq!(keys_of(&mistakes), expected);
    assert!(mistakes.to_string().starts_with("The configuration has 6 mistakes:"));
}

#[test]
fn a_mistake_names_key_origin_fault_and_remedy() {
    let mistakes = of_environment(&[("VESTIBULE__SERVER__LISTEN", "localhost")]).unwrap_err();
    let expected = r#"server.listen (from VESTIBULE__SERVER__LISTEN): "localhost" is not an address to listen on. "#;
    assert!(mistakes.to_string().contains(expected), "{mistakes}");
    assert!(mistakes.to_string().contains(r#"as in "127.0.0.1:8080""#));
}

#[test]
fn a_file_that_is_not_toml_is_told_of_without_its_line() {
    let mistakes = of_file("[mail]\npassword = hunter2\n").unwrap_err();
    let text = mistakes.to_string();
    assert!(text.contains("not TOML") && text.contains("line 2") && !text.contains("hunter2"), "{text}");
}

#[test]
fn a_named_file_must_be_there() {
    let file = ConfigFile::Named { path: "/nowhere/v.toml".into(), by: "VESTIBULE_CONFIG" };
    let text = load(&Sources { file, ..Sources::default() }).unwrap_err().to_string();
    assert!(text.contains("/nowhere/v.toml") && text.contains("VESTIBULE_CONFIG must name"), "{text}");
    let file = ConfigFile::FirstOf(vec!["/nowhere/v.toml".into()]);
    assert!(load(&Sources { file, ..Sources::default() }).is_ok());
}

const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const HOME: &str = "server.public_url=https://auth.example.com";
const BY_SMTP: &str = "mail.transport=smtp";
const SENDER: &str = "mail.from=a@example.com";

#[test]
fn values_that_do_not_go_together_are_mistakes() {
    let wrong: [(&[&str], &str); 14] = [
        (&["session.idle_timeout=25h"], "session.idle_timeout"),
        (&["session.remember_idle_timeout=31d"], "session.remember_idle_timeout"),
        (&["session.cookie_domains=example.com"], "session.cookie_domains"),
        (&[HOME, BY_SMTP, "session.cookie_domains=app.example.com"], "session.cookie_domains"),
        (&[HOME, BY_SMTP, "session.cookie_domains=ample.com"], "session.cookie_domains"),
        (&[HOME, BY_SMTP, "session.cookie_domains=example.com, app.example.com"], "session.cookie_domains"),
        (&[HOME, BY_SMTP, "session.cookie_domains=example.com, co.uk"], "session.cookie_domains"),
        (&["database.url=postgres://h/d"], "secrets.key"),
        (&["password.memory_kib=15", "password.parallelism=2"], "password.memory_kib"),
        (&[HOME], "mail.transport"),
        (&["mail.username=ann", "mail.url=smtp://bob@h"], "mail.username"),
        (&["mail.password=secret"], "mail.password"),
        (&["mail.tls=off", "mail.url=submissions://h"], "mail.tls"),
        (&["server.overrides_dir=/nowhere"], "server.overrides_dir"),
    ];
    for (flags, key) in wrong {
        let mistakes = of_flags(flags).unwrap_err();
        assert_eq!(keys_of(&mistakes), [key], "{flags:?}: {mistakes}");
    }
}

#[test]
fn what_is_allowed_and_probably_not_meant_is_a_warning() {
    let rule = |host: &str| format!(r#"gateway.rules=[{{ hosts = ["{host}"], allow = "signed_in" }}]"#);
    let far = rule("app.other.test");
    let near = rule("*.example.com:8443");
    let for_programs = far.replace("}]", ", api_keys = true }]");
    let cases: [(&[&str], &[&str]); 12] = [
        (&[HOME, BY_SMTP, SENDER], &[]),
        (&["server.public_url=http://auth.example.com", BY_SMTP, SENDER], &["server.public_url"]),
        (&["server.trusted_proxies=0.0.0.0/0"], &["server.trusted_proxies"]),
        (&["server.listen=0.0.0.0:8080"], &["server.listen"]),
        (&[HOME, BY_SMTP], &["mail.from"]),
        (&[HOME, BY_SMTP, SENDER, "mail.tls=off", "mail.url=smtp://ann@mail.example.com"], &["mail.tls"]),
        (&[BY_SMTP, "mail.tls=off", "mail.url=smtp://ann@127.0.0.1"], &[]),
        (&["password.memory_kib=4096"], &["password.memory_kib"]),
        (&[HOME, BY_SMTP, SENDER, "session.cookie_domains=example.com", &far], &["gateway.rules[0].hosts"]),
        (&[HOME, BY_SMTP, SENDER, "session.cookie_domains=example.com, other.test", &far], &[]),
        (&[HOME, BY_SMTP, SENDER, "session.cookie_domains=example.com", &near], &[]),
        (&[HOME, BY_SMTP, SENDER, "session.cookie_domains=example.com", &for_programs], &[]),
    ];
    for (flags, expected) in cases {
        let warnings = of_flags(flags).unwrap().warnings;
        let keys: Vec<&str> = warnings.iter().map(|warning| warning.key.as_str()).collect();
        assert_eq!(keys, expected, "{flags:?}");
    }
    assert_eq!(of_flags(&[&rule("localhost:8081")]).unwrap().warnings, []);
    let warnings = of_environment(&[("VESTIBULE_SERVER_LISTEN", "x"), ("VESTIBULE_PORT", "x")]).unwrap().warnings;
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].to_string().contains("Did you mean VESTIBULE__SERVER__LISTEN?"));
}

#[test]
fn rules_are_read_from_a_file_and_from_a_variable_alike() {
    let file = "[[gateway.rules]]\nhosts = ['App.example.com', '*.example.com']\npaths = ['/admin/**']\nallow = 'deny'\n\
                [[gateway.rules]]\nhosts = 'localhost:8081'\nallow = 'public'\nverified = false\n\
                [[gateway.rules]]\nhosts = 'a.example'\nallow = 'signed_in'\napi_keys = true\n";
    let variable = "[{hosts = ['App.example.com', '*.example.com'], paths = ['/admin/**'], allow = 'deny'},\
                    {hosts = 'localhost:8081', allow = 'public', verified = false},\
                    {hosts = 'a.example', allow = 'signed_in', api_keys = true}]";
    let from_file = of_file(file).unwrap().settings.gateway.rules;
    let from_variable = of_environment(&[("VESTIBULE__GATEWAY__RULES", variable)]).unwrap().settings.gateway.rules;
    assert_eq!(from_file, from_variable);
    assert_eq!(from_file[0].hosts, ["app.example.com", "*.example.com"]);
    assert!(from_file[0].verified && !from_file[1].verified && from_file[1].paths.is_empty());
    assert_eq!(from_file.iter().map(|rule| rule.api_keys).collect::<Vec<_>>(), [false, false, true]);
}

#[test]
fn organizations_are_named_one_by_one_or_all_at_once() {
    let named = |value: &str| {
        of_environment(&[("VESTIBULE__GATEWAY__ORGANIZATIONS", value)])
            .map(|loaded| loaded.settings.gateway.organizations)
    };
    let slugs = |slugs: &[&str]| Organizations::Named(slugs.iter().map(|slug| (*slug).to_owned()).collect());
    assert_eq!(named("").unwrap(), slugs(&[]));
    assert_eq!(named("globex, acme,acme").unwrap(), slugs(&["acme", "globex"]));
    assert_eq!(named("*").unwrap(), Organizations::All);
    for wrong in ["acme,*", "Acme", "acme:admin", "acme globex"] {
        assert_eq!(keys_of(&named(wrong).unwrap_err()), ["gateway.organizations"], "{wrong}");
    }
}

#[test]
fn every_fault_of_every_rule_is_found() {
    let file = "[[gateway.rules]]\nallow = 'public'\n\
                [[gateway.rules]]\nhosts = ['a b', 'c d']\npaths = ['x']\nallow = 'perhaps'\nverified = 1\n\
                [[gateway.rules]]\nhosts = 'a.example'\nallow = 'public'\napi_keys = true\n\
                [[gateway.rules]]\nhosts = 'a.example'\nallow = 'signed_in'\napi_keys = 'yes'\n";
    let mistakes = of_file(file).unwrap_err();
    let expected = [
        "gateway.rules[0].hosts",
        "gateway.rules[1].allow",
        "gateway.rules[1].hosts",
        "gateway.rules[1].paths",
        "gateway.rules[1].verified",
        "gateway.rules[2].api_keys",
        "gateway.rules[3].api_keys",
    ];
    assert_eq!(keys_of(&mistakes), expected);
    assert!(mistakes.to_string().contains(r#""a b" is not a host. "c d" is not a host."#), "{mistakes}");
}

#[test]
fn a_rule_says_where_for_whom_and_what_it_asks_for() {
    let file = "[gateway]\norganizations = ['acme']\n[[gateway.rules]]\nname = ' Wiki '\nhosts = 'a.example'\n\
                methods = ['post', 'DELETE']\nnetworks = '10.1.2.3/8'\ngroups = ['acme', 'acme:admin', 'acme/R & D']\n\
                users = 'Ann@Example.com'\nallow = 'two_factor'\nrecent_auth = '5m'\nfactor = 'passkey'\nshadow = true\n\
                note = 'This deletes.'\nicon = '/static/wiki.svg'\ndescription = 'What we know'\n";
    let rules = of_file(file).unwrap().settings.gateway.rules;
    let expected = Rule {
        name: Some("Wiki".into()),
        description: Some("What we know".into()),
        icon: Some("/static/wiki.svg".into()),
        note: Some("This deletes.".into()),
        methods: vec!["POST".into(), "DELETE".into()],
        networks: vec!["10.0.0.0/8".parse().unwrap()],
        groups: vec!["acme".into(), "acme:admin".into(), "acme/R & D".into()],
        users: vec![EmailAddress::parse("Ann@example.com").unwrap()],
        recent_auth: Some(TimeDelta::minutes(5)),
        factor: Some(Factor::Passkey),
        shadow: true,
        ..Rule::for_hosts(vec!["a.example".into()], Allow::TwoFactor)
    };
    assert_eq!(rules, [expected]);
}

#[test]
fn a_rule_that_contradicts_itself_is_refused() {
    let faults = [
        ("allow = 'public'\nrecent_auth = '5m'", "recent_auth"),
        ("allow = 'deny'\nfactor = 'passkey'", "factor"),
        ("allow = 'two_factor'\napi_keys = true", "api_keys"),
        ("allow = 'signed_in'\napi_keys = true\nrecent_auth = '5m'", "api_keys"),
        ("allow = 'public'\ngroups = 'acme'", "groups"),
        ("allow = 'public'\nusers = 'ann@example.com'", "users"),
        ("allow = 'signed_in'\ngroups = 'globex:admin'", "groups"),
        ("allow = 'signed_in'\ngroups = 'acme:boss'", "groups"),
        ("allow = 'signed_in'\ngroups = 'acme/'", "groups"),
        ("allow = 'signed_in'\nusers = 'ann'", "users"),
        ("allow = 'signed_in'\nmethods = 'GET POST'", "methods"),
        ("allow = 'signed_in'\nnetworks = 'home'", "networks"),
        ("allow = 'signed_in'\nrecent_auth = '5s'", "recent_auth"),
        ("allow = 'signed_in'\nfactor = 'password'", "factor"),
        ("allow = 'signed_in'\nicon = 'https://cdn.example/x.svg'", "icon"),
        ("allow = 'signed_in'\nname = ''", "name"),
        ("allow = 'signed_in'\nnotes = 'x'", "notes"),
    ];
    for (text, key) in faults {
        let file = format!("[gateway]\norganizations = ['acme']\n[[gateway.rules]]\nhosts = 'a.example'\n{text}\n");
        assert_eq!(keys_of(&of_file(&file).unwrap_err()), [format!("gateway.rules[0].{key}")], "{text}");
    }
}

#[test]
fn a_rule_that_is_never_reached_is_a_warning() {
    let file = "[[gateway.rules]]\nhosts = 'localhost:8081'\nallow = 'public'\n\
                [[gateway.rules]]\nhosts = 'localhost:8081'\npaths = '/admin/**'\nallow = 'deny'\n";
    let warnings = of_file(file).unwrap().warnings;
    assert_eq!(warnings.len(), 1);
    let said = warnings[0].to_string();
    assert!(said.contains("gateway.rules[1]") && said.contains("gateway.rules[0] decides before it"), "{said}");
}

#[test]
fn a_switch_is_a_word_where_there_are_only_words() {
    let counts = |value: &str| {
        let loaded = of_environment(&[("VESTIBULE__STEP_UP__LOGIN_COUNTS", value)]);
        loaded.map(|loaded| loaded.settings.step_up.login_counts)
    };
    assert!(counts("true").unwrap() && !counts("false").unwrap());
    assert_eq!(keys_of(&counts("yes").unwrap_err()), ["step_up.login_counts"]);
    assert!(of_file("[step_up]\nlogin_counts = true\n").unwrap().settings.step_up.login_counts);
    assert_eq!(keys_of(&of_file("[step_up]\nlogin_counts = 1\n").unwrap_err()), ["step_up.login_counts"]);
}

#[test]
fn keys_are_one_or_a_list_of_which_the_first_seals() {
    let other = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    for text in [format!("[secrets]\nkey = ['{KEY}', '{other}']\n"), format!("[secrets]\nkey = '{KEY}, {other}'\n")] {
        let keys = of_file(&text).unwrap().settings.secrets.keys;
        assert_eq!((keys.len(), keys[0].expose()[0], keys[1].expose()[0]), (2, 0, 1));
    }
}

#[test]
fn what_is_printed_loads_back_and_tells_no_secret() {
    let flags = [
        "mail.username=\"ann\"\\\u{7f}",
        "mail.password=hunter2",
        "session.cookie_domains=",
        "database.url=postgres://ann:hunter2@h/d",
        &format!("secrets.key={KEY}"),
        r#"gateway.rules=[{ hosts = ["localhost:8081"], allow = "public" }]"#,
        "server.workers=3",
    ];
    let loaded = of_flags(&flags).unwrap();
    let printed = print::as_toml(&loaded.values);
    let json = print::as_json(&loaded.values).to_string();
    for shown in [&printed, &json, &format!("{loaded:?}")] {
        assert!(!shown.contains("hunter2") && !shown.contains(KEY), "{shown}");
    }
    let unredacted = printed.replacen("[redacted]", "postgres://h/d", 1).replacen("[redacted]", KEY, 1);
    let again = of_file(&unredacted).unwrap();
    for key in KEYS.iter().filter(|key| !is_secret(key)) {
        assert_eq!(again.values.field(key).kind(), loaded.values.field(key).kind(), "{key}");
    }
    assert!(printed.contains("workers = \"3\" # --set") && printed.contains("# default\n"), "{printed}");
}
