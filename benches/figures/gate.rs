//! What one check at the gate costs, beside plain handlers.

use anyhow::Context as _;

use crate::client::Connection;
use crate::contest::{self, Contender};
use crate::people;
use crate::report::{Report, ratios, section};
use crate::served::{APP, OPEN_APP, Served};
use crate::{Stage, bare};

pub fn measure(report: &mut Report, stage: &Stage) -> anyhow::Result<()> {
    let (database, rules_of_two_apps) = (stage.database(), rules());
    let settings = [database.as_str(), SECRET, "server.workers=1", FEW_CONNECTIONS, &rules_of_two_apps];
    let mut service = Served::vestibule(&stage.folder, &settings)?;
    service.wait_until_ready()?;
    let mut others = Vec::new();
    for special in [vec![many_rules()], vec![rules(), ASSERTION.to_owned()], vec![many_rules(), ASSERTION.to_owned()]] {
        let special = [&settings[..4], &special.iter().map(String::as_str).collect::<Vec<_>>()].concat();
        let mut other = Served::vestibule(&stage.folder, &special)?;
        other.wait_until_ready()?;
        others.push(other);
    }
    let [many, signed, signed_many] = others.try_into().ok().context("three of them")?;
    let mut forgetful = Served::vestibule(
        &stage.folder,
        &[&settings[..], &["session.cache_size=0", "database.pool_size=10"]].concat(),
    )?;
    forgetful.wait_until_ready()?;
    let [ann] = people::sign_up(&service, &stage.url, "gate", 1)?.try_into().ok().context("one person")?;
    let signed_in = ann.sign_in(&mut Connection::open(service.port)?)?;
    let token = signed_in.cookie("vestibule_gate").context("no gate cookie")?;
    let mut empty = bare::start(&[bare::EMPTY])?;
    empty.wait_until_ready()?;
    let mut select = bare::start(&[bare::SELECT, &stage.url])?;
    select.wait_until_ready()?;

    let with_cookie = check(APP, &format!("Cookie: theme=dark; vestibule_gate={token}\r\n"));
    let forged = format!("Cookie: theme=dark; vestibule_gate={}\r\n", "A".repeat(64));
    let forged_by_script = format!("{forged}X-Requested-With: XMLHttpRequest\r\n");
    let mut contenders = [
        Contender::new(&empty, &with_cookie),
        Contender::new(&select, &with_cookie),
        Contender::new(&service, &with_cookie),
        Contender::new(&service, &check(OPEN_APP, "")),
        Contender::new(&service, &check(APP, &forged)).expecting(302),
        Contender::new(&service, &check(APP, &forged_by_script)).expecting(401),
        Contender::new(&forgetful, &with_cookie),
        Contender::new(&many, &with_cookie),
        Contender::new(&signed, &with_cookie),
        Contender::new(&signed_many, &with_cookie),
    ];
    contest::run(&mut contenders, stage.postgres)?;
    tell(report, &contenders);
    Ok(())
}

/// The setting that protects one app and not the other.
pub fn rules() -> String {
    format!(
        r#"gateway.rules=[{{ hosts = ["{APP}"], allow = "signed_in" }}, {{ hosts = ["{OPEN_APP}"], allow = "public" }}]"#
    )
}

/// A thousand that are looked through before the one that protects the app: nearly all of other apps, some of this one and
/// another path.
pub fn many_rules() -> String {
    let others = (0..990).map(|number| format!(r#"{{hosts=["app{number}.example.test"],allow="signed_in"}}"#));
    let paths = (0..9).map(|number| format!(r#"{{hosts=["{APP}"],paths=["/admin/{number}/**"],allow="two_factor"}}"#));
    let own = format!(r#"{{hosts=["{APP}"],allow="signed_in"}}"#);
    format!("gateway.rules=[{}]", others.chain(paths).chain([own]).collect::<Vec<_>>().join(","))
}

/// Any 32 bytes would do; nothing outlives this run.
pub const KEY: &[u8; 32] = b"0123456789abcdef0123456789abcdef";

/// The same as a setting.
pub const SECRET: &str = "secrets.key=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// Several services share one PostgreSQL here.
const FEW_CONNECTIONS: &str = "database.pool_size=4";

const ASSERTION: &str = "gateway.assertion=true";

impl Stage {
    pub fn database(&self) -> String {
        format!("database.url={}", self.url)
    }
}

/// What Caddy or Traefik ask for a browser's request.
pub fn check(app: &str, cookie: &str) -> String {
    format!(
        "GET /gateway/forward-auth HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Method: GET\r\nX-Forwarded-Proto: http\r\n\
         X-Forwarded-Host: {app}\r\nX-Forwarded-Uri: /reports/2026?tab=open\r\nX-Forwarded-For: 203.0.113.7\r\n\
         User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
         Accept: text/html,application/xhtml+xml\r\nAccept-Language: en\r\n{cookie}\r\n"
    )
}

fn tell(report: &mut Report, all: &[Contender; 10]) {
    section("Gate check: CPU of the server process for each answer, one worker");
    let [empty, select, cached, public, forged, script, uncached, many, signed, signed_many] = all;
    let of = |one: &Contender, other: &Contender| ratios(&one.costs, &other.costs);
    let by_empty = [
        ("cached", "check with a session in memory", cached),
        ("many", "the same with 1,000 rules", many),
        ("signed", "the same with one rule and an assertion", signed),
        ("signed_many", "the same with 1,000 rules and an assertion", signed_many),
        ("forged", "check with a forged cookie, by a browser (302)", forged),
        ("script", "check with a forged cookie, by a script (401)", script),
        ("public", "check that needs no session", public),
        ("uncached", "check without memory", uncached),
        ("select", "handler with one SELECT", select),
    ];
    for (key, what, contender) in by_empty {
        report.ratio(&format!("{key}.by_empty"), &format!("{what} ÷ empty 200"), &of(contender, empty));
    }
    report.ratio("many.by_cached", "1,000 rules ÷ one", &of(many, cached));
    report.ratio("uncached.by_select", "check without memory ÷ handler with one SELECT", &of(uncached, select));
    report.value("empty.cpu", "empty 200 with four headers", (empty.cost(), "µs"));
    for (key, what, contender) in by_empty {
        report.value(&format!("{key}.cpu"), what, (contender.cost(), "µs"));
        report.value(&format!("{key}.postgres"), "  PostgreSQL beside it", (contender.cost_of_postgres(), "µs"));
    }
}
