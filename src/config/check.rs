//! What no single key can tell: values that do not go together.
//!
//! Each check reads for itself the values it compares, and says nothing while one of them is a mistake
//! already: a wrong `server.workers` must not hide a wrong cookie domain.

use super::findings::{Finding, Mistakes, Wrong};
use super::settings::{SmtpScheme, Tls, Transport};
use super::values::{Table, Values};
use super::{names, parse};
use crate::kernel::return_to::{is_loopback, is_within};

pub(super) fn check(values: &Values, mistakes: &mut Mistakes) {
    let findings = [
        idle_within_absolute(values, "session.idle_timeout", "session.absolute_timeout"),
        idle_within_absolute(values, "session.remember_idle_timeout", "session.remember_timeout"),
        cookie_domains_reach_public_url(values),
        key_beside_own_database(values),
        argon2_lanes_have_memory(values),
        inbox_only_at_home(values),
        one_mail_user(values),
        mail_password_has_user(values),
        implicit_tls_is_not_off(values),
    ];
    findings.into_iter().flatten().chain(groups_are_told(values)).for_each(|finding| mistakes.add(finding));
}

fn idle_within_absolute(values: &Values, idle_key: &str, absolute_key: &str) -> Option<Finding> {
    let idle = values.field(idle_key).duration().ok()?;
    let absolute = values.field(absolute_key).duration().ok()?;
    let problem = format!("It is longer than {absolute_key}, so it never comes to pass.");
    let wrong = Wrong::new(problem, format!("Write a duration up to that of {absolute_key}."));
    (idle > absolute).then(|| values.field(idle_key).wrong(wrong))
}

/// A browser takes a cookie for the answering host's own name or a parent of it (RFC 6265, section 5.3). Hosts below
/// another domain are handed theirs; that none is above `public_url` is nearly always a slip of the pen.
fn cookie_domains_reach_public_url(values: &Values) -> Option<Finding> {
    let field = values.field("session.cookie_domains");
    let domains = field.list(names::cookie_domain).ok()?;
    let public_url = values.field("server.public_url").text(names::public_url).ok()?;
    let host = public_url.host_str()?;
    let reaching: Vec<&String> = domains.iter().filter(|domain| is_within(host, domain)).collect();
    if reaching.is_empty() && !domains.is_empty() {
        let named = domains.iter().map(|domain| format!("{domain:?}")).collect::<Vec<_>>().join(", ");
        let problem = format!("server.public_url's host {host} is not within {named}: browsers refuse such a cookie.");
        let remedy = "Name the host itself or a parent of it as well, or move server.public_url under the domain.";
        return Some(field.wrong(Wrong::new(problem, remedy)));
    }
    let twice = |domain: &&String| reaching.iter().any(|above| *domain != *above && is_within(domain, above));
    let needless = domains.iter().filter(|domain| !is_within(host, domain)).find(twice)?;
    let problem = format!("{needless:?} lies within another domain of the list, whose cookie reaches it anyway.");
    Some(field.wrong(Wrong::new(problem, "Leave it out.")))
}

fn key_beside_own_database(values: &Values) -> Option<Finding> {
    let keys = values.field("secrets.key").list(parse::secret_key).ok()?;
    let url = values.field("database.url").optional(parse::database_url).ok()?;
    let problem = "It is empty, and a key that is made once and kept in data_dir goes with the private cluster only.";
    let remedy = "Make a key with `openssl rand -base64 32` and give it to every process on this database.";
    (keys.is_empty() && url.is_some()).then(|| values.field("secrets.key").wrong(Wrong::new(problem, remedy)))
}

/// RFC 9106, section 3.1: at least 8 KiB for each lane.
fn argon2_lanes_have_memory(values: &Values) -> Option<Finding> {
    let field = values.field("password.memory_kib");
    let lanes = values.field("password.parallelism").number(1, 64).ok()?;
    let least = 8 * lanes;
    let wrong = Wrong::new(format!("{lanes} lanes need {least} KiB."), format!("Write {least} or more."));
    (field.number(8, 4_194_304).ok()? < least).then(|| field.wrong(wrong))
}

fn inbox_only_at_home(values: &Values) -> Option<Finding> {
    let field = values.field("mail.transport");
    let public_url = values.field("server.public_url").text(names::public_url).ok()?;
    let is_inbox = field.text(parse::transport).ok()? == Transport::Inbox;
    let problem = format!(
        "The local inbox is shown on this machine only, and server.public_url is {}: nobody would get a letter.",
        public_url.origin().ascii_serialization()
    );
    let remedy = r#"Write "smtp" and set mail.url and mail.from."#;
    (is_inbox && !is_loopback(&public_url)).then(|| field.wrong(Wrong::new(problem, remedy)))
}

fn one_mail_user(values: &Values) -> Option<Finding> {
    let field = values.field("mail.username");
    let name = field.text(|name| Ok(name.to_owned())).ok()?;
    let in_url = values.field("mail.url").text(names::smtp_url).ok()?.user?;
    let problem = format!("It is {name:?}, and mail.url names {in_url:?}.");
    (!name.is_empty() && name != in_url).then(|| field.wrong(Wrong::new(problem, "Write the name in one place.")))
}

fn mail_password_has_user(values: &Values) -> Option<Finding> {
    let field = values.field("mail.password");
    let has_password = field.text(|password| Ok(!password.is_empty())).ok()?;
    let name = values.field("mail.username").text(|name| Ok(name.to_owned())).ok()?;
    let in_url = values.field("mail.url").text(names::smtp_url).ok()?.user;
    let wrong = Wrong::new("There is a password but no name to go with it.", "Set mail.username as well.");
    (has_password && name.is_empty() && in_url.is_none()).then(|| field.wrong(wrong))
}

fn implicit_tls_is_not_off(values: &Values) -> Option<Finding> {
    let field = values.field("mail.tls");
    let scheme = values.field("mail.url").text(names::smtp_url).ok()?.scheme;
    let is_off = field.text(parse::tls).ok()? == Tls::Off;
    let remedy = r#"Write "required", or smtp:// in mail.url."#;
    let wrong = Wrong::new("mail.url begins with submissions://, which is TLS from the first byte.", remedy);
    (is_off && scheme == SmtpScheme::Submissions).then(|| field.wrong(wrong))
}

/// Nothing is read of an organization that is not named, so a rule for its people would never come to pass; one that
/// denies them something would let them in.
fn groups_are_told(values: &Values) -> Vec<Finding> {
    let named = values.field("gateway.organizations").list(names::organization);
    let (Ok(named), Ok(tables)) = (named, values.field("gateway.rules").tables()) else { return Vec::new() };
    let is_told = |slug: &str| named.iter().any(|name| name == slug || name == names::ALL_ORGANIZATIONS);
    let untold = |table: &Table| {
        let field = table.field("groups");
        let groups = field.list(names::group).ok()?;
        let slug_of = |group: &String| group.split([':', '/']).next().unwrap_or_default().to_owned();
        let slug = groups.iter().map(slug_of).find(|slug| !is_told(slug))?;
        let problem = format!("Nothing is known of the organization {slug:?} here.");
        Some(field.wrong(Wrong::new(problem, format!("Name it in gateway.organizations: [{slug:?}]."))))
    };
    tables.iter().filter_map(untold).collect()
}
