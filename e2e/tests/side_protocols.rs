//! What NameNodes serve beside ClientProtocol: a Java router and ours, before the same NameNodes, answer alike. And what
//! there is once in each subcluster, by Hadoop's own commands.

#![allow(clippy::unwrap_used, reason = "what fails here is the test")]

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::process::ExitCode;

use anabranch_e2e::dfs::dfs;
use anabranch_e2e::servers::{self, Mount, Router};
use anabranch_e2e::wire::{Answer, CLIENT_PROTOCOL, Raw, call};
use anabranch_hdfs_proto::hdfs::namenode::{
    EndCheckpointRequestProto, ErrorReportRequestProto, GetBlockKeysRequestProto, GetBlocksRequestProto,
    GetBlocksResponseProto, GetEditLogManifestRequestProto, GetMostRecentCheckpointTxIdRequestProto,
    GetNextSpsPathRequestProto, GetTransactionIdRequestProto, IsRollingUpgradeRequestProto,
    IsUpgradeFinalizedRequestProto, RegisterRequestProto, RollEditLogRequestProto, StartCheckpointRequestProto,
};
use anabranch_hdfs_proto::hdfs::{
    DatanodeIdProto, DatanodeReportTypeProto, GetDatanodeReportRequestProto, GetDatanodeReportResponseProto,
    VersionRequestProto,
};
use anabranch_testkit::hadoop::{Cluster, Jars, Plan, Session, Shell};
use anabranch_testkit::scratch::Scratch;
use anabranch_testkit::suite;
use anyhow::Result;
use prost::Message;

const NAMENODE: &str = "org.apache.hadoop.hdfs.server.protocol.NamenodeProtocol";

fn main() -> ExitCode {
    suite::run(
        setup,
        &[
            ("balancers_ask_any_namenode", any_namenode),
            ("balancers_learn_the_blocks_of_a_datanode", blocks),
            ("what_only_one_namenode_can_do_is_refused", refused),
            ("a_method_belongs_to_its_protocol", strangers),
            ("groups_are_those_that_namenodes_see", groups),
            ("namenodes_are_refreshed", refreshed),
            ("snapshottable_directories_are_shown_where_clients_see_them", snapshottable),
            ("cache_directives_tell_their_subcluster", directives),
        ],
    )
}

struct Site {
    shell: Shell,
    router: Router,
    /// Ours, with mounts that have other names on NameNodes.
    renaming: Router,
    cluster: Cluster,
    scratch: Scratch,
}

/// Of the router that is `renaming`.
const RENAMED: &[Mount<'_>] = &[
    ("/one", None, &[("ns0", "/store/1")]),
    ("/two", None, &[("ns1", "/store/2")]),
    ("/wide", Some("HashAll"), &[("ns0", "/store/w"), ("ns1", "/store/w")]),
];

fn setup() -> Result<Site> {
    let scratch = Scratch::new("side-protocols")?;
    let jars = Jars::get()?;
    let plan = Plan::tests().with_router_apart("/data0=ns0:/data0,/data1=ns1:/data1");
    let cluster = Cluster::start(&jars, scratch.path(), &plan)?;
    let shell = Shell::start(&jars, scratch.path())?;
    let router = servers::router_before(&cluster, scratch.path())?;
    let renaming = servers::router_with_mounts(&cluster, &scratch.path().join("renaming"), &["ns0", "ns1"], RENAMED)?;
    Ok(Site { shell, router, renaming, cluster, scratch })
}

impl Site {
    /// Java's router, then ours.
    fn routers(&self) -> [SocketAddr; 2] {
        [self.cluster.rpc("router").parse().unwrap(), self.router.rpc]
    }
}

fn ask(router: SocketAddr, protocol: &str, method: &str, request: &impl Message) -> Answer {
    let user = std::env::var("USER").unwrap_or_else(|_| "root".to_owned());
    let mut raw = Raw::ready(router, &user).unwrap();
    raw.send(&call(1, method, protocol, 1, &request.encode_length_delimited_to_vec())).unwrap();
    raw.answer().unwrap().unwrap()
}

/// Class and message of an exception, without where Java was when it was thrown.
fn exception(answer: &Answer) -> (String, String) {
    let message = answer.header.error_msg().lines().next().unwrap_or_default().to_owned();
    (answer.header.exception_class_name().to_owned(), message)
}

/// The same call to both, which must be answered alike; the answer.
fn alike(site: &Site, protocol: &str, method: &str, request: &impl Message) -> Answer {
    let [java, ours] = site.routers().map(|router| ask(router, protocol, method, request));
    assert_eq!((exception(&ours), &ours.body), (exception(&java), &java.body), "{method}");
    ours
}

fn any_namenode(site: &Site) {
    let answers = [
        alike(site, NAMENODE, "versionRequest", &VersionRequestProto {}),
        alike(site, NAMENODE, "getTransactionId", &GetTransactionIdRequestProto {}),
        alike(site, NAMENODE, "getMostRecentCheckpointTxId", &GetMostRecentCheckpointTxIdRequestProto {}),
        alike(site, NAMENODE, "getBlockKeys", &GetBlockKeysRequestProto {}),
    ];
    for answer in &answers {
        assert_eq!(answer.header.exception_class_name, None, "{answer:?}");
    }
    assert!(answers[0].body.len() > 20, "{:?}", answers[0]);
}

