//! What came out: to read, and to keep.

use std::fs;
use std::path::Path;
use std::thread;

use serde_json::{Map, Value, json};

pub struct Report {
    load_at_start: String,
    figures: Map<String, Value>,
}

impl Report {
    pub fn begin() -> anyhow::Result<Self> {
        let load_at_start = load()?;
        println!("{} cores, load {load_at_start}; build: profile.bench (thin LTO)", cores()?);
        if load_at_start.parse::<f64>()? > 0.5 {
            println!("This machine is busy: what is measured by the clock says little, CPU times a little less.");
        }
        Ok(Self { load_at_start, figures: Map::new() })
    }

    /// The median of the rounds, and between what eight of ten lie.
    pub fn ratio(&mut self, key: &str, what: &str, rounds: &[f64]) {
        let (low, high) = (percentile(rounds, 10), percentile(rounds, 90));
        let spread = if rounds.len() > 1 { format!("   {low:.2} … {high:.2}") } else { String::new() };
        println!("  {what:<62} {:>8.2} ×  {spread}", median(rounds));
        self.figures.insert(key.to_owned(), json!({ "ratio": median(rounds), "rounds": rounds }));
    }

    pub fn value(&mut self, key: &str, what: &str, (value, unit): (f64, &str)) {
        println!("  {what:<62} {value:>8.1} {unit}");
        self.figures.insert(key.to_owned(), json!({ "value": value, "unit": unit }));
    }

    /// Leaves everything in `target/bench/figures.json`.
    pub fn end(self) -> anyhow::Result<()> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("bench");
        fs::create_dir_all(&folder)?;
        let all = json!({
            "cores": cores()?, "load": [self.load_at_start, load()?], "profile": "bench", "figures": self.figures,
        });
        let file = folder.join("figures.json");
        fs::write(&file, serde_json::to_string_pretty(&all)?)?;
        println!("\nload {} at the end; kept in {}", load()?, file.display());
        Ok(())
    }
}

pub fn cores() -> anyhow::Result<usize> {
    Ok(thread::available_parallelism()?.get())
}

/// The load average of the last minute: what else this machine is doing.
fn load() -> anyhow::Result<String> {
    let text = fs::read_to_string("/proc/loadavg")?;
    Ok(text.split(' ').next().unwrap_or_default().to_owned())
}

pub fn section(title: &str) {
    println!("\n{title}");
}

/// 0 for nothing.
pub fn median(values: &[f64]) -> f64 {
    let sorted = sorted(values);
    let upper = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
    let lower = sorted.get((sorted.len().max(1) - 1) / 2).copied().unwrap_or_default();
    f64::midpoint(lower, upper)
}

/// 0 for nothing.
pub fn percentile(values: &[f64], percent: usize) -> f64 {
    let last = values.len().saturating_sub(1);
    sorted(values).get(last * percent / 100).copied().unwrap_or_default()
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// Round by round.
pub fn ratios(ours: &[f64], theirs: &[f64]) -> Vec<f64> {
    ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect()
}
