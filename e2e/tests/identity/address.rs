//! From where a client calls.

use anabranch_hdfs_proto::hdfs::{
    AddBlockRequestProto, AddBlockResponseProto, CreateRequestProto, CreateResponseProto, FsPermissionProto,
    GetBlockLocationsRequestProto, GetBlockLocationsResponseProto, GetFileInfoRequestProto, LocatedBlockProto,
};
use anabranch_testkit::net;

use crate::site::{Client, Member, PATIENCE, Site, host};

/// The addresses of the DataNodes that have a block, in the order in which a client shall ask them.
fn addresses(block: &LocatedBlockProto) -> Vec<String> {
    block.locs.iter().map(|datanode| datanode.id.ip_addr.clone()).collect()
}

fn located(member: &Member, from: u8, path: &str, note: Option<&str>) -> Vec<String> {
    let mut client = Client::connect(member, from, "ann", None);
    let request = GetBlockLocationsRequestProto { src: path.to_owned(), offset: 0, length: 1 };
    let found: GetBlockLocationsResponseProto = client.result("getBlockLocations", &request, note);
    found.locations.unwrap().blocks.first().map(addresses).unwrap_or_default()
}

/// Makes a file, and says where its first block shall be written.
fn allocated(member: &Member, from: u8, path: &str) -> Vec<String> {
    let mut client = Client::connect(member, from, "ann", None);
    let create = CreateRequestProto {
        src: path.to_owned(),
        masked: FsPermissionProto { perm: 0o644 },
        client_name: "writer".to_owned(),
        create_flag: 1,
        create_parent: false,
        replication: 1,
        block_size: 1 << 20,
        ..Default::default()
    };
    let made: CreateResponseProto = client.result("create", &create, None);
    let file_id = made.fs.unwrap().file_id;
    let add =
        AddBlockRequestProto { src: path.to_owned(), client_name: "writer".to_owned(), file_id, ..Default::default() };
    let added: AddBlockResponseProto = client.result("addBlock", &add, None);
    addresses(&added.block)
}

/// A file that is on all hosts is read on the client's own. The NameNode hears of the client from the router, and believes
/// it if it lists the router's user, who must have made the connection. Nobody believes the client itself.
pub fn reads(site: &Site) {
    let local = site.scratch.path().join("local");
    std::fs::write(&local, "block").unwrap();
    let root = site.at(&site.ours).set("dfs.replication", "3");
    root.dfs(&["-put", &local.display().to_string(), "/data0/spread"]).ok();
    let spread = || located(&site.ours, 1, "/data0/spread", None).len() == 3;
    net::wait_until("the file is on three hosts", PATIENCE, spread).unwrap();
    for from in 1..=3 {
        for forged in [None, Some("job_1,clientIp:127.0.0.3"), Some("clientIp:127.0.0.1,clientPort:1")] {
            let first = |member| located(member, from, "/data0/spread", forged)[0].clone();
            for (name, member) in site.both() {
                assert_eq!(first(member), host(from).to_string(), "{name} {forged:?}");
            }
            // The NameNode sees Ann, whom it does not list, on the router's host.
            assert_eq!(first(&site.plain), host(1).to_string(), "plain {from} {forged:?}");
        }
    }
}

pub fn writes(site: &Site) {
    for from in 1..=3 {
        for (name, member) in site.both() {
            let block = allocated(member, from, &format!("/data0/block-{name}-{from}"));
            assert_eq!(block, [host(from).to_string()], "{name}");
        }
        let block = allocated(&site.plain, from, &format!("/data0/block-plain-{from}"));
        assert_eq!(block, [host(1).to_string()], "plain {from}");
    }
    // Hadoop's own client on the third host.
    let local = site.scratch.path().join("own");
    std::fs::write(&local, "block").unwrap();
    for (name, member) in site.both() {
        let there = site.at(member).user("ann").set("rig.bind", &host(3).to_string());
        let there = there.set("hadoop.rpc.socket.factory.class.default", "anabranch.BoundSockets");
        let path = format!("/data0/own-{name}");
        there.dfs(&["-put", &local.display().to_string(), &path]).ok();
        assert_eq!(located(member, 1, &path, None), [host(3).to_string()], "{name}");
    }
}

/// What a NameNode writes about a call: the user who called, by whom, and the note.
pub fn notes(site: &Site) {
    let router = site.router_user();
    let note = "job_1,clientIp:127.0.0.3,realUser:admin,tag:x";
    // Java's router lets pass that an administrator acts for Ann, where nobody does.
    let rows = [
        ("java", &site.java, None, "job_1,realUser:admin,tag:x", router.as_str()),
        ("java", &site.java, Some("oozie"), "realUser:oozie,job_1,tag:x", &router),
        ("ours", &site.ours, None, "job_1,tag:x", &router),
        ("ours", &site.ours, Some("oozie"), "realUser:oozie,job_1,tag:x", &router),
        ("plain", &site.plain, Some("oozie"), "realUser:oozie,job_1,tag:x", "oozie"),
    ];
    for (name, member, real, rest, by) in rows {
        let path = format!("/data0/noted-{name}-{}", real.unwrap_or("nobody"));
        let mut client = Client::connect(member, 2, "ann", real);
        let (number, _) = client.ask("getFileInfo", &GetFileInfoRequestProto { src: path.clone() }, Some(note));
        let id: String = b"0123456789abcdef".iter().map(|byte| format!("{byte:02x}")).collect();
        let port = client.port();
        let expected = [
            ("allowed", "true".to_owned()),
            ("ugi", format!("ann (auth:PROXY) via {by} (auth:SIMPLE)")),
            // That of the connection: who called from where is in the note.
            ("ip", "/127.0.0.1".to_owned()),
            ("cmd", "getfileinfo".to_owned()),
            (
                "callerContext",
                format!("clientIp:127.0.0.2,clientPort:{port},clientId:{id},clientCallId:{number},{rest}"),
            ),
        ];
        let noted = site.noted(&path);
        for (field, value) in expected {
            let found = noted.iter().find(|(name, _)| name == field).map(|(_, found)| found.as_str());
            assert_eq!(found, Some(value.as_str()), "{name} {real:?}: {field} of {noted:?}");
        }
    }
}
