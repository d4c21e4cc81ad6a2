//! People erased while others go on: how long anything is locked for it, and what a writer beside it notices.

use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use diesel::sql_types::{BigInt, Double};
use diesel::{PgConnection, QueryableByName, RunQueryDsl as _, sql_query};

use crate::Stage;
use crate::database::Database;
use crate::gate::SECRET;
use crate::million::{self, ID};
use crate::report::{Report, percentile, section};

const PEOPLE: u32 = 1_000_000;
const LEAVING: u32 = 10_000;
/// How often it is looked at which transactions are open: one that is older than this is seen.
const PAUSE: Duration = Duration::from_millis(2);
/// Writes for comparison, before anybody is erased.
const WRITES: i64 = 2_000;

/// What was noticed beside it.
struct Noticed {
    seconds: f64,
    /// Milliseconds.
    longest_transaction: f64,
    writes: Vec<f64>,
}

pub fn measure(report: &mut Report, stage: &Stage) -> anyhow::Result<()> {
    let (count, leaving) = (stage.scaled(PEOPLE), stage.scaled(LEAVING));
    let database = stage.another_database("erasing")?;
    million::fill(&database, i64::from(count))?;
    let_leave(&database, i64::from(leaving))?;
    database.settle()?;
    let conn = &mut database.connect()?;
    let idle = (0..WRITES).map(|n| write(conn, n, count)).collect::<Result<Vec<f64>, _>>()?;
    let noticed = erase(&database, count)?;
    let left = sql_query("SELECT count(*) AS n FROM users WHERE deletes_at IS NOT NULL").get_result::<Count>(conn)?.n;
    ensure!(left == 0, "{left} people were not erased");
    tell(report, (count, leaving), &idle, &noticed);
    Ok(())
}

/// The first so many people are due, and have what people have. Nobody writes to them while this is measured.
fn let_leave(database: &Database, leaving: i64) -> anyhow::Result<()> {
    let conn = &mut database.connect()?;
    for statement in [
        "UPDATE users SET deletion_asked_at = now() - interval '31 days', deletes_at = now() - interval '1 day'
         WHERE id = {ID}",
        "INSERT INTO sessions (id, user_id, token_digest, remember, created_at, last_active_at, last_auth_at, expires_at,
                               device_id)
         SELECT gen_random_uuid(), {ID}, sha256(int8send(n)), false, now(), now(), now(), now() + interval '1 day',
                gen_random_uuid()",
        "INSERT INTO places (user_id, network, first_seen_at, last_seen_at)
         SELECT {ID}, '192.0.2.7', now(), now()",
        "INSERT INTO api_keys (id, user_id, digest, hint, name, scopes, created_at, expires_at)
         SELECT gen_random_uuid(), {ID}, sha256(int8send(n)), 'vst_x', 'backup', '{gateway}', now(),
                now() + interval '1 day'",
    ] {
        let from = if statement.starts_with("UPDATE") {
            statement.replace("WHERE", "FROM generate_series(0, $1 - 1) AS n WHERE")
        } else {
            format!("{statement} FROM generate_series(0, $1 - 1) AS n")
        };
        sql_query(from.replace("{ID}", ID)).bind::<BigInt, _>(leaving).execute(conn)?;
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// Milliseconds for changing the name of somebody among the last half of the people, as `PATCH /me` does it.
fn write(conn: &mut PgConnection, n: i64, count: u32) -> anyhow::Result<f64> {
    let half = i64::from(count / 2);
    let statement = format!("UPDATE users SET name = 'Ann' FROM (SELECT $1 AS n) AS whose WHERE users.id = {ID}");
    let started = Instant::now();
    let changed = sql_query(statement).bind::<BigInt, _>(half + n * 7_919 % half).execute(conn)?;
    ensure!(changed == 1, "{changed} people were renamed");
    Ok(started.elapsed().as_secs_f64() * 1e3)
}

/// Runs the job as the operator would, and looks on until it ends.
fn erase(database: &Database, count: u32) -> anyhow::Result<Noticed> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command.args(["--set", &database.setting(), "--set", SECRET, "--set", "log.level=error"]);
    command.args(["jobs", "run", "erase_accounts"]).stdin(Stdio::null()).stdout(Stdio::null());
    let started = Instant::now();
    let mut child = command.spawn()?;
    let pid = child.id();
    let noticed = thread::scope(|scope| {
        let writing = scope.spawn(move || keep_writing(database, count, pid));
        let longest_transaction = watch(database, &mut child)?;
        let seconds = started.elapsed().as_secs_f64();
        let writes = writing.join().map_err(|_| anyhow::anyhow!("a thread panicked"))??;
        Ok::<_, anyhow::Error>(Noticed { seconds, longest_transaction, writes })
    })?;
    ensure!(child.wait()?.success(), "the job failed");
    Ok(noticed)
}

/// Until the process has ended, which its parent has not seen yet or has.
fn keep_writing(database: &Database, count: u32, pid: u32) -> anyhow::Result<Vec<f64>> {
    let conn = &mut database.connect()?;
    let mut times = Vec::new();
    while crate::meter::resident(pid).is_ok() {
        let n = i64::try_from(times.len())?;
        times.push(write(conn, n, count)?);
        thread::sleep(PAUSE);
    }
    Ok(times)
}

/// The age of the oldest transaction that anybody else had, in milliseconds: no lock is held longer.
fn watch(database: &Database, child: &mut Child) -> anyhow::Result<f64> {
    #[derive(QueryableByName)]
    struct Age {
        #[diesel(sql_type = Double)]
        millis: f64,
    }
    let conn = &mut database.connect()?;
    let mut longest: f64 = 0.0;
    while child.try_wait().context("the job")?.is_none() {
        let age: Age = sql_query(
            "SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)) * 1000, 0)::float8 AS millis
             FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'
             AND pid <> pg_backend_pid()",
        )
        .get_result(conn)?;
        longest = longest.max(age.millis);
        thread::sleep(PAUSE);
    }
    Ok(longest)
}

fn tell(report: &mut Report, (count, leaving): (u32, u32), idle: &[f64], noticed: &Noticed) {
    section(&format!("{leaving} of {count} people erased, while others change their names: by the clock"));
    let (p99, idle_p99) = (percentile(&noticed.writes, 99), percentile(idle, 99));
    report.ratio("erasing.writes", "99th percentile of writes ÷ the same before", &[p99 / idle_p99]);
    report.value("erasing.slowest_write", "the slowest write beside it", (percentile(&noticed.writes, 100), "ms"));
    report.value(
        "erasing.longest",
        "the longest that any lock was held (aim 1000)",
        (noticed.longest_transaction, "ms"),
    );
    report.value("erasing.per_second", "people erased per second", (f64::from(leaving) / noticed.seconds, ""));
}
