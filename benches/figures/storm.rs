//! How long checks take while many people sign in.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use crate::Stage;
use crate::client::Connection;
use crate::gate::{self, SECRET};
use crate::people::{self, Person};
use crate::report::{Report, percentile, section};
use crate::served::{APP, Served};

const PEOPLE: u8 = 64;

/// How many checks are made one after the other, and what lies between two.
#[derive(Clone, Copy)]
pub struct Pace {
    pub checks: usize,
    pub pause: Duration,
}

/// 200 in a second.
pub const LEISURELY: Pace = Pace { checks: 1_000, pause: Duration::from_millis(5) };

pub fn measure(report: &mut Report, stage: &Stage) -> anyhow::Result<()> {
    let [account, network] = ["account", "network"].map(|whose| format!("limits.login_per_{whose}=100000 per 1m"));
    let settings = [&stage.database(), SECRET, &gate::rules(), &account, &network];
    let mut service = Served::vestibule(&stage.folder, &settings)?;
    service.wait_until_ready()?;
    let people = people::sign_up(&service, &stage.url, "storm", PEOPLE)?;
    let ann = people.first().context("one person")?.sign_in(&mut Connection::open(service.port)?)?;
    let token = ann.cookie("vestibule_gate").context("no gate cookie")?;
    let check = gate::check(APP, &format!("Cookie: vestibule_gate={token}\r\n"));

    let idle = ask(&service, &check, LEISURELY)?;
    let is_over = AtomicBool::new(false);
    let during = thread::scope(|scope| {
        let storm: Vec<_> = people.iter().map(|person| scope.spawn(|| sign_in(&service, person, &is_over))).collect();
        let during = ask(&service, &check, LEISURELY);
        is_over.store(true, Ordering::Relaxed);
        for one in storm {
            one.join().map_err(|_| anyhow::anyhow!("a thread panicked"))??;
        }
        during
    })?;
    tell(report, &idle, &during);
    Ok(())
}

fn sign_in(service: &Served, person: &Person, is_over: &AtomicBool) -> anyhow::Result<()> {
    let mut connection = Connection::open(service.port)?;
    while !is_over.load(Ordering::Relaxed) {
        person.sign_in(&mut connection)?;
    }
    Ok(())
}

/// How many milliseconds each check took.
pub fn ask(service: &Served, check: &str, pace: Pace) -> anyhow::Result<Vec<f64>> {
    let mut connection = Connection::open(service.port)?;
    let mut times = Vec::new();
    for _ in 0..pace.checks {
        thread::sleep(pace.pause);
        let asked = Instant::now();
        ensure!(connection.ask(check)?.status == 200, "not let through");
        times.push(asked.elapsed().as_secs_f64() * 1e3);
    }
    Ok(times)
}

fn tell(report: &mut Report, idle: &[f64], during: &[f64]) {
    section(&format!("Checks while {PEOPLE} people sign in again and again: by the clock"));
    let p99 = |times| percentile(times, 99);
    report.ratio("storm.p99", "99th percentile ÷ the same when idle (aim 2)", &[p99(during) / p99(idle)]);
    report.value("storm.p99.idle", "99th percentile when idle", (p99(idle), "ms"));
    report.value("storm.p99.during", "99th percentile meanwhile", (p99(during), "ms"));
}
