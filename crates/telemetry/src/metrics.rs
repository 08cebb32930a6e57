//! The Prometheus registry of a program.

use std::collections::HashMap;

use prometheus::core::Collector;
use prometheus::{IntGauge, Opts, Registry, TextEncoder};

use crate::build::Build;

/// Every metric of one program. Clones share the registry.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
}

impl Metrics {
    /// A registry whose first metric is `anabranch_build_info`, always 1, labelled with the build.
    ///
    /// # Errors
    /// When the registry refuses the metric, which only a name already taken can cause.
    pub fn new(build: Build) -> prometheus::Result<Self> {
        let metrics = Self { registry: Registry::new() };
        let labels = [("version", build.version), ("revision", build.revision), ("profile", build.profile)];
        let labels: HashMap<_, _> = labels.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let opts = Opts::new("anabranch_build_info", "Always 1; the labels say which build runs.").const_labels(labels);
        let info = IntGauge::with_opts(opts)?;
        info.set(1);
        metrics.register(info)?;
        Ok(metrics)
    }

    /// Adds a metric and hands it back for use; clones of a metric count together.
    ///
    /// # Errors
    /// When a metric of this name and these labels is registered already.
    pub fn register<C: Collector + Clone + 'static>(&self, metric: C) -> prometheus::Result<C> {
        self.registry.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    /// The registry itself, for libraries that register their own metrics.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// All metrics in Prometheus' text format.
    ///
    /// # Errors
    /// When a metric family is inconsistent (no metric, or a type that text format cannot write).
    pub fn render(&self) -> prometheus::Result<String> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_rendered_with_the_build_first() {
        let metrics = Metrics::new(Build::of("1.2.3", Some("abc"))).unwrap();
        let calls = metrics.register(prometheus::IntCounter::new("calls_total", "Calls.").unwrap()).unwrap();
        calls.inc_by(3);
        let text = metrics.render().unwrap();
        assert!(text.contains(r#"anabranch_build_info{profile="debug",revision="abc",version="1.2.3"} 1"#), "{text}");
        assert!(text.contains("calls_total 3"), "{text}");
        assert!(metrics.register(prometheus::IntCounter::new("calls_total", "Again.").unwrap()).is_err());
    }
}
