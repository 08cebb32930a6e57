//! The management beans of a router, with the names and attributes of the Java router's, so that its dashboards work.
//!
//! Each bean is a function of [`Sources`]. Attributes that this router has nothing to say about are those of [`unknown`].

mod datanodes;
mod dates;
mod federation_rpc;
mod federation_state;
mod fs_namesystem;
mod http_server;
mod java_lang;
mod jvm_metrics;
mod namenode_info;
mod namenode_status;
mod nameservice_activity;
mod router_activity;
mod router_bean;
mod router_client_activity;
mod rpc_activity;
mod shapes;
mod sources;
mod state_store;
mod ugi_metrics;
pub mod unknown;

use std::borrow::Cow;
use std::sync::Arc;

use anabranch_telemetry::jmx::{Attributes, Bean, Beans, ObjectName};
use serde_json::Value;

pub use sources::{AdminPort, Sources, WebPort};

/// Attributes from pairs of a name and anything that JSON can say.
macro_rules! attributes {
    ($($name:literal => $value:expr),* $(,)?) => {
        vec![$((::std::borrow::Cow::Borrowed($name), ::serde_json::Value::from($value))),*]
    };
}
use attributes;

/// A bean as a function.
type Read = fn(&Sources) -> Attributes;

const RBF: &str = "org.apache.hadoop.hdfs.server.federation.metrics.RBFMetrics";
const RPC: &str = "org.apache.hadoop.hdfs.server.federation.metrics.FederationRPCMetrics";
const STORE: &str = "org.apache.hadoop.hdfs.server.federation.metrics.StateStoreMetrics";
const NAMENODE: &str = "org.apache.hadoop.hdfs.server.federation.metrics.NamenodeBeanMetrics";

/// Service, name, Java's class (none for the name itself), and what it reads.
const BEANS: &[(&str, &str, &str, Read)] = &[
    ("Router", "Router", RBF, router_bean::attributes),
    ("Router", "FederationState", RBF, federation_state::attributes),
    ("Router", "FederationRPC", RPC, federation_rpc::attributes),
    ("Router", "StateStore", STORE, state_store::attributes),
    ("Router", "StateStoreActivity", "", state_store::activity),
    ("Router", "RouterActivity", "", router_activity::attributes),
    ("Router", "RouterClientActivity", "", router_client_activity::attributes),
    ("Router", RBF, RBF, federation_state::source),
    ("Router", RPC, RPC, federation_rpc::source),
    ("Router", "JvmMetrics", "", jvm_metrics::attributes),
    ("Router", "UgiMetrics", "", ugi_metrics::attributes),
    ("NameNode", "NameNodeStatus", NAMENODE, namenode_status::attributes),
    ("NameNode", "NameNodeInfo", NAMENODE, namenode_info::attributes),
    ("NameNode", "FSNamesystem", NAMENODE, fs_namesystem::attributes),
    ("NameNode", "FSNamesystemState", NAMENODE, fs_namesystem::attributes),
];

/// The beans of the platform: type, Java's class, and what it reads.
const PLATFORM: &[(&str, &str, Read)] = &[
    ("Memory", "sun.management.MemoryImpl", java_lang::memory),
    ("Runtime", "sun.management.RuntimeImpl", java_lang::runtime),
    ("Threading", "com.sun.management.internal.HotSpotThreadImpl", java_lang::threading),
];

/// Registers the beans of a router.
pub fn register(beans: &Beans, sources: &Arc<Sources>) {
    let add = |name: ObjectName, class: &str, read: Box<dyn Fn(&Sources) -> Attributes + Send + Sync>| {
        let sources = sources.clone();
        beans.register(Bean::new(name, class, move || Ok(read(&sources))));
    };
    for (service, name, class, read) in BEANS {
        let class = if class.is_empty() { name } else { class };
        add(ObjectName::hadoop(service, name), class, Box::new(read));
    }
    for (kind, class, read) in PLATFORM {
        add(ObjectName::java_lang(kind), class, Box::new(read));
    }
    let named = |name: &str, read: Read| add(ObjectName::hadoop("Router", name), name, Box::new(read));
    named("NameserviceActivity-concurrent", nameservice_activity::concurrent);
    let port = sources.rpc_address.port();
    named(&format!("RpcActivityForPort{port}"), rpc_activity::client);
    named(&format!("RpcDetailedActivityForPort{port}"), rpc_activity::client_detailed);
    if let Some(admin) = &sources.admin {
        let port = admin.address.port();
        named(&format!("RpcActivityForPort{port}"), rpc_activity::admin);
        named(&format!("RpcDetailedActivityForPort{port}"), rpc_activity::admin_detailed);
    }
    if let Some(web) = &sources.web {
        named(&format!("HttpServer2-{}", web.address.port()), http_server::attributes);
    }
    let sources = sources.clone();
    beans.register_family(move || nameservice_activity::beans(&sources));
}

/// What Hadoop's metrics say of themselves first.
fn tags(sources: &Sources, context: &'static str) -> Attributes {
    attributes!["tag.Context" => context, "tag.Hostname" => sources.host.as_str()]
}

/// The same of a program's, which also have its name and a session.
fn process_tags(sources: &Sources, context: &'static str, session: Option<&str>) -> Attributes {
    let mut tags = attributes!["tag.ProcessName" => "Router", "tag.SessionId" => session.map(str::to_owned)];
    tags.extend(self::tags(sources, context));
    tags
}

/// A number of operations and their mean time, as a pair of attributes.
fn rate(name: &str, operations: u64, mean_ms: f64) -> [(Cow<'static, str>, Value); 2] {
    [(format!("{name}NumOps").into(), operations.into()), (format!("{name}AvgTime").into(), mean_ms.into())]
}

/// The mean of a sum; 0 of nothing.
fn mean(sum: f64, number: u64) -> f64 {
    if number == 0 { 0.0 } else { sum / number as f64 }
}

#[cfg(test)]
mod tests;