/// Blocks by their ids.
fn ids(answer: &Answer) -> BTreeSet<u64> {
    assert_eq!(answer.header.exception_class_name, None, "{answer:?}");
    let response = GetBlocksResponseProto::decode_length_delimited(answer.body.clone()).unwrap();
    response.blocks.blocks.iter().map(|block| block.block.block_id).collect()
}

fn blocks(site: &Site) {
    let local = site.scratch.path().join("file");
    std::fs::write(&local, vec![7; 100_000]).unwrap();
    for mount in ["/data0", "/data1"] {
        let file = format!("{mount}/file");
        dfs(&site.router.uri(), &["mkdir", "--parents", mount]).ok();
        dfs(&site.router.uri(), &["put", "--force", &local.display().to_string(), &file]).ok();
    }
    let report = GetDatanodeReportRequestProto { r#type: DatanodeReportTypeProto::Live as i32 };
    let report = ask(site.router.rpc, CLIENT_PROTOCOL, "getDatanodeReport", &report);
    let report = GetDatanodeReportResponseProto::decode_length_delimited(report.body).unwrap();
    let request = |datanode: &DatanodeIdProto| GetBlocksRequestProto {
        datanode: datanode.clone(),
        size: 1 << 30,
        min_block_size: Some(1),
        ..Default::default()
    };
    let mut all = BTreeSet::new();
    for datanode in &report.di {
        let [java, ours] =
            site.routers().map(|router| ids(&ask(router, NAMENODE, "getBlocks", &request(&datanode.id))));
        assert_eq!(ours, java, "{:?}", datanode.id);
        all.extend(ours);
    }
    // Each DataNode serves both nameservices, and is known as one of the first.
    assert!(!report.di.is_empty() && !all.is_empty(), "{report:?}");

    // The NameNodes' words; Java's router has none but an exception of its own making.
    let nobody = DatanodeIdProto { datanode_uuid: "nobody".to_owned(), ..report.di[0].id.clone() };
    let (class, message) = exception(&ask(site.router.rpc, NAMENODE, "getBlocks", &request(&nobody)));
    assert!(class.ends_with("HadoopIllegalArgumentException") && message.contains("not found"), "{class}: {message}");
}

fn refused(site: &Site) {
    let refused = [
        alike(site, NAMENODE, "rollEditLog", &RollEditLogRequestProto {}),
        alike(site, NAMENODE, "errorReport", &ErrorReportRequestProto::default()),
        alike(site, NAMENODE, "registerSubordinateNamenode", &RegisterRequestProto::default()),
        alike(site, NAMENODE, "startCheckpoint", &StartCheckpointRequestProto::default()),
        alike(site, NAMENODE, "endCheckpoint", &EndCheckpointRequestProto::default()),
        alike(site, NAMENODE, "getEditLogManifest", &GetEditLogManifestRequestProto::default()),
        alike(site, NAMENODE, "isUpgradeFinalized", &IsUpgradeFinalizedRequestProto {}),
        alike(site, NAMENODE, "isRollingUpgrade", &IsRollingUpgradeRequestProto {}),
        alike(site, NAMENODE, "getNextSPSPath", &GetNextSpsPathRequestProto {}),
    ];
    for answer in refused {
        assert_eq!(exception(&answer).0, "java.lang.UnsupportedOperationException");
    }
}

fn strangers(site: &Site) {
    let (class, message) = exception(&ask(site.router.rpc, CLIENT_PROTOCOL, "versionRequest", &VersionRequestProto {}));
    assert_eq!(class, "org.apache.hadoop.ipc.RpcNoSuchMethodException", "{message}");
}

fn groups(site: &Site) {
    let said = [site.cluster.rpc("ns0"), site.cluster.rpc("router"), &site.router.rpc.to_string()]
        .map(|address| site.shell.at(&format!("hdfs://{address}")).groups(&["root", "daemon", "nobody-has-it"]).ok());
    assert!(said[0].contains("root : root") && said[0].contains("daemon : daemon"), "{}", said[0]);
    assert_eq!((&said[1], &said[2]), (&said[0], &said[0]));
}

fn refreshed(site: &Site) {
    for what in ["-refreshUserToGroupsMappings", "-refreshSuperUserGroupsConfiguration"] {
        let [java, ours] =
            site.routers().map(|router| site.shell.at(&format!("hdfs://{router}")).dfsadmin(&[what]).ok());
        assert_eq!(ours, java, "{what}");
        assert!(ours.contains("successful"), "{ours}");
    }
}

/// The last word of each line.
fn last_words(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.split_whitespace().last()).collect()
}

