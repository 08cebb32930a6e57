//! `RpcActivityForPort<port>` and `RpcDetailedActivityForPort<port>`: what an RPC server does.

use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;

use anabranch_hrpc::ServerStats;
use anabranch_telemetry::jmx::Attributes;

use super::router_client_activity::capitalised;
use super::{Sources, attributes, federation_rpc, mean, rate, tags, unknown};
use crate::method;

/// The port that serves clients.
pub(super) fn client(sources: &Sources) -> Attributes {
    let (processed, shed) = (federation_rpc::processed(sources), federation_rpc::shed(sources));
    let mut attributes = head(sources, sources.rpc_address, "ClientNamenodeProtocol");
    attributes.extend(of(&sources.rpc, processed, shed));
    attributes
}

/// The port that serves administrators, of whom none is shed.
pub(super) fn admin(sources: &Sources) -> Attributes {
    let Some(port) = &sources.admin else { return Attributes::new() };
    let calls = sources.core.metrics.admin.by_method();
    let (number, ms) = calls.fold((0, 0.0), |(number, ms), (_, more, took)| (number + more, ms + took));
    let mut attributes = head(sources, port.address, "RouterAdminProtocolService");
    attributes.extend(of(&port.stats, (number, mean(ms, number)), 0));
    attributes
}

fn head(sources: &Sources, address: SocketAddr, name: &'static str) -> Attributes {
    let mut attributes = attributes!["tag.port" => address.port().to_string(), "tag.serverName" => name];
    attributes.extend(tags(sources, "rpc"));
    attributes
}

/// The counts of any RPC server: calls and their mean time, and how many were shed.
fn of(stats: &ServerStats, (calls, mean_ms): (u64, f64), shed: u64) -> Attributes {
    let counts = [&stats.calls, &stats.calls_failed, &stats.handshakes_failed, &stats.connections_refused];
    let [received, failed, unauthorized, refused] = counts.map(|count| count.load(Relaxed));
    let accepted = stats.connections_accepted.load(Relaxed).saturating_sub(unauthorized + refused);
    let mut attributes = attributes![
        "ReceivedBytes" => stats.bytes_received.load(Relaxed),
        "SentBytes" => stats.bytes_sent.load(Relaxed),
        "RpcAuthorizationFailures" => unauthorized,
        "RpcAuthorizationSuccesses" => accepted,
        "RpcCallSuccesses" => received.saturating_sub(failed),
        "RpcClientBackoff" => shed,
        "RpcQueueTimeNumOps" => received,
        "RpcEnQueueTimeNumOps" => received,
        "RpcLockWaitTimeNumOps" => received,
        "RpcResponseTimeNumOps" => received,
        "NumInProcessHandler" => stats.calls_in_flight.load(Relaxed),
        "NumOpenConnections" => stats.connections_open.load(Relaxed),
        "NumDroppedConnections" => stats.connections_cut.load(Relaxed) + refused,
        "TotalRequests" => received,
    ];
    attributes.extend(rate("RpcProcessingTime", calls, mean_ms));
    attributes.extend(unknown::of("RpcActivityForPort"));
    attributes
}

/// Calls of administrators by method: those of RouterAdminProtocol, and of its companions if they were called.
pub(super) fn admin_detailed(sources: &Sources) -> Attributes {
    let Some(port) = &sources.admin else { return Attributes::new() };
    let mut attributes = attributes!["tag.port" => port.address.port().to_string()];
    attributes.extend(tags(sources, "rpcdetailed"));
    for (method, number, ms) in sources.core.metrics.admin.by_method() {
        if number > 0 || !COMPANIONS.contains(&method) {
            attributes.extend(of_method(method, number, mean(ms, number)));
        }
    }
    attributes
}

/// Methods of the protocols that are served beside RouterAdminProtocol.
const COMPANIONS: [&str; 2] = ["refresh", "refreshCallQueue"];

fn of_method(method: &str, calls: u64, mean_ms: f64) -> Attributes {
    let name = capitalised(method);
    let mut attributes = Attributes::new();
    attributes.extend(rate(&name, calls, mean_ms));
    attributes.extend(rate(&format!("Overall{name}"), calls, mean_ms));
    attributes.extend(rate(&format!("Deferred{name}"), 0, 0.0));
    attributes
}

/// Calls by method. No call is answered later than its handler ends, so that nothing is deferred.
pub(super) fn client_detailed(sources: &Sources) -> Attributes {
    let metrics = &sources.core.metrics;
    let mut attributes = attributes!["tag.port" => sources.rpc_address.port().to_string()];
    attributes.extend(tags(sources, "rpcdetailed"));
    for (at, row) in method::client_rows() {
        let calls = metrics.all_calls(at);
        attributes.extend(of_method(row.name, calls, mean(metrics.tally.elapsed_ms(at), calls)));
    }
    attributes
}
