//! Several servers in turns, so that the noise of the machine meets all of them alike.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use thiserror::Error;

use crate::load::{Goal, Load, LoadError};
use crate::process::Process;
use crate::record::{Outcome, Record};
use crate::tree::{Tree, TreeError};

mod schedule;
mod settling;

pub use schedule::{Case, Turn, schedule};
pub use settling::Settling;

/// Length of a run before the warm-up: it shows what is there, not what happens.
const COLD: Duration = Duration::from_secs(1);

/// A server to measure.
#[derive(Debug, Clone)]
pub struct Server {
    /// As the table calls it.
    pub name: String,
    /// Where it serves RPC.
    pub address: SocketAddr,
    /// Directory that the comparison may write in, as this server calls it.
    pub root: String,
    /// Processes that work for its calls; the first is its own.
    pub processes: Vec<Process>,
    /// Whether it runs on a JVM, which is fast only after its compilers have seen the load.
    pub jit: bool,
}

/// What to compare.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Runs that come once, before the warm-up: what fresh processes need.
    pub cold: Vec<Case>,
    /// Runs of each round.
    pub cases: Vec<Case>,
    /// Rounds.
    pub rounds: usize,
    /// Load before each measurement.
    pub warmup: Duration,
    /// Each measurement.
    pub measure: Duration,
    /// User of the connections; it must be allowed to write below the roots.
    pub user: String,
    /// Distinct users; above one they are the user's name with a number.
    pub users: usize,
    /// Whether each server has files of its own; otherwise the first server makes them for all.
    pub separate: bool,
}

/// What happens, for those who watch.
#[derive(Debug)]
pub enum Event<'a> {
    /// A server is under load to warm up.
    Warming {
        /// Which.
        server: &'a str,
        /// Under which operation.
        op: &'a str,
        /// CPU of its first process for one operation, in microseconds, in the last window.
        cpu_us: f64,
    },
    /// A run is over.
    Ran {
        /// From 1.
        number: usize,
        /// Runs in all.
        of: usize,
        /// What it brought.
        record: &'a Record,
    },
}

/// A comparison ended early.
#[derive(Debug, Error)]
pub enum CompareError {
    /// A run failed.
    #[error("{server}, {op}: {source}")]
    Load {
        /// Name of the server.
        server: String,
        /// Name of the operation.
        op: &'static str,
        /// Why.
        source: LoadError,
    },
    /// The files could not be made or deleted.
    #[error("{server}: {source}")]
    Tree {
        /// Name of the server.
        server: String,
        /// Why.
        source: TreeError,
    },
    /// The results could not be kept.
    #[error("writing results: {0}")]
    Results(#[from] io::Error),
}

/// A comparison under way.
struct Comparison<'a> {
    plan: &'a Plan,
    servers: &'a [Server],
    tree: Tree,
    /// Directories of writing runs made so far.
    runs: usize,
}

