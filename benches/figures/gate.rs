//! What one check at the gate costs, beside plain handlers.

use std::time::Duration;

use anyhow::Context as _;

use crate::client::{Connection, ask_for};
use crate::people;
use crate::report::{Report, median, ratios, section};
use crate::served::{APP, OPEN_APP, Served};
use crate::{Stage, bare, meter};

const ROUNDS: usize = 11;
/// At least half of it is CPU time of the server, counted in ticks of 10 ms.
const ROUND: Duration = Duration::from_millis(800);
const CONNECTIONS: usize = 8;

/// A server, what it is asked, and what each round's answers cost it in microseconds.
struct Contender {
    pid: u32,
    request: String,
    connections: Vec<Connection>,
    costs: Vec<f64>,
    costs_of_postgres: Vec<f64>,
}

impl Contender {
    fn new(server: &Served, request: &str) -> anyhow::Result<Self> {
        let connections = (0..CONNECTIONS).map(|_| Connection::open(server.port)).collect::<Result<_, _>>()?;
        let (costs, costs_of_postgres) = (Vec::new(), Vec::new());
        Ok(Self { pid: server.pid(), request: request.to_owned(), connections, costs, costs_of_postgres })
    }

    fn warm_up(&mut self) -> anyhow::Result<()> {
        ask_for(ROUND / 4, &mut self.connections, &self.request).map(drop)
    }

    fn round(&mut self, postgres: u32) -> anyhow::Result<()> {
        let before = (meter::cpu(self.pid)?, meter::postgres_cpu(postgres)?);
        let answers = ask_for(ROUND, &mut self.connections, &self.request)?;
        let after = (meter::cpu(self.pid)?, meter::postgres_cpu(postgres)?);
        let micros = |seconds: f64| seconds * 1e6 / f64::from(answers);
        self.costs.push(micros(after.0 - before.0));
        self.costs_of_postgres.push(micros(after.1 - before.1));
        Ok(())
    }
}

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
    let mut contenders = [
        Contender::new(&empty, &with_cookie)?,
        Contender::new(&select, &with_cookie)?,
        Contender::new(&service, &with_cookie)?,
        Contender::new(&service, &check(OPEN_APP, ""))?,
    ];
    for contender in &mut contenders {
        contender.warm_up()?;
    }
    for _ in 0..ROUNDS {
        for contender in &mut contenders {
            contender.round(stage.postgres)?;
        }
    }
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

fn tell(report: &mut Report, [empty, select, gate, public]: &[Contender; 4]) {
    section("Gate check: CPU of the server process for each answer, one worker");
    let of = |one: &Contender, other: &Contender| ratios(&one.costs, &other.costs);
    report.ratio("gate.by_empty", "check with a valid cookie ÷ empty 200 with four headers", &of(gate, empty));
    report.ratio("gate.by_select", "check with a valid cookie ÷ handler with one SELECT", &of(gate, select));
    report.ratio("select.by_empty", "handler with one SELECT ÷ empty 200 with four headers", &of(select, empty));
    report.ratio("public.by_empty", "check that needs no session ÷ empty 200 with four headers", &of(public, empty));
    for (key, what, contender) in [
        ("empty", "empty 200 with four headers", empty),
        ("select", "handler with one SELECT", select),
        ("gate", "check with a valid cookie", gate),
        ("public", "check that needs no session", public),
    ] {
        report.value(&format!("{key}.cpu"), what, (median(&contender.costs), "µs"));
    }
    report.value("select.postgres", "  PostgreSQL beside the one SELECT", (median(&select.costs_of_postgres), "µs"));
    report.value("gate.postgres", "  PostgreSQL beside the check", (median(&gate.costs_of_postgres), "µs"));
}
