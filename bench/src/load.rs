//! A load: connections to one server, each with lanes that are always busy, all on one thread.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use thiserror::Error;
use tokio::sync::Notify;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{sleep, timeout};

use crate::histogram::Histogram;
use crate::op::Op;
use crate::process::{Process, ProcessError, Sample};
use crate::record::{Outcome, Shape, Usage};

mod connection;

/// For all connections to have their first answer, and for the last answers after the end.
const PATIENCE: Duration = Duration::from_secs(60);

/// What to ask of a server.
#[derive(Debug, Clone)]
pub struct Load {
    /// The RPC server.
    pub address: SocketAddr,
    /// The operation.
    pub op: &'static Op,
    /// What it works on; an operation that writes works below it.
    pub path: String,
    /// How much is under way at once.
    pub shape: Shape,
    /// Name of the user, followed by a number when there are several.
    pub user: String,
    /// Distinct users; connections take them in turn.
    pub users: usize,
    /// When it ends.
    pub goal: Goal,
}

/// When a load ends.
#[derive(Debug, Clone, Copy)]
pub enum Goal {
    /// After a time.
    Time {
        /// Load before the measurement.
        warmup: Duration,
        /// The measurement.
        measure: Duration,
    },
    /// After so many operations; all are measured.
    Count(u64),
}

/// A load could not be measured.
#[derive(Debug, Error)]
pub enum LoadError {
    /// Not one connection worked.
    #[error("{address} serves no connection: {reason}")]
    NoConnection {
        /// The server.
        address: SocketAddr,
        /// The most frequent failure.
        reason: String,
    },
    /// Connections or last answers took too long.
    #[error("{address} left calls of `{op}` without an answer for {PATIENCE:?}")]
    Stalled {
        /// The server.
        address: SocketAddr,
        /// The operation.
        op: &'static str,
    },
    /// A watched process has ended.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The generator itself has no thread or socket to work with.
    #[error("the generator cannot run: {0}")]
    Generator(#[from] std::io::Error),
}

impl Load {
    /// Makes the calls, and accounts what `watched` processes and the generator itself used meanwhile.
    pub fn drive(self, watched: &[Process]) -> Result<Outcome, LoadError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let run = Rc::new(Run::new(self));
        LocalSet::new().block_on(&runtime, run.steer(watched))
    }

    fn user_of(&self, connection: usize) -> String {
        match self.users {
            0 | 1 => self.user.clone(),
            users => format!("{}{}", self.user, connection % users),
        }
    }

