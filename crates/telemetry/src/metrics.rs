//! The Prometheus registry of a program.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;
use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{IntGauge, Opts, Registry, TextEncoder};

use crate::build::Build;

/// Every metric of one program. Clones share the registry.
#[derive(Clone, Debug)]
pub struct Metrics {
    build: Build,
    registry: Registry,
    sections: Arc<Mutex<Vec<Registry>>>,
}

impl Metrics {
    /// A registry whose first metric is `anabranch_build_info`, always 1, labelled with the build.
    ///
    /// # Errors
    /// When the registry refuses the metric, which only a name already taken can cause.
    pub fn new(build: Build) -> prometheus::Result<Self> {
        let metrics = Self { build, registry: Registry::new(), sections: Arc::default() };
        let labels = [("version", build.version), ("revision", build.revision), ("profile", build.profile)];
        let labels: HashMap<_, _> = labels.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let opts = Opts::new("anabranch_build_info", "Always 1; the labels say which build runs.").const_labels(labels);
        let info = IntGauge::with_opts(opts)?;
        info.set(1);
        metrics.register(info)?;
        Ok(metrics)
    }

    /// The build that the metrics are of.
    pub fn build(&self) -> Build {
        self.build
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

    /// A registry whose metrics all carry a label, for a part that runs several times in one process: the parts may
    /// register metrics of the same names.
    ///
    /// # Errors
    /// When the label is not one that Prometheus takes.
    pub fn section(&self, label: &str, value: &str) -> prometheus::Result<Registry> {
        let section = Registry::new_custom(None, Some(HashMap::from([(label.to_owned(), value.to_owned())])))?;
        self.sections.lock().push(section.clone());
        Ok(section)
    }

    /// All metrics in Prometheus' text format.
    ///
    /// # Errors
    /// When a metric family is inconsistent (no metric, or a type that text format cannot write).
    pub fn render(&self) -> prometheus::Result<String> {
        let mut gathered = self.registry.gather();
        for section in self.sections.lock().iter() {
            gathered.extend(section.gather());
        }
        TextEncoder::new().encode_to_string(&merge(gathered))
    }
}

/// One family for each name, since the format takes a name once.
fn merge(families: Vec<MetricFamily>) -> Vec<MetricFamily> {
    let mut merged: BTreeMap<String, MetricFamily> = BTreeMap::new();
    for mut family in families {
        match merged.get_mut(family.name()) {
            Some(known) => known.mut_metric().append(family.mut_metric()),
            None => {
                merged.insert(family.name().to_owned(), family);
            }
        }
    }
    merged.into_values().collect()
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

    #[test]
    fn sections_share_names_and_differ_in_their_label() {
        let metrics = Metrics::new(Build::of("1.2.3", None)).unwrap();
        for name in ["ns0", "ns1"] {
            let section = metrics.section("nameservice", name).unwrap();
            section.register(Box::new(prometheus::IntCounter::new("files", "Files.").unwrap())).unwrap();
        }
        let text = metrics.render().unwrap();
        assert!(text.contains("files{nameservice=\"ns0\"} 0\nfiles{nameservice=\"ns1\"} 0\n"), "{text}");
        assert_eq!(text.matches("# TYPE files counter").count(), 1, "{text}");
    }
}
