//! The one writer. It takes what is queued, runs it operation by operation over one overlay, commits the changes in one
//! batch, and only then answers.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use anabranch_journal::{Batch, Journal};
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::state::leases::Leases;
use crate::state::record::Counters;
use crate::state::view::View;
use crate::state::{Fault, Kind, Limits, Moment, Txn, tables};

/// Operations that may wait. More callers than this wait for a place.
const QUEUE: usize = 4_096;
/// Operations of one commit.
const GROUP: usize = 256;
/// Changed keys at which a group is full.
const GROUP_CHANGES: usize = 4_096;

/// What the writer works on.
pub struct Workplace {
    /// Where changes go.
    pub journal: Arc<dyn Journal>,
    /// What may be created.
    pub limits: Limits,
    /// Who was heard of when.
    pub leases: Arc<Leases>,
    /// The operations' time.
    pub clock: Arc<dyn Clock>,
    /// What is counted.
    pub metrics: Metrics,
}

/// A way to the writer. The writer ends when all of them are gone.
#[derive(Clone)]
pub struct Writer {
    queue: mpsc::Sender<Box<dyn Job>>,
    metrics: Metrics,
    failure: Arc<Mutex<Option<String>>>,
}

/// An operation that waits, whatever its result's type.
trait Job: Send {
    fn run(&mut self, txn: &mut Txn<'_>, now: Moment);
    fn settle(self: Box<Self>, committed: Result<(), Fault>);
}

struct Operation<F, R> {
    op: Option<F>,
    result: Option<Result<R, Fault>>,
    reply: oneshot::Sender<Result<R, Fault>>,
}

impl<F, R> Job for Operation<F, R>
where
    F: FnOnce(&mut Txn<'_>, Moment) -> Result<R, Fault> + Send,
    R: Send,
{
    fn run(&mut self, txn: &mut Txn<'_>, now: Moment) {
        self.result = self.op.take().map(|op| op(txn, now));
    }

    fn settle(self: Box<Self>, committed: Result<(), Fault>) {
        // What an operation saw may be part of what was not committed; so even its refusal does not count.
        let Self { result, reply, .. } = *self;
        let result = committed.and_then(|()| result.unwrap_or_else(|| Err(Fault::io("the operation did not run"))));
        // A caller that has left needs no answer.
        let _ = reply.send(result);
    }
}

impl Writer {
    /// Starts the writer's task.
    pub fn start(place: Workplace) -> Self {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let failure = Arc::default();
        let writer = Self { queue, metrics: place.metrics.clone(), failure: Arc::clone(&failure) };
        tokio::spawn(Loop { place, jobs, waiting: VecDeque::new(), failure }.run());
        writer
    }

    /// Runs an operation. When this returns `Ok`, its changes are durable.
    pub async fn submit<R: Send + 'static>(
        &self,
        op: impl FnOnce(&mut Txn<'_>) -> Result<R, Fault> + Send + 'static,
    ) -> Result<R, Fault> {
        self.enqueue(move |txn, now| txn.run(now, op)).await
    }

    /// Runs an operation that may be a repeated call, known by its key.
    pub async fn submit_once<M: prost::Message + Default + 'static>(
        &self,
        call: Option<Vec<u8>>,
        op: impl FnOnce(&mut Txn<'_>) -> Result<M, Fault> + Send + 'static,
    ) -> Result<M, Fault> {
        self.enqueue(move |txn, now| txn.run_once(now, call.as_deref(), op)).await
    }

    /// Why writes are refused at the moment, if they are.
    pub fn failure(&self) -> Option<String> {
        self.failure.lock().clone()
    }

    async fn enqueue<R: Send + 'static>(
        &self,
        op: impl FnOnce(&mut Txn<'_>, Moment) -> Result<R, Fault> + Send + 'static,
    ) -> Result<R, Fault> {
        let stopped = || Fault::new(Kind::Retriable, "the namespace service is shutting down");
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Operation { op: Some(op), result: None, reply });
        self.queue.send(job).await.map_err(|_| stopped())?;
        self.metrics.queued.set(i64::try_from(self.queue.max_capacity() - self.queue.capacity()).unwrap_or(i64::MAX));
        answer.await.map_err(|_| stopped())?
    }
}

/// What a group changes, and the counters with it; `None`: nothing.
type Prepared = Option<(Batch, Counters)>;

struct Loop {
    place: Workplace,
    jobs: mpsc::Receiver<Box<dyn Job>>,
    /// Taken from the queue, but the last group was full.
    waiting: VecDeque<Box<dyn Job>>,
    failure: Arc<Mutex<Option<String>>>,
}

impl Loop {
    async fn run(mut self) {
        loop {
            if self.waiting.is_empty() {
                let Some(job) = self.jobs.recv().await else { return };
                self.waiting.push_back(job);
            }
            while self.waiting.len() < GROUP {
                let Ok(job) = self.jobs.try_recv() else { break };
                self.waiting.push_back(job);
            }
            if let Err(fault) = heal(&self.place, &self.failure).await {
                self.waiting.drain(..).for_each(|job| job.settle(Err(fault.clone())));
                continue;
            }
            let (group, prepared) = self.prepare();
            let committed = match prepared {
                Ok(prepared) => commit(&self.place, &self.failure, prepared, group.len()).await,
                Err(fault) => Err(fault),
            };
            group.into_iter().for_each(|job| job.settle(committed.clone()));
        }
    }

