//! The cluster of this work tree, by way of `e2e/kube`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anabranch_testkit::net;
use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Much more than anything here needs, for machines that are busy otherwise.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// A file of the work tree.
pub fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Runs a command to its end; what it printed, if it succeeded.
pub fn run(command: &mut Command, input: &str) -> Result<String> {
    let shown = format!("{command:?}");
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.with_context(|| shown.clone())?;
    let mut stdin = child.stdin.take().context("no standard input")?;
    let input = input.to_owned();
    // It may print before it has read all; one that reads nothing breaks the pipe.
    let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output()?;
    drop(writer.join());
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{shown}\n{stdout}{stderr}");
    Ok(stdout.into_owned())
}

/// A script of `e2e/kube`.
pub fn script(name: &str, args: &[&str]) -> Command {
    let mut command = Command::new(file("e2e/kube").join(name));
    command.args(args).current_dir(file("."));
    command
}

/// Starts the cluster if it is not up, with the images of our programs.
pub fn start() -> Result<()> {
    run(&mut script("up", &[]), "")?;
    run(&mut script("images", &["debug"]), "")?;
    Ok(())
}

/// Runs `kubectl`.
pub fn kubectl(args: &[&str]) -> Result<String> {
    kubectl_with(args, "")
}

/// Runs `kubectl`, which reads `input`.
pub fn kubectl_with(args: &[&str], input: &str) -> Result<String> {
    run(&mut script("run", &[&["kubectl"], args].concat()), input)
}

/// What `kubectl` prints as JSON.
pub fn get(args: &[&str]) -> Result<Value> {
    Ok(serde_json::from_str(&kubectl(&[&["get", "-o", "json"], args].concat())?)?)
}

/// Runs `helm`.
pub fn helm(args: &[&str]) -> Result<String> {
    run(&mut script("run", &[&["helm"], args].concat()), "")
}

/// Runs a command among the files of the node.
pub fn on_node(args: &[&str]) -> Result<String> {
    run(&mut script("run", &[&["--node"], args].concat()), "")
}

/// Asks again and again until `condition` holds; what is wrong with the objects of a namespace if it never does.
pub fn wait_until(what: &str, namespace: &str, condition: impl FnMut() -> bool) {
    if let Err(error) = net::wait_until(what, PATIENCE, condition) {
        let objects = kubectl(&["-n", namespace, "get", "anabranch,pods,events"]).unwrap_or_default();
        panic!("{error}\n{objects}");
    }
}

/// The objects in a stream of YAML documents.
pub fn objects(text: &str) -> Vec<Value> {
    let documents = serde_yaml::Deserializer::from_str(text);
    let values = documents.map(|document| serde::Deserialize::deserialize(document).expect("YAML"));
    values.filter(|value: &Value| !value.is_null()).collect()
}

/// Kind and name of an object.
pub fn id(object: &Value) -> String {
    format!(
        "{} {}",
        object["kind"].as_str().unwrap_or_default(),
        object["metadata"]["name"].as_str().unwrap_or_default()
    )
}
