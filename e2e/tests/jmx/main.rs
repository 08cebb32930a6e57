//! The management beans of a router, beside those of a real Java router: the same beans with the same attributes of the
//! same types, inside of texts as well. What differs is listed with its reason, and a difference that is listed must be
//! there. `hadoop daemonlog` and the configuration page are tried, too.

mod differences;
mod shape;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

use anabranch_e2e::dfs::dfs;
use anabranch_e2e::servers::{self, Configured, Router};
use anabranch_federation::MountEntry;
use anabranch_store::{JournalStore, Version, Writer};
use anabranch_testkit::hadoop::{Cluster, Jars, Plan, Shell};
use anabranch_testkit::scratch::Scratch;
use anabranch_testkit::{http, net, suite};
use anyhow::Result;
use serde_json::Value;

use differences::{ABSENT, EMPTY, EXTRA, MISSING, PLATFORM};
use shape::{Shape, shape};

/// Much more than the ten seconds that metrics are kept.
const WHOLE: Duration = Duration::from_secs(60);

const MOUNTS: &str = "/data0=ns0:/data0,/data1=ns1:/data1";

struct Rig {
    router: Router,
    admin: SocketAddr,
    cluster: Cluster,
    jars: Jars,
    _scratch: Scratch,
}

fn main() -> ExitCode {
    suite::run(
        setup,
        &[
            ("beans_have_the_attributes_of_a_java_routers", attributes),
            ("texts_hold_what_those_of_a_java_router_hold", texts),
            ("datanodes_are_those_that_a_java_router_shows", datanodes),
            ("errors_are_told_in_the_same_words", errors),
            ("daemonlog_reads_and_sets_levels", daemonlog),
            ("configuration_has_the_same_form", configuration),
        ],
    )
}

fn setup() -> Result<Rig> {
    let scratch = Scratch::new("jmx")?;
    let jars = Jars::get()?;
    let plan = Plan::tests().with_router_apart(MOUNTS);
    let cluster = Cluster::start(&jars, scratch.path(), &plan)?;
    let Configured { router, admin, .. } = router(&cluster, scratch.path())?;
    // Some beans are whole only after a call.
    for uri in [router.uri(), format!("hdfs://{}", cluster.rpc("router"))] {
        dfs(&uri, &["mkdir", "--parents", "/data0/x"]).ok();
    }
    let shell = Shell::start(&jars, scratch.path())?;
    for administration in [&admin.to_string(), cluster.admin()] {
        let session = shell.at("hdfs://unused").set("dfs.federation.router.admin-address", administration);
        session.dfsrouteradmin(&["-safemode", "get"]).ok();
    }
    let rig = Rig { router, admin, cluster, jars, _scratch: scratch };
    net::wait_until("the beans of the Java router are whole", WHOLE, || rig.whole())?;
    Ok(rig)
}

/// A router with a state store of its own, and the same mounts in it.
fn router(cluster: &Cluster, dir: &Path) -> Result<Configured> {
    let data = dir.join("store");
    tokio::runtime::Runtime::new()?.block_on(async {
        let store = JournalStore::open(&data)?;
        for (source, nameservice) in [("/data0", "ns0"), ("/data1", "ns1")] {
            store.put(MountEntry::parse(source, [(nameservice, source)])?, Version::ABSENT).await?;
        }
        anyhow::Ok(())
    })?;
    let own = [
        ("dfs.federation.router.default.nameserviceId", "ns0".to_owned()),
        ("dfs.federation.router.heartbeat.interval", "1000".to_owned()),
        ("dfs.federation.router.store.driver.class", "rocksdb".to_owned()),
        ("dfs.federation.router.store.driver.file.directory", data.display().to_string()),
    ];
    let properties = servers::nameservices(cluster).into_iter().chain(own);
    servers::router_configured(&dir.join("conf"), properties, &[])
}

/// Beans by name; the numbers of ports in their names are `CLIENT`, `ADMIN` and `WEB`.
type Beans = BTreeMap<String, Value>;

impl Rig {
    fn get(&self, ours: bool, path: &str) -> http::Answer {
        let address = if ours { self.router.http.to_string() } else { self.cluster.http("router").to_owned() };
        http::get(&address, path).unwrap_or_else(|e| panic!("{path}: {e:#}"))
    }

