//! Which groups somebody is in.

use anabranch_hdfs_proto::hdfs::GetFileInfoRequestProto;
use anabranch_testkit::net;

use crate::site::{Client, Member, PATIENCE, Site};

/// Of the configuration, of the machine, of none, and of one whom nobody knows.
const SOMEBODY: &[&str] = &["bob", "carl", "daemon", "dr.who", "nobody-has-it"];

/// What `hdfs groups` says at a NameNode, which the routers say, too.
fn said(site: &Site) -> String {
    let namenode = site.shell.at(&format!("hdfs://{}", site.cluster.rpc("ns0"))).groups(SOMEBODY).ok();
    for (name, member) in site.both() {
        assert_eq!(site.at(member).groups(SOMEBODY).ok(), namenode, "{name}");
    }
    namenode
}

pub fn asked(site: &Site) {
    let said = said(site);
    for line in ["bob : staff etl", "carl : analysts etl", "daemon : daemon", "dr.who :", "nobody-has-it :"] {
        assert!(said.lines().any(|one| one.trim_end() == line), "{line} in {said}");
    }
}

/// Whether a router lets Hue act for Carl, whom only his groups let.
fn may_act(member: &Member) -> bool {
    let mut client = Client::connect(member, 1, "carl", Some("hue"));
    let request = GetFileInfoRequestProto { src: "/data0".to_owned() };
    client.ask("getFileInfo", &request, None).1.header.exception_class_name.is_none()
}

pub fn mounts(site: &Site) {
    let router = site.router_user();
    for (_, member) in site.both() {
        site.administer(member, &router, "-add /g ns0 /g -owner nobody -group etl -mode 0770").ok();
        // Java's reads its mounts once a minute.
        site.administer(member, &router, "-refresh").ok();
    }
    let rows = [
        ("bob", "-update /g -readonly true", true),
        ("carl", "-update /g -readonly false", true),
        ("daemon", "-update /g -readonly true", false),
        ("daemon", "-safemode enter", false),
        ("sue", "-safemode enter", true),
        ("sue", "-safemode leave", true),
        ("sue", "-rm /g", true),
    ];
    for (user, command, may) in rows {
        let [java, ours] = site.both().map(|(_, member)| {
            let said = site.administer(member, user, command);
            // Without where Java was.
            let words: Vec<String> = said
                .stderr
                .lines()
                .filter(|line| !line.starts_with("\tat ") && !line.is_empty())
                .map(str::to_owned)
                .collect();
            (said.exit, said.stdout, words)
        });
        assert_eq!(ours, java, "{user}: {command}");
        assert_eq!(java.2.is_empty(), may, "{user}: {command}: {java:?}");
    }
}

/// What is refreshed is what NameNodes are asked, and what our router decides by; Java's refreshes nothing of its own.
pub fn looked_up_again(site: &Site) {
    assert!(said(site).contains("carl : analysts etl"));
    assert!(may_act(&site.plain));
    let decide = || site.both().map(|(_, member)| may_act(member));
    assert_eq!(decide(), [true, true]);
    site.set_users(&[("carl", "sales")]);
    assert!(said(site).contains("carl : analysts etl"));
    assert_eq!(decide(), [true, true]);
    net::wait_until("what a router knew is too old", PATIENCE, || !may_act(&site.plain)).unwrap();
    for (_, member) in site.both() {
        let done = site.at(member).user("ann").dfsadmin(&["-refreshUserToGroupsMappings"]).ok();
        assert!(done.contains("successful"), "{done}");
    }
    assert!(said(site).contains("carl : sales"));
    assert_eq!(decide(), [true, false], "Java's router, then ours");
    site.set_users(&[]);
    site.at(&site.ours).dfsadmin(&["-refreshUserToGroupsMappings"]).ok();
    assert_eq!(decide(), [true, true]);
}