    /// Runs what waits until the group is full.
    fn prepare(&mut self) -> (Vec<Box<dyn Job>>, Result<Prepared, Fault>) {
        let Workplace { journal, limits, leases, clock, .. } = &self.place;
        let mut txn = Txn::new(&**journal, limits, leases);
        let mut group = Vec::new();
        while txn.changes() < GROUP_CHANGES {
            let Some(mut job) = self.waiting.pop_front() else { break };
            // A defect of one operation must not take the writer away from all others. Its caller is told.
            if catch_unwind(AssertUnwindSafe(|| job.run(&mut txn, clock.now()))).is_err() {
                txn.forget();
            }
            group.push(job);
        }
        if txn.changes() == 0 {
            return (group, Ok(None));
        }
        let now = clock.now();
        let counted = txn.run(now, |txn| {
            txn.count(|counters| {
                counters.group += 1;
                counters.clone()
            })
        });
        (group, counted.map(|counters| Some((txn.into_batch(), counters))))
    }
}

async fn commit(
    place: &Workplace,
    failure: &Mutex<Option<String>>,
    prepared: Prepared,
    operations: usize,
) -> Result<(), Fault> {
    let Some((batch, counters)) = prepared else { return Ok(()) };
    let metrics = &place.metrics;
    let started = Instant::now();
    let result = place.journal.commit(batch).await;
    metrics.commit_seconds.observe(started.elapsed().as_secs_f64());
    #[expect(clippy::cast_precision_loss, reason = "at most a few hundred")]
    metrics.group_size.observe(operations as f64);
    if let Err(error) = result {
        // The error may be of the answer only; what is committed says whether the group is.
        if place.journal.snapshot().counters()?.group != counters.group {
            tracing::error!(%error, "the metadata journal failed; writes are refused until it works again");
            *failure.lock() = Some(error.to_string());
            return Err(error.into());
        }
    }
    metrics.show(&counters);
    Ok(())
}

/// After a failed commit: tries whether the journal works again.
async fn heal(place: &Workplace, failure: &Mutex<Option<String>>) -> Result<(), Fault> {
    let Some(words) = failure.lock().clone() else { return Ok(()) };
    let refused = |failure: &str| {
        let words = format!("The namespace is read-only, for its metadata journal failed: {failure}");
        Fault::new(Kind::SafeMode, words)
    };
    let mut batch = Batch::new();
    batch.put(tables::META, *b"probe", []);
    match place.journal.commit(batch).await {
        Ok(_) => {
            tracing::info!("the metadata journal works again");
            *failure.lock() = None;
            Ok(())
        }
        Err(_) => Err(refused(&words)),
    }
}
