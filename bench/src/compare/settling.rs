//! When a JVM has warmed up.

use std::time::Duration;

/// The optimising compiler takes up what has run some 10,000 times; with fewer operations a JVM that gets no better has
/// only not begun.
const MIN_OPERATIONS: u64 = 30_000;
/// A JVM that is still getting better is measured nevertheless.
const MAX_WINDOWS: usize = 25;
/// So many windows without a better one end the warm-up.
const STALE_WINDOWS: usize = 3;
/// What counts as better: by 3 %.
const BETTER: f64 = 0.97;

/// Watches the cost of a call from window to window until it falls no more.
#[derive(Debug, Default)]
pub struct Settling {
    windows: usize,
    operations: u64,
    best: Option<f64>,
    stale: usize,
}

impl Settling {
    /// The length of one window.
    pub const WINDOW: Duration = Duration::from_secs(2);

    /// Takes what one call cost in another window, and how many there were.
    pub fn push(&mut self, cost: f64, operations: u64) {
        self.windows += 1;
        self.operations += operations;
        let better = self.best.is_none_or(|best| cost < best * BETTER);
        self.stale = if better { 0 } else { self.stale + 1 };
        self.best = Some(self.best.map_or(cost, |best| best.min(cost)));
    }

    /// Whether to go on without further load.
    pub fn settled(&self) -> bool {
        self.windows >= MAX_WINDOWS || self.operations >= MIN_OPERATIONS && self.stale >= STALE_WINDOWS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn windows(operations: u64, costs: impl Iterator<Item = f64>) -> usize {
        let mut settling = Settling::default();
        for cost in costs {
            if settling.settled() {
                break;
            }
            settling.push(cost, operations);
        }
        settling.windows
    }

    #[test]
    fn it_ends_when_calls_get_no_cheaper() {
        assert_eq!(windows(10_000, [400.0, 300.0, 120.0, 100.0, 99.0, 101.0, 98.0, 90.0].into_iter()), 7);
    }

    #[test]
    fn it_takes_many_operations_but_not_for_ever() {
        assert_eq!(windows(30_000, std::iter::repeat(100.0)), 1 + STALE_WINDOWS);
        assert_eq!(windows(3_000, std::iter::repeat(100.0)), 10);
        assert_eq!(windows(0, std::iter::repeat(100.0)), MAX_WINDOWS);
        assert_eq!(windows(30_000, (0..100).map(|window| 1e9 / f64::from(2u32).powi(window))), MAX_WINDOWS);
    }
}
