use std::sync::OnceLock;
use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

use super::BUCKETS;
use crate::admin;

/// Calls of administrators. Only methods that are served are counted, so that labels are a closed set.
pub struct AdminMetrics {
    calls: IntCounterVec,
    seconds: HistogramVec,
    /// In the order of [`admin::METHODS`].
    by_method: Vec<OnceLock<Histogram>>,
}

impl AdminMetrics {
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let calls = Opts::new("anabranch_admin_calls_total", "Calls of administrators by how they ended.");
        let calls = IntCounterVec::new(calls, &["method", "outcome"])?;
        let seconds =
            HistogramOpts::new("anabranch_admin_seconds", "Time until a call of an administrator was answered.");
        let seconds = HistogramVec::new(seconds.buckets(BUCKETS.to_vec()), &["method"])?;
        registry.register(Box::new(calls.clone()))?;
        registry.register(Box::new(seconds.clone()))?;
        Ok(Self { calls, seconds, by_method: admin::METHODS.iter().map(|_| OnceLock::new()).collect() })
    }

    /// Counts a call of the method at this place of [`admin::METHODS`].
    pub fn ended(&self, method: usize, ok: bool, elapsed: Duration) {
        let Some(histogram) = self.by_method.get(method) else { return };
        let name = admin::METHODS[method].name;
        self.calls.with_label_values(&[name, if ok { "ok" } else { "exception" }]).inc();
        histogram.get_or_init(|| self.seconds.with_label_values(&[name])).observe(elapsed.as_secs_f64());
    }

    /// All methods: name, how often they were called, and how many milliseconds that took together.
    pub fn by_method(&self) -> impl Iterator<Item = (&'static str, u64, f64)> {
        admin::METHODS.iter().zip(&self.by_method).map(|(method, calls)| {
            let calls = calls.get();
            let (number, seconds) = (calls.map(Histogram::get_sample_count), calls.map(Histogram::get_sample_sum));
            (method.name, number.unwrap_or_default(), seconds.unwrap_or_default() * 1e3)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_method_and_outcome() {
        let registry = Registry::new();
        let metrics = AdminMetrics::new(&registry).unwrap();
        let at = admin::METHODS.iter().position(|method| method.name == "getSafeMode").unwrap();
        metrics.ended(at, true, Duration::from_millis(2));
        metrics.ended(at, false, Duration::from_millis(4));
        metrics.ended(usize::MAX, true, Duration::ZERO);
        let calls = metrics.by_method().map(|(name, number, ms)| (name, number, ms.round()));
        let called: Vec<_> = calls.filter(|(_, number, _)| *number > 0).collect();
        assert_eq!(called, [("getSafeMode", 2, 6.0)]);
        let text = prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        assert!(text.contains(r#"anabranch_admin_calls_total{method="getSafeMode",outcome="exception"} 1"#), "{text}");
        assert!(text.contains(r#"anabranch_admin_seconds_count{method="getSafeMode"} 2"#), "{text}");
    }
}
