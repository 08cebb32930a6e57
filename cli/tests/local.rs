//! `anabranch local` as a process, on the quick start's manifests.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anabranch_testkit::process::{Launch, Program, Stream};
use anabranch_testkit::{http, net};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);

/// A copy of the quick start, and a data directory.
struct Site {
    dir: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        let site = Self { dir: tempfile::tempdir().unwrap() };
        fs::create_dir(site.path("manifests")).unwrap();
        let quickstart = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/quickstart");
        for entry in fs::read_dir(quickstart).unwrap() {
            let file = entry.unwrap();
            fs::copy(file.path(), site.path("manifests").join(file.file_name())).unwrap();
        }
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn launch(&self) -> Launch {
        let [manifests, data] = [self.path("manifests"), self.path("data")].map(|path| path.display().to_string());
        let any = "127.0.0.1:0";
        Launch::new("anabranch").args([
            "local",
            "-f",
            &manifests,
            "--data",
            &data,
            "--rpc-address",
            any,
            "--admin-address",
            any,
            "--http-address",
            any,
            "--output",
            "json",
        ])
    }

    fn edit(&self, from: &str, to: &str) {
        let file = self.path("manifests").join("mounts.yaml");
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(&file, text.replacen(from, to, 1)).unwrap();
    }
}

fn start(launch: &Launch) -> (Program, Value) {
    let mut program = launch.start().unwrap();
    let overview = program.wait_for_json(PATIENCE).unwrap();
    (program, overview)
}

fn stop(mut program: Program) {
    program.interrupt().unwrap();
    assert_eq!(program.wait(PATIENCE).unwrap().code(), Some(0));
    assert!(program.text(Stream::Err).ends_with("Stopped.\n"));
}

/// Runs `anabranch dfs`, which must succeed; gives what it printed.
fn dfs(overview: &Value, args: &[&str]) -> String {
    let fs = overview["fs"].as_str().unwrap();
    let launch = Launch::new("anabranch").args(["dfs", "--fs", fs].iter().chain(args).copied());
    let (code, out, err) = launch.finish(PATIENCE).unwrap();
    assert_eq!(code, Some(0), "{args:?}: {err}");
    out
}

#[test]
fn files_outlive_the_process_and_lie_where_mounts_lead() {
    let site = Site::new();
    let text = "to be found again\n";
    fs::write(site.path("file"), text).unwrap();
    let local = site.path("file").display().to_string();
    let (program, overview) = start(&site.launch());
    let listed: Vec<&str> = overview["mounts"].as_array().unwrap().iter().filter_map(|m| m["path"].as_str()).collect();
    assert_eq!(listed, ["/data", "/logs", "/tmp", "/user"]);
    assert_eq!(http::get(overview["http"].as_str().unwrap(), "/isActive").unwrap().status, 200);
    for path in ["/data/file", "/logs/file"] {
        dfs(&overview, &["put", &local, path]);
    }
    stop(program);

    let (program, overview) = start(&site.launch());
    for path in ["/data/file", "/logs/file"] {
        assert_eq!(dfs(&overview, &["cat", path]), text);
    }
    // Each subcluster holds one of them, below the path that its mount names.
    for (index, path) in ["/data/file", "/logs/file"].into_iter().enumerate() {
        let address = overview["subclusters"][index]["rpc"][0].as_str().unwrap();
        let direct = serde_json::json!({ "fs": format!("hdfs://{address}") });
        assert_eq!(dfs(&direct, &["cat", path]), text);
    }
    stop(program);
}

#[test]
fn embedded_subclusters_report_what_they_hold() {
    let site = Site::new();
    fs::write(site.path("file"), "to be counted\n").unwrap();
    let bean = |overview: &Value, name: &str| -> Value {
        let answer = http::get(overview["http"].as_str().unwrap(), &format!("/jmx?qry=Hadoop:{name}")).unwrap();
        serde_json::from_str::<Value>(&answer.body).unwrap()["beans"][0].take()
    };
    let counted = |overview: &Value| {
        net::wait_until("both subclusters are counted", PATIENCE, || {
            let state = bean(overview, "service=Router,name=FederationState");
            state["NumNamenodes"] == 2 && state["NumBlocks"] == 1 && state["NumLiveNodes"] == 2
        })
    };
    let (program, overview) = start(&site.launch());
    dfs(&overview, &["put", &site.path("file").display().to_string(), "/data/file"]);
    counted(&overview).unwrap();
    let state = bean(&overview, "service=Router,name=FederationState");
    // Two roots at least, and the file.
    assert!(state["NumFiles"].as_u64() > Some(2) && state["TotalCapacity"].as_u64() > Some(0), "{state}");
    let info = bean(&overview, "service=NameNode,name=NameNodeInfo");
    let live: Value = serde_json::from_str(info["LiveNodes"].as_str().unwrap()).unwrap();
    assert_eq!(live.as_object().map(serde_json::Map::len), Some(2), "{live}");
    stop(program);

    let (program, overview) = start(&site.launch());
    dfs(&overview, &["ls", "/data"]);
    counted(&overview).unwrap();
    stop(program);
}

#[test]
fn edits_count_at_once_and_bad_ones_change_nothing() {
    let site = Site::new();
    let (mut program, overview) = start(&site.launch().expect_log("mounts.yaml:"));
    site.edit("- path: /logs", "- path: logs");
    program
        .wait_for("the refusal", PATIENCE, |line| {
            line.contains("mounts.yaml:13:7: spec.entries[1].path: \"logs\" is not")
        })
        .unwrap();
    assert!(dfs(&overview, &["ls", "/"]).contains("/logs"));
    site.edit("- path: logs", "- path: /journals");
    net::wait_until("the mount is renamed", PATIENCE, || {
        let listing = dfs(&overview, &["ls", "/"]);
        listing.contains("/journals") && !listing.contains("/logs")
    })
    .unwrap();
    stop(program);
}

#[test]
fn one_process_holds_a_data_directory() {
    let site = Site::new();
    let (program, _) = start(&site.launch());
    let (code, out, err) = site.launch().finish(PATIENCE).unwrap();
    assert_eq!((code, out.as_str()), (Some(2), ""), "{err}");
    assert!(err.contains("is in use by another `anabranch local`") && err.lines().count() == 1, "{err}");
    stop(program);
}
