//! Latencies, counted in buckets that are as wide as the values are large.

use serde::{Deserialize, Serialize};

/// Buckets in each power of two: a value is off by at most 1/64.
const BITS: u32 = 6;

/// Counts of latencies in nanoseconds. Memory grows with the largest value, not with their number.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    sum: u64,
    max: u64,
}

/// What a histogram comes down to, in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Arithmetic mean.
    pub mean: f64,
    /// Median.
    pub p50: f64,
    /// 90 of 100 are at most this.
    pub p90: f64,
    /// 99 of 100 are at most this.
    pub p99: f64,
    /// 999 of 1,000 are at most this.
    pub p999: f64,
    /// The slowest.
    pub max: f64,
}

impl Histogram {
    /// Counts one latency.
    pub fn record(&mut self, nanos: u64) {
        let bucket = bucket(nanos);
        if bucket >= self.buckets.len() {
            self.buckets.resize(bucket + 1, 0);
        }
        self.buckets[bucket] += 1;
        self.count += 1;
        self.sum += nanos;
        self.max = self.max.max(nanos);
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The value that a share `quantile` (0 to 1) of the latencies does not exceed, at most 1/64 too high.
    pub fn quantile(&self, quantile: f64) -> u64 {
        let rank = ((self.count as f64 * quantile).ceil() as u64).max(1);
        let mut seen = 0;
        let reached = self.buckets.iter().position(|count| {
            seen += count;
            seen >= rank
        });
        reached.map_or(self.max, |bucket| upper(bucket).min(self.max))
    }

    /// Mean, quantiles and maximum; zeros when nothing was counted.
    pub fn latency(&self) -> Latency {
        let micros = |nanos: u64| nanos as f64 / 1000.0;
        Latency {
            mean: micros(self.sum / self.count.max(1)),
            p50: micros(self.quantile(0.5)),
            p90: micros(self.quantile(0.9)),
            p99: micros(self.quantile(0.99)),
            p999: micros(self.quantile(0.999)),
            max: micros(self.max),
        }
    }
}

/// Values below 2^(BITS+1) have a bucket each; above, the leading BITS+1 bits choose it.
fn bucket(nanos: u64) -> usize {
    let dropped = (u64::BITS - nanos.leading_zeros()).saturating_sub(BITS + 1);
    ((dropped as usize) << BITS) + (nanos >> dropped) as usize
}

/// The largest value of a bucket.
fn upper(bucket: usize) -> u64 {
    let dropped = (bucket >> BITS).saturating_sub(1);
    let leading = (bucket - (dropped << BITS)) as u64;
    (leading << dropped) + ((1 << dropped) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_cover_every_value_without_overlap() {
        let powers = (0..63).flat_map(|power| [(1u64 << power) - 1, 1 << power, (1 << power) + 1]);
        for nanos in (0..10_000).chain(powers) {
            let bucket = bucket(nanos);
            assert!(upper(bucket) >= nanos, "{nanos}");
            assert!(bucket == 0 || upper(bucket - 1) < nanos, "{nanos}");
            assert!(upper(bucket) - nanos <= nanos / 64, "{nanos}");
        }
    }

    #[test]
    fn quantiles_come_from_ranks() {
        let mut histogram = Histogram::default();
        (1..=1000u64).for_each(|value| histogram.record(value * 1000));
        for (quantile, exact) in [(0.001, 1_000), (0.5, 500_000), (0.99, 990_000), (1.0, 1_000_000)] {
            let found = histogram.quantile(quantile);
            assert!((exact..=exact + exact / 64).contains(&found), "{quantile}: {found}");
        }
        assert_eq!(histogram.latency().mean, 500.5);
        assert_eq!(histogram.latency().max, 1000.0);
    }

    #[test]
    fn nothing_counted_is_zero() {
        assert_eq!(Histogram::default().latency(), Latency::default());
    }
}
