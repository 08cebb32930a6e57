//! Several servers in turns, so that the noise of the machine meets all of them alike.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use thiserror::Error;

use crate::load::{Goal, Load, LoadError};
use crate::op::Op;
use crate::process::Process;
use crate::record::{Record, Shape};
use crate::tree::{Tree, TreeError};

mod schedule;
mod settling;

pub use schedule::{Turn, schedule};
pub use settling::Settling;

/// A server to measure.
#[derive(Debug, Clone)]
pub struct Server {
    /// As the table calls it.
    pub name: String,
    /// Where it serves RPC.
    pub address: SocketAddr,
    /// Directory that the comparison may write in, as this server calls it.
    pub root: String,
    /// Processes that work for its calls.
    pub processes: Vec<Process>,
    /// Whether it runs on a JVM, which is fast only after its compilers have seen the load.
    pub jit: bool,
}

/// What to compare.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Operations, in this order.
    pub ops: Vec<&'static Op>,
    /// How much is under way at once.
    pub shapes: Vec<Shape>,
    /// Repetitions of it all.
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
        /// CPU of its router for one operation, in microseconds, in the last window; of its last process without one.
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
        for server in self.servers.iter().filter(|server| server.jit) {
            for op in self.plan.ops.iter().filter(|op| op.repeats) {
                self.warm(server, op, watch)?;
            }
        }
        let turns = schedule(self.plan, self.servers.len());
        let mut records = Vec::with_capacity(turns.len());
        for (number, turn) in turns.iter().enumerate() {
            let record = self.run(turn)?;
            serde_json::to_writer(&mut *results, &record).map_err(io::Error::from)?;
            results.write_all(b"\n")?;
            results.flush()?;
            watch(Event::Ran { number: number + 1, of: turns.len(), record: &record });
            records.push(record);
        }
        Ok(records)
    }

    /// Load until the cost of a call falls no more. The heaviest load warms up all that lighter ones use.
    fn warm(&mut self, server: &Server, op: &'static Op, watch: &mut dyn FnMut(Event<'_>)) -> Result<(), CompareError> {
        let Some(&shape) = self.plan.shapes.iter().max() else { return Ok(()) };
        let goal = Goal::Time { warmup: Duration::ZERO, measure: Settling::WINDOW };
        let mut settling = Settling::default();
        while !settling.settled() {
            let outcome = self.load(server, op, shape, goal)?;
            let watched = server.processes.first().and_then(|process| outcome.processes.get(&process.role));
            let cpu_us = watched.map_or(outcome.latency_us.mean, |usage| usage.cpu_us_per_op);
            settling.push(cpu_us);
            watch(Event::Warming { server: &server.name, op: op.name, cpu_us });
        }
        Ok(())
    }

    fn run(&mut self, turn: &Turn) -> Result<Record, CompareError> {
        let server = &self.servers[turn.server];
        let goal = Goal::Time { warmup: self.plan.warmup, measure: self.plan.measure };
        let outcome = self.load(server, turn.op, turn.shape, goal)?;
        Ok(Record {
            server: server.name.clone(),
            op: turn.op.name.to_owned(),
            shape: turn.shape,
            users: self.plan.users,
            round: turn.round,
            outcome,
        })
    }

    fn load(
        &mut self,
        server: &Server,
        op: &'static Op,
        shape: Shape,
        goal: Goal,
    ) -> Result<crate::record::Outcome, CompareError> {
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
