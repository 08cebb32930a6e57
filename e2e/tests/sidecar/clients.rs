//! Clients in pods.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anabranch_testkit::hadoop::Jars;
use anabranch_testkit::http;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::kube::{create, get, kubectl, until, wait_for};
use crate::rig::{Rig, has_router, pod};

/// A pod of another namespace, with a label and an annotation, is given a router of the fleet, Hadoop's files, and no
/// second router when it is made again.
pub fn injected(_: &Rig) {
    let annotations = json!({
        "anabranch.io/inject": "sidecar/main", "anabranch.io/client-config": "/etc/hadoop/conf",
        "anabranch.io/sidecar-cpu": "20m",
    });
    let wanted = pod("sidecar-clients", "other", annotations, &["ls", "-R", "/"]);
    let made = create(&wanted, &[]).unwrap();
    assert!(has_router(&made), "{made}");
    assert_eq!(made["metadata"]["labels"]["anabranch.io/fleet-namespace"], "sidecar");
    assert_eq!(made["spec"]["initContainers"][0]["resources"]["requests"]["cpu"], "20m");
    let phase = "jsonpath={.status.phase}=Succeeded";
    wait_for(phase, &["-n", "sidecar-clients", "pod/other"]).unwrap();
    let listed = kubectl(&["logs", "-n", "sidecar-clients", "other", "-c", "client"]).unwrap();
    assert!(listed.contains("/data"), "{listed}");

    let mut again = made.clone();
    again["metadata"] = json!({
        "name": "again", "namespace": "sidecar-clients",
        "labels": made["metadata"]["labels"], "annotations": made["metadata"]["annotations"],
    });
    let again = create(&again, &["--dry-run=server"]).unwrap();
    assert_eq!(again["spec"]["initContainers"].as_array().unwrap().len(), 1, "{again}");

    // One that asks for nothing, and one that asks for a fleet of a namespace that belongs to other operators.
    for labels in [json!({}), json!({ "anabranch.io/inject": "main" })] {
        let mut plain = pod("sidecar-clients", "plain", json!({}), &["ls", "/"]);
        plain["metadata"]["labels"] = labels;
        let plain = create(&plain, &["--dry-run=server"]).unwrap();
        assert_eq!(plain["spec"]["initContainers"], Value::Null);
    }
}

/// Whoever makes the pod is told why.
pub fn refused(_: &Rig) {
    let refused = |pod: &Value| format!("{:#}", create(pod, &["--dry-run=server"]).unwrap_err());
    let annotated = |annotations| pod("sidecar", "refused", annotations, &[]);
    let missing = refused(&annotated(json!({ "anabranch.io/inject": "none" })));
    assert!(missing.contains("there is no RouterFleet sidecar/none"), "{missing}");
    let elsewhere = json!({ "anabranch.io/inject": "sidecar.none" });
    let elsewhere = refused(&pod("sidecar-clients", "refused", elsewhere, &[]));
    assert!(elsewhere.contains("there is no RouterFleet sidecar/none"), "{elsewhere}");
    let memory = refused(&annotated(json!({ "anabranch.io/sidecar-memory": "much" })));
    assert!(memory.contains("anabranch.io/sidecar-memory: \"much\"; expected bytes such as 256Mi"), "{memory}");
    let mut host = annotated(json!({}));
    host["spec"]["hostNetwork"] = true.into();
    let host = refused(&host);
    assert!(host.contains("spec.hostNetwork: localhost would be the node's"), "{host}");
}

/// A Java client with Hadoop's files from its pod and no URI of its own writes, and its Job ends although the router would
/// not.
pub fn job(_: &Rig) {
    let annotations = json!({ "anabranch.io/client-config": "/etc/hadoop/conf" });
    let writer = java(annotations, &["org.apache.hadoop.fs.FsShell", "-touchz", "/data/written"]);
    create(&job_of("writer", writer), &[]).unwrap();
    wait_for("condition=Complete", &["-n", "sidecar", "job/writer"]).unwrap();
    let pods = get(&["pods", "-n", "sidecar", "-l", "job-name=writer"]).unwrap();
    let router = &pods["items"][0]["status"]["initContainerStatuses"][0];
    assert_eq!(router["name"], "anabranch-router");
    assert!(router["state"]["terminated"].is_object(), "{router}");
    assert_eq!(router["restartCount"], 0);
    let reader = pod("sidecar", "reader", json!({}), &["ls", "/data"]);
    create(&reader, &[]).unwrap();
    wait_for("jsonpath={.status.phase}=Succeeded", &["-n", "sidecar", "pod/reader"]).unwrap();
    let listed = kubectl(&["logs", "-n", "sidecar", "reader", "-c", "client"]).unwrap();
    assert!(listed.contains("/data/written"), "{listed}");
}

