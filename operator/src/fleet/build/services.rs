//! How clients reach the routers.

use anabranch_api::ServiceType;
use serde_json::{Value, json};

use super::super::validate::Validated;
use super::{child, kind};
use crate::child::Child;
use crate::error::Error;
use crate::names::{self, ROUTER, port};

/// The Service that clients call, and the headless one whose name stands for each router.
pub(super) fn services(fleet: &Validated) -> Result<Vec<Child>, Error> {
    let selector = ROUTER.selector(&fleet.name);
    let port = |name: &str, port: i32, target: &str| json!({ "name": name, "port": port, "targetPort": target, "protocol": "TCP" });
    let own = |address: std::net::SocketAddr| i32::from(address.port());
    let settings = &fleet.settings;
    let mut ports = vec![
        port("rpc", own(settings.rpc_address), "rpc"),
        port("admin", own(settings.admin_address), "admin"),
        port("http", own(settings.http_address), "http"),
    ];
    if own(settings.rpc_address) != port::HADOOP {
        ports.insert(0, port("hadoop", port::HADOOP, "rpc"));
    }
    let kind_of = match fleet.spec.service.kind {
        ServiceType::ClusterIP => "ClusterIP",
        ServiceType::NodePort => "NodePort",
        ServiceType::LoadBalancer => "LoadBalancer",
    };
    let mut service = child(
        fleet,
        &kind::SERVICE,
        ROUTER,
        fleet.name.clone(),
        json!({ "spec": { "type": kind_of, "selector": selector, "ports": ports } }),
    )?;
    for (key, value) in &fleet.spec.service.annotations {
        service.manifest["metadata"]["annotations"][key] = Value::from(value.clone());
    }
    let headless = child(
        fleet,
        &kind::SERVICE,
        ROUTER,
        names::routers(&fleet.name),
        json!({ "spec": { "clusterIP": "None", "selector": ROUTER.selector(&fleet.name), "ports": ports } }),
    )?;
    Ok(vec![service, headless])
}
