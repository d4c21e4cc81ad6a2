//! Whether it matters how many people there are, and how much was written down about them.

use diesel::sql_types::BigInt;
use diesel::{PgConnection, RunQueryDsl as _, sql_query};

use crate::Stage;
use crate::contest::{self, Contender};
use crate::crowd;
use crate::database::Database;
use crate::gate::{self, SECRET};
use crate::people::{self, Person};
use crate::report::{Report, median, ratios, section};
use crate::served::{APP, Served};
use crate::signins::{self, CLIENTS};

const PEOPLE: u32 = 1_000_000;
const EVENTS_EACH: i64 = 10;
/// Those who ask at the gate, and the number of people among whom they are.
const SESSIONS: i64 = 10_000;
const REMEMBERED: i64 = 1_000;
const ROUNDS: usize = 11;
/// Rows of one statement.
const CHUNK: i64 = 250_000;

/// The person of a number. As ids are made here, they follow each other.
pub const ID: &str = "('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid";

pub fn measure(report: &mut Report, stage: &Stage) -> anyhow::Result<()> {
    let count = stage.scaled(PEOPLE);
    let (few, many) = (House::empty(stage, "few")?, House::empty(stage, "many")?);
    fill(&many.database, i64::from(count))?;
    few.open_sessions("SELECT id, (row_number() OVER () - 1) AS n, count(*) OVER () AS people FROM users")?;
    many.open_sessions(&format!(
        "SELECT {ID} AS id, k AS n, {SESSIONS} AS people FROM generate_series(0, {SESSIONS} - 1) AS k,
         LATERAL (SELECT k * 7919 % {count} AS n) AS spread"
    ))?;
    for house in [&few, &many] {
        house.database.settle()?;
    }
    let speed = sign_ins(&few, &many)?;
    let checks = checks(&few, &many, stage)?;
    tell(report, count, &speed, &checks);
    Ok(())
}

/// A database, the service on it, another that remembers nothing, and some who sign in.
struct House {
    people: Vec<Person>,
    service: Served,
    forgetful: Served,
    // Last: whoever is connected has to go first.
    database: Database,
}

impl House {
    fn empty(stage: &Stage, name: &str) -> anyhow::Result<Self> {
        let database = stage.another_database(name)?;
        let settings = [&database.setting(), SECRET, "server.workers=1", &gate::rules()];
        let mut service = Served::vestibule(&stage.folder, &settings)?;
        service.wait_until_ready()?;
        let mut forgetful = Served::vestibule(&stage.folder, &[&settings[..], &["session.cache_size=0"]].concat())?;
        forgetful.wait_until_ready()?;
        let people = people::sign_up(&service, &database.url, name, CLIENTS)?;
        Ok(Self { people, service, forgetful, database })
    }

    /// Sessions of the people whom `whose` gives a number, in turn.
    fn open_sessions(&self, whose: &str) -> anyhow::Result<()> {
        let statement = format!(
            "WITH whose AS ({whose}), numbered AS (
                 SELECT gen_random_uuid() AS id, whose.id AS user_id,
                        sha256(int8send(s) || decode(repeat('00', 24), 'hex')) AS digest
                 FROM generate_series(1, {SESSIONS}) AS s JOIN whose ON whose.n = s % whose.people
             ), opened AS (
                 INSERT INTO sessions (id, user_id, token_digest, remember, created_at, last_active_at, last_auth_at,
                                       expires_at, device_id)
                 SELECT id, user_id, digest, true, now(), now(), now(), now() + interval '1 day', id FROM numbered
                 RETURNING id, token_digest
             )
             INSERT INTO gate_tokens (digest, session_id, domain, created_at)
             SELECT token_digest, id, '', now() FROM opened"
        );
        let opened = sql_query(statement).execute(&mut self.database.connect()?)?;
        anyhow::ensure!(i64::try_from(opened)? == SESSIONS, "{opened} sessions");
        Ok(())
    }
}

