//! `NameserviceActivity-<nameservice>`: what was asked of one subcluster; `-concurrent`: of several at once.

use std::sync::Arc;

use anabranch_telemetry::jmx::{Attributes, Bean, ObjectName};

use super::{Sources, attributes, mean, rate, tags, unknown};
use crate::method;
use crate::upstream::{Nameservice, Outcome};

/// One for each subcluster that there is at this moment.
pub(super) fn beans(sources: &Arc<Sources>) -> Vec<Bean> {
    let bean = |nameservice: &Arc<Nameservice>| {
        let name = format!("NameserviceActivity-{}", nameservice.id());
        let (sources, nameservice) = (sources.clone(), nameservice.clone());
        let read = move || Ok(attributes(&sources, &nameservice));
        Bean::new(ObjectName::hadoop("Router", &name), name, read)
    };
    sources.core.upstream.directory().every().iter().map(bean).collect()
}

fn attributes(sources: &Sources, nameservice: &Nameservice) -> Attributes {
    let metrics = nameservice.metrics();
    let answered = metrics.latency.get_sample_count();
    let mean_ms = mean(metrics.latency.get_sample_sum() * 1e3, answered);
    let mut attributes = attributes!["tag.ns" => nameservice.id().as_str()];
    attributes.extend(tags(sources, "dfs"));
    attributes.extend(rate("Proxy", answered, mean_ms));
    attributes.extend(attributes![
        "ProxyOp" => answered,
        "ProxyOpFailureCommunicate" => metrics.attempts.not_communicated(),
        "ProxyOpFailureStandby" => metrics.attempts.count(Outcome::Standby),
        "ProxyOpNoNamenodes" => metrics.attempts.given_up(),
    ]);
    attributes.extend(unknown::of("NameserviceActivity"));
    attributes
}

/// Failures are counted with the subclusters that they are of.
pub(super) fn concurrent(sources: &Sources) -> Attributes {
    let tally = &sources.core.metrics.tally;
    let fan_outs: u64 = (0..method::rows().len()).map(|row| tally.fan_outs(row)).sum();
    let mut attributes = attributes!["tag.ns" => "concurrent"];
    attributes.extend(tags(sources, "dfs"));
    attributes.extend(rate("Proxy", fan_outs, 0.0));
    attributes.extend(attributes![
        "ProxyOp" => fan_outs,
        "ProxyOpFailureCommunicate" => 0,
        "ProxyOpFailureStandby" => 0,
        "ProxyOpNoNamenodes" => 0,
    ]);
    attributes.extend(unknown::of("NameserviceActivity"));
    attributes
}
