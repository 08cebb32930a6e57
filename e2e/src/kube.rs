//! The cluster of this work tree, by way of `e2e/kube`.

mod java;

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::Value;

pub use java::java;

/// How long anything may take to come about.
const PATIENCE: Duration = Duration::from_secs(120);

/// A script of `e2e/kube`, in the root of the work tree.
pub fn command(name: &str, args: &[&str]) -> Command {
    let mut command = Command::new(format!("{}/kube/{name}", env!("CARGO_MANIFEST_DIR")));
    command.args(args).current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    command
}

/// Runs a command to its end; what it printed.
///
/// # Errors
/// The command and all that it printed, if it failed.
pub fn run(command: &mut Command, input: &str) -> Result<String> {
    let shown = format!("{command:?}");
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.with_context(|| shown.clone())?;
    let mut stdin = child.stdin.take().context("no standard input")?;
    let input = input.to_owned();
    // It may print before it has read all; one that reads nothing breaks the pipe.
    let writer = thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output()?;
    drop(writer.join());
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{shown}\n{stdout}{stderr}");
    Ok(stdout.into_owned())
}

/// Runs a script of `e2e/kube`.
///
/// # Errors
/// As of [`run`].
pub fn script(name: &str, args: &[&str], input: &str) -> Result<String> {
    run(&mut command(name, args), input)
}

/// Runs kubectl.
///
/// # Errors
/// What kubectl says.
pub fn kubectl(args: &[&str]) -> Result<String> {
    script("run", &[&["kubectl"][..], args].concat(), "")
}

/// Applies manifests.
///
/// # Errors
/// What kubectl says.
pub fn apply(manifests: &str) -> Result<()> {
    script("run", &["kubectl", "apply", "--server-side", "--force-conflicts", "-f", "-"], manifests).map(drop)
}

/// Runs helm.
///
/// # Errors
/// What helm says.
pub fn helm(args: &[&str]) -> Result<String> {
    script("run", &[&["helm"][..], args].concat(), "")
}

/// Runs a command among the files and processes of the node.
///
/// # Errors
/// What it wrote to standard error, if it failed.
pub fn on_node(args: &[&str]) -> Result<String> {
    script("run", &[&["--node"][..], args].concat(), "")
}

/// Starts the cluster if it is not up, with the images of our programs.
///
/// # Errors
/// Why there is none.
pub fn start() -> Result<()> {
    script("up", &[], "")?;
    script("images", &["debug"], "").map(drop)
}

/// The address of this machine that pods reach.
///
/// # Errors
/// When the cluster is not up.
pub fn host() -> Result<String> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/kube/state/host");
    Ok(fs::read_to_string(file).context("the cluster is not up")?.trim().to_owned())
}

/// Creates an object, or only tries to with further `options`, and returns what the API server made of it.
///
/// # Errors
/// What kubectl says.
pub fn create(object: &Value, options: &[&str]) -> Result<Value> {
    let args = [&["kubectl", "create", "-o", "json", "-f", "-"][..], options].concat();
    Ok(serde_json::from_str(&script("run", &args, &object.to_string())?)?)
}

/// An object, or a list of them.
///
/// # Errors
/// What kubectl says.
pub fn get(args: &[&str]) -> Result<Value> {
    Ok(serde_json::from_str(&kubectl(&[&["get", "-o", "json"][..], args].concat())?)?)
}

/// The objects in a stream of YAML documents.
///
/// # Errors
/// What is not YAML.
pub fn objects(text: &str) -> Result<Vec<Value>> {
    let documents = serde_yaml::Deserializer::from_str(text).map(Value::deserialize);
    Ok(documents.filter(|object| !matches!(object, Ok(Value::Null))).collect::<Result<_, _>>()?)
}

/// Waits until there is something.
///
/// # Errors
/// When it takes too long: what was missing at last.
pub fn until<T>(what: &str, mut find: impl FnMut() -> Result<T>) -> Result<T> {
    let end = Instant::now() + PATIENCE;
    loop {
        match find() {
            Ok(found) => return Ok(found),
            Err(error) if Instant::now() > end => bail!("{what}: not within {PATIENCE:?}: {error:#}"),
            Err(_) => thread::sleep(Duration::from_millis(300)),
        }
    }
}

/// Waits until a condition of an object holds.
///
/// # Errors
/// When it takes too long.
pub fn wait_for(condition: &str, object: &[&str]) -> Result<()> {
    let condition = format!("--for={condition}");
    until(&condition, || kubectl(&[&["wait", &condition, "--timeout=20s"][..], object].concat()).map(drop))
}
