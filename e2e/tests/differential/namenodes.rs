//! The NameNodes themselves: what is there before a call, and after it.

use std::fmt::Write as _;

use serde_json::{Value, json};

use anabranch_e2e::json::{Answer, Client, name};

/// Directories below `/d` of each NameNode; mounts lead to them.
pub const DIRECTORIES: [&str; 8] = ["one", "nested", "two", "all", "ro", "ft", "deep", "led"];

/// Those of mounts where any subcluster may be asked first: they look the same in all of them.
const ALIKE: [&str; 5] = ["rnd", "space", "local", "half", "halfft"];

/// Those with a file that the other NameNode does not have.
const UNLIKE: [&str; 8] = ["two", "all", "ft", "led", "rnd", "space", "local", "half"];

/// Directories of mounts with quotas.
const KEPT: [&str; 2] = ["names", "bytes"];

/// One NameNode.
pub struct Namenode {
    client: Client,
    /// Who owns everything there: tells in an answer which NameNode it is from.
    owner: String,
    /// The name of what only it has.
    only: String,
    user: String,
}

impl Namenode {
    /// By its address.
    pub fn new(nameservice: &str, address: &str, user: &str) -> Self {
        let only = nameservice.replace("ns", "only");
        Self { client: Client::new(address, user), owner: format!("at-{nameservice}"), only, user: user.to_owned() }
    }

    fn must(&mut self, name: &str, parameters: &Value) -> Value {
        match self.client.ask(name, parameters) {
            Answer::Result(value) => value,
            other => panic!("{name} {parameters}: {other}"),
        }
    }

    /// Makes what stays as it is through all calls.
    pub fn keep(&mut self) {
        for directory in KEPT {
            self.directory(&format!("/kept/{directory}"));
        }
        for file in ["f", "g"] {
            self.file(&format!("/kept/names/{file}"));
        }
    }

    /// Makes everything as it is before each call.
    pub fn reset(&mut self) {
        for directory in DIRECTORIES {
            let root = format!("/d/{directory}");
            // A snapshot keeps its directory.
            if let Ok(snapshots) = self.client.entries(&format!("{root}/.snapshot")) {
                for name in snapshots.iter().map(name) {
                    self.must("deleteSnapshot", &json!({ "snapshotRoot": root, "snapshotName": name }));
                }
                let _ = self.client.ask("disallowSnapshot", &json!({ "snapshotRoot": root }));
            }
        }
        for name in self.entries("/").iter().map(name).filter(|name| name != "kept") {
            self.must("delete", &json!({ "src": format!("/{name}"), "recursive": true }));
        }
        for directory in KEPT {
            let _ = self.client.ask("delete", &json!({ "src": format!("/kept/{directory}/made"), "recursive": true }));
        }
        let user = self.user.clone();
        self.must("setOwner", &json!({ "src": "/", "username": user, "groupname": "supergroup" }));
        self.must("removeAcl", &json!({ "src": "/" }));
        self.must("setPermission", &json!({ "src": "/", "permission": { "perm": 0o755 } }));
        self.must("unsetStoragePolicy", &json!({ "src": "/" }));
        // It may have none.
        let _ = self.client.ask("unsetErasureCodingPolicy", &json!({ "src": "/" }));
        let _ = self.client.ask("removeXAttr", &json!({ "src": "/", "xAttr": { "namespace": "USER", "name": "a" } }));
        for directory in DIRECTORIES {
            let sub = format!("/d/{directory}/sub");
            self.directory(&sub);
            for file in ["f", "sub/g"] {
                self.file(&format!("/d/{directory}/{file}"));
            }
            for path in [format!("/d/{directory}"), sub] {
                self.must("setOwner", &json!({ "src": path, "username": self.owner, "groupname": "staff" }));
            }
        }
        for directory in ALIKE {
            self.directory(&format!("/d/{directory}"));
        }
        for directory in UNLIKE {
            self.file(&format!("/d/{directory}/{}", self.only));
        }
        self.file("/d/one/secret/s");
        self.must("setPermission", &json!({ "src": "/d/one/secret", "permission": { "perm": 0o700 } }));
    }

    fn entries(&mut self, directory: &str) -> Vec<Value> {
        self.client.entries(directory).unwrap_or_else(|answer| panic!("{directory}: {answer}"))
    }

    /// Makes a directory, with what is above it.
    pub fn directory(&mut self, src: &str) {
        self.must("mkdirs", &json!({ "src": src, "masked": { "perm": 0o755 }, "createParent": true }));
    }

    fn file(&mut self, src: &str) {
        let create = json!({
            "src": src, "masked": { "perm": 0o644 }, "clientName": "test", "createFlag": 3, "createParent": true,
            "replication": 1, "blockSize": 1048576,
        });
        self.must("create", &create);
        self.must("complete", &json!({ "src": src, "clientName": "test" }));
        self.must("setOwner", &json!({ "src": src, "username": self.owner, "groupname": "staff" }));
    }

    /// Snapshots of directories, and what came and went afterwards.
    pub fn snapshot(&mut self) {
        for directory in ["one", "two", "all"] {
            let root = format!("/d/{directory}");
            self.must("allowSnapshot", &json!({ "snapshotRoot": root }));
            self.must("createSnapshot", &json!({ "snapshotRoot": root, "snapshotName": "a" }));
            self.file(&format!("{root}/late"));
            self.must("delete", &json!({ "src": format!("{root}/sub"), "recursive": true }));
        }
    }

    /// Turns its safe mode on or off.
    pub fn safe_mode(&mut self, action: &str) {
        self.must("setSafeMode", &json!({ "action": action, "checked": false }));
    }

    /// Everything there, a line for each file and directory.
    pub fn tree(&mut self) -> String {
        let mut told = String::new();
        self.walk("/", &mut told);
        told
    }

    fn walk(&mut self, directory: &str, told: &mut String) {
        for entry in self.entries(directory) {
            let path = format!("{}/{}", directory.trim_end_matches('/'), name(&entry));
            let text = |key: &str| entry[key].to_string();
            let (kind, owner, perm) = (text("fileType"), text("owner"), text("permission"));
            let (length, copies, policy) = (text("length"), text("blockReplication"), text("storagePolicy"));
            let _ = writeln!(told, "{path} {kind} {owner} {perm} {length} {copies} {policy} {}", text("flags"));
            if entry["fileType"] == "IS_DIR" {
                self.walk(&path, told);
            }
        }
    }
}
