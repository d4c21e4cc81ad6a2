//! What is allowed and probably not meant.

use super::findings::{Finding, Wrong};
use super::keys::{KEYS, VARIABLE_PREFIX, variable_of};
use super::settings::{Allow, Rule, Settings, SmtpScheme, Tls, Transport};
use super::sources::Environment;
use super::values::Values;
use super::{parse, reach};
use crate::kernel::return_to::{is_loopback, is_within};

pub(super) fn warnings(settings: &Settings, values: &Values, environment: &Environment) -> Vec<Finding> {
    let mut found: Vec<Finding> = [
        public_url_in_clear(settings, values),
        everybody_is_a_proxy(values),
        inbox_out_of_sight(settings, values),
        sender_at_localhost(settings, values),
        mail_password_in_clear(settings, values),
        weak_hashes(settings, values),
    ]
    .into_iter()
    .flatten()
    .collect();
    found.extend(unreachable_hosts(settings, values));
    found.extend(hidden_rules(settings, values));
    found.extend(almost_our_variables(environment));
    found
}

fn public_url_in_clear(settings: &Settings, values: &Values) -> Option<Finding> {
    let url = &settings.server.public_url;
    let problem = "Passwords and cookies travel in clear over http.";
    let wrong = Wrong::new(problem, "Put a proxy with TLS in front and write https.");
    (url.scheme() == "http" && !is_loopback(url)).then(|| values.field("server.public_url").wrong(wrong))
}

fn everybody_is_a_proxy(values: &Values) -> Option<Finding> {
    let field = values.field("server.trusted_proxies");
    let networks = field.list(parse::network).ok()?;
    let problem = "A network of every address is trusted, so any client can claim any address and any host.";
    let wrong = Wrong::new(problem, "Name the proxies' own addresses.");
    networks.iter().any(|network| network.prefix_len() == 0).then(|| field.wrong(wrong))
}

fn inbox_out_of_sight(settings: &Settings, values: &Values) -> Option<Finding> {
    let is_open = !settings.server.listen.ip().to_canonical().is_loopback();
    let problem = "Mail stays in the local inbox, which is shown only while the service listens on loopback alone.";
    let wrong = Wrong::new(problem, "Write 127.0.0.1, or send mail by smtp.");
    (is_open && settings.mail.transport == Transport::Inbox).then(|| values.field("server.listen").wrong(wrong))
}

fn sender_at_localhost(settings: &Settings, values: &Values) -> Option<Finding> {
    let is_local = settings.mail.from.address.domain() == "localhost" && !is_loopback(&settings.server.public_url);
    let wrong = Wrong::new("Mail servers refuse letters from localhost.", "Write an address of a domain of yours.");
    (is_local && settings.mail.transport == Transport::Smtp).then(|| values.field("mail.from").wrong(wrong))
}

fn mail_password_in_clear(settings: &Settings, values: &Values) -> Option<Finding> {
    let mail = &settings.mail;
    let may_be_clear = mail.url.scheme != SmtpScheme::Submissions && mail.tls != Tls::Required;
    let is_far =
        mail.url.host != "localhost" && mail.url.host.parse().is_ok_and(|ip: std::net::IpAddr| !ip.is_loopback());
    let is_named_far = mail.url.host != "localhost" && mail.url.host.parse::<std::net::IpAddr>().is_err();
    let wrong = Wrong::new("The mail server's password can travel in clear.", r#"Write "required"."#);
    let at_risk = mail.transport == Transport::Smtp && !mail.username.is_empty() && (is_far || is_named_far);
    (at_risk && may_be_clear).then(|| values.field("mail.tls").wrong(wrong))
}

/// The least that OWASP's password storage cheat sheet gives for argon2id.
fn weak_hashes(settings: &Settings, values: &Values) -> Option<Finding> {
    let wrong =
        Wrong::new("Stolen hashes of so little memory are cheap to guess.", "Write 19456, the default, or more.");
    (settings.password.memory_kib < 7168).then(|| values.field("password.memory_kib").wrong(wrong))
}

/// The gate's cookie does not reach these hosts, so nobody is ever signed in there.
fn unreachable_hosts(settings: &Settings, values: &Values) -> Vec<Finding> {
    let origin = values.field("gateway.rules").origin().to_owned();
    let warn = |at: usize, host: &str| {
        let problem = format!("{host} is outside of session.cookie_domains, so nobody is ever signed in there.");
        let remedy = "Name a domain above it in session.cookie_domains.";
        Finding::new(format!("gateway.rules[{at}].hosts"), &origin, Wrong::new(problem, remedy))
    };
    let hosts = settings.gateway.rules.iter().enumerate().flat_map(|(at, rule)| hosts_to_sign_in_at(rule, at));
    hosts.filter(|(_, host)| !is_reached(settings, host)).map(|(at, host)| warn(at, host)).collect()
}

/// An earlier rule decides wherever they would.
fn hidden_rules(settings: &Settings, values: &Values) -> Vec<Finding> {
    let origin = values.field("gateway.rules").origin().to_owned();
    let warn = |(at, earlier): (usize, usize)| {
        let problem = format!("This rule is never reached: gateway.rules[{earlier}] decides before it.");
        let wrong = Wrong::new(problem, "Put the narrower rule first.");
        Finding::new(format!("gateway.rules[{at}]"), &origin, wrong)
    };
    reach::hidden(&settings.gateway.rules).into_iter().map(warn).collect()
}

fn hosts_to_sign_in_at(rule: &Rule, at: usize) -> impl Iterator<Item = (usize, &str)> {
    // A key needs no cookie.
    let wants_people = matches!(rule.allow, Allow::SignedIn | Allow::TwoFactor) && !rule.api_keys;
    rule.hosts.iter().filter(move |_| wants_people).map(move |host| (at, host.as_str()))
}

fn is_reached(settings: &Settings, pattern: &str) -> bool {
    let without_port = match pattern.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => pattern,
    };
    let name = without_port.trim_start_matches("*.");
    let session = &settings.session;
    let mut domains = session.cookie_domains.iter().chain(&session.handed_domains);
    // Without a domain the cookie belongs to the one host that set it.
    let is_own_host = session.cookie_domains.is_empty() && settings.server.public_url.host_str() == Some(without_port);
    is_own_host || domains.any(|domain| is_within(name, domain))
}

/// `VESTIBULE_SERVER_LISTEN`. Others of that kind may be somebody else's: Kubernetes sets
/// `VESTIBULE_PORT` beside a service of our name.
fn almost_our_variables(environment: &Environment) -> Vec<Finding> {
    let squeezed = |name: &str| name.replace("__", "_");
    let almost = environment.names().filter(|name| !name.starts_with(VARIABLE_PREFIX)).filter_map(|name| {
        let meant = KEYS.iter().map(|key| variable_of(key)).find(|known| squeezed(known) == squeezed(name))?;
        let wrong = Wrong::new("This variable is not read.", format!("Did you mean {meant}?"));
        Some(Finding::new("", name, wrong))
    });
    almost.collect()
}
