//! The router's pages over HTTP.

#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anabranch_federation::{MountEntry, MountTable, Order};
use anabranch_hdfs_proto::hdfs::{
    NamenodeMembershipRecordProto, NamenodeMembershipStatsRecordProto, RouterRecordProto,
};
use anabranch_router::config::hadoop::{Environment, Properties, interpret};
use anabranch_router::{Mounts, Router, RouterConfig, RunningRouter, Runtimes, Sources};
use anabranch_store::feed::Health;
use anabranch_store::{
    DisabledNameservice, JournalStore, Membership, Record, RouterState, StateStore, Version, Writer,
};
use anabranch_telemetry::{Build, Metrics, Readiness, clock};
use anabranch_testkit::http::{self, Answer};
use serde_json::{Value, json};
use tokio::sync::watch;

const PATIENCE: Duration = Duration::from_secs(30);

struct Rig {
    router: RunningRouter,
    address: SocketAddr,
    readiness: Readiness,
    mounts: watch::Sender<Option<Arc<MountTable>>>,
}

fn config() -> RouterConfig {
    let environment =
        Environment { variables: Default::default(), user: "root".into(), host: "h".into(), memory: u64::MAX };
    let mut properties = Properties::new(environment);
    let text = "<configuration>
        <property><name>dfs.nameservices</name><value>ns0</value></property>
        <property><name>dfs.namenode.rpc-address.ns0</name><value>127.0.0.1:1</value><final>true</final></property>
        <property><name>ssl.server.keystore.password</name><value>hunter2</value></property>
        </configuration>";
    properties.add_file("/etc/hadoop/hdfs-site.xml", text).unwrap();
    properties.set("dfs.federation.router.rpc-address", "127.0.0.1:0");
    properties.set("dfs.federation.router.http-address", "127.0.0.1:0");
    properties.set("dfs.federation.router.admin-address", "127.0.0.1:0");
    // What the store says is for the tests to say.
    properties.set("dfs.federation.router.heartbeat.enable", "false");
    // Who reports nothing knows the other routers for this only.
    properties.set("anabranch.router.rebalance.within", "1s");
    interpret(&properties).unwrap().config
}

async fn start(table: Option<MountTable>) -> Rig {
    start_with(table, None).await
}

async fn start_with(table: Option<MountTable>, store: Option<Arc<dyn StateStore>>) -> Rig {
    start_from(table, |feed| Sources { store, ..feed.into() }).await
}

async fn start_from(table: Option<MountTable>, sources: impl FnOnce(Mounts) -> Sources) -> Rig {
    let metrics = Metrics::new(Build::of("1.2.3", Some("abc"))).unwrap();
    let readiness = Readiness::new();
    let ready = table.is_some();
    let (mounts, feed): (_, Mounts) = watch::channel(table.map(Arc::new));
    let router = Router::start(config(), sources(feed), &metrics, &readiness, &Runtimes::current()).await.unwrap();
    if ready {
        readiness.wait_ready().await;
    }
    Rig { address: router.http_addr.unwrap(), router, readiness, mounts }
}

impl Rig {
    async fn get(&self, path: &str) -> Answer {
        let (address, path) = (self.address.to_string(), path.to_owned());
        tokio::task::spawn_blocking(move || http::get(&address, &path)).await.unwrap().unwrap()
    }

    async fn wait_for_bean(&self, name: &str, there: bool) {
        let ends = Instant::now() + PATIENCE;
        while self.bean(&format!("Hadoop:service=Router,name={name}")).await.is_object() != there {
            assert!(Instant::now() < ends, "{name}: {there}");
        }
    }

    async fn bean(&self, name: &str) -> Value {
        let answer = self.get(&format!("/jmx?qry={name}")).await;
        let mut body: Value = serde_json::from_str(&answer.body).unwrap();
        body["beans"].get_mut(0).map_or(Value::Null, Value::take)
    }
}

fn table() -> MountTable {
    MountTable::build([MountEntry::parse("/data", [("ns0", "/warehouse")]).unwrap()], None)
}

