//! A fleet whose state store is a ZooKeeper ensemble that exists, which a Java router uses as well.

use std::fs;
use std::path::Path;

use anabranch_e2e::servers;
use anabranch_e2e::wire::Raw;
use anabranch_federation::MountEntry;
use anabranch_store::zookeeper::ZooKeeperOptions;
use anabranch_store::{Reader, ZooKeeperStore};
use anabranch_testkit::hadoop::{Cluster, Jars, Plan, Shell};
use anabranch_testkit::net;
use anabranch_testkit::process::{Launch, user};
use anabranch_testkit::scratch::Scratch;
use anabranch_testkit::zookeeper::{self, ZooKeeper};
use serde_json::json;

use crate::cut::Cut;
use crate::objects::mounts;
use crate::operator::Operator;
use crate::rig::Rig;
use crate::site::{Site, until};

/// The configuration that pods of the fleet mount, as files.
async fn configuration(site: &Site, dir: &Path) {
    let map =
        until("the fleet's configuration", async || site.get("ConfigMap", "main-router").await.ok_or("none")).await;
    fs::create_dir_all(dir).unwrap();
    for (name, text) in map["data"].as_object().unwrap() {
        fs::write(dir.join(name), text.as_str().unwrap()).unwrap();
    }
}

/// Whether a router answers for a path without an exception.
fn serves(router: &str, path: &str) -> Result<(), String> {
    let address = router.parse().map_err(|e| format!("{router}: {e}"))?;
    let answer = Raw::ready(address, &user()).and_then(|mut raw| raw.stat(path, 1)).map_err(|e| e.to_string())?;
    match answer {
        Some(answer) if answer.header.status == 0 => Ok(()),
        answer => Err(format!("{answer:?}")),
    }
}

/// What is declared is served by routers of both kinds, and what a Java administrator adds is told of and left alone.
pub fn shared(rig: &Rig) {
    rig.runtime.block_on(async {
        let scratch = Scratch::new("ensemble").unwrap();
        let jars = Jars::get().unwrap();
        let ensemble = ZooKeeper::start(&jars, scratch.path(), &zookeeper::Plan::members(1)).unwrap();
        let plan = Plan::tests().with_router_apart("").set("hadoop.zk.address", &ensemble.connect_string());
        let driver = "org.apache.hadoop.hdfs.server.federation.store.driver.impl.StateStoreZooKeeperImpl";
        let plan = plan.set("dfs.federation.router.store.driver.class", driver);
        let plan = plan.set("dfs.federation.router.cache.ttl", "500ms");
        let cluster = Cluster::start(&jars, scratch.path(), &plan).unwrap();

        let site = Site::new(rig, "ensemble").await;
        for ns in ["ns0", "ns1"] {
            let namenode = json!({ "id": "nn1", "rpcAddress": cluster.rpc(ns), "httpAddress": cluster.http(ns) });
            let spec = json!({ "nameserviceId": ns, "type": "External", "external": { "namenodes": [namenode] } });
            site.apply("Subcluster", ns, spec).await;
        }
        let store = json!({ "type": "ZooKeeper", "zookeeper": { "address": ensemble.connect_string() } });
        site.apply("RouterFleet", "main", json!({ "stateStore": store, "driftPolicy": "Observe" })).await;
        site.apply("MountTable", "alpha", mounts(&[("/a", "ns0/"), ("/b", "ns1/")])).await;
        let operator = Operator::start(rig, &site, Cut::never());

        // A router as the fleet's pods run it, but for its ports.
        let conf = scratch.path().join("fleet");
        configuration(&site, &conf).await;
        let (rpc, http) = (net::free_address().unwrap(), net::free_address().unwrap());
        let mut args = vec!["--conf".to_owned(), conf.display().to_string()];
        for (key, address) in [
            ("dfs.federation.router.rpc-address", rpc.to_string()),
            ("dfs.federation.router.admin-address", "127.0.0.1:0".to_owned()),
            ("dfs.federation.router.http-address", http.to_string()),
        ] {
            args.extend(["-D".to_owned(), format!("{key}={address}")]);
        }
        let _router = servers::Router::start(&Launch::new("anabranch-router").args(args), rpc, http).unwrap();
        site.condition("MountTable", "alpha", "Programmed", "True/Programmed").await;
        for router in [&*rpc.to_string(), cluster.rpc("router")] {
            for path in ["/a", "/b"] {
                until(&format!("{router} serves {path}"), async || serves(router, path)).await;
            }
        }

        // The ensemble's other administrators.
        let shell = Shell::start(&jars, scratch.path()).unwrap();
        let admin = shell.at(&format!("hdfs://{}", cluster.rpc("router")));
        let admin = admin.set("dfs.federation.router.admin-address", cluster.admin());
        let added = admin.dfsrouteradmin(&["-add", "/theirs", "ns0", "/"]);
        assert_eq!(added.exit, 0, "{added:?}");
        site.condition("RouterFleet", "main", "Drifted", "True/Undeclared").await;
        until("our router serves it", async || serves(&rpc.to_string(), "/theirs")).await;
        let theirs: ZooKeeperStore =
            ZooKeeperStore::open(ZooKeeperOptions::new(&ensemble.connect_string()).unwrap()).unwrap();
        let found = Reader::<MountEntry>::list(&theirs).await.unwrap().records;
        let sources: Vec<&str> = found.iter().map(|stored| stored.record.source.as_str()).collect();
        assert_eq!(sources, ["/a", "/b", "/theirs"]);

        site.delete("MountTable", "alpha").await;
        until("what was declared is gone, and nothing else", async || {
            let left = Reader::<MountEntry>::list(&theirs).await.map_err(|e| e.to_string())?.records;
            let left: Vec<&str> = left.iter().map(|stored| stored.record.source.as_str()).collect();
            if left == ["/theirs"] { Ok(()) } else { Err(format!("{left:?}")) }
        })
        .await;
        operator.stop().await;
    });
}
