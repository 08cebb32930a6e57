//! A Java router and ours that watch different NameNodes.

use std::collections::BTreeSet;

use anabranch_e2e::servers::{self, Configured};
use anabranch_store::zookeeper::ZooKeeperOptions;
use anabranch_store::{Membership, Reader, ZooKeeperStore};
use anabranch_testkit::hadoop::{Cluster, Plan};
use anabranch_testkit::net;

use super::mounts::{lists, make};
use super::{BOTH, Member, PATIENCE, Site};

/// Where both have a store of their own.
const PARENT: &str = "/apart";

/// What a router is told that watches one nameservice only, and knows of no other.
fn watching(site: &Site, nameservice: &str) -> Vec<(String, String)> {
    let given = BOTH.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let own = [
        ("dfs.nameservices".to_owned(), nameservice.to_owned()),
        (format!("dfs.namenode.rpc-address.{nameservice}"), site.cluster.rpc(nameservice).to_owned()),
        (format!("dfs.namenode.http-address.{nameservice}"), site.cluster.http(nameservice).to_owned()),
        ("dfs.federation.router.default.nameserviceId".to_owned(), nameservice.to_owned()),
        ("dfs.federation.router.store.driver.zk.parent-path".to_owned(), PARENT.to_owned()),
        ("hadoop.zk.address".to_owned(), site.ensemble()),
    ];
    given.chain(own).collect()
}

/// Routers and the nameservices of which they report that they are active.
fn reports(site: &Site) -> BTreeSet<(String, String)> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let options = ZooKeeperOptions::new(&site.ensemble()).unwrap().with_parent(PARENT).unwrap();
        let members = Reader::<Membership>::list(&ZooKeeperStore::open(options).unwrap()).await.unwrap().records;
        let messages = members.iter().map(|stored| stored.record.message());
        let active = messages.filter(|message| message.state() == "ACTIVE");
        let port = |router: &str| router.rsplit_once(':').unwrap().1.to_owned();
        active.map(|message| (port(message.router_id()), message.nameservice_id().to_owned())).collect()
    })
}

pub(super) fn are_used_by_the_other(site: &Site) {
    let plan = watching(site, "ns0").iter().fold(Plan::router(), |plan, (key, value)| plan.set(key, value));
    let plan = plan.set("dfs.federation.router.cache.ttl", "500ms");
    let dir = site.scratch.path().join("apart");
    std::fs::create_dir(&dir).unwrap();
    let cluster = Cluster::start(&site.jars, &dir, &plan).unwrap();
    let Configured { router, admin, .. } =
        servers::router_configured(&dir.join("conf"), watching(site, "ns1"), &[]).unwrap();
    let java = Member {
        rpc: cluster.rpc("router").to_owned(),
        admin: cluster.admin().to_owned(),
        http: cluster.http("router").to_owned(),
    };
    let ours = Member { rpc: router.rpc.to_string(), admin: admin.to_string(), http: router.http.to_string() };
    let port = |member: &Member| member.rpc.rsplit_once(':').unwrap().1.to_owned();
    let expected = BTreeSet::from([(port(&java), "ns0".to_owned()), (port(&ours), "ns1".to_owned())]);
    net::wait_until("each reports its nameservice", PATIENCE, || reports(site) == expected)
        .unwrap_or_else(|error| panic!("{error}: {:?}, expected {expected:?}", reports(site)));

    for nameservice in ["ns0", "ns1"] {
        let mount = format!("/apart/{nameservice}");
        make(site, nameservice, &format!("{mount}/inside"));
        site.admin(&ours).dfsrouteradmin(&["-add", &mount, nameservice, &mount]).ok();
        for member in [("Java's router", &java), ("ours", &ours)] {
            lists(site, member, &mount, "inside", true);
        }
    }
    assert_eq!(reports(site), expected, "nobody else watches them");
}