/// Warms up, runs every turn of the schedule, and gives the records; each goes to `results` as a line of JSON at once.
pub fn compare(
    plan: &Plan,
    servers: &[Server],
    results: &mut dyn io::Write,
    watch: &mut dyn FnMut(Event<'_>),
) -> Result<Vec<Record>, CompareError> {
    let mut comparison = Comparison { plan, servers, tree: Tree::new(), runs: 0 };
    let planted = if plan.separate { servers } else { &servers[..1.min(servers.len())] };
    for server in planted {
        comparison.tree.plant(server.address, &server.root, &plan.user).map_err(|source| server.tree(source))?;
    }
    let records = comparison.all(results, watch);
    for server in planted {
        let felled = comparison.tree.fell(server.address, &server.root, &plan.user);
        // What ended the comparison matters more than what it leaves behind.
        if records.is_ok() {
            felled.map_err(|source| server.tree(source))?;
        }
    }
    records
}

impl Comparison<'_> {
    fn all(
        &mut self,
        results: &mut dyn io::Write,
        watch: &mut dyn FnMut(Event<'_>),
    ) -> Result<Vec<Record>, CompareError> {
        let servers = self.servers.len();
        let cold = schedule(&self.plan.cold, 0..=0, servers);
        let warm = schedule(&self.plan.cases, 1..=self.plan.rounds, servers);
        let mut records = Vec::with_capacity(cold.len() + warm.len());
        let of = cold.len() + warm.len();
        for (number, turn) in cold.iter().chain(&warm).enumerate() {
            if number == cold.len() {
                self.warm_up(watch)?;
            }
            let record = self.run(turn)?;
            serde_json::to_writer(&mut *results, &record).map_err(io::Error::from)?;
            results.write_all(b"\n")?;
            results.flush()?;
            watch(Event::Ran { number: number + 1, of, record: &record });
            records.push(record);
        }
        Ok(records)
    }

    /// What servers on a JVM need before each operation runs as fast as it will.
    fn warm_up(&mut self, watch: &mut dyn FnMut(Event<'_>)) -> Result<(), CompareError> {
        for server in self.servers.iter().filter(|server| server.jit) {
            // The heaviest load warms up all that lighter ones use.
            let mut heaviest: BTreeMap<&str, Case> = BTreeMap::new();
            for &(op, shape) in self.plan.cases.iter().filter(|(op, _)| op.repeats) {
                let case = heaviest.entry(op.name).or_insert((op, shape));
                case.1 = case.1.max(shape);
            }
            for case in heaviest.into_values() {
                self.settle(server, case, watch)?;
            }
        }
        Ok(())
    }

    /// Load until the cost of a call falls no more.
    fn settle(&mut self, server: &Server, case: Case, watch: &mut dyn FnMut(Event<'_>)) -> Result<(), CompareError> {
        let goal = Goal::Time { warmup: Duration::ZERO, measure: Settling::WINDOW };
        let mut settling = Settling::default();
        while !settling.settled() {
            let outcome = self.load(server, case, goal)?;
            let watched = server.processes.first().and_then(|process| outcome.processes.get(&process.role));
            let cpu_us = watched.map_or(outcome.latency_us.mean, |usage| usage.cpu_us_per_op);
            settling.push(cpu_us, outcome.operations);
            watch(Event::Warming { server: &server.name, op: case.0.name, cpu_us });
        }
        Ok(())
    }

    fn run(&mut self, turn: &Turn) -> Result<Record, CompareError> {
        let server = &self.servers[turn.server];
        let measure = if turn.round == 0 { COLD } else { self.plan.measure };
        let goal = Goal::Time { warmup: self.plan.warmup, measure };
        let outcome = self.load(server, turn.case, goal)?;
        Ok(Record {
            server: server.name.clone(),
            op: turn.case.0.name.to_owned(),
            shape: turn.case.1,
            users: self.plan.users,
            round: turn.round,
            outcome,
        })
    }

    fn load(&mut self, server: &Server, (op, shape): Case, goal: Goal) -> Result<Outcome, CompareError> {
        let Plan { user, users, .. } = self.plan;
        let writes = op.subject.writes();
        self.runs += usize::from(writes);
        if writes {
            let opened = self.tree.open_run(server.address, &server.root, user, self.runs);
            opened.map_err(|source| server.tree(source))?;
        }
        let path = self.tree.path(&server.root, op.subject, self.runs);
        let load = Load { address: server.address, op, path, shape, user: user.clone(), users: *users, goal };
        let outcome = load.drive(&server.processes);
        let outcome =
            outcome.map_err(|source| CompareError::Load { server: server.name.clone(), op: op.name, source })?;
        if writes {
            let closed = self.tree.close_run(server.address, &server.root, user, self.runs);
            closed.map_err(|source| server.tree(source))?;
        }
        Ok(outcome)
    }
}

impl Server {
    fn tree(&self, source: TreeError) -> CompareError {
        CompareError::Tree { server: self.name.clone(), source }
    }
}
