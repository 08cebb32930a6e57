//! `anabranch-router` as a process: what it refuses, and that it serves, follows edits and stops.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anabranch_testkit::process::{Launch, Program};
use anabranch_testkit::{http, net};

const PATIENCE: Duration = Duration::from_secs(30);

/// A configuration before one NameNode that does not exist, with the mount `/data` in line 6 of `mounts/m.yaml`.
struct Site {
    dir: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        let site = Self { dir: tempfile::tempdir().unwrap() };
        fs::create_dir(site.dir.path().join("mounts")).unwrap();
        site.write("core-site.xml", &xml(&[("host", "127.0.0.1")]));
        site.write(
            "hdfs-site.xml",
            &xml(&[("dfs.nameservices", "ns0"), ("dfs.namenode.rpc-address.ns0", "${host}:1")]),
        );
        site.mount("/data");
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn mount(&self, path: &str) {
        let text = format!(
            "apiVersion: anabranch.io/v1alpha1\nkind: MountTable\nmetadata: {{name: m}}\nspec:\n  entries:\n  \
             - path: {path}\n    destinations: [{{nameservice: ns0, path: /}}]\n"
        );
        self.write("mounts/m.yaml", &text);
    }

    fn launch(&self, more: &[&str]) -> Launch {
        let free = ["-D", "dfs.federation.router.rpc-address=127.0.0.1:0"];
        let http = ["-D", "dfs.federation.router.http-address=127.0.0.1:0"];
        let admin = ["-D", "dfs.federation.router.admin-address=127.0.0.1:0"];
        let args = ["--conf", self.dir.path().to_str().unwrap()].into_iter().chain(free).chain(http).chain(admin);
        Launch::new("anabranch-router").args(args.chain(more.iter().copied()))
    }

    /// What it says on standard error before it ends with exit code 2.
    fn refused(&self, more: &[&str]) -> String {
        let (code, out, err) = self.launch(more).finish(PATIENCE).unwrap();
        assert_eq!((code, out.as_str()), (Some(2), ""), "{err}");
        err
    }
}

