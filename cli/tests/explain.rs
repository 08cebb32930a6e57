//! `anabranch explain` as a process: from manifests, and asked of a router that runs on the same ones.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anabranch_testkit::net;
use anabranch_testkit::process::{self, Launch, program};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);

const FLEET: &str = "\
apiVersion: anabranch.io/v1alpha1
kind: RouterFleet
metadata: {name: routers}
spec: {}
";

/// Mounts of all orders; nothing covers `/else`.
const MOUNTS: &str = "\
apiVersion: anabranch.io/v1alpha1
kind: MountTable
metadata: {name: mounts}
spec:
  entries:
    - {path: /spread, order: HashAll, faultTolerant: true, destinations: [{nameservice: ns0, path: /s}, {nameservice: ns1, path: /s}]}
    - {path: /spread/deep, order: Hash, destinations: [{nameservice: ns1, path: /d}, {nameservice: ns0, path: /s/deep}]}
    - {path: /spread/deep/er, destinations: [{nameservice: ns1, path: /spread/deep/er}]}
    - {path: /led, order: LeaderFollower, owner: ann, group: staff, mode: \"0750\", destinations: [{nameservice: ns1, path: /l}, {nameservice: ns0, path: /l}]}
    - {path: /lots, order: Random, owner: bob, group: staff, mode: \"0730\", destinations: [{nameservice: ns0, path: /r}, {nameservice: ns1, path: /r}]}
    - {path: /near, order: Local, owner: bob, group: others, mode: \"0704\", destinations: [{nameservice: ns0, path: /n}, {nameservice: ns1, path: /n}]}
    - {path: /free, order: Space, owner: bob, group: staff, quota: {files: 10, space: 1Gi}, destinations: [{nameservice: ns1, path: /f}, {nameservice: ns0, path: /f}]}
    - {path: /user, owner: root, group: staff, readOnly: true, destinations: [{nameservice: ns0, path: /user}]}
";

/// Two embedded subclusters with those mounts.
struct Site {
    dir: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        let site = Self { dir: tempfile::tempdir().unwrap() };
        fs::create_dir(site.path("manifests")).unwrap();
        for ns in ["ns0", "ns1"] {
            let text = format!(
                "apiVersion: anabranch.io/v1alpha1\nkind: Subcluster\nmetadata: {{name: {ns}}}\n\
                 spec: {{nameserviceId: {ns}, type: Embedded}}\n"
            );
            site.write(&format!("{ns}.yaml"), &text);
        }
        site.write("fleet.yaml", FLEET);
        site.write("mounts.yaml", MOUNTS);
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn manifests(&self) -> String {
        self.path("manifests").display().to_string()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path("manifests").join(name), text).unwrap();
    }
}

/// Runs `anabranch explain` where there is no Kubernetes: exit code, standard output, standard error.
fn explain(args: &[&str]) -> (Option<i32>, String, String) {
    let launch = Launch::new("anabranch").args(["explain"].iter().chain(args).copied());
    launch.env("KUBECONFIG", "/no/kubeconfig").finish(PATIENCE).unwrap()
}

/// The answers, which must be there.
fn answers(args: &[&str]) -> Vec<Value> {
    let (code, out, err) = explain(&[args, &["--output", "json"]].concat());
    assert!(code == Some(0) && err.is_empty(), "{code:?} {err}");
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn manifests_are_explained_before_anything_runs() {
    let site = Site::new();
    let embedded = fs::read_to_string(site.path("manifests/ns0.yaml")).unwrap();
    let namenodes = "[{id: nn1, rpcAddress: 'master-1:8020'}, {id: nn2, rpcAddress: 'master-2:8020'}]";
    let external = format!("External, external: {{namenodes: {namenodes}}}");
    site.write("ns0.yaml", &embedded.replace("Embedded", &external));
    let directory = site.manifests();
    let (code, out, err) = explain(&["/spread/deep/x/y", "-f", &directory, "--user", "ann"]);
    let expected = "\
/spread/deep/x/y
mount       /spread/deep, the longest match; shorter: /spread
order       HASH: /spread/deep/x belongs to ns1 by its hash
access      read and write
entry       owner (superuser), group (supergroup), mode 0755; ann may see it, pass to mounts below

ASKED  NAMESERVICE  PATH THERE   NAMENODES
1      ns1          /d/x/y       embedded
2      ns0          /s/deep/x/y  nn1 master-1:8020, nn2 master-2:8020
";
    assert_eq!((code, out.as_str(), err.as_str()), (Some(0), expected, ""));

    let (code, out, _) = explain(&["/led", "/else", "-f", &directory]);
    assert_eq!(code, Some(1));
    assert!(out.contains("\n\n/else\nmount       none; and there is no default nameservice\nasked"), "{out}");
    let (code, out, _) = explain(&["/else", "-f", &directory, "--output", "json"]);
    let answer: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &answer["nowhere"]), (Some(1), &json!("noDefaultNameservice")));

    site.write("fleet.yaml", &FLEET.replace("{}", "{defaultNameservice: ns1}"));
    site.write("ns0.yaml", &embedded.replace("Embedded", "Embedded, disabled: true"));
    let found = answers(&["/else", "/led", "-f", &directory]);
    assert_eq!(found[0]["destinations"], json!([{ "nameservice": "ns1", "path": "/else", "disabled": false }]));
    assert_eq!(found[1]["destinations"][1], json!({ "nameservice": "ns0", "path": "/l", "disabled": true }));
}

#[test]
fn mistakes_end_it_with_what_to_do() {
    let site = Site::new();
    let directory = site.manifests();
    let none = site.path("none").display().to_string();
    let nobody = net::free_address().unwrap().to_string();
    let kubeconfig = "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
        contexts: [{name: c, context: {cluster: c, user: u}}]\nusers: [{name: u, user: {}}]\n";
    let cluster =
        format!("clusters: [{{name: c, cluster: {{server: 'https://{nobody}', insecure-skip-tls-verify: true}}}}]\n");
    fs::write(site.path("kubeconfig"), format!("{kubeconfig}{cluster}")).unwrap();

    let rows: &[(&[&str], String)] = &[
        (&["led", "-f", &directory], "error: path \"led\" must start with /\n".into()),
        (&["/led/../x", "-f", &directory], "error: path \"/led/../x\" has the component \"..\"".into()),
        (&["/led", "-f", &none], format!("error: cannot read {none}: No such file")),
        (
            &["/led", "-f", &directory, "--router", "r1"],
            "error: the argument '--filename <DIR>' cannot be used with".into(),
        ),
        (&["/led", "--router", "r1", "-n", "x"], "error: the argument '--router <URL>' cannot be used with".into()),
        (
            &["/led", "--router", "hdfs://r1:8888"],
            "error: --router \"hdfs://r1:8888\": expected the HTTP address".into(),
        ),
        (&["/led", "--router", &nobody], format!("error: cannot reach http://{nobody}: Connection refused")),
        (&["/led"], "error: no way to Kubernetes: ".into()),
        (&["/led", "--context", "c"], "error: no way to Kubernetes: failed to read kubeconfig".into()),
        (
            &["/led", "--kubeconfig", &none],
            format!("error: no way to Kubernetes: failed to read kubeconfig from '\"{none}\"'"),
        ),
        (&[], "error: the following required arguments were not provided".into()),
    ];
    for (args, expected) in rows {
        let (code, out, err) = explain(args);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{args:?} {err}");
        assert!(err.starts_with(expected), "{args:?} {err}");
    }
    let config = site.path("kubeconfig").display().to_string();
    let by_variable = Launch::new("anabranch").args(["explain", "/led"]).env("KUBECONFIG", &config);
    let flags = ["explain", "/led", "--fleet", "f", "-n", "n", "--context", "c", "--kubeconfig", &config];
    let by_flags = Launch::new("anabranch").args(flags);
    for launch in [by_variable, by_flags] {
        let (code, _, err) = launch.finish(PATIENCE).unwrap();
        assert_eq!(code, Some(2), "{err}");
        assert!(err.starts_with("error: cannot list pods: ") && err.ends_with("read manifests with -f DIR\n"), "{err}");
    }

    site.write("mounts.yaml", &MOUNTS.replace("path: /led,", "path: led,"));
    let (code, _, err) = explain(&["/led", "-f", &directory]);
    let place = format!("error: {directory}/mounts.yaml:9:");
    assert!(code == Some(2) && err.starts_with(&place) && err.contains("\"led\" is not absolute"), "{err}");
}

#[test]
fn a_running_router_says_what_its_manifests_say() {
    let site = Site::new();
    let (manifests, data) = (site.manifests(), site.path("data").display().to_string());
    let any = "127.0.0.1:0";
    let launch = Launch::new("anabranch").args(["local", "-f", &manifests, "--data", &data, "--output", "json"]);
    let launch = launch.args(["--rpc-address", any, "--admin-address", any, "--http-address", any]);
    let mut local = launch.start().unwrap();
    let overview = local.wait_for_json(PATIENCE).unwrap();
    let router = overview["http"].as_str().unwrap();

    let tops = ["/spread", "/spread/deep", "/spread/deep/er", "/led", "/lots", "/near", "/free", "/user"];
    let trash = ["/user/ann/.Trash/Current/spread", "/.reserved/raw/spread/deep"];
    let names = ["", "/x.tmp", "/_temporary/0/x", "/part-0._COPYING_"].map(str::to_owned).into_iter();
    let names: Vec<String> = names.chain((0..30).map(|i| format!("/dir{}/file{i}", i % 7))).collect();
    let paths: Vec<String> =
        tops.iter().chain(&trash).flat_map(|top| names.iter().map(move |n| format!("{top}{n}"))).collect();
    let ann = ["/", "--user", "ann", "--group", "staff"];
    let args: Vec<&str> = paths.iter().map(String::as_str).chain(ann).collect();
    let offline = answers(&[args.as_slice(), &["-f", &manifests]].concat());
    let mut live = answers(&[args.as_slice(), &["--router", &format!("http://{router}")]].concat());
    assert_eq!((offline.len(), live.len()), (paths.len() + 1, paths.len() + 1));
    assert!(paths.len() > 300);
    for (files, running) in offline.iter().zip(&mut live) {
        let seen = running.as_object_mut().unwrap().remove("router").unwrap();
        let known = running["nameservices"].take();
        // Who the superuser is, only a router knows.
        for (key, own) in [("owner", process::user()), ("group", "supergroup".to_owned())] {
            if files["mount"][key].is_null() && !files["mount"].is_null() {
                assert_eq!(running["mount"][key], json!(own));
                running["mount"][key] = Value::Null;
            }
        }
        // Of embedded subclusters, only a router knows the address.
        let listed = known
            .as_array()
            .unwrap()
            .iter()
            .map(|known| json!({ "id": known["id"], "namenodes": [], "embedded": true }));
        running["nameservices"] = listed.collect();
        assert_eq!(files, running);
        assert!(seen["revision"].as_u64().unwrap() > 0 && seen["safeMode"].is_null(), "{seen}");
        let known = known.as_array().unwrap();
        let called = known.iter().all(|nameservice| nameservice["namenodes"][0]["called"] == true);
        assert!(called && known.is_empty() == files["destinations"].as_array().unwrap().is_empty(), "{seen}");
    }

    // Files lie where it says.
    let text = site.path("file").display().to_string();
    fs::write(&text, "x").unwrap();
    let dfs = |fs: &str, args: &[&str]| {
        let launch = Launch::new("anabranch").args(["dfs", "--fs", fs].iter().chain(args).copied());
        launch.finish(PATIENCE).unwrap().0 == Some(0)
    };
    for mount in ["/spread", "/spread/deep", "/led"] {
        for name in ["a", "b", "c"] {
            let path = format!("{mount}/{name}");
            let answer = answers(&[&path, "--router", router]).remove(0);
            assert!(dfs(overview["fs"].as_str().unwrap(), &["put", &text, &path]), "{path}");
            for (turn, destination) in answer["destinations"].as_array().unwrap().iter().enumerate() {
                let known = answer["nameservices"].as_array().unwrap();
                let it = known.iter().find(|known| known["id"] == destination["nameservice"]).unwrap();
                let address = format!("hdfs://{}", it["namenodes"][0]["address"].as_str().unwrap());
                let there = dfs(&address, &["stat", destination["path"].as_str().unwrap()]);
                assert_eq!(there, turn == 0, "{answer}");
            }
        }
    }
    let (code, out, err) = explain(&["/spread/a", "--router", router, "--user", "ann"]);
    assert!(code == Some(0) && err.is_empty(), "{err}");
    assert!(out.contains("\nASKED  NAMESERVICE  PATH THERE  NAMENODES\n1      ns"), "{out}");
    assert!(out.contains(", mount table at revision "), "{out}");
    // What is no router says so.
    let rpc = overview["rpc"].as_str().unwrap();
    let (code, _, err) = explain(&["/spread/a", "--router", rpc]);
    assert!(code == Some(2) && err.starts_with(&format!("error: http://{rpc}: ")), "{err}");
}

#[test]
fn as_a_plugin_it_is_called_by_kubectls_name() {
    let dir = tempfile::tempdir().unwrap();
    let plugin = dir.path().join("kubectl-anabranch");
    std::os::unix::fs::symlink(program("anabranch"), &plugin).unwrap();
    for (path, name) in [(plugin, "kubectl anabranch"), (program("anabranch"), "anabranch")] {
        let output = Command::new(path).args(["explain", "--help"]).output().unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(help.contains(&format!("\nUsage: {name} explain [OPTIONS] <PATH>...\n")), "{help}");
    }
}
