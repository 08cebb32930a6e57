//! Mounts and disabled nameservices, written by one router and used by both.

use anabranch_hdfs_proto::hdfs::MountTableRecordProto;
use anabranch_testkit::net;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use prost::Message;

use super::java::Java;
use super::{Member, PATIENCE, Site};

/// Waits until a listing through a router has (or has not) a name.
pub(super) fn lists(site: &Site, (who, member): (&str, &Member), directory: &str, name: &str, expected: bool) {
    let what = format!("{who} lists {directory}: {name} {expected}");
    let listed = || site.files(member).dfs(&["-ls", directory]).stdout.contains(name);
    net::wait_until(&what, PATIENCE, || listed() == expected).unwrap();
}

/// Makes directories in a nameservice itself.
pub(super) fn make(site: &Site, nameservice: &str, directory: &str) {
    site.shell.at(&format!("hdfs://{}", site.cluster.rpc(nameservice))).dfs(&["-mkdir", "-p", directory]).ok();
}

pub(super) fn are_served_by_both(site: &Site) {
    let [java, ours] = site.members();
    for (source, by, other) in [("/by-java", java, ours), ("/by-ours", ours, java)] {
        let destination = format!("/there{source}");
        make(site, "ns1", &format!("{destination}/inside"));
        let said = site.admin(by.1).dfsrouteradmin(&["-add", source, "ns1", &destination]).ok();
        assert_eq!(said, format!("Successfully added mount point {source}\n"), "{}", by.0);
        for member in [java, ours] {
            lists(site, member, source, "inside", true);
        }
        site.files(other.1).dfs(&["-touchz", &format!("{source}/file")]).ok();
        lists(site, by, source, &format!("{source}/file"), true);

        // What one mounted, the other takes away.
        let said = site.admin(other.1).dfsrouteradmin(&["-rm", source]).ok();
        assert_eq!(said, format!("Successfully removed mount point {source}\n"), "{}", other.0);
        for member in [java, ours] {
            lists(site, member, source, "inside", false);
        }
    }
}

pub(super) fn keep_what_the_other_wrote(site: &Site) {
    let mut raw = Java::start(&site.jars, site.scratch.path(), &site.ensemble(), &[]).unwrap();
    let mut stored = |source: &str| {
        let node = format!("/hdfs-federation/MountTable/{}", source.replace('/', "0SLASH0"));
        let message = MountTableRecordProto::decode(&*BASE64_STANDARD.decode(raw.get(&node)).unwrap()).unwrap();
        // Whoever writes says when.
        MountTableRecordProto { date_created: None, date_modified: None, ..message }.encode_to_vec()
    };
    let options = ["-order", "HASH_ALL", "-faulttolerant", "-owner", "ann", "-group", "staff", "-mode", "750"];
    for (source, (_, by), (_, other)) in
        [("/full/java", site.members()[0], site.members()[1]), ("/full/ours", site.members()[1], site.members()[0])]
    {
        let add = ["-add", source, "ns0,ns1", "/full"].into_iter().chain(options);
        site.admin(by).dfsrouteradmin(&add.collect::<Vec<_>>()).ok();
        let before = stored(source);
        // Java's router decides by its cache.
        let known = || site.admin(other).dfsrouteradmin(&["-ls", source]).stdout.contains(source);
        net::wait_until("the other router knows the mount", PATIENCE, known).unwrap();
        site.admin(other).dfsrouteradmin(&["-update", source, "-owner", "bob"]).ok();
        assert_ne!(stored(source), before);
        site.admin(other).dfsrouteradmin(&["-update", source, "-owner", "ann"]).ok();
        assert_eq!(stored(source), before, "{source}");
        let written = || site.admin(by).dfsrouteradmin(&["-ls", source]).stdout.contains("rwxr-x---");
        net::wait_until("the first router knows the update", PATIENCE, written).unwrap();
        site.admin(by).dfsrouteradmin(&["-rm", source]).ok();
    }
}

pub(super) fn respect_disabled_nameservices(site: &Site) {
    let [java, ours] = site.members();
    make(site, "ns1", "/closing/inside");
    site.admin(java.1).dfsrouteradmin(&["-add", "/closing", "ns1", "/closing"]).ok();
    for member in [java, ours] {
        lists(site, member, "/closing", "inside", true);
    }
    for (by, other) in [(java, ours), (ours, java)] {
        site.admin(by.1).dfsrouteradmin(&["-nameservice", "disable", "ns1"]).ok();
        for member in [java, ours] {
            lists(site, member, "/closing", "inside", false);
        }
        // Java's router decides by its cache.
        let known =
            || site.admin(other.1).dfsrouteradmin(&["-getDisabledNameservices"]).stdout.lines().any(|one| one == "ns1");
        net::wait_until("the other router knows that it is disabled", PATIENCE, known).unwrap();
        let said = site.admin(other.1).dfsrouteradmin(&["-nameservice", "enable", "ns1"]);
        assert_eq!(said.stdout, "Successfully enabled nameservice ns1\n", "{} {}", other.0, said.stderr);
        for member in [java, ours] {
            lists(site, member, "/closing", "inside", true);
        }
    }
    site.admin(ours.1).dfsrouteradmin(&["-rm", "/closing"]).ok();
}

pub(super) fn are_listed_alike(site: &Site) {
    let [java, ours] = site.members();
    site.admin(java.1).dfsrouteradmin(&["-add", "/listed/a", "ns0", "/a", "-readonly"]).ok();
    site.admin(ours.1).dfsrouteradmin(&["-add", "/listed/b", "ns0,ns1", "/b", "-order", "RANDOM"]).ok();
    let list = |member: &Member| site.admin(member).dfsrouteradmin(&["-ls", "-d", "/listed"]).ok();
    net::wait_until("both list both mounts", PATIENCE, || {
        let (theirs, own) = (list(java.1), list(ours.1));
        theirs == own && theirs.contains("/listed/a") && theirs.contains("/listed/b")
    })
    .unwrap_or_else(|error| panic!("{error}:\n{}\n{}", list(java.1), list(ours.1)));
    site.admin(java.1).dfsrouteradmin(&["-rm", "/listed/a", "/listed/b"]).ok();
}
