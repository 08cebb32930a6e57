//! When a JVM has warmed up.

use std::time::Duration;

/// Fewer windows than these say nothing: the second compiler starts late.
const MIN_WINDOWS: usize = 5;
/// A JVM that is still getting better is measured nevertheless.
const MAX_WINDOWS: usize = 20;
/// So many windows without a better one end the warm-up.
const STALE_WINDOWS: usize = 3;
/// What counts as better: by 3 %.
const BETTER: f64 = 0.97;

/// Watches the cost of a call from window to window until it falls no more.
#[derive(Debug, Default)]
pub struct Settling {
    windows: usize,
    best: Option<f64>,
    stale: usize,
}

impl Settling {
    /// The length of one window.
    pub const WINDOW: Duration = Duration::from_secs(2);

    /// Takes the cost in another window.
    pub fn push(&mut self, cost: f64) {
        self.windows += 1;
        let better = self.best.is_none_or(|best| cost < best * BETTER);
        self.stale = if better { 0 } else { self.stale + 1 };
        self.best = Some(self.best.map_or(cost, |best| best.min(cost)));
    }

    /// Whether to go on without further load.
    pub fn settled(&self) -> bool {
        self.windows >= MAX_WINDOWS || self.windows >= MIN_WINDOWS && self.stale >= STALE_WINDOWS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn windows(costs: impl Iterator<Item = f64>) -> usize {
        let mut settling = Settling::default();
        for cost in costs {
            if settling.settled() {
                break;
            }
            settling.push(cost);
        }
        settling.windows
    }

    #[test]
    fn it_ends_when_calls_get_no_cheaper() {
        assert_eq!(windows([400.0, 300.0, 120.0, 100.0, 99.0, 101.0, 98.0, 90.0].into_iter().cycle()), 7);
    }

    #[test]
    fn it_lasts_a_minimum_and_a_maximum() {
        assert_eq!(windows(std::iter::repeat(100.0)), MIN_WINDOWS);
        assert_eq!(windows((0..100).map(|window| 1e9 / f64::from(2u32).powi(window))), MAX_WINDOWS);
    }
}
