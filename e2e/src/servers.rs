//! Our programs with the federation that all suites use: `/data0` in subcluster `ns0`, `/data1` in `ns1`.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anabranch_testkit::hadoop::Cluster;
use anabranch_testkit::process::{Launch, Program, user};
use anabranch_testkit::{http, net};
use anyhow::{Context, Result};

/// Much more than any program needs, for machines that are busy otherwise.
const START: Duration = Duration::from_secs(60);

const MOUNTS: &str = "\
apiVersion: anabranch.io/v1alpha1
kind: MountTable
metadata:
  name: data
spec:
  entries:
    - path: /data0
      destinations:
        - nameservice: ns0
          path: /data0
    - path: /data1
      destinations:
        - nameservice: ns1
          path: /data1
";

/// Home directories, and paths by inode number, belong to no mount.
const FLEET: &str = "\
apiVersion: anabranch.io/v1alpha1
kind: RouterFleet
metadata:
  name: routers
spec:
  replicas: 1
  defaultNameservice: ns0
";

/// A router of ours that serves.
pub struct Router {
    /// The process.
    pub program: Program,
    /// Where it speaks Hadoop RPC.
    pub rpc: SocketAddr,
    /// Where it answers `/isActive` and `/metrics`.
    pub http: SocketAddr,
}

impl Router {
    /// `hdfs://host:port`.
    pub fn uri(&self) -> String {
        format!("hdfs://{}", self.rpc)
    }

    /// Starts `launch`, which listens on the given addresses, and waits until it serves.
    pub fn start(launch: &Launch, rpc: SocketAddr, http: SocketAddr) -> Result<Self> {
        let mut router = Self { program: launch.start()?, rpc, http };
        router.await_active()?;
        Ok(router)
    }

    fn await_active(&mut self) -> Result<()> {
        let address = self.http.to_string();
        let active = || http::get(&address, "/isActive").is_ok_and(|answer| answer.status == 200);
        let waited = net::wait_until("/isActive answers 200", START, || active() || self.program.has_ended());
        waited
            .and_then(|()| {
                anyhow::ensure!(!self.program.has_ended(), "it ended");
                Ok(())
            })
            .with_context(|| self.program.tail())
    }
}

/// The directory of manifests of a federation of two embedded subclusters.
pub fn manifests(dir: &Path) -> Result<PathBuf> {
    let manifests = dir.join("manifests");
    fs::create_dir_all(&manifests)?;
    for ns in ["ns0", "ns1"] {
        let text = format!(
            "apiVersion: anabranch.io/v1alpha1\nkind: Subcluster\nmetadata:\n  name: {ns}\n\
             spec:\n  nameserviceId: {ns}\n  type: Embedded\n"
        );
        fs::write(manifests.join(format!("{ns}.yaml")), text)?;
    }
    fs::write(manifests.join("fleet.yaml"), FLEET)?;
    fs::write(manifests.join("mounts.yaml"), MOUNTS)?;
    Ok(manifests)
}

/// How to start `anabranch local` with its data in `dir/data`.
pub fn local_launch(dir: &Path, manifests: &Path, rpc: SocketAddr, http: SocketAddr) -> Launch {
    let args: [OsString; 11] = [
        "local".into(),
        "-f".into(),
        manifests.into(),
        "--data".into(),
        dir.join("data").into(),
        "--rpc-address".into(),
        rpc.to_string().into(),
        "--admin-address".into(),
        "127.0.0.1:0".into(),
        "--http-address".into(),
        http.to_string().into(),
    ];
    Launch::new("anabranch").args(args)
}

/// Starts `anabranch local`: a router and two embedded subclusters.
pub fn local(dir: &Path) -> Result<Router> {
    local_expecting(dir, &[])
}

/// The same, where warnings with one of the given texts are no surprise.
pub fn local_expecting(dir: &Path, warnings: &[&str]) -> Result<Router> {
    let (rpc, http) = (net::free_address()?, net::free_address()?);
    let manifests = manifests(dir)?;
    let launch = local_launch(dir, &manifests, rpc, http);
    let launch = warnings.iter().fold(launch, |launch, text| launch.expect_log(text));
    Router::start(&launch, rpc, http)
}

/// Starts `anabranch-router` before the two nameservices of `cluster`.
pub fn router_before(cluster: &Cluster, dir: &Path) -> Result<Router> {
    let (rpc, http) = (net::free_address()?, net::free_address()?);
    let launch =
        router_launch(&dir.join("router"), &[("ns0", cluster.rpc("ns0")), ("ns1", cluster.rpc("ns1"))], rpc, http)?;
    Router::start(&launch, rpc, http)
}

/// A mount: its path, its order if it has several destinations, and these.
pub type Mount<'a> = (&'a str, Option<&'a str>, &'a [(&'a str, &'a str)]);

