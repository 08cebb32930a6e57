//! `UgiMetrics`: logins and look-ups of groups.

use anabranch_telemetry::jmx::Attributes;

use super::{Sources, tags, unknown};

pub(super) fn attributes(sources: &Sources) -> Attributes {
    let mut attributes = tags(sources, "ugi");
    attributes.extend(unknown::of("UgiMetrics"));
    attributes
}
