use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anabranch_testkit::hadoop::Jars;
use anyhow::{Context, Result};
use serde_json::{Value, json};

/// The spec of a pod that runs a Java program with this machine's JDK and Hadoop. What is in `/etc/hadoop/conf` is its
/// configuration: the ConfigMap of that name, or what else brings files there.
///
/// # Errors
/// Without a JDK, or without Hadoop's jars.
pub fn java(configuration: Option<&str>, args: &[&str]) -> Result<Value> {
    let class_path = Jars::get()?.class_path().into_string().ok().context("a path that is no text")?;
    let (java, dirs) = machine(&class_path)?;
    let all = [&["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m", "-Drig.log=WARN"][..], args].concat();
    // HADOOP_CONF_DIR is where Hadoop's scripts look; the class path is where Hadoop does.
    let class_path = format!("/etc/hadoop/conf:{class_path}");
    let (mut volumes, mut mounts) = (Vec::new(), Vec::new());
    let mut mount = |name: String, path: &Path, mut volume: Value| {
        volume["name"] = name.clone().into();
        volumes.push(volume);
        mounts.push(json!({ "name": name, "mountPath": path, "readOnly": true }));
    };
    for (i, dir) in dirs.iter().enumerate() {
        mount(format!("host-{i}"), dir, json!({ "hostPath": { "path": dir } }));
    }
    if let Some(name) = configuration {
        mount("configuration".to_owned(), Path::new("/etc/hadoop/conf"), json!({ "configMap": { "name": name } }));
    }
    Ok(json!({
        "restartPolicy": "Never",
        "containers": [{
            "name": "client", "image": "localhost/anabranch:e2e", "imagePullPolicy": "Never",
            "command": [java], "args": all,
            "env": [{ "name": "HADOOP_USER_NAME", "value": "hdfs" }, { "name": "CLASSPATH", "value": class_path }],
            "volumeMounts": mounts,
        }],
        "volumes": volumes,
    }))
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
