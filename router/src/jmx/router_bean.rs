//! `Router`: the process.

use anabranch_telemetry::jmx::Attributes;

use super::sources::COMPILED;
use super::{Sources, attributes, dates, unknown};

pub(super) fn attributes(sources: &Sources) -> Attributes {
    let (standing, _) = sources.standing();
    let mut attributes = attributes![
        "Version" => sources.version(),
        "RouterId" => sources.core.config.router_id.as_str(),
        "CompileInfo" => sources.compile_info(),
        "ClusterId" => standing.distinct(|namenode| namenode.record.cluster_id()),
        "BlockPoolId" => standing.distinct(|namenode| namenode.record.block_pool_id()),
        "Safemode" => sources.safe_mode(),
        "HostAndPort" => sources.host_and_port(),
        "RouterStarted" => dates::spoken(sources.started_ms),
        "CompiledDate" => COMPILED,
        "RouterStatus" => sources.status().name(),
    ];
    attributes.extend(unknown::of("Router"));
    attributes
}
