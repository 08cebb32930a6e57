//! Who acts for whom.

use std::time::{Duration, Instant};

use anabranch_e2e::wire::Answer;
use anabranch_hdfs_proto::common::rpc_response_header_proto::RpcStatusProto;
use anabranch_hdfs_proto::hdfs::{
    FsPermissionProto, GetFileInfoRequestProto, GetFileInfoResponseProto, MkdirsRequestProto, MkdirsResponseProto,
};
use anabranch_testkit::http;
use serde_json::Value;

use crate::site::{Client, Member, Site};

/// What a client hears, without where Java was.
type Heard = (u32, i32, Option<i32>, String, String);

fn heard(answer: &Answer) -> Heard {
    let header = &answer.header;
    let message = header.error_msg().lines().next().unwrap_or_default().to_owned();
    // Numbers of calls differ; that of a refused connection does not.
    let number = if header.status() == RpcStatusProto::Fatal { header.call_id } else { 0 };
    (number, header.status, header.error_detail, header.exception_class_name().to_owned(), message)
}

fn stat(member: &Member, from: u8, user: &str, real: Option<&str>) -> Heard {
    let mut client = Client::connect(member, from, user, real);
    heard(&client.ask("getFileInfo", &GetFileInfoRequestProto { src: "/data0".to_owned() }, None).1)
}

/// What both say to a look at a directory, which must be the same: nothing, or the message of the refusal.
fn alike(site: &Site, from: u8, user: &str, real: Option<&str>) -> Option<String> {
    let [java, ours] = site.both().map(|(_, member)| stat(member, from, user, real));
    assert_eq!(ours, java, "{user} by {real:?} from host {from}");
    (java.1 != 0).then_some(java.4)
}

pub fn decisions(site: &Site) {
    let refused = |real: &str, user: &str| Some(format!("User: {real} is not allowed to impersonate {user}"));
    let elsewhere =
        |real: &str, from: u8| Some(format!("Unauthorized connection for super-user: {real} from IP /127.0.0.{from}"));
    let rows = [
        // By name.
        ("oozie", "ann", 2, None),
        ("oozie", "eve", 2, refused("oozie", "eve")),
        ("oozie", "oozie", 2, refused("oozie", "oozie")),
        ("mallory", "ann", 2, refused("mallory", "ann")),
        // By group: Bob's are in the configuration, Carl's and those of `daemon` are the machine's.
        ("oozie", "bob", 2, None),
        ("oozie", "carl", 2, refused("oozie", "carl")),
        ("hue", "carl", 3, None),
        ("hue", "daemon", 3, None),
        ("hue", "bob", 3, refused("hue", "bob")),
        ("hue", "nobody-has-it", 3, refused("hue", "nobody-has-it")),
        // By host.
        ("oozie", "ann", 1, None),
        ("oozie", "ann", 3, elsewhere("oozie", 3)),
        ("oozie", "bob", 3, elsewhere("oozie", 3)),
        ("oozie", "eve", 3, refused("oozie", "eve")),
        ("hue", "carl", 4, elsewhere("hue", 4)),
    ];
    for (real, user, from, expected) in rows {
        assert_eq!(alike(site, from, user, Some(real)), expected, "{user} by {real} from host {from}");
    }
}

pub fn owners(site: &Site) {
    let router = site.router_user();
    for (name, member, by) in
        [("java", &site.java, router.as_str()), ("ours", &site.ours, &router), ("plain", &site.plain, "oozie")]
    {
        let path = format!("/data0/made-{name}");
        let mut client = Client::connect(member, 2, "ann", Some("oozie"));
        let request = MkdirsRequestProto {
            src: path.clone(),
            masked: FsPermissionProto { perm: 0o755 },
            create_parent: false,
            unmasked: None,
        };
        let made: MkdirsResponseProto = client.result("mkdirs", &request, None);
        assert!(made.result);
        let mut root = Client::connect_to(site.cluster.rpc("ns0").parse().unwrap(), 1, &router, None);
        let found: GetFileInfoResponseProto =
            root.result("getFileInfo", &GetFileInfoRequestProto { src: path.clone() }, None);
        assert_eq!(found.fs.unwrap().owner, "ann", "{name}");
        let ugi = format!("ann (auth:PROXY) via {by} (auth:SIMPLE)");
        assert!(site.noted(&path).contains(&("ugi".to_owned(), ugi)), "{name}: {:?}", site.noted(&path));
    }
}

/// How often our router has tried a call again.
fn retries(site: &Site) -> Value {
    let answer = http::get(&site.ours.http, "/jmx?qry=Hadoop:service=Router,name=FederationRPC").unwrap();
    let mut beans: Value = serde_json::from_str(&answer.body).unwrap();
    beans["beans"][0]["ProxyOpRetries"].take()
}

/// Zoe is not among those for whom NameNodes let routers act, until they are told so.
pub fn refused_by_namenodes(site: &Site) {
    let refusal = format!("User: {} is not allowed to impersonate zoe", site.router_user());
    let before = retries(site);
    assert!(before.is_u64(), "{before}");
    let said = stat(&site.ours, 2, "zoe", None);
    assert_eq!(retries(site), before, "it was tried again");
    assert_eq!(said.3, "org.apache.hadoop.security.authorize.AuthorizationException", "{said:?}");
    assert_eq!(alike(site, 2, "zoe", None), Some(refusal.clone()));
    // So Hadoop's own client sees it, too.
    let began = Instant::now();
    let shown = site.at(&site.ours).user("zoe").dfs(&["-ls", "/data0"]).refused();
    assert!(shown.contains(&refusal), "{shown}");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());

    let everybody = format!("hadoop.proxyuser.{}.users", site.router_user());
    site.set_rules(&[(&everybody, "*")]);
    let again = site.at(&site.ours).dfsadmin(&["-refreshSuperUserGroupsConfiguration"]).ok();
    assert!(again.contains("successful"), "{again}");
    assert_eq!(alike(site, 2, "zoe", None), None);
    site.set_rules(&[]);
    site.at(&site.ours).dfsadmin(&["-refreshSuperUserGroupsConfiguration"]).ok();
}

pub fn read_again(site: &Site) {
    let refresh = || {
        for (name, member) in site.both() {
            let said = site.administer(member, &site.router_user(), "-refreshSuperUserGroupsConfiguration").ok();
            assert!(said.contains("Successfully updated superuser proxy groups"), "{name}: {said}");
        }
    };
    let may = |user| alike(site, 2, user, Some("oozie")).is_none();
    assert_eq!([may("ann"), may("eve"), may("bob")], [true, false, true]);
    site.set_rules(&[("hadoop.proxyuser.oozie.users", "eve"), ("hadoop.proxyuser.oozie.groups", "others")]);
    assert_eq!([may("ann"), may("eve"), may("bob")], [true, false, true]);
    refresh();
    assert_eq!([may("ann"), may("eve"), may("bob")], [false, true, false]);
    site.set_rules(&[]);
    refresh();
    assert_eq!([may("ann"), may("eve"), may("bob")], [true, false, true]);
}
