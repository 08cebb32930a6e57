//! What both routers write of NameNodes and of themselves.

use std::collections::BTreeSet;

use anabranch_federation::MountEntry;
use anabranch_store::zookeeper::ZooKeeperOptions;
use anabranch_store::{DisabledNameservice, Membership, Reader, Record, RouterState, RouterStatus, ZooKeeperStore};
use anabranch_testkit::{http, net};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::java::Java;
use super::{PATIENCE, Site};

/// The routers that have written of themselves, and of each nameservice that it is active.
fn reporters(site: &Site) -> (BTreeSet<String>, BTreeSet<(String, String)>) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = ZooKeeperStore::open(ZooKeeperOptions::new(&site.ensemble()).unwrap()).unwrap();
        let routers = Reader::<RouterState>::list(&store).await.unwrap().records;
        let running = routers.iter().filter(|one| one.record.status() == RouterStatus::Running);
        let members = Reader::<Membership>::list(&store).await.unwrap().records;
        let reports = members.iter().map(|one| one.record.message());
        let active = reports.filter(|message| message.state() == "ACTIVE" && message.stats.is_some());
        (
            running.map(|one| one.record.key().to_owned()).collect(),
            active.map(|message| (message.router_id().to_owned(), message.nameservice_id().to_owned())).collect(),
        )
    })
}

pub(super) fn of_both_are_there(site: &Site) {
    let mut found = Default::default();
    net::wait_until("two routers report themselves and both nameservices", PATIENCE, || {
        found = reporters(site);
        found.0.len() == 2 && found.1.len() == 4
    })
    .unwrap_or_else(|error| panic!("{error}: {found:?}"));
    for member in [&site.java, &site.ours] {
        let port = member.rpc.rsplit_once(':').unwrap().1;
        assert!(found.0.iter().any(|id| id.ends_with(&format!(":{port}"))), "{found:?}");
    }
}

pub(super) fn survive_a_round_trip(site: &Site) {
    let mut raw = Java::start(&site.jars, site.scratch.path(), &site.ensemble(), &[]).unwrap();
    site.admin(&site.java).dfsrouteradmin(&["-add", "/round/trip", "ns0", "/x"]).ok();
    site.admin(&site.java).dfsrouteradmin(&["-nameservice", "disable", "ns1"]).ok();
    let counts = [
        round_trip::<MountEntry>(&mut raw),
        round_trip::<Membership>(&mut raw),
        round_trip::<RouterState>(&mut raw),
        round_trip::<DisabledNameservice>(&mut raw),
    ];
    assert!(counts[0] > 0 && counts[1] >= 4 && counts[2] == 2 && counts[3] == 1, "{counts:?}");
    site.admin(&site.java).dfsrouteradmin(&["-nameservice", "enable", "ns1"]).ok();
    site.admin(&site.java).dfsrouteradmin(&["-rm", "/round/trip"]).ok();
}

fn round_trip<R: Record>(raw: &mut Java) -> usize {
    let directory = format!("/hdfs-federation/{}", R::KIND);
    let nodes = raw.children(&directory);
    for node in &nodes {
        let stored = BASE64_STANDARD.decode(raw.get(&format!("{directory}/{node}"))).unwrap();
        let record = R::decode(&stored).unwrap();
        assert_eq!(record.encode(), stored, "{node}: {record:?}");
    }
    nodes.len()
}