    /// A Java router shows for some seconds what it knew when it started.
    fn whole(&self) -> bool {
        let beans = self.beans(false);
        let has = |bean: &str, attribute: &str| {
            let bean = beans.get(&format!("Hadoop:service=Router,name={bean}"));
            bean.is_some_and(|bean| bean.get(attribute).is_some())
        };
        // Ours has reported both NameNodes with their statistics.
        let reported = |beans: Beans| {
            let state = &beans["Hadoop:service=Router,name=FederationState"];
            state["NumNamenodes"] == 2 && state["TotalCapacity"].as_u64().is_some_and(|total| total > 0)
        };
        has("RpcDetailedActivityForPortCLIENT", "MkdirsNumOps")
            && has("RpcDetailedActivityForPortADMIN", "GetSafeModeNumOps")
            && has("JvmMetrics", "GcTotalExtraSleepTime")
            && reported(self.beans(true))
    }

    fn beans(&self, ours: bool) -> Beans {
        let (rpc, admin, web) = if ours {
            (self.router.rpc.to_string(), self.admin.to_string(), self.router.http.to_string())
        } else {
            let cluster = &self.cluster;
            (cluster.rpc("router").to_owned(), cluster.admin().to_owned(), cluster.http("router").to_owned())
        };
        let ends = [("ForPort", rpc, "CLIENT"), ("ForPort", admin, "ADMIN"), ("HttpServer2-", web, "WEB")];
        let ends = ends.map(|(start, address, shown)| {
            let port = address.rsplit(':').next().expect("a port");
            (format!("{start}{port}"), format!("{start}{shown}"))
        });
        let answer: Value = serde_json::from_str(&self.get(ours, "/jmx").body).expect("JSON");
        let beans = answer["beans"].as_array().expect("beans").iter();
        let name = |bean: &Value| {
            let name = bean["name"].as_str().expect("a name");
            let known = ends.iter().find_map(|(end, shown)| Some(name.strip_suffix(end)?.to_owned() + shown));
            known.unwrap_or_else(|| name.to_owned())
        };
        beans.map(|bean| (name(bean), bean.clone())).collect()
    }
}

