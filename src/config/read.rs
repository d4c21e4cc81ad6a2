//! Merged values into typed settings, one function a section.
//!
//! Each function first reads every key, keeping the mistakes, and only then puts the section together:
//! the first mistake must not hide the next.

use super::findings::{BUILT_IN, Finding, Mistakes, Wrong};
use super::settings::{
    Accounts, Database, Gateway, Limits, Log, Mail, MetricsListen, Organizations, Password, Record, Rule, Secrets,
    Server, Session, Settings, Sso, StepUp, Webhooks,
};
use super::values::{Field, Values};
use super::{names, parse, rules};
use crate::kernel::client_address::TrustedProxies;
use crate::kernel::return_to::is_within;

pub(super) fn settings(values: &Values, mistakes: &mut Mistakes) -> Option<Settings> {
    let server = server(values, mistakes);
    let database = database(values, mistakes);
    let secrets = mistakes.collect(values.field("secrets.key").list(parse::secret_key));
    let session = session(values, mistakes);
    let step_up = step_up(values, mistakes);
    let accounts = accounts(values, mistakes);
    let password = password(values, mistakes);
    let mail = mail(values, mistakes);
    let limits = limits(values, mistakes);
    let webhooks = mistakes.collect(values.field("webhooks.allowed_networks").list(parse::network));
    let sso = sso(values, mistakes);
    let gateway = gateway(values, mistakes);
    let log = log(values, mistakes);
    Some(Settings {
        server: server?,
        database: database?,
        secrets: Secrets { keys: secrets? },
        session: session?,
        step_up: step_up?,
        accounts: accounts?,
        password: password?,
        mail: mail?,
        limits: limits?,
        webhooks: Webhooks { allowed_networks: webhooks? },
        sso: sso?,
        gateway: gateway?,
        log: log?,
    })
}

fn sso(values: &Values, mistakes: &mut Mistakes) -> Option<Sso> {
    let dns_server = mistakes.collect(values.field("sso.dns_server").optional(parse::dns_server));
    let allowed_networks = mistakes.collect(values.field("sso.allowed_networks").list(parse::network));
    Some(Sso { dns_server: dns_server?, allowed_networks: allowed_networks? })
}

fn server(values: &Values, mistakes: &mut Mistakes) -> Option<Server> {
    let listen = mistakes.collect(values.field("server.listen").text(parse::socket_address));
    let public_url = mistakes.collect(values.field("server.public_url").text(names::public_url));
    let metrics_listen = mistakes.collect(metrics_listen(values));
    let trusted_proxies = mistakes.collect(values.field("server.trusted_proxies").list(parse::network));
    let workers = mistakes.collect(values.field("server.workers").number(0, 1024));
    let data_dir = mistakes.collect(values.field("server.data_dir").text(parse::path));
    let overrides_dir = mistakes.collect(values.field("server.overrides_dir").optional(parse::existing_folder));
    Some(Server {
        listen: listen?,
        public_url: public_url?,
        metrics_listen: metrics_listen?,
        trusted_proxies: TrustedProxies::new(trusted_proxies?),
        workers: or_cores(workers?),
        data_dir: data_dir?,
        overrides_dir: overrides_dir?,
    })
}

fn metrics_listen(values: &Values) -> Result<MetricsListen, Finding> {
    let field = values.field("server.metrics_listen");
    Ok(match field.optional(parse::socket_address)? {
        None => MetricsListen::Off,
        Some(address) if field.origin() == BUILT_IN => MetricsListen::Usual(address),
        Some(address) => MetricsListen::Chosen(address),
    })
}

fn or_cores(number: u32) -> usize {
    match number {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        number => number as usize,
    }
}

fn database(values: &Values, mistakes: &mut Mistakes) -> Option<Database> {
    let url = mistakes.collect(values.field("database.url").optional(parse::database_url));
    let pool_size = mistakes.collect(values.field("database.pool_size").number(1, 1000));
    Some(Database { url: url?, pool_size: pool_size? })
}

fn session(values: &Values, mistakes: &mut Mistakes) -> Option<Session> {
    let idle_timeout = mistakes.collect(values.field("session.idle_timeout").duration());
    let absolute_timeout = mistakes.collect(values.field("session.absolute_timeout").duration());
    let remember_timeout = mistakes.collect(values.field("session.remember_timeout").duration());
    let remember_idle_timeout = mistakes.collect(values.field("session.remember_idle_timeout").duration());
    let cookie_domains = mistakes.collect(values.field("session.cookie_domains").list(names::cookie_domain));
    let cache_size = mistakes.collect(values.field("session.cache_size").number(0, 10_000_000));
    // A mistake in it is told of where it is read for itself.
    let public_url = values.field("server.public_url").text(names::public_url).ok()?;
    let reaches = |domain: &String| is_within(public_url.host_str().unwrap_or_default(), domain);
    let (cookie_domains, handed_domains) = cookie_domains?.into_iter().partition(reaches);
    Some(Session {
        idle_timeout: idle_timeout?,
        absolute_timeout: absolute_timeout?,
        remember_timeout: remember_timeout?,
        remember_idle_timeout: remember_idle_timeout?,
        cookie_domains,
        handed_domains,
        cache_size: cache_size? as usize,
    })
}

fn step_up(values: &Values, mistakes: &mut Mistakes) -> Option<StepUp> {
    let window = mistakes.collect(values.field("step_up.window").duration());
    let windows = mistakes.collect(values.field("step_up.windows").list(parse::window));
    let login_counts = mistakes.collect(values.field("step_up.login_counts").flag());
    Some(StepUp { window: window?, windows: windows?, login_counts: login_counts? })
}

