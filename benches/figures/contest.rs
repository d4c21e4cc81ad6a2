//! Servers that take turns at answering requests, and what that costs them.

use std::ops::RangeInclusive;
use std::process::Command;

use anyhow::ensure;

use crate::client::{Connection, ask};
use crate::meter::{self, CpuTimes};
use crate::report::{cores, median};
use crate::served::Served;

/// Short and many: whatever else the machine does then meets all contenders alike.
const ROUNDS: usize = 41;
const ANSWERS: u32 = 12_000;
const CONNECTIONS: usize = 8;

/// A server, what it is asked, and what each round's answers cost it in microseconds.
pub struct Contender {
    /// The processes whose work it is.
    pids: Vec<u32>,
    /// Asked in turn.
    requests: Vec<String>,
    status: u16,
    port: u16,
    pub costs: Vec<f64>,
    costs_of_postgres: Vec<f64>,
}

impl Contender {
    pub fn new(server: &Served, request: &str) -> Self {
        Self::asking(server, vec![request.to_owned()])
    }

    pub fn asking(server: &Served, requests: Vec<String>) -> Self {
        let (costs, costs_of_postgres) = (Vec::new(), Vec::new());
        Self { pids: vec![server.pid()], requests, status: 200, port: server.port, costs, costs_of_postgres }
    }

    /// An answer other than 200 is the right one.
    pub fn expecting(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// Servers that this one asks.
    pub fn together_with(mut self, others: &[&Served]) -> Self {
        self.pids.extend(others.iter().map(|other| other.pid()));
        self
    }

    /// At least so many answers, without counting what they cost.
    /// Over new connections: servers close those on which nothing was asked for some seconds.
    pub fn ask(&self, least: u32) -> anyhow::Result<u32> {
        let mut connections = (0..CONNECTIONS).map(|_| Connection::open(self.port)).collect::<Result<Vec<_>, _>>()?;
        ask(least, &mut connections, (&self.requests, self.status))
    }

    fn round(&mut self, postgres: u32) -> anyhow::Result<()> {
        let before = (CpuTimes::of(&self.pids)?, CpuTimes::of(&meter::family(postgres)?)?);
        let answers = f64::from(self.ask(ANSWERS)?);
        let after = (CpuTimes::of(&self.pids)?, CpuTimes::of(&meter::family(postgres)?)?);
        self.costs.push(after.0.since(&before.0) / answers);
        self.costs_of_postgres.push(after.1.since(&before.1) / answers);
        Ok(())
    }

    pub fn cost(&self) -> f64 {
        median(&self.costs)
    }

    /// Of each round, with what PostgreSQL did for it.
    pub fn whole_costs(&self) -> Vec<f64> {
        self.costs.iter().zip(&self.costs_of_postgres).map(|(own, other)| own + other).collect()
    }

    pub fn cost_of_postgres(&self) -> f64 {
        median(&self.costs_of_postgres)
    }
}

pub fn run(contenders: &mut [Contender], postgres: u32) -> anyhow::Result<()> {
    // Counted first: what is started later by a process that is bound to one core would be bound to it as well.
    let last = cores()? - 1;
    keep_apart(contenders, last)?;
    for contender in &mut *contenders {
        contender.ask(ANSWERS / 4)?;
    }
    for _ in 0..ROUNDS {
        for contender in &mut *contenders {
            contender.round(postgres)?;
        }
    }
    bind(std::process::id(), 0..=last)
}

/// The load generator keeps to the first core and servers to the others, so that it is not chance who shares a cache
/// with whom.
fn keep_apart(contenders: &[Contender], last: usize) -> anyhow::Result<()> {
    if last == 0 {
        return Ok(());
    }
    bind(std::process::id(), 0..=0)?;
    contenders.iter().flat_map(|contender| &contender.pids).try_for_each(|pid| bind(*pid, 1..=last))
}

fn bind(pid: u32, cores: RangeInclusive<usize>) -> anyhow::Result<()> {
    let cores = format!("{}-{}", cores.start(), cores.end());
    let bound = Command::new("taskset").args(["-a", "-c", "-p", &cores, &pid.to_string()]).output()?;
    ensure!(bound.status.success(), "taskset: {}", String::from_utf8_lossy(&bound.stderr));
    Ok(())
}
