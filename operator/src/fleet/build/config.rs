//! What the routers are told, in Hadoop's own files.

use std::collections::BTreeMap;

use anabranch_api::{SubclusterKind, SubclusterSettings};
use serde_json::json;

use super::super::validate::Validated;
use super::xml::site;
use super::{child, kind};
use crate::child::Child;
use crate::error::Error;
use crate::link::StoreAddress;
use crate::names::{self, ROUTER, port};
use crate::subcluster;

/// How long a router that ended without a word counts as one.
const ROUTER_EXPIRATION: &str = "1m";

/// Within which time routers let connections go when the fleet grows. With what a new router needs to be known, the load
/// is even within half a minute.
const REBALANCE: &str = "15s";

/// The files, by name.
pub fn router_files(fleet: &Validated) -> BTreeMap<String, String> {
    let own = [
        ("dfs.federation.router.rpc-address", fleet.settings.rpc_address.to_string()),
        ("dfs.federation.router.admin-address", fleet.settings.admin_address.to_string()),
        ("dfs.federation.router.http-address", fleet.settings.http_address.to_string()),
        ("anabranch.router.drain.grace", format!("{}s", fleet.settings.drain.as_secs())),
        ("anabranch.router.rebalance.within", REBALANCE.to_owned()),
        ("dfs.federation.router.store.router.expiration", ROUTER_EXPIRATION.to_owned()),
        ("dfs.federation.router.store.router.expiration.deletion", ROUTER_EXPIRATION.to_owned()),
    ];
    let mut rbf: BTreeMap<String, String> = fleet.spec.configuration.clone();
    rbf.extend(own.map(|(key, value)| (key.to_owned(), value)));
    rbf.extend(configuration(fleet, &fleet.store));
    let hdfs = nameservices(&fleet.namespace, fleet.subclusters.iter());
    [("hdfs-rbf-site.xml", site(&rbf)), ("hdfs-site.xml", site(&hdfs))]
        .map(|(name, text)| (name.to_owned(), text))
        .into()
}

/// What routers of the fleet are told wherever they run: the store as they reach it, and the default nameservice.
pub fn configuration(fleet: &Validated, store: &StoreAddress) -> BTreeMap<String, String> {
    const DRIVER: &str = "dfs.federation.router.store.driver.class";
    let mut keys: Vec<(&str, String)> = match store {
        StoreAddress::Server { endpoint } => {
            vec![(DRIVER, "grpc".to_owned()), ("anabranch.store.grpc.endpoints", endpoint.clone())]
        }
        StoreAddress::ZooKeeper { address, parent } => vec![
            (DRIVER, "zookeeper".to_owned()),
            ("dfs.federation.router.store.driver.zk.address", address.clone()),
            ("dfs.federation.router.store.driver.zk.parent-path", parent.clone()),
        ],
    };
    let default = fleet.settings.default_nameservice.as_ref();
    keys.extend(default.map(|id| ("dfs.federation.router.default.nameserviceId", id.to_string())));
    keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// The NameNodes of the subclusters.
pub fn nameservices<'a>(
    namespace: &str,
    subclusters: impl Iterator<Item = &'a (String, SubclusterSettings)>,
) -> BTreeMap<String, String> {
    let (mut keys, mut ids) = (BTreeMap::new(), Vec::new());
    for (name, subcluster) in subclusters {
        let id = &subcluster.nameservice;
        ids.push(id.to_string());
        let mut set = |key: String, value: String| drop(keys.insert(key, value));
        match &subcluster.kind {
            SubclusterKind::External { namenodes } => {
                let names: Vec<&str> = namenodes.iter().map(|namenode| namenode.id.as_str()).collect();
                set(format!("dfs.ha.namenodes.{id}"), names.join(","));
                for namenode in namenodes {
                    let nn = &namenode.id;
                    set(format!("dfs.namenode.rpc-address.{id}.{nn}"), namenode.rpc_address.clone());
                    if let Some(http) = &namenode.http_address {
                        set(format!("dfs.namenode.http-address.{id}.{nn}"), http.clone());
                    }
                }
            }
            SubclusterKind::Embedded { .. } => {
                let host = names::host(&subcluster::service(name), namespace);
                set(format!("dfs.namenode.rpc-address.{id}"), format!("{host}:{}", port::HADOOP));
                set(format!("dfs.namenode.http-address.{id}"), format!("{host}:{}", port::NAMESPACE_HTTP));
            }
        }
    }
    if !ids.is_empty() {
        keys.insert("dfs.nameservices".to_owned(), ids.join(","));
    }
    keys
}

pub(super) fn config_map(fleet: &Validated, files: &BTreeMap<String, String>) -> Result<Child, Error> {
    child(fleet, &kind::CONFIG_MAP, ROUTER, names::router(&fleet.name), json!({ "data": files }))
}