/// Two Java clients that keep their connection, one with a router of its own and one without, each with a plain URI, while
/// every router of the fleet is replaced.
pub fn steady(_: &Rig) {
    let started = |name: &str, uri: &str, dir: &str, label: Value| {
        let mut template = java(json!({}), &["anabranch.Steady", uri, dir]);
        template["metadata"]["labels"] = label;
        create(&job_of(name, template), &[]).unwrap();
    };
    started("beside", "hdfs://localhost:8020", "/data/beside", json!({ "anabranch.io/inject": "main" }));
    started("apart", "hdfs://main:8020", "/data/apart", json!({}));
    for dir in ["beside", "apart"] {
        until("the client works", || dfs(&["ls", &format!("/data/{dir}/d0")])).unwrap();
    }
    let silent = silence();
    let before = routers().unwrap();
    kubectl(&["rollout", "restart", "-n", "sidecar", "deployment/main-router"]).unwrap();
    until("other routers", || {
        kubectl(&["rollout", "status", "-n", "sidecar", "deployment/main-router", "--timeout=10s"])?;
        let now = routers()?;
        ensure!(now.len() == 2 && !now.iter().any(|router| before.contains(router)), "still {now:?} after {before:?}");
        Ok(())
    })
    .unwrap();
    for dir in ["beside", "apart"] {
        dfs(&["--user", "hdfs", "mkdir", &format!("/data/{dir}/stop")]).unwrap();
        wait_for("condition=Complete", &["-n", "sidecar", &format!("job/{dir}")]).unwrap();
    }
    let [beside, apart] = ["beside", "apart"].map(|job| {
        let log = kubectl(&["logs", "-n", "sidecar", &format!("job/{job}"), "-c", "client"]).unwrap();
        serde_json::from_str::<Value>(log.lines().rfind(|line| line.starts_with('{')).expect(&log)).unwrap()
    });
    assert_eq!(beside["errors"], json!([]), "of {} calls", beside["calls"]);
    assert!(beside["calls"].as_u64() > Some(100), "{beside}");
    // Otherwise the routers were not replaced under anybody.
    assert_ne!(apart["errors"], json!([]), "of {} calls", apart["calls"]);
    silent.unwrap();
}

/// No router beside a client is among the routers that the store knows, and it knows which NameNode is active from those
/// that are.
fn silence() -> Result<()> {
    let pods = get(&["pods", "-n", "sidecar", "-l", "job-name=beside"])?;
    let address = pods["items"][0]["status"]["podIP"].as_str().context("no address")?.to_owned();
    until("the router beside the client has heard of the NameNode", || {
        // This machine reaches the addresses of pods.
        let answer = http::get(&format!("{address}:50071"), "/jmx?qry=Hadoop:service=Router,name=FederationState")?;
        let beans: Value = serde_json::from_str(&answer.body)?;
        let text = |attribute: &str| beans["beans"][0][attribute].as_str().unwrap_or_default().to_owned();
        let (namenodes, routers) = (text("Namenodes"), text("Routers"));
        ensure!(namenodes.contains("ACTIVE"), "{namenodes}");
        ensure!(routers.contains("main-router-") && !routers.contains("beside"), "{routers}");
        Ok(())
    })
}

fn routers() -> Result<Vec<String>> {
    let pods = get(&["pods", "-n", "sidecar", "-l", "app.kubernetes.io/name=anabranch-router"])?;
    let names = pods["items"].as_array().into_iter().flatten().map(|pod| pod["metadata"]["name"].to_string());
    Ok(names.collect())
}

/// `anabranch dfs ARGS...` on this machine, at the routers of the fleet.
fn dfs(args: &[&str]) -> Result<()> {
    let service = get(&["service", "-n", "sidecar", "main"])?;
    let address = service["spec"]["clusterIP"].as_str().context("no address")?;
    let output = anabranch_e2e::dfs::dfs(&format!("hdfs://{address}:8020"), args);
    ensure!(output.exit == Some(0), "{}", output.stderr);
    Ok(())
}

fn job_of(name: &str, template: Value) -> Value {
    json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": { "name": name, "namespace": "sidecar" },
        "spec": { "backoffLimit": 0, "template": template },
    })
}

/// A pod template that runs a Java program with this machine's JDK and Hadoop.
fn java(annotations: Value, args: &[&str]) -> Value {
    let jars = Jars::get().unwrap();
    let class_path = jars.class_path().into_string().unwrap();
    let (java, dirs) = machine(&class_path).unwrap();
    let all = [&["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m", "-Drig.log=WARN"][..], args].concat();
    // HADOOP_CONF_DIR is where Hadoop's scripts look; the class path is where Hadoop does.
    let class_path = format!("/etc/hadoop/conf:{class_path}");
    let (mut volumes, mut mounts) = (Vec::new(), Vec::new());
    for (i, dir) in dirs.iter().enumerate() {
        volumes.push(json!({ "name": format!("host-{i}"), "hostPath": { "path": dir } }));
        mounts.push(json!({ "name": format!("host-{i}"), "mountPath": dir, "readOnly": true }));
    }
    json!({
        "metadata": { "labels": { "anabranch.io/inject": "main" }, "annotations": annotations },
        "spec": {
            "restartPolicy": "Never",
            "containers": [{
                "name": "client", "image": "localhost/anabranch:e2e", "imagePullPolicy": "Never",
                "command": [java], "args": all,
                "env": [
                    { "name": "HADOOP_USER_NAME", "value": "hdfs" }, { "name": "CLASSPATH", "value": class_path },
                ],
                "volumeMounts": mounts,
            }],
            "volumes": volumes,
        },
    })
}

/// The Java program of this machine, and the directories that it and a class path need.
fn machine(class_path: &str) -> Result<(PathBuf, Vec<PathBuf>)> {
    let java = match env::var_os("JAVA_HOME") {
        Some(home) if !home.is_empty() => Path::new(&home).join("bin/java"),
        _ => {
            let found = Command::new("sh").args(["-c", "command -v java"]).output()?.stdout;
            PathBuf::from(String::from_utf8(found)?.trim())
        }
    };
    let java = java.canonicalize().context("no java")?;
    let home = java.parent().and_then(Path::parent).context("java is in no JDK")?.to_owned();
    let mut dirs = vec![PathBuf::from("/lib"), home.clone()];
    // Debian keeps a JDK's configuration in /etc.
    let settings = home.join("conf/security/java.security").canonicalize().context("the JDK has no settings")?;
    dirs.extend(settings.ancestors().nth(2).filter(|dir| !dir.starts_with(&home)).map(Path::to_owned));
    dirs.extend(class_path.split(':').map(|entry| PathBuf::from(entry.trim_end_matches("/*"))));
    Ok((java, dirs))
}
