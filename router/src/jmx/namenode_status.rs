//! `NameNodeStatus`: for tools that take a router for a NameNode.

use anabranch_telemetry::jmx::Attributes;

use super::{Sources, attributes, unknown};

pub(super) fn attributes(sources: &Sources) -> Attributes {
    let mut attributes = attributes![
        "State" => "active",
        "NNRole" => "NameNode",
        "HostAndPort" => sources.host_and_port(),
    ];
    attributes.extend(unknown::of("NameNodeStatus"));
    attributes
}
