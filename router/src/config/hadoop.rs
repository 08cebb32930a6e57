//! Hadoop's configuration files, read into a [`RouterConfig`].
//!
//! The files are those that the Java router reads: `core-site.xml`, `hdfs-site.xml` and `hdfs-rbf-site.xml` of one
//! directory, later ones over earlier ones, `-D` settings over all. What each key means is a row of [`keys::all`].

mod draft;
mod fairness;
pub mod keys;
mod monitored;
mod properties;
mod proxy_users;
mod store;
mod topology;
mod value;
mod xml;

use std::path::{Path, PathBuf};

use self::draft::Draft;
use self::keys::{Key, NOT_IMPLEMENTED, ROUTER_PREFIX};
pub use self::properties::{Environment, Properties};
pub use self::store::ENSEMBLE_KEYS;
use super::{Effective, Property, RouterConfig, StoreChoice, ZooKeeperConfig};

/// The files, in the order in which they are read.
pub const FILES: [&str; 3] = ["core-site.xml", "hdfs-site.xml", "hdfs-rbf-site.xml"];

/// What the files came to.
#[derive(Debug)]
pub struct Loaded {
    /// The router's configuration.
    pub config: RouterConfig,
    /// The state store.
    pub store: StoreChoice,
    /// `anabranch.router.mounts.dir`, if set.
    pub mounts_dir: Option<PathBuf>,
    /// Keys of the Java router that are set but mean nothing here, sorted.
    pub not_implemented: Vec<String>,
    /// Keys with the router's prefix that no router knows, sorted: spelling mistakes, most of the time.
    pub unknown: Vec<String>,
}

/// Why configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or directory cannot be read.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file or directory.
        path: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// There is no configuration in the directory.
    #[error("{dir} has none of {}", FILES.join(", "))]
    NoFiles {
        /// The directory.
        dir: String,
    },
    /// A file is not what Hadoop would read.
    #[error("{file}:{line}: {problem}")]
    Xml {
        /// The file.
        file: String,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// A key has a value that is not accepted.
    #[error("{key} = {value:?} ({origin}): expected {accepted}")]
    Value {
        /// The key.
        key: String,
        /// Its value, expanded.
        value: String,
        /// File and line, or `-D`.
        origin: String,
        /// What is accepted.
        accepted: String,
    },
    /// A key that must be set is not.
    #[error("{key} is not set; expected {accepted}, since {reason}")]
    Missing {
        /// The key.
        key: String,
        /// What is accepted.
        accepted: String,
        /// What makes it necessary.
        reason: String,
    },
}

/// Reads a directory, if there is one, with settings that override what its files say.
///
/// # Errors
/// The first thing that cannot be used, by file and line or key and value.
pub fn load(dir: Option<&Path>, overrides: &[(String, String)], environment: Environment) -> Result<Loaded, Error> {
    interpret(&read(dir, overrides, environment)?)
}

/// What a directory, if there is one, and settings over its files say of a ZooKeeper ensemble, if they name one. The keys
/// are [`ENSEMBLE_KEYS`].
///
/// # Errors
/// As [`load`].
pub fn ensemble(
    dir: Option<&Path>,
    overrides: &[(String, String)],
    environment: Environment,
) -> Result<Option<ZooKeeperConfig>, Error> {
    store::ensemble(&read(dir, overrides, environment)?)
}

fn read(dir: Option<&Path>, overrides: &[(String, String)], environment: Environment) -> Result<Properties, Error> {
    let mut properties = Properties::new(environment);
    if let Some(dir) = dir {
        add_files(&mut properties, dir)?;
    }
    for (key, value) in overrides {
        properties.set(key, value);
    }
    Ok(properties)
}

fn add_files(properties: &mut Properties, dir: &Path) -> Result<(), Error> {
    let mut found = false;
    for name in FILES {
        let path = dir.join(name);
        match std::fs::read_to_string(&path) {
            Ok(text) => properties.add_file(&path.display().to_string(), &text)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(source) => return Err(Error::Io { path: path.display().to_string(), source }),
        }
        found = true;
    }
    if !found {
        let exists = std::fs::read_dir(dir).map_err(|source| Error::Io { path: dir.display().to_string(), source });
        return Err(exists.err().unwrap_or(Error::NoFiles { dir: dir.display().to_string() }));
    }
    Ok(())
}

/// What properties mean.
///
/// # Errors
/// The first value that is not accepted, or key that is missing.
pub fn interpret(properties: &Properties) -> Result<Loaded, Error> {
    let mut draft = Draft::new(properties.environment());
    for key in keys::all() {
        if let Some(value) = properties.get(key.name)?.filter(|value| !value.is_empty()) {
            key.apply(&mut draft, &value).map_err(|()| properties.refused(key.name, &value, key.accepted()))?;
        }
    }
    draft.config.limits.reserved = fairness::reserved(properties)?;
    draft.config.proxy_users = proxy_users::read(properties)?;
    draft.config.nameservices = topology::nameservices(properties, &draft.monitored)?;
    if draft.namenode_heartbeat.unwrap_or(draft.config.heartbeat.router) {
        let served = &draft.config.nameservices.clone();
        for namenode in monitored::namenodes(properties, served, draft.local_namenode)? {
            let several = monitored::stands_for_several(properties, &namenode)?;
            let heartbeat = &mut draft.config.heartbeat;
            if several { heartbeat.resolved.push(namenode) } else { heartbeat.namenodes.push(namenode) }
        }
    }
    let (mut config, mounts_dir) = draft.finish(properties)?;
    config.effective = effective(properties);
    let store = store::read(properties)?;
    let (not_implemented, unknown) = without_meaning(properties);
    Ok(Loaded { config, store, mounts_dir, not_implemented, unknown })
}

/// What is set, and the defaults of what is not.
fn effective(properties: &Properties) -> Effective {
    let mut shown = properties.shown();
    let unset = keys::all().filter(|key| !key.default.is_empty() && !shown.iter().any(|set| set.name == key.name));
    let defaults: Vec<Property> = unset.map(Key::default_property).collect();
    shown.extend(defaults);
    shown.sort_by(|a, b| a.name.cmp(&b.name));
    Effective::new(shown)
}

/// Keys that are set but change nothing: those that the Java router knows, and those that nobody does.
fn without_meaning(properties: &Properties) -> (Vec<String>, Vec<String>) {
    let served = |name: &str| keys::all().any(|key| key.covers(name));
    let known = |name: &str| NOT_IMPLEMENTED.iter().any(|known| keys::covers(known, name));
    let set = properties.names().filter(|name| !served(name));
    let (known, others): (Vec<_>, Vec<_>) = set.partition(|name| known(name));
    let unknown = others.into_iter().filter(|name| name.starts_with(ROUTER_PREFIX) || name.starts_with("anabranch."));
    (known.into_iter().map(str::to_owned).collect(), unknown.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests;
