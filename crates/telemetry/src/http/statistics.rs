//! Counts of an HTTP server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::HttpBody as _;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use axum::{Router, middleware};
use parking_lot::Mutex;

/// Counts since the start. Clones count together.
#[derive(Debug, Clone)]
pub struct Statistics {
    since: Instant,
    totals: Arc<Mutex<Totals>>,
}

/// What was counted.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Totals {
    /// Requests that have begun.
    pub requests: u64,
    /// Requests that have not ended.
    pub active: u64,
    /// The most of them at a time.
    pub most_active: u64,
    /// Answers by the first digit of their status, from 1 on.
    pub responses: [u64; 5],
    /// Bytes of answers.
    pub bytes: u64,
    /// The time that the longest took.
    pub longest: Duration,
    /// That of all together.
    pub time: Duration,
    /// Squares of their milliseconds, for the deviation.
    squares: f64,
}

impl Totals {
    /// Milliseconds that a request takes on average, and their standard deviation.
    #[expect(clippy::cast_precision_loss, reason = "so many requests nobody makes")]
    pub fn mean_and_deviation_ms(&self) -> (f64, f64) {
        let ended = (self.requests - self.active) as f64;
        if ended == 0.0 {
            return (0.0, 0.0);
        }
        let mean = self.time.as_secs_f64() * 1e3 / ended;
        (mean, (self.squares / ended - mean * mean).max(0.0).sqrt())
    }

    fn ended(&mut self, status: u16, bytes: u64, took: Duration) {
        self.bytes += bytes;
        self.time += took;
        self.longest = self.longest.max(took);
        self.squares += (took.as_secs_f64() * 1e3).powi(2);
        if let Some(count) = self.responses.get_mut(usize::from(status / 100).wrapping_sub(1)) {
            *count += 1;
        }
    }
}

impl Default for Statistics {
    fn default() -> Self {
        Self { since: Instant::now(), totals: Arc::default() }
    }
}

impl Statistics {
    /// The counts of this moment.
    pub fn totals(&self) -> Totals {
        *self.totals.lock()
    }

    /// How long it has been counted.
    pub fn age(&self) -> Duration {
        self.since.elapsed()
    }
}

/// Counts what is asked of these routes.
pub fn counted(routes: Router, statistics: Statistics) -> Router {
    routes.layer(middleware::from_fn_with_state(statistics, count))
}

/// A request that is being answered, also if its client does not wait for the end.
struct Active<'a>(&'a Statistics);

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.0.totals.lock().active -= 1;
    }
}

async fn count(State(statistics): State<Statistics>, request: Request, next: Next) -> Response {
    {
        let mut totals = statistics.totals.lock();
        totals.requests += 1;
        totals.active += 1;
        totals.most_active = totals.most_active.max(totals.active);
    }
    let (active, began) = (Active(&statistics), Instant::now());
    let response = next.run(request).await;
    drop(active);
    let bytes = response.body().size_hint().lower();
    statistics.totals.lock().ended(response.status().as_u16(), bytes, began.elapsed());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_mean_and_a_deviation() {
        let mut totals = Totals { requests: 3, active: 1, ..Totals::default() };
        totals.ended(200, 10, Duration::from_millis(10));
        totals.ended(503, 5, Duration::from_millis(30));
        assert_eq!((totals.responses, totals.bytes), ([0, 1, 0, 0, 1], 15));
        let (mean, deviation) = totals.mean_and_deviation_ms();
        assert!((mean - 20.0).abs() < 1e-6 && (deviation - 10.0).abs() < 1e-6, "{mean} {deviation}");
        assert_eq!(Totals::default().mean_and_deviation_ms(), (0.0, 0.0));
    }
}