fn attributes(rig: &Rig) {
    let (ours, theirs) = (rig.beans(true), rig.beans(false));
    let mut wrong = Vec::new();
    let mut used = BTreeSet::new();
    for (name, bean) in &theirs {
        let Some(own) = ours.get(name) else {
            match ABSENT.iter().find(|(pattern, _)| differences::covers(pattern, name)) {
                Some((pattern, _)) => drop(used.insert((*pattern, ""))),
                None => wrong.push(format!("no bean {name}")),
            }
            continue;
        };
        let (own, their) = (types(own), types(bean));
        let platform = PLATFORM.contains(&name.as_str());
        for (attribute, kind) in &their {
            let listed = MISSING.iter().find(|(bean, known, _)| name.ends_with(bean) && known == attribute);
            match (own.get(attribute), listed) {
                (Some(own), None) if shape::same(own, kind) => {}
                (Some(own), _) => wrong.push(format!("{name} {attribute}: ours {own:?}, theirs {kind:?}")),
                (None, Some((bean, known, _))) => drop(used.insert((*bean, *known))),
                (None, None) if platform => {}
                (None, None) => wrong.push(format!("{name} {attribute}: missing, {kind:?}")),
            }
        }
        wrong.extend(
            own.keys().filter(|own| !their.contains_key(*own)).map(|extra| format!("{name} {extra}: not theirs")),
        );
    }
    let known = |name: &&String| !theirs.contains_key(*name) && !EXTRA.contains(&name.as_str());
    wrong.extend(ours.keys().filter(known).map(|name| format!("{name}: not theirs")));
    let listed = ABSENT.iter().map(|(bean, _)| (*bean, "")).chain(MISSING.iter().map(|(bean, name, _)| (*bean, *name)));
    wrong.extend(listed.filter(|item| !used.contains(item)).map(|item| format!("listed, but no difference: {item:?}")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The types of a bean's attributes. Where one of several is null now and then, a Java router shows null as well.
fn types(bean: &Value) -> BTreeMap<String, Shape> {
    let attributes = bean.as_object().expect("a bean");
    attributes.iter().map(|(name, value)| (name.clone(), shape(value))).collect()
}

fn texts(rig: &Rig) {
    let (ours, theirs) = (rig.beans(true), rig.beans(false));
    let mut wrong = Vec::new();
    let mut compared = 0;
    for (name, bean) in &theirs {
        for (attribute, value) in bean.as_object().expect("a bean") {
            let Some(their) = shape::inner(value) else { continue };
            let Some(own) = ours.get(name).and_then(|own| shape::inner(&own[attribute])) else {
                if ours.contains_key(name) {
                    wrong.push(format!("{name} {attribute}: ours is no JSON: {}", ours[name][attribute]));
                }
                continue;
            };
            let empty = EMPTY.iter().any(|(bean, known, _)| name.ends_with(bean) && known == attribute);
            match (shape::is_empty(&own), empty) {
                (true, true) => {}
                (true, false) if !shape::is_empty(&their) => wrong.push(format!("{name} {attribute}: ours is empty")),
                (false, true) => wrong.push(format!("{name} {attribute}: listed as empty, but it is not")),
                _ if shape::same(&own, &their) => compared += 1,
                _ => wrong.push(format!("{name} {attribute}:\nours   {own:?}\ntheirs {their:?}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared >= 4, "only {compared} texts were compared");
}

/// All but when they were heard of, and numbers that change from one look to the next.
fn datanodes(rig: &Rig) {
    let nodes = |ours| {
        let info = &rig.beans(ours)["Hadoop:service=NameNode,name=NameNodeInfo"];
        ["LiveNodes", "DeadNodes", "DecomNodes", "EnteringMaintenanceNodes"].map(|list| {
            let text = info[list].as_str().expect("a text");
            let mut nodes: BTreeMap<String, Value> = serde_json::from_str(text).expect("JSON");
            for node in nodes.values_mut() {
                for moving in ["lastContact", "remaining", "nonDfsUsedSpace"] {
                    node[moving] = shape(&node[moving]).is_number().into();
                }
            }
            nodes
        })
    };
    let (ours, theirs) = (nodes(true), nodes(false));
    assert_eq!(theirs.each_ref().map(BTreeMap::len), [2, 0, 0, 0], "{theirs:#?}");
    assert_eq!(ours, theirs);
    let usage = |ours| -> Value {
        let text = rig.beans(ours)["Hadoop:service=Router,name=FederationState"]["NodeUsage"].clone();
        serde_json::from_str(text.as_str().expect("a text")).expect("JSON")
    };
    assert_eq!(usage(true), usage(false));
}

fn errors(rig: &Rig) {
    let queries = [
        "/jmx?qry=x",
        "/jmx?qry=Hadoop:service=Nope,*",
        "/jmx?get=x",
        "/jmx?get=x::y",
        "/jmx?get=Hadoop:service=Router,name=Router::Nope",
        "/jmx?get=Hadoop:service=NameNode,name=NameNodeStatus::State",
        "/jmx?get=Hadoop:service=NameNode,name=NameNodeStat?s::NNRole&callback=f",
        "/jmx?get=Hadoop:service=Router,name=RouterActivity::tag.SessionId",
    ];
    for query in queries {
        let (ours, theirs) = (rig.get(true, query), rig.get(false, query));
        assert_eq!((ours.status, ours.body), (theirs.status, theirs.body), "{query}");
    }
}

fn daemonlog(rig: &Rig) {
    let address = rig.router.http.to_string();
    let run = |args: &[&str]| {
        let mut java = Command::new("java");
        java.arg("-cp").arg(rig.jars.class_path()).arg("org.apache.hadoop.log.LogLevel").args(args);
        let output = java.output().expect("a JVM");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    let effective = |text: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix("Effective Level: "));
        line.unwrap_or_else(|| panic!("no level in {text}")).to_owned()
    };
    let target = "anabranch_router::session";
    assert_eq!(effective(&run(&["-getlevel", &address, target])), "INFO");
    let set = run(&["-setlevel", &address, target, "DEBUG"]);
    assert!(set.contains("Submitted Level: DEBUG\nSetting Level to DEBUG ...\n"), "{set}");
    assert_eq!(effective(&set), "DEBUG");
    // The level is that of the log: a refused call is told now.
    dfs(&rig.router.uri(), &["rm", "--recursive", "/data0"]);
    let told = |line: &str| line.contains("DEBUG") && line.contains("call is refused");
    let tail = rig.router.program.text(anabranch_testkit::process::Stream::Err);
    assert!(tail.lines().any(told), "{tail}");
    assert!(run(&["-setlevel", &address, target, "FOO"]).contains("Bad Level : FOO"));
    assert_eq!(effective(&run(&["-setlevel", &address, target, "INFO"])), "INFO");
}

/// The names of the elements and fields.
fn configuration(rig: &Rig) {
    let xml = |ours| {
        let answer = rig.get(ours, "/conf?name=dfs.nameservices");
        assert_eq!(answer.status, 200);
        answer.body.replace("from command line", "SOURCE").replace("programmatically", "SOURCE")
    };
    let (ours, theirs) = (xml(true), xml(false));
    assert_eq!(ours.trim(), theirs.trim().replace("SOURCE", "hdfs-site.xml"));
    let nothing = "/conf?name=dfs.nope";
    assert_eq!(rig.get(true, nothing).status, rig.get(false, nothing).status);
}
