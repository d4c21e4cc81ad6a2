//! Servers that take turns at answering one request each, and what that costs them.

use crate::client::{Connection, ask};
use crate::meter::{self, CpuTimes};
use crate::report::median;
use crate::served::Served;

/// Short and many: whatever else the machine does then meets all contenders alike.
const ROUNDS: usize = 41;
const ANSWERS: u32 = 12_000;
const CONNECTIONS: usize = 8;

/// Servers, what the first of them is asked, and what each round's answers cost them in microseconds.
pub struct Contender {
    /// The processes whose work it is.
    pids: Vec<u32>,
    request: String,
    status: u16,
    connections: Vec<Connection>,
    pub costs: Vec<f64>,
    pub costs_of_postgres: Vec<f64>,
}

impl Contender {
    pub fn new(server: &Served, request: &str) -> anyhow::Result<Self> {
        let connections = (0..CONNECTIONS).map(|_| Connection::open(server.port)).collect::<Result<_, _>>()?;
        let (costs, costs_of_postgres) = (Vec::new(), Vec::new());
        Ok(Self {
            pids: vec![server.pid()],
            request: request.to_owned(),
            status: 200,
            connections,
            costs,
            costs_of_postgres,
        })
    }

    /// An answer other than 200 is the right one.
    pub fn expecting(self, status: u16) -> Self {
        Self { status, ..self }
    }

    fn round(&mut self, postgres: u32) -> anyhow::Result<()> {
        let before = (CpuTimes::of(&self.pids)?, CpuTimes::of(&meter::family(postgres)?)?);
        let answers = ask(ANSWERS, &mut self.connections, (&self.request, self.status))?;
        let after = (CpuTimes::of(&self.pids)?, CpuTimes::of(&meter::family(postgres)?)?);
        self.costs.push(after.0.since(&before.0) / f64::from(answers));
        self.costs_of_postgres.push(after.1.since(&before.1) / f64::from(answers));
        Ok(())
    }

    pub fn cost(&self) -> f64 {
        median(&self.costs)
    }

    pub fn cost_of_postgres(&self) -> f64 {
        median(&self.costs_of_postgres)
    }
}

pub fn run(contenders: &mut [Contender], postgres: u32) -> anyhow::Result<()> {
    for contender in &mut *contenders {
        ask(ANSWERS / 4, &mut contender.connections, (&contender.request, contender.status))?;
    }
    for _ in 0..ROUNDS {
        for contender in &mut *contenders {
            contender.round(postgres)?;
        }
    }
    Ok(())
}
