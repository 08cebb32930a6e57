use std::time::Duration;

use anabranch_store::{Backoff, Event, Reader, Record, Watch};
use anabranch_telemetry::clock::wall_ms;
use tokio::time::{Instant, sleep_until};

/// After a store was away all records are old, since nobody could write them. For so long, their age does not count yet.
const GRACE: Duration = Duration::from_secs(30);

/// The events of one kind of record, for as long as it takes.
pub struct Subscription<R: Record> {
    watch: Box<dyn Watch<R>>,
    backoff: Backoff,
    retry_at: Option<Instant>,
    stopped: Option<Stopped>,
    grace: Duration,
}

/// When the age of records stopped to count.
#[derive(Debug, Clone, Copy)]
struct Stopped {
    at_ms: u64,
    /// When it counts again; none while the store is away.
    until: Option<Instant>,
}

impl<R: Record> Subscription<R> {
    /// From a snapshot on.
    pub fn new(reader: &(impl Reader<R> + ?Sized)) -> Self {
        Self { watch: reader.watch(None), backoff: Backoff::default(), retry_at: None, stopped: None, grace: GRACE }
    }

    /// The next event. Waits while the store is away; a call that is dropped loses nothing.
    pub async fn next(&mut self) -> Event<R> {
        loop {
            if let Some(at) = self.retry_at {
                sleep_until(at).await;
                self.retry_at = None;
            }
            match self.watch.next().await {
                Ok(event) => {
                    self.back();
                    return event;
                }
                Err(error) => {
                    if !self.is_away() {
                        tracing::warn!(kind = R::KIND, %error, "the state store cannot be read; its last records stay in use");
                    }
                    let at_ms = self.stopped.map_or_else(wall_ms, |stopped| stopped.at_ms);
                    self.stopped = Some(Stopped { at_ms, until: None });
                    self.retry_at = Some(Instant::now() + self.backoff.pause());
                }
            }
        }
    }

    /// The time by which the age of records is judged.
    pub fn now_ms(&self) -> u64 {
        match self.stopped {
            Some(Stopped { at_ms, until }) if until.is_none_or(|until| Instant::now() < until) => at_ms,
            _ => wall_ms(),
        }
    }

    fn is_away(&self) -> bool {
        self.stopped.is_some_and(|stopped| stopped.until.is_none())
    }

    fn back(&mut self) {
        self.backoff.reset();
        if self.is_away() {
            tracing::info!(kind = R::KIND, "the state store can be read again");
        }
        if let Some(Stopped { until: until @ None, .. }) = &mut self.stopped {
            *until = Some(Instant::now() + self.grace);
        }
    }
}

#[cfg(test)]
mod tests;