    fn lane_base(&self, connection: usize, lane: usize) -> String {
        match self.op.subject.writes() {
            true => format!("{}/c{connection}l{lane}n", self.path),
            false => self.path.clone(),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Warmup,
    Measure,
    Stop,
}

/// A load under way: what its connections share.
struct Run {
    load: Load,
    phase: Cell<Phase>,
    phase_changed: Notify,
    /// Connections that have had an answer, or failed.
    settled: Cell<usize>,
    broken: Cell<usize>,
    connection_settled: Notify,
    started: Cell<u64>,
    tally: RefCell<Tally>,
}

#[derive(Default)]
struct Tally {
    latency: Histogram,
    answer_bytes: u64,
    failures: BTreeMap<String, u64>,
}

impl Run {
    fn new(load: Load) -> Self {
        let phase = match load.goal {
            Goal::Time { .. } => Phase::Warmup,
            Goal::Count(_) => Phase::Measure,
        };
        Self {
            load,
            phase: Cell::new(phase),
            phase_changed: Notify::new(),
            settled: Cell::new(0),
            broken: Cell::new(0),
            connection_settled: Notify::new(),
            started: Cell::new(0),
            tally: RefCell::default(),
        }
    }

    async fn steer(self: Rc<Self>, watched: &[Process]) -> Result<Outcome, LoadError> {
        let mut watched = watched.to_vec();
        watched.push(Process::own("generator"));
        let begin = Instant::now();
        let counted_from = sample(&watched)?;
        let mut connections = JoinSet::new();
        for index in 0..self.load.shape.connections {
            connections.spawn_local(self.clone().connection(index));
        }
        timeout(PATIENCE, self.all_settled()).await.map_err(|_| self.stalled())?;
        if self.broken.get() == self.load.shape.connections {
            return Err(self.no_connection());
        }
        let finish = async { while connections.join_next().await.is_some() {} };
        match self.load.goal {
            Goal::Time { warmup, measure } => {
                sleep(warmup).await;
                let (begin, before) = (Instant::now(), sample(&watched)?);
                self.enter(Phase::Measure);
                sleep(measure).await;
                self.enter(Phase::Stop);
                let (seconds, after) = (begin.elapsed(), sample(&watched)?);
                timeout(PATIENCE, finish).await.map_err(|_| self.stalled())?;
                Ok(self.outcome(seconds, &watched, &before, &after))
            }
            Goal::Count(_) => {
                finish.await;
                Ok(self.outcome(begin.elapsed(), &watched, &counted_from, &sample(&watched)?))
            }
        }
    }

    async fn connection(self: Rc<Self>, index: usize) {
        let mut settled = false;
        let result = connection::drive(&self, index, || {
            if !std::mem::replace(&mut settled, true) {
                self.settle();
            }
        });
        if let Err(error) = result.await {
            self.broken.set(self.broken.get() + 1);
            self.fail(error.to_string());
        }
        if !settled {
            self.settle();
        }
    }

    fn settle(&self) {
        self.settled.set(self.settled.get() + 1);
        self.connection_settled.notify_one();
    }

    async fn all_settled(&self) {
        while self.settled.get() < self.load.shape.connections {
            self.connection_settled.notified().await;
        }
    }

    fn enter(&self, phase: Phase) {
        self.phase.set(phase);
        self.phase_changed.notify_waiters();
    }

    /// Whether a lane may begin another operation; it must then do so.
    fn begin_operation(&self) -> bool {
        let started = self.started.get();
        let more = self.phase.get() != Phase::Stop
            && match self.load.goal {
                Goal::Time { .. } => true,
                Goal::Count(count) => started < count,
            };
        self.started.set(started + u64::from(more));
        more
    }

    fn fail(&self, reason: String) {
        *self.tally.borrow_mut().failures.entry(reason).or_default() += 1;
    }

    fn stalled(&self) -> LoadError {
        LoadError::Stalled { address: self.load.address, op: self.load.op.name }
    }

    fn no_connection(&self) -> LoadError {
        let tally = self.tally.borrow();
        let reason = tally.failures.iter().max_by_key(|(_, count)| **count).map(|(reason, _)| reason.clone());
        LoadError::NoConnection { address: self.load.address, reason: reason.unwrap_or_default() }
    }

    fn outcome(&self, elapsed: Duration, watched: &[Process], before: &[Sample], after: &[Sample]) -> Outcome {
        let tally = self.tally.borrow();
        let operations = tally.latency.count();
        let seconds = elapsed.as_secs_f64();
        let usages = watched.iter().zip(before.iter().zip(after));
        Outcome {
            seconds,
            operations,
            ops_per_s: operations as f64 / seconds,
            latency_us: tally.latency.latency(),
            answer_bytes: tally.answer_bytes as f64 / operations.max(1) as f64,
            failures: tally.failures.clone(),
            processes: usages.map(|(of, (a, b))| (of.role.clone(), usage(a, b, operations))).collect(),
        }
    }
}

fn sample(watched: &[Process]) -> Result<Vec<Sample>, ProcessError> {
    watched.iter().map(Process::sample).collect()
}

fn usage(before: &Sample, after: &Sample, operations: u64) -> Usage {
    let cpu_seconds = after.cpu.saturating_sub(before.cpu).as_secs_f64();
    Usage {
        cpu_seconds,
        cpu_us_per_op: cpu_seconds * 1e6 / operations.max(1) as f64,
        rss_kib: after.rss_kib,
        peak_rss_kib: after.peak_rss_kib,
        threads: after.threads,
    }
}

#[cfg(test)]
mod tests;