fn membership(nameservice: &str, space: u64) -> Membership {
    let text = |text: &str| Some(text.to_owned());
    let stats = NamenodeMembershipStatsRecordProto {
        total_space: Some(space),
        available_space: Some(space / 4),
        ..Default::default()
    };
    let message = NamenodeMembershipRecordProto {
        nameservice_id: text(nameservice),
        router_id: text("r:1"),
        cluster_id: text("c"),
        block_pool_id: Some(format!("BP-{nameservice}")),
        web_address: text("w:1"),
        rpc_address: text("n:1"),
        state: text("ACTIVE"),
        date_modified: Some(clock::wall_ms()),
        stats: Some(stats),
        ..Default::default()
    };
    Membership::new(message).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn beans_show_the_mounts_and_what_the_store_says() {
    let store = Arc::new(JournalStore::in_memory());
    let rig = start_with(Some(table()), Some(store.clone())).await;
    let router = RouterRecordProto {
        address: Some("r:1".into()),
        status: Some("RUNNING".into()),
        date_modified: Some(clock::wall_ms()),
        ..Default::default()
    };
    store.put(RouterState::new(router).unwrap(), Version::ABSENT).await.unwrap();
    for record in [membership("ns0", 400), membership("ns1", 100)] {
        store.put(record, Version::ABSENT).await.unwrap();
    }
    let ends = Instant::now() + PATIENCE;
    let state = loop {
        let state = rig.bean("Hadoop:service=Router,name=FederationState").await;
        if state["NumNamenodes"] == 2 && state["Routers"] != "{}" {
            break state;
        }
        assert!(Instant::now() < ends, "{state}");
    };
    let numbers = ["NumNameservices", "NumNamenodes", "TotalCapacity", "UsedCapacity", "RemainingCapacity"];
    assert_eq!(numbers.map(|name| state[name].as_u64().unwrap()), [2, 2, 500, 375, 125]);
    assert_eq!(state["ClusterId"], "[c]");
    assert_eq!(state["BlockPoolId"], "[BP-ns0, BP-ns1]");
    assert_eq!(state["Version"], "1.2.3, rabc");
    assert_eq!(state["RouterStatus"], "RUNNING");
    let inner = |name: &str| serde_json::from_str::<Value>(state[name].as_str().unwrap()).unwrap();
    assert_eq!(inner("MountTable")[0]["destinations"], json!(["ns0->/warehouse"]));
    assert_eq!(inner("Nameservices")["ns1-null"]["used"], 75);
    assert_eq!(inner("Routers")["r:1"]["status"], "RUNNING");
    let info = rig.bean("Hadoop:service=NameNode,name=NameNodeInfo").await;
    assert_eq!((&info["PercentUsed"], &info["Safemode"]), (&json!(75.0), &json!("")));
    let activity = rig.bean("Hadoop:service=Router,name=StateStoreActivity").await;
    assert_eq!((&activity["CacheMembershipStateSize"], &activity["CacheMountTableSize"]), (&json!(2), &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_follows_the_mount_table_and_the_end() {
    let rig = start(None).await;
    let router = rig.bean("Hadoop:service=Router,name=Router").await;
    assert_eq!(router["RouterStatus"], "SAFEMODE");
    assert!(router["Safemode"].as_str().unwrap().starts_with("Safe mode is ON. "), "{router}");
    assert_eq!(rig.bean("Hadoop:service=Router,name=RouterActivity").await["SafeModeTime"], 0);
    rig.mounts.send_replace(Some(Arc::new(table())));
    rig.readiness.wait_ready().await;
    assert_eq!(rig.bean("Hadoop:service=Router,name=Router").await["RouterStatus"], "RUNNING");
    assert_ne!(rig.bean("Hadoop:service=Router,name=RouterActivity").await["SafeModeTime"], 0);
    rig.readiness.close("draining");
    assert_eq!(rig.bean("Hadoop:service=Router,name=Router").await["RouterStatus"], "STOPPING");
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_cannot_be_read_are_counted() {
    let store: Arc<dyn StateStore> = Arc::new(JournalStore::in_memory());
    let (told, health) = watch::channel(Health::default());
    let rig =
        start_from(Some(table()), |feed| Sources { health: Some(health), store: Some(store), ..feed.into() }).await;
    for broken in [2, 0] {
        told.send_replace(Health { failing_since: None, broken });
        let expected = format!("anabranch_store_unreadable_records{{kind=\"MountTable\"}} {broken}");
        let ends = Instant::now() + PATIENCE;
        while !rig.get("/metrics").await.body.lines().any(|line| line == expected) {
            assert!(Instant::now() < ends, "{expected}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn jmx_answers_as_hadoops_servlet_does() {
    let rig = start(Some(table())).await;
    let one = rig.get("/jmx?get=Hadoop:service=NameNode,name=NameNodeStatus::State&callback=f").await;
    let expected = r#"{
  "beans" : [ {
    "name" : "Hadoop:service=NameNode,name=NameNodeStatus",
    "modelerType" : "org.apache.hadoop.hdfs.server.federation.metrics.NamenodeBeanMetrics",
    "State" : "active"
  } ]
}"#;
    assert_eq!((one.status, one.body.as_str()), (200, expected));
    assert_eq!(rig.get("/jmx?qry=x").await.body, "{ }");
    let names = |answer: &Answer| {
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        body["beans"]
            .as_array()
            .unwrap()
            .iter()
            .map(|bean| bean["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let activities = names(&rig.get("/jmx?qry=Hadoop:service=Router,name=N*").await);
    let expected = ["concurrent", "ns0"].map(|ns| format!("Hadoop:service=Router,name=NameserviceActivity-{ns}"));
    assert_eq!(activities, expected);
    let rpc = names(&rig.get("/jmx?qry=Hadoop:*,name=Rpc*").await);
    let ports = [rig.router.rpc_addr.port(), rig.router.admin_addr.unwrap().port()];
    let of = |port| ["Activity", "DetailedActivity"].map(|a| format!("Hadoop:service=Router,name=Rpc{a}ForPort{port}"));
    assert_eq!(rpc, ports.map(of).concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn configuration_is_shown_without_secrets() {
    let rig = start(Some(table())).await;
    let line = "<property><name>dfs.namenode.rpc-address.ns0</name><value>127.0.0.1:1</value><final>true</final>\
                <source>hdfs-site.xml</source></property>";
    let default = "<property><name>anabranch.router.call.timeout</name><value>120s</value><final>false</final>\
                   <source>anabranch-default</source></property>";
    let all = rig.get("/conf").await;
    assert_eq!(all.status, 200);
    assert!(all.body.contains(line) && all.body.contains(default), "{}", all.body);
    assert!(!all.body.contains("hunter2"), "{}", all.body);
    let secret = rig.get("/conf?name=ssl.server.keystore.password&format=json").await;
    let expected = r#"{"property":{"isFinal":false,"key":"ssl.server.keystore.password","resource":"hdfs-site.xml","value":"<redacted>"}}"#;
    assert_eq!((secret.status, secret.body.as_str()), (200, expected));
    assert_eq!(rig.get("/conf?name=dfs.nope").await.status, 404);
    assert_eq!(rig.get("/conf?format=text").await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_pages_answer() {
    let rig = start(Some(table())).await;
    for path in ["/", "/index.html"] {
        assert_eq!(rig.get(path).await.status, 302, "{path}");
    }
    let page = rig.get("/federationhealth.html").await;
    assert_eq!(page.status, 200);
    for foreign in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!page.body.contains(foreign), "the page asks for {foreign}");
    }
    assert!(rig.get("/logLevel?log=root").await.body.contains("<!-- OUTPUT -->Submitted Class Name: <b>root</b>"));
    let stacks = rig.get("/stacks").await;
    assert!(stacks.body.contains("Runtime data:\n") && stacks.body.contains("Runtime control:\n"), "{}", stacks.body);
    for path in ["/prom", "/metrics"] {
        assert!(rig.get(path).await.body.contains("anabranch_build_info"), "{path}");
    }
    assert_eq!(rig.get("/nope").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nameservice_has_a_bean_for_as_long_as_records_tell_of_it() {
    let store = Arc::new(JournalStore::in_memory());
    let rig = start_with(Some(table()), Some(store.clone())).await;
    let version = store.put(membership("ns7", 400), Version::ABSENT).await.unwrap();
    rig.wait_for_bean("NameserviceActivity-ns7", true).await;
    Writer::<Membership>::delete(&*store, membership("ns7", 400).key().to_owned(), version).await.unwrap();
    rig.wait_for_bean("NameserviceActivity-ns7", false).await;
    rig.wait_for_bean("NameserviceActivity-ns0", true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_web_server_counts_what_it_is_asked() {
    let rig = start(Some(table())).await;
    let name = format!("Hadoop:service=Router,name=HttpServer2-{}", rig.address.port());
    assert_eq!(rig.get("/nope").await.status, 404);
    let bean = rig.bean(&name).await;
    let counts = ["Requests", "RequestsActive", "Responses2xx", "Responses4xx"].map(|name| bean[name].clone());
    assert_eq!(counts, [2, 1, 0, 1].map(Value::from), "{bean}");
    let bean = rig.bean(&name).await;
    assert_eq!((&bean["Responses2xx"], &bean["DispatchedActiveMax"]), (&json!(1), &json!(1)));
    assert!(bean["ResponsesBytesTotal"].as_u64() > Some(500), "{bean}");
}

/// Asks until the answer is as wanted.
async fn explained(rig: &Rig, query: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let ends = Instant::now() + PATIENCE;
    loop {
        let answer = rig.get(&format!("/explain?{query}")).await;
        let value: Value = serde_json::from_str(&answer.body).unwrap_or_else(|e| panic!("{e}: {answer:?}"));
        if wanted(&value) {
            return value;
        }
        assert!(Instant::now() < ends, "{value}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_tells_what_only_a_router_knows() {
    let store = Arc::new(JournalStore::in_memory());
    let mut mount = MountEntry::parse("/data", [("ns0", "/warehouse"), ("ns1", "/")]).unwrap();
    (mount.order, mount.mode) = (Order::LeaderFollower, 0o750);
    let table = MountTable::build([mount], None).with_revision(7);
    let rig = start_with(Some(table), Some(store.clone())).await;
    let first = explained(&rig, "path=//data/x/&user=ann/host@REALM&groups=supergroup,staff", |_| true).await;
    let summary = json!([first["path"], first["user"], first["mount"]["owner"], first["mount"]["allowed"]["write"]]);
    assert_eq!(summary, json!(["/data/x", "ann", "root", true]));
    let ns0 = json!({ "id": null, "address": "127.0.0.1:1", "state": null, "called": true });
    let nameservices = json!([{ "id": "ns0", "namenodes": [ns0] }, { "id": "ns1", "namenodes": [] }]);
    let router = json!({ "id": "h:0", "revision": 7, "safeMode": null });
    assert_eq!((&first["router"], &first["nameservices"]), (&router, &nameservices));
    // Nobody has a group here, and nobody asks for a user.
    let stranger = explained(&rig, "path=/data&user=no-such-user", |_| true).await;
    assert_eq!(stranger["mount"]["allowed"], json!({ "read": false, "write": false, "execute": false }));
    let nobody = explained(&rig, "path=/data", |_| true).await;
    assert_eq!((&nobody["user"], &nobody["mount"]["allowed"]), (&Value::Null, &Value::Null));

    for (id, state) in [("nn1", "STANDBY"), ("nn2", "ACTIVE"), ("nn3", "OBSERVER")] {
        let mut message = membership("ns1", 1).message().clone();
        (message.namenode_id, message.state) = (Some(id.into()), Some(state.into()));
        message.rpc_address = Some(format!("{id}:8020"));
        store.put(Membership::new(message).unwrap(), Version::ABSENT).await.unwrap();
    }
    store.put(DisabledNameservice::since("ns0", clock::wall_ms()).unwrap(), Version::ABSENT).await.unwrap();
    let reported = |answer: &Value| {
        let namenodes = answer["nameservices"][1]["namenodes"].as_array().map_or(0, Vec::len);
        namenodes == 3 && answer["destinations"][0]["disabled"] == true
    };
    let last = explained(&rig, "path=/data/x", reported).await;
    let namenode = |one: &Value| json!([one["id"], one["address"], one["state"], one["called"]]);
    let namenodes = last["nameservices"][1]["namenodes"].as_array().unwrap();
    let expected = [
        json!(["nn2", "nn2:8020", "ACTIVE", true]),
        json!(["nn1", "nn1:8020", "STANDBY", true]),
        json!(["nn3", "nn3:8020", "OBSERVER", false]),
    ];
    assert_eq!(namenodes.iter().map(namenode).collect::<Vec<_>>(), expected);
    assert_eq!(last["destinations"][1], json!({ "nameservice": "ns1", "path": "/x", "disabled": false }));
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_says_why_it_cannot() {
    let rig = start(None).await;
    let error = async |query: &str| {
        let answer = rig.get(&format!("/explain{query}")).await;
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        (answer.status, body["error"].as_str().unwrap_or_default().to_owned())
    };
    let empty = "the path is empty; expected an absolute path such as /data";
    assert_eq!(error("").await, (400, empty.to_owned()));
    assert_eq!(error("?path=data").await, (400, "path \"data\" must start with /".to_owned()));
    let unready = "there is no mount table that can be trusted; see /isActive";
    assert_eq!(error("?path=/data").await, (503, unready.to_owned()));
    rig.mounts.send_replace(Some(Arc::new(table())));
    rig.readiness.wait_ready().await;
    let nowhere = explained(&rig, "path=/else", |_| true).await;
    assert_eq!((&nowhere["nowhere"], &nowhere["destinations"]), (&json!("noDefaultNameservice"), &json!([])));
}