fn accounts(values: &Values, mistakes: &mut Mistakes) -> Option<Accounts> {
    let signup = mistakes.collect(values.field("accounts.signup").text(parse::signup));
    let unverified_ttl = mistakes.collect(values.field("accounts.unverified_ttl").duration());
    let verification_ttl = mistakes.collect(values.field("accounts.verification_ttl").duration());
    let reset_ttl = mistakes.collect(values.field("accounts.reset_ttl").duration());
    let deletion_grace = mistakes.collect(values.field("accounts.deletion_grace").duration());
    Some(Accounts {
        signup: signup?,
        unverified_ttl: unverified_ttl?,
        verification_ttl: verification_ttl?,
        reset_ttl: reset_ttl?,
        deletion_grace: deletion_grace?,
    })
}

fn password(values: &Values, mistakes: &mut Mistakes) -> Option<Password> {
    let min_length = mistakes.collect(values.field("password.min_length").number(8, 128));
    let min_strength = mistakes.collect(values.field("password.min_strength").number(0, 4));
    let memory_kib = mistakes.collect(values.field("password.memory_kib").number(8, 4_194_304));
    let iterations = mistakes.collect(values.field("password.iterations").number(1, 1000));
    let parallelism = mistakes.collect(values.field("password.parallelism").number(1, 64));
    let max_concurrent = mistakes.collect(values.field("password.max_concurrent").number(0, 1024));
    let breach_api = mistakes.collect(values.field("password.breach_api").optional(names::service_url));
    let breach_file = mistakes.collect(values.field("password.breach_file").optional(parse::hash_file));
    Some(Password {
        min_length: min_length? as usize,
        min_strength: u8::try_from(min_strength?).ok()?,
        memory_kib: memory_kib?,
        iterations: iterations?,
        parallelism: parallelism?,
        max_concurrent: or_cores(max_concurrent?),
        breach_api: breach_api?,
        breach_file: breach_file?,
    })
}

fn mail(values: &Values, mistakes: &mut Mistakes) -> Option<Mail> {
    let transport = mistakes.collect(values.field("mail.transport").text(parse::transport));
    let url = mistakes.collect(values.field("mail.url").text(names::smtp_url));
    let username = mistakes.collect(values.field("mail.username").text(|name| Ok(name.to_owned())));
    let password = mistakes.collect(values.field("mail.password").text(|password| Ok(password.into())));
    let from = mistakes.collect(values.field("mail.from").text(names::mailbox));
    let tls = mistakes.collect(values.field("mail.tls").text(parse::tls));
    let ca_file = mistakes.collect(values.field("mail.ca_file").optional(parse::pem_file));
    let timeout = mistakes.collect(values.field("mail.timeout").duration());
    let (url, username) = (url?, username?);
    Some(Mail {
        transport: transport?,
        username: if username.is_empty() { url.user.clone().unwrap_or_default() } else { username },
        url,
        password: password?,
        from: from?,
        tls: tls?,
        ca_file: ca_file?,
        timeout: timeout?,
    })
}

fn limits(values: &Values, mistakes: &mut Mistakes) -> Option<Limits> {
    let login_per_account = mistakes.collect(values.field("limits.login_per_account").text(parse::limit));
    let login_per_network = mistakes.collect(values.field("limits.login_per_network").text(parse::limit));
    let mail_per_account = mistakes.collect(values.field("limits.mail_per_account").text(parse::limit));
    Some(Limits {
        login_per_account: login_per_account?,
        login_per_network: login_per_network?,
        mail_per_account: mail_per_account?,
    })
}

fn gateway(values: &Values, mistakes: &mut Mistakes) -> Option<Gateway> {
    let default = mistakes.collect(values.field("gateway.default").text(parse::allow));
    let assertion = mistakes.collect(values.field("gateway.assertion").flag());
    let organizations = mistakes.collect(organizations(&values.field("gateway.organizations")));
    let tables = mistakes.collect(values.field("gateway.rules").tables());
    let record = record(values, mistakes);
    let rules: Vec<Option<Rule>> = tables?.iter().map(|table| rules::read(table, mistakes)).collect();
    Some(Gateway {
        default: default?,
        assertion: assertion?,
        organizations: organizations?,
        rules: rules.into_iter().collect::<Option<_>>()?,
        record: record?,
    })
}

fn record(values: &Values, mistakes: &mut Mistakes) -> Option<Record> {
    let share = mistakes.collect(values.field("gateway.record").share());
    let kept = mistakes.collect(values.field("gateway.record_kept").duration());
    let most = mistakes.collect(values.field("gateway.record_most").number(1, 100_000_000));
    Some(Record { share: share?, kept: kept?, most: most? })
}

fn organizations(field: &Field<'_>) -> Result<Organizations, Finding> {
    let mut slugs = field.list(names::organization)?;
    slugs.sort_unstable();
    slugs.dedup();
    let is_all = slugs.iter().any(|slug| slug == names::ALL_ORGANIZATIONS);
    match slugs.len() {
        1 if is_all => Ok(Organizations::All),
        _ if is_all => {
            Err(field
                .wrong(Wrong::new(r#""*" and single organizations are named."#, r#"Write either ["*"] or slugs."#)))
        }
        _ => Ok(Organizations::Named(slugs)),
    }
}

fn log(values: &Values, mistakes: &mut Mistakes) -> Option<Log> {
    let format = mistakes.collect(values.field("log.format").text(parse::log_format));
    let level = mistakes.collect(values.field("log.level").text(parse::log_level));
    Some(Log { format: format?, level: level? })
}
