//! Whether it matters how many sessions there are, and what those in memory weigh.

use diesel::sql_types::BigInt;
use diesel::{Connection as _, PgConnection, RunQueryDsl as _};

use crate::contest::{self, Contender};
use crate::gate::{self, KEY, SECRET};
use crate::people;
use crate::report::{Report, ratios, section};
use crate::served::{APP, Served};
use crate::{Stage, meter};
use vestibule::config::settings::SecretKey;
use vestibule::crypto::Sealer;
use vestibule::kernel::Token;

const FEW: i64 = 1_000;
const MANY: i64 = 1_000_000;
/// As many as `session.cache_size` is by default.
const REMEMBERED: i64 = 100_000;

/// Sessions of one person from `$1` up to `$2`. Their tokens are their numbers, in eight bytes and 24 empty ones.
const INSERT: &str = "
    WITH numbered AS (
        SELECT gen_random_uuid() AS id, sha256(int8send(n) || decode(repeat('00', 24), 'hex')) AS digest
        FROM generate_series($1, $2) AS n
    ), opened AS (
        INSERT INTO sessions (id, user_id, token_digest, remember, created_at, last_active_at, last_auth_at,
                              expires_at, device_id)
        SELECT n.id, u.id, n.digest, true, now(), now(), now(), now() + interval '1 day', n.id
        FROM numbered n, (SELECT id FROM users LIMIT 1) u
        RETURNING id, token_digest
    )
    INSERT INTO gate_tokens (digest, session_id, domain, created_at)
    SELECT token_digest, id, '', now() FROM opened";

pub fn measure(report: &mut Report, stage: &Stage) -> anyhow::Result<()> {
    let settings = [&stage.database(), SECRET, "server.workers=1", &gate::rules()];
    let mut service = Served::vestibule(&stage.folder, &settings)?;
    service.wait_until_ready()?;
    people::sign_up(&service, &stage.url, "crowd", 1)?;
    let mut forgetful = Served::vestibule(&stage.folder, &[&settings[..], &["session.cache_size=0"]].concat())?;
    forgetful.wait_until_ready()?;
    let database = &mut PgConnection::establish(&stage.url)?;
    insert(database, 1, FEW)?;
    let few = contenders(&service, &forgetful, FEW)?;
    insert(database, FEW + 1, MANY)?;
    let many = contenders(&service, &forgetful, MANY)?;
    let weight = weigh(&service)?;
    tell(report, (&few, &many), weight);
    Ok(())
}

pub fn insert(database: &mut PgConnection, first: i64, last: i64) -> anyhow::Result<()> {
    diesel::sql_query(INSERT).bind::<BigInt, _>(first).bind::<BigInt, _>(last).execute(database)?;
    diesel::sql_query("ANALYZE sessions, gate_tokens").execute(database)?;
    Ok(())
}

/// The `n`th session's token.
pub fn token(n: i64) -> Token {
    let mut token = [0; 32];
    token[..8].copy_from_slice(&n.to_be_bytes());
    Token::from_bytes(token)
}

pub fn cookie(sealer: &Sealer, n: i64) -> String {
    format!("Cookie: vestibule_gate={}\r\n", sealer.tag(&token(n)))
}

pub fn sealer() -> anyhow::Result<Sealer> {
    let key = SecretKey::from_bytes(KEY.to_vec()).and_then(|key| Sealer::new(&[key]));
    key.ok_or_else(|| anyhow::anyhow!("no key"))
}

/// A thousand people whom the node remembers, and anybody among all where nothing is remembered.
fn contenders(service: &Served, forgetful: &Served, sessions: i64) -> anyhow::Result<[Contender; 2]> {
    let sealer = sealer()?;
    let check = |n| gate::check(APP, &cookie(&sealer, n));
    let all_over = (0..10 * FEW).map(|n| 1 + n * 7_919 % sessions);
    let mut both = [
        Contender::asking(service, (1..=FEW).map(check).collect()),
        Contender::asking(forgetful, all_over.map(check).collect()),
    ];
    contest::run(&mut both, std::process::id())?;
    Ok(both)
}

/// Bytes for each session that is remembered.
fn weigh(service: &Served) -> anyhow::Result<f64> {
    let sealer = sealer()?;
    let others = (FEW + 1..=REMEMBERED).map(|n| gate::check(APP, &cookie(&sealer, n))).collect();
    let count = u32::try_from(REMEMBERED - FEW)?;
    let others = Contender::asking(service, others);
    let before = meter::resident(service.pid())?;
    others.ask(count)?;
    let mib = meter::resident(service.pid())? - before;
    Ok(mib * 1024.0 * 1024.0 / f64::from(count))
}

fn tell(
    report: &mut Report,
    ([few_in, few_out], [many_in, many_out]): (&[Contender; 2], &[Contender; 2]),
    weight: f64,
) {
    section("A million sessions in the table, or a thousand: checks for the same CPU");
    report.ratio("crowd.remembered", "with sessions in memory (aim 0.9)", &ratios(&few_in.costs, &many_in.costs));
    report.ratio("crowd.read", "without memory", &ratios(&few_out.costs, &many_out.costs));
    report.value("crowd.weight", "memory for each session that is remembered", (weight, "bytes"));
}
