//! How long checks take while the rules are loaded again and again.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::Stage;
use crate::client::Connection;
use crate::gate::{self, SECRET};
use crate::people;
use crate::report::{Report, percentile, section};
use crate::served::{APP, Served};
use crate::storm::{Pace, ask};

const BETWEEN: Duration = Duration::from_secs(1);
/// For ten seconds and more, so that ten reloads fall into it; each of them is met by some of a hundred checks.
const QUICK: Pace = Pace { checks: 10_000, pause: Duration::from_millis(1) };

pub fn measure(report: &mut Report, stage: &Stage) -> anyhow::Result<()> {
    let folder = stage.folder.join("reload");
    fs::create_dir(&folder)?;
    write(&folder, "signed_in")?;
    let mut service = Served::vestibule(&folder, &[&stage.database(), SECRET])?;
    service.wait_until_ready()?;
    let [ann] = people::sign_up(&service, &stage.url, "reload", 1)?.try_into().ok().context("one person")?;
    let signed_in = ann.sign_in(&mut Connection::open(service.port)?)?;
    let token = signed_in.cookie("vestibule_gate").context("no gate cookie")?;
    let check = gate::check(APP, &format!("Cookie: vestibule_gate={token}\r\n"));

    let idle = ask(&service, &check, QUICK)?;
    let is_over = AtomicBool::new(false);
    let (during, reloads) = thread::scope(|scope| {
        let reloading = scope.spawn(|| reload(&service, &folder, &is_over));
        let during = ask(&service, &check, QUICK);
        is_over.store(true, Ordering::Relaxed);
        let reloads = reloading.join().map_err(|_| anyhow::anyhow!("a thread panicked"))??;
        anyhow::Ok((during?, reloads))
    })?;
    ensure!(reloads >= 10, "no more than {reloads} reloads");
    tell(report, &idle, &during);
    Ok(())
}

/// A thousand rules; those of apps that nobody asks for allow what is given.
fn write(folder: &Path, allow: &str) -> anyhow::Result<()> {
    let others = gate::many_rules().replacen("allow=\"signed_in\"", &format!("allow=\"{allow}\""), 900);
    let rules = others.strip_prefix("gateway.").context("a setting of the gate")?;
    Ok(fs::write(folder.join("vestibule.toml"), format!("[gateway]\n{rules}\n"))?)
}

/// How often.
fn reload(service: &Served, folder: &Path, is_over: &AtomicBool) -> anyhow::Result<usize> {
    let pid = i32::try_from(service.pid()).ok().and_then(Pid::from_raw).context("a process")?;
    let mut times = 0;
    while !is_over.load(Ordering::Relaxed) {
        write(folder, if times % 2 == 0 { "two_factor" } else { "signed_in" })?;
        kill_process(pid, Signal::HUP)?;
        times += 1;
        thread::sleep(BETWEEN);
    }
    Ok(times)
}

fn tell(report: &mut Report, idle: &[f64], during: &[f64]) {
    section("Checks while a thousand rules are loaded again every second: by the clock");
    for (percent, key) in [(99, "p99"), (100, "slowest")] {
        let of = |times| percentile(times, percent);
        let what = if percent == 100 { "slowest".to_owned() } else { format!("{percent}th percentile") };
        report.ratio(
            &format!("reload.{key}"),
            &format!("{what} ÷ the same when nothing is loaded"),
            &[of(during) / of(idle)],
        );
        report.value(&format!("reload.{key}.idle"), &format!("{what} when nothing is loaded"), (of(idle), "ms"));
        report.value(&format!("reload.{key}.during"), &format!("{what} meanwhile"), (of(during), "ms"));
    }
}
