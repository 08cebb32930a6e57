//! What Java's router refuses because several NameNodes have a part of the answer.

use anabranch_e2e::wire::{CLIENT_PROTOCOL, Raw, call};
use anabranch_hdfs_proto::hdfs::{CreateRequestProto, FsPermissionProto};
use anabranch_testkit::process::user;
use prost::Message;

use super::{KEY, Site};

const REFUSED: &str = "is not supported";

/// The DataNode takes nothing that is not encrypted with a key of its NameNode.
pub fn data_is_encrypted(site: &Site) {
    let (ours, text) = (site.at(&site.ours.rpc), "over the wire, but not for all to read\n");
    ours.dfs_with_input(&["-put", "-", "/by-ours"], text).ok();
    assert_eq!(ours.dfs(&["-cat", "/by-ours"]).ok(), text);
}

/// Makes a file through our router and leaves it open.
fn open(site: &Site, raw: &mut Raw, number: i32, path: &str) {
    let request = CreateRequestProto {
        src: path.to_owned(),
        masked: FsPermissionProto { perm: 0o644 },
        client_name: format!("writer-{number}"),
        create_flag: 1,
        create_parent: true,
        replication: 1,
        block_size: 1 << 20,
        ..Default::default()
    };
    raw.send(&call(number, "create", CLIENT_PROTOCOL, 1, &request.encode_length_delimited_to_vec())).unwrap();
    let answer = raw.answer().unwrap().unwrap();
    assert_eq!(answer.header.exception_class_name, None, "{path} at {}: {:?}", site.ours.rpc, answer.header);
}

pub fn open_files(site: &Site) {
    site.mount("/files ns0 /f");
    site.mount("/files/deep ns1 /deep");
    site.mount("/gone ns9 /gone");
    let mut raw = Raw::ready(site.ours.rpc.parse().unwrap(), &user()).unwrap();
    let below: Vec<String> = (0..5).map(|at| format!("/files/x{at}")).collect();
    let deep: Vec<String> = (0..3).map(|at| format!("/files/deep/y{at}")).collect();
    let other: Vec<String> = (0..4).map(|at| format!("/open-files/z{at}")).collect();
    let all: Vec<&String> = below.iter().chain(&deep).chain(&other).collect();
    for (number, path) in (1..).zip(&all) {
        open(site, &mut raw, number, path);
    }
    // A line of the table has host, client and path.
    let listed = |args: &[&str]| {
        let args: Vec<&str> = ["-listOpenFiles"].into_iter().chain(args.iter().copied()).collect();
        let told = site.at(&site.ours.rpc).dfsadmin(&args).ok();
        let paths = told.lines().filter_map(|line| line.split_whitespace().last()).filter(|word| word.starts_with('/'));
        let mut paths: Vec<String> = paths.map(str::to_owned).collect();
        paths.sort();
        paths
    };
    let sorted = |paths: &[&String]| {
        let mut paths: Vec<String> = paths.iter().map(|path| (*path).clone()).collect();
        paths.sort();
        paths
    };
    assert_eq!(listed(&[]), sorted(&all));
    assert_eq!(listed(&["-path", "/files"]), sorted(&all[..8]));
    assert_eq!(listed(&["-path", "/files/deep"]), sorted(&all[5..8]));
    assert_eq!(listed(&["-path", "/files/x3"]), ["/files/x3"]);
    assert!(listed(&["-path", "/gone"]).is_empty());
    let refused = site.at(&site.java.rpc).dfsadmin(&["-listOpenFiles"]).refused();
    assert!(refused.contains(REFUSED), "{refused}");
    let refused = site.at(&site.ours.rpc).user("mallory").dfsadmin(&["-listOpenFiles"]).refused();
    assert!(refused.contains("Superuser privilege is required"), "{refused}");
}

pub fn zones(site: &Site) {
    site.mount("/zones ns0 /z");
    site.mount("/zones/mounted ns1 /zz");
    let made =
        [("ns0", "/z/a"), ("ns0", "/z/b"), ("ns0", "/z/c"), ("ns0", "/unseen"), ("ns1", "/zz"), ("ns1", "/seen")];
    for (nameservice, directory) in made {
        let namenode = site.at(site.cluster.rpc(nameservice));
        namenode.dfs(&["-mkdir", "-p", directory]).ok();
        namenode.crypto(&["-createZone", "-keyName", KEY, "-path", directory]).ok();
    }
    let told = site.at(&site.ours.rpc).crypto(&["-listZones"]).ok();
    let mut found: Vec<Vec<&str>> = told.lines().map(|line| line.split_whitespace().collect()).collect();
    found.retain(|words| !words.is_empty());
    found.sort();
    let expected = ["/seen", "/zones/a", "/zones/b", "/zones/c", "/zones/mounted"].map(|zone| vec![zone, KEY]);
    assert_eq!(found, expected, "{told}");
    let refused = site.at(&site.java.rpc).crypto(&["-listZones"]).refused();
    assert!(refused.contains(REFUSED), "{refused}");

    // A re-encryption of all of them is over soon: there are no files.
    site.at(&site.ours.rpc).crypto(&["-reencryptZone", "-start", "-path", "/zones/a"]).ok();
    let status = site.at(&site.ours.rpc).crypto(&["-listReencryptionStatus"]).ok();
    assert!(status.contains("/zones/a"), "{status}");
}
