//! What a Hadoop client needs to find the routers.

use std::collections::BTreeMap;

use serde_json::json;

use super::super::validate::Validated;
use super::xml::site;
use super::{child, kind};
use crate::child::Child;
use crate::error::Error;
use crate::names::{self, ROUTER, port};

/// A ConfigMap with `core-site.xml` and `hdfs-site.xml`.
///
/// The fleet is a logical nameservice with two ids, both at the Service: a client that loses its connection, as it does
/// whenever a router ends, goes on to "the other" and loses no call. A plain `hdfs://host:port` would lose one.
pub(super) fn config_map(fleet: &Validated) -> Result<Child, Error> {
    let address = format!("{}:{}", names::host(&fleet.name, &fleet.namespace), port::HADOOP);
    let (core, hdfs) = client_files(fleet, &address);
    let data = json!({ "core-site.xml": core, "hdfs-site.xml": hdfs });
    child(fleet, &kind::CONFIG_MAP, ROUTER, names::discovery(&fleet.name), json!({ "data": data }))
}

/// `core-site.xml` and `hdfs-site.xml` of clients that call routers at `address`. Administrators call the fleet's own routers,
/// since only those may write.
pub fn client_files(fleet: &Validated, address: &str) -> (String, String) {
    let nameservice = &fleet.name;
    let map = |keys: Vec<(String, String)>| keys.into_iter().collect::<BTreeMap<_, _>>();
    let core = map(vec![("fs.defaultFS".to_owned(), format!("hdfs://{nameservice}"))]);
    let provider = "org.apache.hadoop.hdfs.server.namenode.ha.ConfiguredFailoverProxyProvider";
    let hdfs = map(vec![
        ("dfs.nameservices".to_owned(), nameservice.to_owned()),
        (format!("dfs.ha.namenodes.{nameservice}"), "r0,r1".to_owned()),
        (format!("dfs.namenode.rpc-address.{nameservice}.r0"), address.to_owned()),
        (format!("dfs.namenode.rpc-address.{nameservice}.r1"), address.to_owned()),
        (format!("dfs.client.failover.proxy.provider.{nameservice}"), provider.to_owned()),
        ("dfs.client.failover.random.order".to_owned(), "true".to_owned()),
        ("dfs.federation.router.admin-address".to_owned(), fleet.administration()),
    ]);
    (site(&core), site(&hdfs))
}
