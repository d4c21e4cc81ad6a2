//! What the kernel has counted for a process.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use anyhow::Context as _;
use vestibule::db::cluster::Cluster;

/// `USER_HZ`, in which `/proc` counts: 100 on every architecture we run on.
const TICKS_PER_SECOND: f64 = 100.0;

/// CPU seconds of a process with all of its threads, user and system.
pub fn cpu(pid: u32) -> anyhow::Result<f64> {
    Ok(f64::from(Stat::read(pid)?.own) / TICKS_PER_SECOND)
}

/// What processes that go on living have used so far, by thread, to the nanosecond.
pub struct CpuTimes(HashMap<u32, u64>);

impl CpuTimes {
    pub fn of(pids: &[u32]) -> anyhow::Result<Self> {
        let mut times = HashMap::new();
        for pid in pids {
            for entry in fs::read_dir(format!("/proc/{pid}/task"))? {
                let entry = entry?;
                // The thread may have ended meanwhile.
                let Ok(text) = fs::read_to_string(entry.path().join("schedstat")) else { continue };
                let nanos = text.split(' ').next().context("an empty schedstat")?.parse()?;
                times.insert(entry.file_name().to_string_lossy().parse()?, nanos);
            }
        }
        Ok(Self(times))
    }

    /// Microseconds.
    pub fn since(&self, earlier: &Self) -> f64 {
        let spent = self.0.iter().map(|(thread, nanos)| nanos - earlier.0.get(thread).unwrap_or(&0));
        Duration::from_nanos(spent.sum()).as_secs_f64() * 1e6
    }
}

/// A process and those that it has started.
pub fn family(parent: u32) -> anyhow::Result<Vec<u32>> {
    let mut members = vec![parent];
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // It may be gone by now.
        members.extend(Stat::read(pid).ok().filter(|stat| stat.parent == parent).map(|_| pid));
    }
    Ok(members)
}

/// CPU seconds of PostgreSQL's first process and of all that it has started.
pub fn postgres_cpu(postmaster: u32) -> anyhow::Result<f64> {
    let first = Stat::read(postmaster)?;
    let mut ticks = first.own + first.ended_children;
    for child in family(postmaster)?.into_iter().skip(1) {
        ticks += Stat::read(child).map_or(0, |stat| stat.own);
    }
    Ok(f64::from(ticks) / TICKS_PER_SECOND)
}

/// Resident memory in MiB.
pub fn resident(pid: u32) -> anyhow::Result<f64> {
    memory(pid, "VmRSS:")
}

/// The same, the most that there ever was.
pub fn peak(pid: u32) -> anyhow::Result<f64> {
    memory(pid, "VmHWM:")
}

fn memory(pid: u32, figure: &'static str) -> anyhow::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(figure)).context(figure)?;
    let kib: u32 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(f64::from(kib) / 1024.0)
}

pub fn postmaster(cluster: &Cluster) -> anyhow::Result<u32> {
    let text = fs::read_to_string(cluster.folder().join("data/postmaster.pid"))?;
    Ok(text.lines().next().context("an empty postmaster.pid")?.trim().parse()?)
}

/// Of `/proc/<pid>/stat`, see proc(5).
struct Stat {
    parent: u32,
    own: u32,
    ended_children: u32,
}

impl Stat {
    fn read(pid: u32) -> anyhow::Result<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // The second field is a name in parentheses, which may hold anything.
        let (_, rest) = text.rsplit_once(')').context("no name in stat")?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let field = |number: usize| -> anyhow::Result<u32> {
            Ok(fields.get(number - 3).with_context(|| format!("no field {number} in stat"))?.parse()?)
        };
        Ok(Self { parent: field(4)?, own: field(14)? + field(15)?, ended_children: field(16)? + field(17)? })
    }
}
