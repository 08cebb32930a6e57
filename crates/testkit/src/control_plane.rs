//! A Kubernetes control plane without nodes: etcd, an API server, and the controllers that collect garbage and end
//! namespaces. Nothing is scheduled, and no pod runs. The programs are those that `e2e/kube/build` makes.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::certificates::Authority;
use crate::hadoop::workspace;
use crate::net::{free_address, wait_until};
use crate::scratch::Scratch;

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// What of requests is written down: who asked for what, no bodies.
const AUDIT: &str = "apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - {level: None, verbs: [get, list, watch]}
  - {level: None, users: [controllers]}
  - level: Metadata
";

/// Who may do everything; the name is the token.
const USERS: [&str; 3] = ["test", "operator", "controllers"];

/// A control plane. It ends when dropped.
pub struct ControlPlane {
    // Dropped in this order: who asks before who answers.
    _controllers: Process,
    _api: Process,
    _etcd: Process,
    scratch: Scratch,
}

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl ControlPlane {
    /// Starts one on loopback ports of its own.
    pub fn start() -> Result<Self> {
        let programs = programs()?;
        let scratch = Scratch::new("control-plane")?;
        let dir = scratch.path();
        let path = |name: &str| dir.join(name).display().to_string();
        let start = |name: &str, args: &[String]| -> Result<Process> {
            let log = File::create(dir.join(format!("{name}.log")))?;
            let mut command = Command::new(programs.join(name));
            command.args(args).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
            Ok(Process(command.spawn().with_context(|| format!("starting {name}"))?))
        };

        let [etcd, peers, address] = [free_address()?, free_address()?, free_address()?];
        let etcd_args = [
            format!("--data-dir={}", path("etcd")),
            format!("--listen-client-urls=http://{etcd}"),
            format!("--advertise-client-urls=http://{etcd}"),
            format!("--listen-peer-urls=http://{peers}"),
            format!("--initial-advertise-peer-urls=http://{peers}"),
            format!("--initial-cluster=default=http://{peers}"),
            "--unsafe-no-fsync".to_owned(),
            "--log-level=warn".to_owned(),
        ];
        let authority = Authority::new("control plane")?;
        let (certificate, key) = authority.issue(&address.ip().to_string())?.write(dir, "api")?;
        let (certificate, key) = (certificate.display(), key.display());
        let users = USERS.map(|user| format!("{user},{user},{user},system:masters\n"));
        fs::write(dir.join("users.csv"), users.concat())?;
        fs::write(dir.join("audit.yaml"), AUDIT)?;
        let api_args = [
            format!("--etcd-servers=http://{etcd}"),
            format!("--bind-address={}", address.ip()),
            format!("--secure-port={}", address.port()),
            format!("--tls-cert-file={certificate}"),
            format!("--tls-private-key-file={key}"),
            format!("--token-auth-file={}", path("users.csv")),
            "--authorization-mode=RBAC".to_owned(),
            "--disable-admission-plugins=ServiceAccount".to_owned(),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            format!("--service-account-key-file={certificate}"),
            format!("--service-account-signing-key-file={key}"),
            "--service-cluster-ip-range=10.0.0.0/16".to_owned(),
            // Nobody calls this one by its Service.
            "--endpoint-reconciler-type=none".to_owned(),
            format!("--audit-policy-file={}", path("audit.yaml")),
            format!("--audit-log-path={}", path("audit.jsonl")),
        ];
        let controller_args = [
            format!("--kubeconfig={}", path("controllers.json")),
            "--controllers=garbage-collector-controller,namespace-controller".to_owned(),
            "--leader-elect=false".to_owned(),
            "--secure-port=0".to_owned(),
        ];
        fs::write(dir.join("authority.crt"), authority.pem())?;
        for user in USERS {
            let kubeconfig = kubeconfig(address, &dir.join("authority.crt"), user);
            fs::write(dir.join(format!("{user}.json")), kubeconfig.to_string())?;
        }
        let _etcd = start("etcd", &etcd_args)?;
        let mut _api = start("kube-apiserver", &api_args)?;
        let ready = || {
            let mut kubectl = Command::new(programs.join("kubectl"));
            kubectl.args(["--kubeconfig", &path("test.json"), "get", "--raw", "/readyz"]);
            kubectl.output().is_ok_and(|output| output.status.success())
                || _api.0.try_wait().is_ok_and(|it| it.is_some())
        };
        let waited = wait_until("the API server is ready", PATIENCE, ready);
        if let Some(error) = ended(&mut _api).or(waited.err()) {
            let log = fs::read_to_string(dir.join("kube-apiserver.log")).unwrap_or_default();
            let tail: Vec<&str> = log.lines().rev().take(20).collect();
            bail!("{error}\n{}", tail.into_iter().rev().collect::<Vec<_>>().join("\n"));
        }
        let _controllers = start("kube-controller-manager", &controller_args)?;
        Ok(Self { _controllers, _api, _etcd, scratch })
    }

    /// The kubeconfig of `test` or `operator`.
    pub fn kubeconfig(&self, user: &str) -> PathBuf {
        self.scratch.path().join(format!("{user}.json"))
    }

    /// The log of all requests that write: one JSON object a line.
    pub fn audit_log(&self) -> PathBuf {
        self.scratch.path().join("audit.jsonl")
    }
}

fn ended(process: &mut Process) -> Option<anyhow::Error> {
    let status = process.0.try_wait().ok().flatten()?;
    Some(anyhow::anyhow!("the API server ended: {status}"))
}

fn kubeconfig(address: SocketAddr, authority: &Path, user: &str) -> Value {
    let named = |name: &str, what: &str, content: Value| json!([{ "name": name, what: content }]);
    let cluster = json!({ "server": format!("https://{address}"), "certificate-authority": authority });
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": named("test", "cluster", cluster),
        "users": named(user, "user", json!({ "token": user })),
        "contexts": named("test", "context", json!({ "cluster": "test", "user": user })),
        "current-context": "test",
    })
}

/// The directory of the programs; `e2e/kube/lib.sh` knows its name.
fn programs() -> Result<PathBuf> {
    let library = workspace().join("e2e/kube/lib.sh");
    let script = format!(". {} && built && echo $programs", library.display());
    let output = Command::new("bash").args(["-c", &script]).output().context("starting bash")?;
    if !output.status.success() {
        bail!("Kubernetes is not built: run e2e/kube/build");
    }
    Ok(Path::new(String::from_utf8(output.stdout)?.trim()).to_owned())
}