/// People, and events that tell of each of them in turn.
pub fn fill(database: &Database, count: i64) -> anyhow::Result<()> {
    let conn = &mut database.connect()?;
    sql_query("SET synchronous_commit = off").execute(conn)?;
    // Without triggers: nobody has to hear of these.
    sql_query("SET session_replication_role = replica").execute(conn)?;
    let people = format!(
        "INSERT INTO users (id, email, email_key, email_verified_at, name, password_hash, created_at)
         SELECT {ID}, 'person' || n || '@example.com', 'person' || n || '@example.com', now(), 'Person ' || n,
                '$argon2id$v=19$m=19456,t=2,p=1$' || md5(n::text) || '$' || md5('x' || n), now()
         FROM generate_series($1, $2) AS n"
    );
    in_chunks(conn, &people, count)?;
    let events = format!(
        "INSERT INTO audit_events (id, at, kind, actor_id, subject_id, address, user_agent, request_id, details)
         SELECT {}, now() - n * interval '1 second', 'session.opened', {}, {},
                '192.0.2.0'::inet + n % 256, 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Firefox/145.0', md5(n::text),
                '{{\"methods\": [\"password\"]}}'
         FROM generate_series($1, $2) AS n",
        // In the order in which they were made, as those of events are.
        ID.replace("7000-8000", "7001-8000"),
        ID.replace("(n)", &format!("(n % {count})")),
        ID.replace("(n)", &format!("(n % {count})")),
    );
    in_chunks(conn, &events, count * EVENTS_EACH)
}

fn in_chunks(conn: &mut PgConnection, statement: &str, count: i64) -> anyhow::Result<()> {
    let mut first = 0;
    while first < count {
        let last = count.min(first + CHUNK) - 1;
        sql_query(statement).bind::<BigInt, _>(first).bind::<BigInt, _>(last).execute(conn)?;
        first = last + 1;
    }
    Ok(())
}

/// Seconds of each round, with few people and with many.
fn sign_ins(few: &House, many: &House) -> anyhow::Result<(Vec<f64>, Vec<f64>)> {
    for house in [few, many] {
        signins::sign_in_all(&house.service, &house.people)?;
    }
    let (mut with_few, mut with_many) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        with_few.push(signins::sign_in_all(&few.service, &few.people)?);
        with_many.push(signins::sign_in_all(&many.service, &many.people)?);
    }
    Ok((with_few, with_many))
}

/// With few people and with many: of those in memory, and of all where nothing is remembered.
fn checks(few: &House, many: &House, stage: &Stage) -> anyhow::Result<[Contender; 4]> {
    let sealer = crowd::sealer()?;
    let ask = |n| gate::check(APP, &crowd::cookie(&sealer, n));
    let of = |served, last| Contender::asking(served, (1..=last).map(ask).collect());
    let mut contenders = [
        of(&few.service, REMEMBERED),
        of(&many.service, REMEMBERED),
        of(&few.forgetful, SESSIONS),
        of(&many.forgetful, SESSIONS),
    ];
    contest::run(&mut contenders, stage.postgres)?;
    Ok(contenders)
}

fn tell(report: &mut Report, count: u32, (few, many): &(Vec<f64>, Vec<f64>), checks: &[Contender; 4]) {
    let events = i64::from(count) * EVENTS_EACH;
    section(&format!("{count} people and {events} audit events, or nobody: how much is left of the speed (aim 0.9)"));
    let [few_in, many_in, few_out, many_out] = checks;
    report.ratio("million.signins", "sign-ins per second, by the clock", &ratios(few, many));
    report.ratio(
        "million.remembered",
        "checks with sessions in memory, by CPU",
        &ratios(&few_in.costs, &many_in.costs),
    );
    report.ratio("million.read", "checks without memory, by CPU", &ratios(&few_out.costs, &many_out.costs));
    let (few_whole, many_whole) = (few_out.whole_costs(), many_out.whole_costs());
    report.ratio("million.read_whole", "  by that of PostgreSQL as well", &ratios(&few_whole, &many_whole));
    report.value("million.signins.few", "200 sign-ins with nobody else", (median(few), "s"));
    report.value("million.signins.many", "200 sign-ins with all of them", (median(many), "s"));
}
