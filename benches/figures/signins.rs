//! Sign-ins beside raw argon2id, and the memory they take.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use vestibule::config::{self, Sources, settings};

use crate::client::Connection;
use crate::gate::SECRET;
use crate::people::{self, Person};
use crate::report::{Report, median, section};
use crate::served::Served;
use crate::{Stage, bare, meter};

const ROUNDS: usize = 5;
const SIGN_INS: u32 = 200;
pub const CLIENTS: u8 = 16;
/// What the service gives its own hashing threads: what else runs here takes from both alike.
const NICE: i32 = 10;
/// Until pools and threads that open in the background are there.
const TO_SETTLE: Duration = Duration::from_secs(2);

/// What each round came to.
#[derive(Default)]
struct Tally {
    /// Sign-ins per second ÷ hashes per second.
    speed: Vec<f64>,
    per_second: Vec<f64>,
    hashes_per_second: Vec<f64>,
    /// CPU milliseconds.
    hash: Vec<f64>,
    service: Vec<f64>,
    postgres: Vec<f64>,
}

pub fn measure(report: &mut Report, stage: &Stage) -> anyhow::Result<()> {
    let password = config::load(&Sources::default())?.settings.password;
    let mut plain = bare::start(&[bare::EMPTY])?;
    plain.wait_until_ready()?;
    let mut service = Served::vestibule(&stage.folder, &[&stage.database(), SECRET])?;
    service.wait_until_ready()?;
    thread::sleep(TO_SETTLE);
    let (nothing, idle) = (meter::resident(plain.pid())?, meter::resident(service.pid())?);

    let people = people::sign_up(&service, &stage.url, "signin", CLIENTS)?;
    let mut tally = Tally::default();
    for _ in 0..ROUNDS {
        round(&mut tally, (&service, stage.postgres), &people, &password)?;
    }
    tell(report, &tally, password.max_concurrent);
    tell_memory(report, (nothing, idle, meter::resident(service.pid())?));
    Ok(())
}

fn round(
    tally: &mut Tally,
    (service, postgres): (&Served, u32),
    people: &[Person],
    password: &settings::Password,
) -> anyhow::Result<()> {
    let own = meter::cpu(std::process::id())?;
    let hashing = hash_all(password)?;
    let own = meter::cpu(std::process::id())? - own;

    let before = (meter::cpu(service.pid())?, meter::postgres_cpu(postgres)?);
    let signing_in = sign_in_all(service, people)?;
    let after = (meter::cpu(service.pid())?, meter::postgres_cpu(postgres)?);

    let each = |seconds: f64| seconds / f64::from(SIGN_INS);
    tally.speed.push(each(hashing) / each(signing_in));
    tally.per_second.push(1.0 / each(signing_in));
    tally.hashes_per_second.push(1.0 / each(hashing));
    tally.hash.push(each(own) * 1e3);
    tally.service.push(each(after.0 - before.0) * 1e3);
    tally.postgres.push(each(after.1 - before.1) * 1e3);
    Ok(())
}

/// How many seconds it takes to hash as many passwords as sign-ins, each thread using its memory again.
fn hash_all(password: &settings::Password) -> anyhow::Result<f64> {
    let params = Params::new(password.memory_kib, password.iterations, password.parallelism, None)?;
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    in_parallel(&vec![(); password.max_concurrent], |()| {
        rustix::process::nice(NICE)?;
        let argon = argon.clone();
        let (mut memory, mut output) = (vec![Block::default(); argon.params().block_count()], [0; 32]);
        Ok(move || {
            Ok(argon.hash_password_into_with_memory(b"velvet orbit canoe", &[7; 16], &mut output, &mut memory)?)
        })
    })
}

/// How many seconds it takes that all of them together sign in 200 times.
pub fn sign_in_all(service: &Served, people: &[Person]) -> anyhow::Result<f64> {
    in_parallel(people, |person| {
        let mut connection = Connection::open(service.port)?;
        Ok(move || person.sign_in(&mut connection).map(drop))
    })
}

/// Shares the work among threads, one for each member. How many seconds all of it took.
fn in_parallel<'a, T, W, F>(members: &'a [T], prepare: F) -> anyhow::Result<f64>
where
    T: Sync,
    W: FnMut() -> anyhow::Result<()>,
    F: Fn(&'a T) -> anyhow::Result<W> + Sync,
{
    let left = AtomicU32::new(SIGN_INS);
    let take = || left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok();
    let run = |member| -> anyhow::Result<()> {
        let mut work = prepare(member)?;
        while take() {
            work()?;
        }
        Ok(())
    };
    let started = Instant::now();
    thread::scope(|scope| {
        let threads: Vec<_> = members.iter().map(|member| scope.spawn(|| run(member))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| anyhow::anyhow!("a thread panicked"))?)
    })?;
    Ok(started.elapsed().as_secs_f64())
}

fn tell(report: &mut Report, tally: &Tally, threads: usize) {
    section(&format!("Sign-ins: {CLIENTS} people at once, {threads} hashing threads"));
    report.ratio("signins.by_argon2", "sign-ins per second ÷ raw argon2id per second (aim 0.9)", &tally.speed);
    let rounds = tally.hash.iter().zip(&tally.service).zip(&tally.postgres);
    let at_most: Vec<f64> = rounds.map(|((hash, service), postgres)| hash / (service + postgres)).collect();
    report.ratio("signins.at_most", "  at most, by the CPU time of all three", &at_most);
    report.value("signins.per_second", "sign-ins per second", (median(&tally.per_second), ""));
    report.value("argon2.per_second", "raw argon2id per second", (median(&tally.hashes_per_second), ""));
    report.value("argon2.cpu", "CPU of one raw argon2id", (median(&tally.hash), "ms"));
    report.value("signins.cpu", "CPU of the service for one sign-in", (median(&tally.service), "ms"));
    report.value("signins.postgres", "  PostgreSQL beside it", (median(&tally.postgres), "ms"));
}

fn tell_memory(report: &mut Report, (nothing, idle, used): (f64, f64, f64)) {
    section("Resident memory");
    report.ratio("memory.idle_by_empty", "idle ÷ empty 200 with four headers", &[idle / nothing]);
    report.value("memory.idle", "idle", (idle, "MiB"));
    report.value("memory.used", "after 1,000 sign-ins", (used, "MiB"));
}
