//! From starting the program to its first answer.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use vestibule::db::cluster::Cluster;

use crate::Stage;
use crate::report::{Report, median, ratios, section};
use crate::served::Served;

const FRESH: usize = 3;
const EXISTING: usize = 7;

pub fn measure(report: &mut Report, stage: &Stage) -> anyhow::Result<()> {
    let folder = stage.folder.as_path();
    let (mut first, mut first_alone) = (Vec::new(), Vec::new());
    for n in 0..FRESH {
        first.push(millis(service(&folder.join(format!("service-{n}")))?));
        first_alone.push(millis(postgres(&folder.join(format!("postgres-{n}")))?));
    }
    let (mut again, mut again_alone) = (Vec::new(), Vec::new());
    for _ in 0..EXISTING {
        again.push(millis(service(&folder.join("service-0"))?));
        again_alone.push(millis(postgres(&folder.join("service-0/data"))?));
    }
    section("Start: until the first answer, with a private PostgreSQL");
    report.ratio("start.again_by_postgres", "existing data ÷ PostgreSQL alone", &ratios(&again, &again_alone));
    report.ratio("start.first_by_postgres", "from nothing ÷ PostgreSQL alone", &ratios(&first, &first_alone));
    report.value("start.again", "existing data", (median(&again), "ms"));
    report.value("start.first", "from nothing", (median(&first), "ms"));
    Ok(())
}

fn service(folder: &Path) -> anyhow::Result<Duration> {
    fs::create_dir_all(folder)?;
    let started = Instant::now();
    let mut service = Served::vestibule(folder, &[])?;
    service.wait_until_ready()?;
    let took = started.elapsed();
    service.stop()?;
    Ok(took)
}

fn postgres(data_dir: &Path) -> anyhow::Result<Duration> {
    let started = Instant::now();
    let cluster = Cluster::start(data_dir)?;
    let took = started.elapsed();
    cluster.stop()?;
    Ok(took)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
