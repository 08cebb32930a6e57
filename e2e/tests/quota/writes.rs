//! Writes beyond quotas, by a client that knows nothing of routers.

use anabranch_testkit::net;
use serde_json::{Value, json};

use crate::site::{PATIENCE, Side, Site};
use anabranch_e2e::json::Answer;

const FILES: &str = "org.apache.hadoop.hdfs.protocol.NSQuotaExceededException";
const SPACE: &str = "org.apache.hadoop.hdfs.protocol.DSQuotaExceededException";
const STORAGE_TYPE: &str = "org.apache.hadoop.hdfs.protocol.QuotaByStorageTypeExceededException";

fn create(path: &str) -> Value {
    json!({
        "src": path, "masked": { "perm": 420 }, "clientName": "t", "createFlag": 1, "createParent": false,
        "replication": 1, "blockSize": 262_144,
    })
}

fn mkdirs(path: &str) -> Value {
    json!({ "src": path, "masked": { "perm": 493 }, "createParent": true })
}

/// Class and message of what a router says to a call.
fn refused(site: &Site, side: &Side, method: &str, parameters: &Value) -> (String, String) {
    match site.ask(side, method, parameters) {
        Answer::Exception(class, message) => (class, message),
        other => panic!("{method} {parameters}: {other}"),
    }
}

pub fn names(site: &Site) {
    // The NameNode refuses what is beyond its own quota.
    site.both_admin("-setQuota /free -nsQuota 3");
    for side in site.sides() {
        site.dfs(side, &["-mkdir", "/free/a", "/free/b"]).ok();
        let (class, message) = refused(site, side, "mkdirs", &mkdirs("/free/c"));
        assert_eq!(class, FILES, "{message}");
        assert!(message.contains("is exceeded: quota=3 file count=4"), "{message}");
        let said = site.dfs(side, &["-touchz", "/free/c"]).refused();
        assert!(said.contains("touchz: The NameSpace quota"), "{said}");
    }
    site.both_admin("-clrQuota /free");

    // What is beyond the quota of both together, only the router knows: directories are in both.
    site.both_admin("-setQuota /both -nsQuota 11");
    for side in site.sides() {
        site.dfs(side, &["-rm", "-r", "-f", "-skipTrash", "/both/*"]).ok();
        site.dfs(side, &["-mkdir", "/both/1", "/both/2", "/both/3", "/both/4", "/both/5"]).ok();
    }
    site.until_shown("/both", "[NsQuota: 11/12, SsQuota: -/-]");
    for side in site.sides() {
        for (method, parameters) in [("mkdirs", mkdirs("/both/6")), ("create", create("/both/f"))] {
            let (class, message) = refused(site, side, method, &parameters);
            assert_eq!(class, FILES, "{message}");
            assert!(message.ends_with("is exceeded: quota=11 file count=12"), "{message}");
        }
        let said = site.dfs(side, &["-mkdir", "/both/6"]).refused();
        assert!(said.contains("mkdir: The NameSpace quota (directories and files)"), "{said}");
        assert_eq!(site.dfs(side, &["-mv", "/both/1", "/both/one"]).exit, 0);
    }
    // Java's router lets names in by renames.
    let ours = site.ours();
    site.dfs(ours, &["-mkdir", "-p", "/v/low/m"]).ok();
    let inwards = json!({ "src": "/v/low/m", "dst": "/both/m", "overwriteDest": false });
    assert_eq!(refused(site, ours, "rename2", &inwards).0, FILES);
    for side in site.sides() {
        site.dfs(side, &["-rm", "-r", "-skipTrash", "/both/one", "/both/2"]).ok();
        site.until("there is room again", |_| site.dfs(side, &["-mkdir", "-p", "/both/6"]).exit == 0);
    }
    site.both_admin("-clrQuota /both");
}

pub fn bytes(site: &Site) {
    let part = site.file(250_000);
    site.both_admin("-setQuota /both -ssQuota 2m");
    for side in site.sides() {
        site.dfs(side, &["-rm", "-r", "-f", "-skipTrash", "/both/*"]).ok();
        // Each NameNode would take as much as both together may have.
        let put = (0..12).filter(|at| site.dfs(side, &["-put", &part, &format!("/both/f{at}")]).exit == 0);
        assert!(put.count() > 8);
    }
    site.until("more is used than both may", |side| {
        let (class, _) = refused_or_made(site, side, "/both/more");
        class == SPACE
    });
    for side in site.sides() {
        let append = json!({ "src": "/both/f1", "clientName": "t" });
        assert_eq!(refused(site, side, "append", &append).0, SPACE);
        let said = site.dfs(side, &["-put", &part, "/both/even-more"]).refused();
        assert!(said.contains("put: The DiskSpace quota") && said.contains("= 2 MB but diskspace consumed"), "{said}");
        site.dfs(side, &["-rm", "-skipTrash", "/both/f1"]).ok();
    }
    // Java's router asks for space for names, too.
    assert_eq!(site.dfs(site.ours(), &["-mkdir", "/both/d"]).exit, 0);
    site.both_admin("-clrQuota /both");
}

pub fn storage_type(site: &Site) {
    let (ours, part) = (site.ours(), site.file(250_000));
    site.dfs(ours, &["-rm", "-r", "-f", "-skipTrash", "/both/*"]).ok();
    // NameNodes count by type what has a policy that somebody has set.
    let policy = json!({ "src": "/both", "policyName": "HOT" });
    assert!(matches!(site.ask(ours, "setStoragePolicy", &policy), Answer::Result(_)));
    site.both_admin("-setStorageTypeQuota /both -storageType DISK 1048576");
    // Each NameNode would take as much as both together may have.
    let put = (0..12).filter(|at| site.dfs(ours, &["-put", &part, &format!("/both/f{at}")]).exit == 0);
    assert!(put.count() > 4);
    let refused = || refused_or_made(site, ours, "/both/typed");
    net::wait_until("more is used of disks than allowed", PATIENCE, || refused().0 == STORAGE_TYPE).unwrap();
    let message = refused().1;
    assert!(message.starts_with("Quota by storage type : DISK on path : /both is exceeded. quota = 1 MB"), "{message}");
    let said = site.dfs(ours, &["-put", &part, "/both/typed"]).refused();
    assert!(said.contains("put: Quota by storage type : DISK on path : /both is exceeded"), "{said}");
    site.both_admin("-clrStorageTypeQuota /both");
    site.dfs(ours, &["-put", "-f", &part, "/both/typed"]).ok();
    site.dfs(ours, &["-rm", "-r", "-skipTrash", "/both/*"]).ok();
}

/// Class and message of what a router says to the creation of a file; empty if it is made, and then it is deleted.
fn refused_or_made(site: &Site, side: &Side, path: &str) -> (String, String) {
    match site.ask(side, "create", &create(path)) {
        Answer::Exception(class, message) => (class, message),
        _ => {
            site.ask(side, "delete", &json!({ "src": path, "recursive": false }));
            Default::default()
        }
    }
}