/// Starts `anabranch-router` before some nameservices of `cluster` with these mounts.
pub fn router_with_mounts(
    cluster: &Cluster,
    dir: &Path,
    nameservices: &[&str],
    mounts: &[Mount<'_>],
) -> Result<Router> {
    let (rpc, http) = (net::free_address()?, net::free_address()?);
    let known: Vec<(&str, &str)> = nameservices.iter().map(|ns| (*ns, cluster.rpc(ns))).collect();
    let launch = router_launch(dir, &known, rpc, http)?;
    let mut text =
        "apiVersion: anabranch.io/v1alpha1\nkind: MountTable\nmetadata:\n  name: data\nspec:\n  entries:\n".to_owned();
    for (path, order, destinations) in mounts {
        let _ = writeln!(text, "    - path: {path}");
        if let Some(order) = order {
            let _ = writeln!(text, "      order: {order}");
        }
        text += "      destinations:\n";
        for (nameservice, path) in *destinations {
            let _ = writeln!(text, "        - nameservice: {nameservice}\n          path: {path}");
        }
    }
    fs::write(dir.join("mounts/mounts.yaml"), text)?;
    Router::start(&launch, rpc, http)
}

/// How to start `anabranch-router` before NameNodes at the given addresses, its files in `dir`.
pub fn router_launch(dir: &Path, nameservices: &[(&str, &str)], rpc: SocketAddr, http: SocketAddr) -> Result<Launch> {
    let (conf, mounts) = (dir.join("conf"), dir.join("mounts"));
    fs::create_dir_all(&conf)?;
    fs::create_dir_all(&mounts)?;
    fs::write(mounts.join("mounts.yaml"), MOUNTS)?;
    let names: Vec<&str> = nameservices.iter().map(|(name, _)| *name).collect();
    let mut hdfs = vec![("dfs.nameservices".to_owned(), names.join(","))];
    let address = |(name, address): &(&str, &str)| (format!("dfs.namenode.rpc-address.{name}"), (*address).to_owned());
    hdfs.extend(nameservices.iter().map(address));
    let router = [
        ("dfs.federation.router.rpc-address".to_owned(), rpc.to_string()),
        ("dfs.federation.router.admin-address".to_owned(), "127.0.0.1:0".to_owned()),
        ("dfs.federation.router.http-address".to_owned(), http.to_string()),
        // Home directories, and paths by inode number, belong to no mount.
        (
            "dfs.federation.router.default.nameserviceId".to_owned(),
            names.first().copied().unwrap_or_default().to_owned(),
        ),
    ];
    let core = [("hadoop.proxyuser.".to_owned() + &user() + ".hosts", "*".to_owned())];
    for (file, properties) in [("core-site.xml", &core[..]), ("hdfs-site.xml", &hdfs), ("hdfs-rbf-site.xml", &router)] {
        fs::write(conf.join(file), hadoop_xml(properties))?;
    }
    let args: [OsString; 4] = ["--conf".into(), conf.into(), "--mounts".into(), mounts.into()];
    Ok(Launch::new("anabranch-router").args(args))
}

/// A router of ours that was told this and that.
pub struct Configured {
    /// The router.
    pub router: Router,
    /// Where it serves administrators.
    pub admin: SocketAddr,
    launch: Launch,
}

impl Configured {
    /// SIGKILL.
    pub fn kill(&mut self) -> Result<()> {
        self.router.program.kill()
    }

    /// Starts it again where it was, after it has ended.
    pub fn restart(&mut self) -> Result<()> {
        self.router = Router::start(&self.launch, self.router.rpc, self.router.http)?;
        Ok(())
    }
}

/// Starts `anabranch-router` with these properties, on free ports, its files in `dir`. Warnings with one of the given texts
/// are no surprise.
pub fn router_configured<K: Into<String>>(
    dir: &Path,
    properties: impl IntoIterator<Item = (K, String)>,
    warnings: &[&str],
) -> Result<Configured> {
    let (rpc, admin, http) = (net::free_address()?, net::free_address()?, net::free_address()?);
    let ports = [
        ("dfs.federation.router.rpc-address", rpc),
        ("dfs.federation.router.admin-address", admin),
        ("dfs.federation.router.http-address", http),
    ];
    let ports = ports.map(|(key, address)| (key.to_owned(), address.to_string()));
    let all = properties.into_iter().map(|(key, value)| (key.into(), value)).chain(ports);
    let (own, shared): (Vec<_>, Vec<_>) = all.partition(|(key, _)| key.starts_with("dfs.federation.router."));
    fs::create_dir_all(dir)?;
    fs::write(dir.join("hdfs-site.xml"), hadoop_xml(&shared))?;
    fs::write(dir.join("hdfs-rbf-site.xml"), hadoop_xml(&own))?;
    let launch = Launch::new("anabranch-router").args([OsString::from("--conf"), dir.into()]);
    let launch = warnings.iter().fold(launch, |launch, text| launch.expect_log(text));
    Ok(Configured { router: Router::start(&launch, rpc, http)?, admin, launch })
}

/// The same before the two nameservices of `cluster`, with a state store of its own, its files in `dir`: what a Java router is
/// compared with that was told the same. Warnings with one of the given texts are no surprise.
pub fn router_compared(cluster: &Cluster, dir: &Path, told: &[(&str, &str)], warnings: &[&str]) -> Result<Configured> {
    let own = [
        ("dfs.federation.router.store.driver.class", "rocksdb".to_owned()),
        ("dfs.federation.router.store.driver.file.directory", dir.join("store").display().to_string()),
    ];
    let told = told.iter().map(|(key, value)| (*key, (*value).to_owned()));
    router_configured(&dir.join("conf"), nameservices(cluster).into_iter().chain(own).chain(told), warnings)
}

/// What a router must know of the two nameservices of `cluster`.
pub fn nameservices(cluster: &Cluster) -> [(&'static str, String); 5] {
    [
        ("dfs.nameservices", "ns0,ns1".to_owned()),
        ("dfs.namenode.rpc-address.ns0", cluster.rpc("ns0").to_owned()),
        ("dfs.namenode.rpc-address.ns1", cluster.rpc("ns1").to_owned()),
        ("dfs.namenode.http-address.ns0", cluster.http("ns0").to_owned()),
        ("dfs.namenode.http-address.ns1", cluster.http("ns1").to_owned()),
    ]
}

/// A Hadoop configuration file.
pub fn hadoop_xml(properties: &[(String, String)]) -> String {
    let mut xml = String::from("<?xml version=\"1.0\"?>\n<configuration>\n");
    for (name, value) in properties {
        let _ = writeln!(xml, "  <property><name>{name}</name><value>{value}</value></property>");
    }
    xml + "</configuration>\n"
}
