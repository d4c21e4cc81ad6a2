//! What one check at the gate costs, beside plain handlers.

use anyhow::Context as _;

use crate::client::Connection;
use crate::contest::{self, Contender};
use crate::people;
use crate::report::{Report, ratios, section};
use crate::served::{APP, OPEN_APP, Served};
use crate::{Stage, bare};

pub fn measure(report: &mut Report, stage: &Stage) -> anyhow::Result<()> {
    let rules = format!(
        r#"gateway.rules=[{{ hosts = ["{APP}"], allow = "signed_in" }}, {{ hosts = ["{OPEN_APP}"], allow = "public" }}]"#
    );
    let mut service = Served::vestibule(&stage.folder, &[&stage.database(), SECRET, "server.workers=1", &rules])?;
    service.wait_until_ready()?;
    let [ann] = people::sign_up(&service, &stage.url, "gate", 1)?.try_into().ok().context("one person")?;
    let signed_in = ann.sign_in(&mut Connection::open(service.port)?)?;
    let token = signed_in.cookie("vestibule_gate").context("no gate cookie")?;
    let mut empty = bare::start(&[bare::EMPTY])?;
    empty.wait_until_ready()?;
    let mut select = bare::start(&[bare::SELECT, &stage.url])?;
    select.wait_until_ready()?;

    let with_cookie = check(APP, &format!("Cookie: theme=dark; vestibule_gate={token}\r\n"));
    let forged = check(APP, &format!("Cookie: theme=dark; vestibule_gate={}\r\n", "A".repeat(64)));
    let mut contenders = [
        Contender::new(&empty, &with_cookie)?,
        Contender::new(&select, &with_cookie)?,
        Contender::new(&service, &with_cookie)?,
        Contender::new(&service, &check(OPEN_APP, ""))?,
        Contender::new(&service, &forged)?.expecting(302),
    ];
    contest::run(&mut contenders, stage.postgres)?;
    tell(report, &contenders);
    Ok(())
}

/// Any 44 characters would do; nothing outlives this run.
pub const SECRET: &str = "secrets.key=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

impl Stage {
    pub fn database(&self) -> String {
        format!("database.url={}", self.url)
    }
}

/// What Caddy or Traefik ask for a browser's request.
fn check(app: &str, cookie: &str) -> String {
    format!(
        "GET /gateway/forward-auth HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Method: GET\r\nX-Forwarded-Proto: http\r\n\
         X-Forwarded-Host: {app}\r\nX-Forwarded-Uri: /reports/2026?tab=open\r\nX-Forwarded-For: 203.0.113.7\r\n\
         User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
         Accept: text/html,application/xhtml+xml\r\nAccept-Language: en\r\n{cookie}\r\n"
    )
}

fn tell(report: &mut Report, [empty, select, gate, public, forged]: &[Contender; 5]) {
    section("Gate check: CPU of the server process for each answer, one worker");
    let of = |one: &Contender, other: &Contender| ratios(&one.costs, &other.costs);
    report.ratio("gate.by_empty", "check with a valid cookie ÷ empty 200 with four headers", &of(gate, empty));
    report.ratio("gate.by_select", "check with a valid cookie ÷ handler with one SELECT", &of(gate, select));
    report.ratio("select.by_empty", "handler with one SELECT ÷ empty 200 with four headers", &of(select, empty));
    report.ratio("public.by_empty", "check that needs no session ÷ empty 200 with four headers", &of(public, empty));
    report.ratio("forged.by_empty", "check with a forged cookie ÷ empty 200 with four headers", &of(forged, empty));
    for (key, what, contender) in [
        ("empty", "empty 200 with four headers", empty),
        ("select", "handler with one SELECT", select),
        ("gate", "check with a valid cookie", gate),
        ("public", "check that needs no session", public),
        ("forged", "check with a forged cookie", forged),
    ] {
        report.value(&format!("{key}.cpu"), what, (contender.cost(), "µs"));
    }
    for (key, what, contender) in
        [("select", "SELECT", select), ("gate", "check", gate), ("forged", "forged cookie", forged)]
    {
        let what = format!("  PostgreSQL beside the {what}");
        report.value(&format!("{key}.postgres"), &what, (contender.cost_of_postgres(), "µs"));
    }
}
