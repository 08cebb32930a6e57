//! Real servers to compare: two nameservices of Apache Hadoop, its router, and ours.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anabranch_testkit::hadoop::Jars;
use anabranch_testkit::net::{free_address, wait_until};
use anabranch_testkit::scratch::Scratch;
use anyhow::{Context, Result, bail};

use crate::compare::Server;
use crate::op::MKDIRS;
use crate::process::Process;
use crate::session::Session;

mod hadoop;

use hadoop::Hadoop;

/// Where the servers keep what they measure on; a mount to the same path of `ns0`.
const ROOT: &str = "/data0";
const PATIENCE: Duration = Duration::from_secs(60);

/// Running servers; they end with the value.
pub struct Rig {
    servers: Vec<Server>,
    // Dropped in this order: the directory holds the others' files.
    _router: Router,
    _hadoop: Hadoop,
    _scratch: Scratch,
}

impl Rig {
    /// Starts them all and waits until each serves `user`. `program` is our router; `watch` is told what happens.
    pub fn start(program: &Path, user: &str, watch: &mut dyn FnMut(&str)) -> Result<Self> {
        let scratch = Scratch::new("bench")?;
        watch("fetching Hadoop, unless it is here already");
        let jars = Jars::get()?;
        watch("starting two NameNodes, a DataNode and the Java router");
        let hadoop = Hadoop::start(&jars, scratch.path(), user)?;
        let namenode = hadoop.rpc("ns0")?;
        Session::open(namenode, user)?.call(&MKDIRS, ROOT)?;
        wait_ready("java", hadoop.rpc("router")?, user, || None)?;
        watch("starting our router");
        let router = Router::start(program, &hadoop, scratch.path(), user)?;
        let namenode_pid = hadoop.pid("ns0")?;
        let on_namenode = || Process::new("namenode", namenode_pid);
        let router_process = |pid| vec![Process::new("router", pid), on_namenode()];
        let server = |name: &str, address, processes, jit| Server {
            name: name.to_owned(),
            address,
            root: ROOT.to_owned(),
            processes,
            jit,
        };
        let servers = vec![
            // The way through the Java router warms the NameNode up as well.
            server("direct", namenode, vec![on_namenode()], false),
            server("java", hadoop.rpc("router")?, router_process(hadoop.pid("router")?), true),
            server("ours", router.address, router_process(router.child.id()), false),
        ];
        Ok(Self { servers, _router: router, _hadoop: hadoop, _scratch: scratch })
    }

    /// The NameNode of `ns0` as `direct`, the Java router as `java`, our router as `ours`.
    pub fn servers(&self) -> &[Server] {
        &self.servers
    }
}

/// Our router as a process, killed when dropped.
struct Router {
    child: Child,
    address: SocketAddr,
}

impl Router {
    fn start(program: &Path, hadoop: &Hadoop, dir: &Path, user: &str) -> Result<Self> {
        let address = free_address()?;
        let conf = dir.join("router-conf");
        let mounts = dir.join("router-mounts");
        configure(hadoop, address, &conf, &mounts)?;
        let log = dir.join("router.log");
        let mut command = Command::new(program);
        command.arg("--conf").arg(&conf).arg("--mounts").arg(&mounts).stdin(Stdio::null());
        command.stdout(File::create(&log)?).stderr(File::options().append(true).open(&log)?);
        let child = command.spawn().with_context(|| {
            format!("{}: build it with `cargo build --release -p anabranch-cli`", program.display())
        })?;
        let mut router = Self { child, address };
        wait_ready("ours", address, user, || router.child.try_wait().ok().flatten()).with_context(|| tail(&log))?;
        Ok(router)
    }
}

/// Until a router serves its mounts, which is later than its port is open; `ended` tells when it never will.
fn wait_ready(
    name: &str,
    address: SocketAddr,
    user: &str,
    mut ended: impl FnMut() -> Option<ExitStatus>,
) -> Result<()> {
    let mut end = None;
    wait_until(&format!("the router `{name}` serves its mounts"), PATIENCE, || {
        end = ended();
        end.is_some() || Session::open(address, user).is_ok_and(|mut session| session.call(&MKDIRS, ROOT).is_ok())
    })?;
    match end {
        Some(status) => bail!("the router `{name}` ended: {status}"),
        None => Ok(()),
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The same federation as the Java router's: the files that it would read, and the mounts.
fn configure(hadoop: &Hadoop, address: SocketAddr, conf: &PathBuf, mounts: &PathBuf) -> Result<()> {
    fs::create_dir_all(conf)?;
    fs::create_dir_all(mounts)?;
    let http = free_address()?;
    fs::write(
        conf.join("hdfs-site.xml"),
        xml(&[
            ("dfs.nameservices", "ns0,ns1"),
            ("dfs.namenode.rpc-address.ns0", &hadoop.rpc("ns0")?.to_string()),
            ("dfs.namenode.rpc-address.ns1", &hadoop.rpc("ns1")?.to_string()),
        ]),
    )?;
    fs::write(
        conf.join("hdfs-rbf-site.xml"),
        xml(&[
            ("dfs.federation.router.rpc-address", &address.to_string()),
            ("dfs.federation.router.admin.enable", "false"),
            ("dfs.federation.router.http-address", &http.to_string()),
            ("dfs.federation.router.default.nameserviceId", "ns0"),
        ]),
    )?;
    Ok(fs::write(mounts.join("mounts.yaml"), MOUNTS)?)
}

const MOUNTS: &str = "\
apiVersion: anabranch.io/v1alpha1
kind: MountTable
metadata:
  name: bench
spec:
  entries:
    - path: /data0
      destinations: [{ nameservice: ns0, path: /data0 }]
    - path: /data1
      destinations: [{ nameservice: ns1, path: /data1 }]
";

fn xml(properties: &[(&str, &str)]) -> String {
    let property =
        |(name, value): &(&str, &str)| format!("  <property><name>{name}</name><value>{value}</value></property>\n");
    format!("<configuration>\n{}</configuration>\n", properties.iter().map(property).collect::<String>())
}

/// The last lines of a log, for whoever reads why a start failed.
fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_what_hadoop_reads() {
        let expected = "<configuration>\n  <property><name>a.b</name><value>1</value></property>\n</configuration>\n";
        assert_eq!(xml(&[("a.b", "1")]), expected);
    }
}