fn snapshottable(site: &Site) {
    let [ns0, ns1] = ["ns0", "ns1"].map(|ns| site.shell.at(&format!("hdfs://{}", site.cluster.rpc(ns))));
    let ours = site.shell.at(&site.renaming.uri());
    assert!(last_words(&ours.snapshottable().ok()).is_empty());
    let there = [(&ns0, "/store/1/in/it"), (&ns1, "/store/2"), (&ns0, "/store/w/both"), (&ns1, "/store/w/both")];
    for (namenode, path) in there.into_iter().chain([(&ns1, "/hidden")]) {
        namenode.dfs(&["-mkdir", "-p", path]).ok();
        namenode.dfsadmin(&["-allowSnapshot", path]).ok();
    }
    let shown = ours.snapshottable().ok();
    assert_eq!(last_words(&shown), ["/two", "/one/in/it", "/wide/both"], "{shown}");
    // They are paths that clients can use.
    ours.dfs(&["-createSnapshot", "/one/in/it", "s"]).ok();
    ours.dfs(&["-ls", "/one/in/it/.snapshot/s"]).ok();
    let shown = ours.snapshottable().ok();
    assert!(shown.contains(" 1 65536 /one/in/it"), "{shown}");

    // What changed in a directory that several subclusters have is told of all of them.
    ours.dfs(&["-createSnapshot", "/wide/both", "s"]).ok();
    let files: Vec<String> = (0..8).map(|n| format!("/wide/both/f{n}")).collect();
    let args: Vec<&str> = ["-touchz"].into_iter().chain(files.iter().map(String::as_str)).collect();
    ours.dfs(&args).ok();
    let changed = ours.snapshot_diff(&["/wide/both", "s", "."]).ok();
    assert_eq!(changed.matches("\n+\t./f").count(), files.len(), "{changed}");
}

/// Ids and paths of `-listDirectives`.
fn listed(text: &str) -> Vec<(i64, &str)> {
    let id = |line: &str| line.split_whitespace().next()?.parse().ok();
    text.lines().filter_map(|line| Some((id(line)?, line.split_whitespace().last()?))).collect()
}

fn directives(site: &Site) {
    let [ns0, ns1] = ["ns0", "ns1"].map(|ns| site.shell.at(&format!("hdfs://{}", site.cluster.rpc(ns))));
    let ours = site.shell.at(&site.renaming.uri());
    let own = |namenode: &Session<'_>| listed(&namenode.cacheadmin(&["-listDirectives"]).ok()).len();
    let add = |session: &Session<'_>, path: &str| -> i64 {
        let said = session.cacheadmin(&["-addDirective", "-path", path, "-pool", "pool"]).ok();
        said.split_whitespace().last().unwrap().parse().unwrap()
    };
    ours.cacheadmin(&["-addPool", "pool"]).ok();
    ns1.cacheadmin(&["-addPool", "another"]).ok();
    let pools = ours.cacheadmin(&["-listPools"]).ok();
    assert!(pools.contains("another") && pools.contains("pool"), "{pools}");

    let one = add(&ours, "/one/f");
    assert_eq!(add(&ns1, "/hidden"), 1);
    let two = add(&ours, "/two/f");
    assert_eq!((one, two & 0xffff_ffff), (1, 2));
    assert!(two > 1 << 32, "{two}");
    // One in each.
    let wide = [2, (two & !0xffff_ffff) | 3];
    assert!(wide.contains(&add(&ours, "/wide/f")));
    let all = ours.cacheadmin(&["-listDirectives"]).ok();
    assert_eq!(listed(&all), [(one, "/one/f"), (wide[0], "/wide/f"), (two, "/two/f"), (wide[1], "/wide/f")]);
    let found = ours.cacheadmin(&["-listDirectives", "-id", &two.to_string(), "-path", "/two/f"]).ok();
    assert_eq!(listed(&found), [(two, "/two/f")]);

    ours.cacheadmin(&["-modifyDirective", "-id", &two.to_string(), "-path", "/two/g", "-replication", "2"]).ok();
    assert!(ns1.cacheadmin(&["-listDirectives"]).ok().contains("/store/2/g"));
    let across = ours.cacheadmin(&["-modifyDirective", "-id", &two.to_string(), "-path", "/one/g"]).refused();
    assert!(across.contains("is in ns1, where /one/g is not"), "{across}");
    // There is one of that number in ns0, too.
    ours.cacheadmin(&["-removeDirective", &two.to_string()]).ok();
    assert_eq!((own(&ns0), own(&ns1)), (2, 2));
    let gone = ours.cacheadmin(&["-removeDirective", &two.to_string()]).refused();
    assert!(gone.contains(&format!("No directive with ID {two} found.")), "{gone}");
    ours.cacheadmin(&["-removeDirectives", "-path", "/wide/f"]).ok();
    assert_eq!((own(&ns0), own(&ns1)), (1, 1));
    assert_eq!(listed(&ours.cacheadmin(&["-listDirectives"]).ok()), [(one, "/one/f")]);
    ns1.cacheadmin(&["-removePool", "another"]).ok();
    ours.cacheadmin(&["-removePool", "pool"]).ok();
    assert_eq!((own(&ns0), own(&ns1)), (0, 0));
}