pub(super) fn are_shown_by_both(site: &Site) {
    let ids = reporters(site).0;
    assert_eq!(ids.len(), 2, "{ids:?}");
    for (who, member) in site.members() {
        net::wait_until(&format!("{who} shows both routers and both nameservices"), PATIENCE, || {
            let keys = |attribute| {
                let shown = site.federation(member, attribute).unwrap_or_default();
                shown.as_object().map(|object| object.keys().cloned().collect::<BTreeSet<_>>()).unwrap_or_default()
            };
            let nameservices = ["ns0-null", "ns1-null"].map(str::to_owned).into();
            keys("Routers") == ids && keys("Nameservices") == nameservices
        })
        .unwrap_or_else(|error| panic!("{error}: {:?}", site.federation(member, "Routers")));
    }
    // Reads the store itself.
    let dump = site.admin(&site.ours).set("hadoop.zk.address", &site.ensemble()).dfsrouteradmin(&["-dumpState"]).ok();
    for expected in ["---- MountTable ----", "---- MembershipState ----", "---- RouterState ----"] {
        assert!(dump.contains(expected), "{dump}");
    }
    for id in ids {
        assert!(dump.lines().any(|line| line.trim() == format!("address: \"{id}\"")), "{id} is not in {dump}");
    }
}

/// What `-dumpState` prints of the record with this key, line by line.
fn dumped<'d>(dump: &'d str, key: &str) -> Vec<&'d str> {
    let head = format!("  {key}:");
    dump.lines().skip_while(|line| *line != head).skip(1).take_while(|line| !line.trim().is_empty()).collect()
}

/// Hadoop's own tool prints a record that ours wrote as one that Java's router wrote.
pub(super) fn are_dumped_alike(site: &Site) {
    let mounts = ["/dumped/java", "/dumped/ours"];
    for (source, (who, member)) in mounts.into_iter().zip(site.members()) {
        let add = ["-add", source, "ns0,ns1", "/dumped", "-order", "HASH_ALL", "-faulttolerant", "-readonly"];
        let add = add.into_iter().chain(["-owner", "ann", "-group", "staff", "-mode", "750"]);
        let said = site.admin(member).dfsrouteradmin(&add.collect::<Vec<_>>()).ok();
        assert!(said.contains("Successfully added"), "{who}: {said}");
    }
    let ids: Vec<_> = reporters(site).0.into_iter().collect();
    let dump = site.admin(&site.java).set("hadoop.zk.address", &site.ensemble()).dfsrouteradmin(&["-dumpState"]).ok();
    let whole = |source: &str| {
        let lines = dumped(&dump, source).into_iter().filter(|line| !line.trim().starts_with("date"));
        lines.map(|line| line.replace(source, "SOURCE")).collect::<Vec<_>>()
    };
    assert_eq!(whole(mounts[0]), whole(mounts[1]), "{dump}");
    // What is measured differs. Which revision a router serves, only ours says.
    let names = |key: String| {
        let names = dumped(&dump, &key).into_iter().filter_map(|line| line.split(':').next());
        names.filter(|name| *name != "    1001").collect::<Vec<_>>()
    };
    for of in ["", "null-ns0-", "null-ns1-"] {
        let [one, other] = [0, 1].map(|at| names(format!("{of}{}", ids[at])));
        assert_eq!(one, other, "{of}: {dump}");
    }
    let counts = [whole(mounts[0]).len(), names(ids[0].clone()).len(), names(format!("null-ns0-{}", ids[0])).len()];
    assert!(counts.iter().all(|lines| *lines > 8), "{counts:?}: {dump}");
    site.admin(&site.java).dfsrouteradmin(&["-rm", mounts[0], mounts[1]]).ok();
}

/// The ensemble goes away: ours serves on with what it knows, then goes into safe mode, and comes back by itself.
pub(super) fn ours_outlives_the_ensemble(site: &Site) {
    let active = || http::get(&site.ours.http, "/isActive").is_ok_and(|answer| answer.status == 200);
    let lists = || site.files(&site.ours).dfs(&["-ls", "/"]).exit == 0;
    assert!(active() && lists());
    site.zookeeper.borrow_mut().kill(0);
    net::wait_until("ours is not active any more", PATIENCE, || !active()).unwrap();
    site.zookeeper.borrow_mut().restart(0).unwrap();
    net::wait_until("ours is active again", PATIENCE, || active() && lists()).unwrap();
    assert!(site.router.program.surprises().is_empty(), "{:?}", site.router.program.surprises());
}
