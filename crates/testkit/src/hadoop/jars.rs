use std::collections::hash_map::DefaultHasher;
use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

/// Hadoop's jars, fetched once through Maven, and the small Java programs of `e2e/hadoop` compiled against them.
///
/// Both are kept below `ANABRANCH_CACHE` (default `~/.cache/anabranch`) in directories named by what they were made
/// from, so a changed source or version is never mixed with an old one.
#[derive(Debug, Clone)]
pub struct Jars {
    lib: PathBuf,
    classes: PathBuf,
}

impl Jars {
    /// Fetches and compiles what is missing. Concurrent callers wait for the first.
    pub fn get() -> Result<Self> {
        let source = workspace().join("e2e/hadoop");
        let pom = source.join("pom.xml");
        let cache = cache_dir()?.join("hadoop-3.4.2");
        fs::create_dir_all(&cache).with_context(|| format!("creating {}", cache.display()))?;
        let lock = File::create(cache.join("lock"))?;
        lock.lock().context("locking the jar cache")?;

        let mut hasher = DefaultHasher::new();
        let lib = fetched(&pom, &cache, &mut hasher)?;

        let java = sorted_files(&source.join("src"))?;
        let log4j = source.join("log4j.properties");
        for file in java.iter().chain([&log4j]) {
            fs::read(file)?.hash(&mut hasher);
        }
        let classes = cache.join(format!("classes-{:016x}", hasher.finish()));
        make_once(&classes, |scratch| compile(&java, &log4j, &lib, scratch))?;
        Ok(Self { lib, classes })
    }

    /// The same programs with another ZooKeeper in place of Hadoop's jars, that of `e2e/hadoop/zookeeper-<version>.xml`: good
    /// for its server only.
    pub fn with_zookeeper(self, version: &str) -> Result<Self> {
        let cache = cache_dir()?.join("hadoop-3.4.2");
        let lock = File::create(cache.join("lock"))?;
        lock.lock().context("locking the jar cache")?;
        let pom = workspace().join(format!("e2e/hadoop/zookeeper-{version}.xml"));
        Ok(Self { lib: fetched(&pom, &cache, &mut DefaultHasher::new())?, ..self })
    }

    /// The value of `-cp`.
    pub fn class_path(&self) -> OsString {
        let mut path = self.classes.clone().into_os_string();
        path.push(":");
        path.push(self.lib.join("*"));
        path
    }
}

/// The program `name` of the JDK that `JAVA_HOME` or `PATH` gives.
pub(super) fn jdk(name: &str) -> PathBuf {
    match env::var_os("JAVA_HOME") {
        Some(home) if !home.is_empty() => Path::new(&home).join("bin").join(name),
        _ => PathBuf::from(name),
    }
}

/// Where things are kept that are slow to get.
fn cache_dir() -> Result<PathBuf> {
    if let Some(dir) = env::var_os("ANABRANCH_CACHE") {
        return Ok(PathBuf::from(dir));
    }
    if let Some(dir) = env::var_os("XDG_CACHE_HOME") {
        return Ok(Path::new(&dir).join("anabranch"));
    }
    let home = env::var_os("HOME").context("HOME is not set; set ANABRANCH_CACHE to a directory for Hadoop's jars")?;
    Ok(Path::new(&home).join(".cache/anabranch"))
}

/// The top of the source tree.
pub(crate) fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// Renames the finished directory last, so that a broken one is never taken for whole.
fn make_once(target: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    if target.exists() {
        return Ok(());
    }
    let scratch = target.with_extension("partial");
    if scratch.exists() {
        fs::remove_dir_all(&scratch)?;
    }
    fs::create_dir_all(&scratch)?;
    make(&scratch)?;
    fs::rename(&scratch, target).with_context(|| format!("creating {}", target.display()))
}

/// The directory of the jars that a project needs.
fn fetched(pom: &Path, cache: &Path, hasher: &mut DefaultHasher) -> Result<PathBuf> {
    fs::read(pom)?.hash(hasher);
    let lib = cache.join(format!("lib-{:016x}", hasher.finish()));
    make_once(&lib, |scratch| fetch(pom, scratch))?;
    Ok(lib)
}

fn fetch(pom: &Path, into: &Path) -> Result<()> {
    let mut maven = Command::new("mvn");
    maven.args(["-q", "-B", "-f"]).arg(pom).arg("dependency:copy-dependencies");
    maven.arg(format!("-DoutputDirectory={}", into.display()));
    run(maven, "Maven (Debian: apt-get install maven)")?;
    ensure!(into.read_dir()?.count() > 4, "Maven fetched too few jars into {}", into.display());
    Ok(())
}

fn compile(java: &[PathBuf], log4j: &Path, lib: &Path, into: &Path) -> Result<()> {
    let mut javac = Command::new(jdk("javac"));
    javac.args(["-nowarn", "-proc:none", "-d"]).arg(into).arg("-cp").arg(lib.join("*")).args(java);
    run(javac, "a JDK (Debian: apt-get install default-jdk-headless)")?;
    fs::copy(log4j, into.join("log4j.properties"))?;
    // The jars carry no web applications, but the daemons' HTTP servers insist on finding their directories.
    for name in ["hdfs", "datanode", "journal", "router", "static"] {
        fs::create_dir_all(into.join("webapps").join(name))?;
    }
    Ok(())
}

fn run(mut command: Command, needs: &str) -> Result<()> {
    let output = command.output().with_context(|| format!("{command:?}: needs {needs}"))?;
    if !output.status.success() {
        bail!(
            "{command:?} failed:\n{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}

fn sorted_files(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut files = dir.read_dir()?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.sort();
    Ok(files)
}
