//! `RouterActivity`: how long the start took.

use anabranch_telemetry::jmx::Attributes;

use super::{Sources, attributes, process_tags};

pub(super) fn attributes(sources: &Sources) -> Attributes {
    let mut attributes = process_tags(sources, "dfs", None);
    attributes.extend(attributes!["SafeModeTime" => sources.core.metrics.tally.ready_after_ms()]);
    attributes
}
