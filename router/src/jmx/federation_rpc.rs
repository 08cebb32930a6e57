//! `FederationRPC`: calls, what became of them, and the connections to NameNodes.

use anabranch_telemetry::jmx::Attributes;
use serde_json::{Map, Value, json};

use super::{Sources, attributes, mean, process_tags, rate, unknown};
use crate::method;
use crate::metrics::{Ending, Reason};
use crate::upstream::{Connected, Outcome};

/// Counts over all subclusters.
#[derive(Default)]
struct Proxied {
    answered: u64,
    milliseconds: f64,
    not_communicated: u64,
    standby: u64,
    retries: u64,
    given_up: u64,
}

impl Proxied {
    fn of(sources: &Sources) -> Self {
        sources.core.upstream.directory().every().iter().fold(Self::default(), |sum, nameservice| {
            let metrics = nameservice.metrics();
            let attempts = &metrics.attempts;
            Self {
                answered: sum.answered + metrics.latency.get_sample_count(),
                milliseconds: sum.milliseconds + metrics.latency.get_sample_sum() * 1e3,
                not_communicated: sum.not_communicated + attempts.not_communicated(),
                standby: sum.standby + attempts.count(Outcome::Standby),
                retries: sum.retries + attempts.retried(),
                given_up: sum.given_up + attempts.given_up(),
            }
        })
    }

    fn mean_ms(&self) -> f64 {
        mean(self.milliseconds, self.answered)
    }
}

/// Calls of clients: how many, and the milliseconds that they took on average.
pub(super) fn processed(sources: &Sources) -> (u64, f64) {
    let metrics = &sources.core.metrics;
    let rows = 0..method::rows().len();
    let calls = rows.clone().map(|row| metrics.all_calls(row)).sum();
    (calls, mean(rows.map(|row| metrics.tally.elapsed_ms(row)).sum(), calls))
}

pub(super) fn shed(sources: &Sources) -> u64 {
    (0..method::rows().len()).map(|row| sources.core.metrics.calls(row, Ending::Shed)).sum()
}

pub(super) fn attributes(sources: &Sources) -> Attributes {
    let (proxied, (calls, mean_ms)) = (Proxied::of(sources), processed(sources));
    let refusals = |reason| sources.core.metrics.tally.refusals(reason);
    let mut attributes = attributes![
        "ProxyOps" => proxied.answered,
        "ProxyAvg" => proxied.mean_ms(),
        "ActiveProxyOps" => proxied.answered,
        "ProcessingOps" => calls,
        "ProcessingAvg" => mean_ms,
        "RouterFailureReadOnlyOps" => refusals(Reason::ReadOnly),
        "RouterFailureLockedOps" => refusals(Reason::Locked),
        "RouterFailureSafemodeOps" => refusals(Reason::SafeMode),
        "RpcClientConnections" => connections(sources).to_string(),
    ];
    attributes.extend(failures(sources, &proxied));
    attributes.extend(numbers(sources));
    attributes.extend(unknown::of("FederationRPC"));
    attributes
}

/// The bean of the same numbers that Hadoop's metrics system keeps.
pub(super) fn source(sources: &Sources) -> Attributes {
    let (proxied, (calls, mean_ms)) = (Proxied::of(sources), processed(sources));
    let refusals = |reason| sources.core.metrics.tally.refusals(reason);
    let mut attributes = process_tags(sources, "dfs", Some("RouterRPCSession"));
    attributes.extend(rate("Processing", calls, mean_ms));
    attributes.extend(rate("Proxy", proxied.answered, proxied.mean_ms()));
    attributes.extend(attributes![
        "ActiveProxyOp" => proxied.answered,
        "ProcessingOp" => calls,
        "ProxyOp" => proxied.answered,
        "RouterFailureLocked" => refusals(Reason::Locked),
        "RouterFailureReadOnly" => refusals(Reason::ReadOnly),
        "RouterFailureSafemode" => refusals(Reason::SafeMode),
    ]);
    attributes.extend(failures(sources, &proxied));
    attributes.extend(numbers(sources));
    attributes.extend(unknown::of("FederationRPCMetrics"));
    attributes
}

fn failures(sources: &Sources, proxied: &Proxied) -> Attributes {
    attributes![
        "ProxyOpFailureCommunicate" => proxied.not_communicated,
        "ProxyOpFailureStandby" => proxied.standby,
        "ProxyOpFailureClientOverloaded" => shed(sources),
        "ProxyOpNotImplemented" => sources.core.metrics.tally.refusals(Reason::Unsupported),
        "ProxyOpRetries" => proxied.retries,
        "ProxyOpNoNamenodes" => proxied.given_up,
    ]
}

/// All connections to NameNodes, with the NameNode's address.
fn connected(sources: &Sources) -> Vec<(String, Connected)> {
    let directory = sources.core.upstream.directory();
    let namenodes = directory.every().iter().flat_map(|nameservice| nameservice.namenodes());
    let connections = namenodes.flat_map(|namenode| {
        namenode.connections().into_iter().map(|connected| (namenode.address().to_owned(), connected))
    });
    connections.collect()
}

fn numbers(sources: &Sources) -> Attributes {
    let connected = connected(sources);
    let (open, active) =
        connected.iter().fold((0, 0), |(open, active), (_, one)| (open + one.open, active + one.active));
    attributes![
        "RpcServerNumOpenConnections" => sources.rpc.connections_open.load(std::sync::atomic::Ordering::Relaxed),
        "RpcClientNumConnections" => open,
        "RpcClientNumActiveConnections" => active,
        "RpcClientNumIdleConnections" => open - active,
        // A connection that was not used lately is closed.
        "RpcClientNumActiveConnectionsRecently" => open,
        "RpcClientNumCreatingConnections" => connected.iter().filter(|(_, one)| one.opening).count(),
        "RpcClientNumConnectionPools" => connected.len(),
    ]
}

/// Pools by user, NameNode and protocol; what is in them is JSON in a text once more.
fn connections(sources: &Sources) -> Value {
    let pool = |(address, one): (String, Connected)| {
        let protocol = one.protocol.rsplit('.').next().unwrap_or(one.protocol);
        let counts = json!({
            "active": one.active.to_string(),
            "recent_active": one.open.to_string(),
            "idle": (one.open - one.active).to_string(),
            "total": one.open.to_string(),
        });
        (format!("{} []->{address} [{protocol}]", one.identity), Value::from(counts.to_string()))
    };
    Value::Object(connected(sources).into_iter().map(pool).collect::<Map<_, _>>())
}