fn xml(pairs: &[(&str, &str)]) -> String {
    let one =
        |(name, value): &(&str, &str)| format!("<property><name>{name}</name><value>{value}</value></property>\n");
    format!("<configuration>\n{}</configuration>\n", pairs.iter().map(one).collect::<String>())
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn mistakes_end_it_with_one_error() {
    let site = Site::new();
    let bad_key = site.refused(&["-D", "dfs.federation.router.connect.timeout=soon"]);
    let expected = "error: dfs.federation.router.connect.timeout = \"soon\" (-D): expected a duration such as 500ms, 2s or \
                    1m, or milliseconds\n";
    assert_eq!(bad_key, expected);

    site.write("hdfs-rbf-site.xml", "<configuration>\n<property>\n</configuration>");
    let bad_xml = site.refused(&[]);
    assert!(
        bad_xml.starts_with(&format!("error: {}:3: not XML: ", shown(&site.path("hdfs-rbf-site.xml")))),
        "{bad_xml}"
    );
    fs::remove_file(site.path("hdfs-rbf-site.xml")).unwrap();

    site.mount("data");
    let bad_mount = site.refused(&[]);
    let expected = format!(
        "error: {}:6:5: spec.entries[0].path: \"data\" is not absolute; expected a path such as /data/logs\n",
        shown(&site.path("mounts/m.yaml"))
    );
    assert_eq!(bad_mount, expected);

    let none = site.path("none");
    let no_mounts = site.refused(&["--mounts", none.to_str().unwrap()]);
    assert_eq!(no_mounts, format!("error: cannot read {}: No such file or directory (os error 2)\n", shown(&none)));

    site.mount("/data");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let busy = site.refused(&["-D", &format!("dfs.federation.router.rpc-address={address}")]);
    assert!(busy.starts_with(&format!("error: cannot listen on {address}: Address already in use")), "{busy}");
}

#[test]
fn it_takes_mounts_from_one_place() {
    const DRIVER: &str = "dfs.federation.router.store.driver.class";
    let site = Site::new();
    let mounts = site.path("mounts");
    let both = site.refused(&["--mounts", mounts.to_str().unwrap(), "-D", &format!("{DRIVER}=memory")]);
    assert!(both.starts_with("error: mounts are kept in the state store (memory), and a directory"), "{both}");

    let java = format!("{DRIVER}=org.apache.hadoop.hdfs.server.federation.store.driver.impl.StateStoreFileImpl");
    let store = format!("dfs.federation.router.store.driver.file.directory={}", shown(&site.path("store")));
    fs::create_dir_all(site.path("store/MountTable")).unwrap();
    let records = site.refused(&["-D", &java, "-D", &store]);
    let expected = format!("error: {} has the records of a Java router's file store", shown(&site.path("store")));
    assert!(records.lines().any(|line| line.starts_with(&expected)), "{records}");

    fs::remove_dir_all(&mounts).unwrap();
    let neither = site.refused(&[]);
    let expected = format!("error: nothing says where mounts are kept: there is no directory {}", shown(&mounts));
    assert!(neither.starts_with(&expected), "{neither}");
    let ensemble = site.refused(&["-D", "hadoop.zk.address=host:port"]);
    assert!(ensemble.contains("error: state store: ZooKeeper: "), "{ensemble}");
    let off = site.refused(&["-D", "dfs.federation.router.store.enable=false"]);
    assert_eq!(off, format!("error: cannot read {}: No such file or directory (os error 2)\n", shown(&mounts)));
}

#[test]
fn a_store_outlives_the_router_and_is_held_by_one() {
    let site = Site::new();
    let store = format!("dfs.federation.router.store.driver.file.directory={}", shown(&site.path("store")));
    let driver = "dfs.federation.router.store.driver.class=rocksdb";
    let http = net::free_address().unwrap().to_string();
    let address = format!("dfs.federation.router.http-address={http}");
    for _ in 0..2 {
        let launch = site.launch(&["-D", driver, "-D", &store, "-D", &address]);
        let mut program = launch.expect_log("a watched NameNode does not answer").start().unwrap();
        let active = || http::get(&http, "/isActive").is_ok_and(|answer| answer.status == 200);
        net::wait_until("/isActive answers 200", PATIENCE, active).unwrap();
        let second = site.refused(&["-D", driver, "-D", &store]);
        assert!(second.contains("error: state store: "), "{second}");
        program.terminate().unwrap();
        assert_eq!(program.wait(PATIENCE).unwrap().code(), Some(0));
    }
}

fn start(site: &Site, expected: &[&str]) -> (Program, String) {
    let address = net::free_address().unwrap().to_string();
    let setting = format!("dfs.federation.router.http-address={address}");
    let mut launch = site.launch(&["-D", &setting]);
    for text in expected {
        launch = launch.expect_log(text);
    }
    let program = launch.start().unwrap();
    let active = || http::get(&address, "/isActive").is_ok_and(|answer| answer.status == 200);
    net::wait_until("/isActive answers 200", PATIENCE, active).unwrap();
    (program, address)
}

#[test]
fn it_serves_follows_edits_and_stops_when_asked() {
    let site = Site::new();
    let (mut program, address) = start(&site, &["m.yaml:6:5"]);
    let metrics = http::get(&address, "/metrics").unwrap();
    assert_eq!(metrics.status, 200);
    site.mount("data");
    program.wait_for("the refusal", PATIENCE, |line| line.contains("m.yaml:6:5: spec.entries[0].path")).unwrap();
    site.mount("/other");
    program.wait_for("the change", PATIENCE, |line| line.contains("mounts changed revision=2 mounts=1")).unwrap();
    program.terminate().unwrap();
    assert_eq!(program.wait(PATIENCE).unwrap().code(), Some(0));
}

#[test]
fn keys_without_meaning_are_told_in_one_warning() {
    let site = Site::new();
    let keys = [("dfs.federation.router.reader.count", "1"), ("dfs.federation.router.admin.handler.count", "1")];
    site.write("hdfs-rbf-site.xml", &xml(&keys));
    let (program, _) = start(&site, &["not implemented"]);
    let expected = "keys=\"dfs.federation.router.admin.handler.count, dfs.federation.router.reader.count\"";
    let warnings = program.surprises();
    assert!(warnings.is_empty(), "{warnings:?}");
    let said = program.tail();
    assert_eq!(said.lines().filter(|line| line.contains("WARN") && line.contains(expected)).count(), 1, "{said}");
}
