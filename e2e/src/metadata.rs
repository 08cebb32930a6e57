//! What `cargo metadata` says about the workspace and all it depends on.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// A package.
#[derive(Debug, Clone)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its licence expression, if it has one.
    pub licence: Option<String>,
    /// Where it comes from; the workspace's own come from nowhere.
    pub source: Option<String>,
    /// Ids of the packages that it needs when it runs, on Linux.
    pub needs: Vec<String>,
}

/// All packages by id.
#[derive(Debug, Clone)]
pub struct Graph {
    /// By id.
    pub packages: BTreeMap<String, Package>,
}

impl Graph {
    /// Asks cargo.
    ///
    /// # Panics
    /// If cargo does not answer.
    pub fn load() -> Self {
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--format-version=1", "--locked", "--filter-platform=x86_64-unknown-linux-gnu"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("cargo metadata");
        assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
        Self::read(&serde_json::from_slice(&output.stdout).expect("JSON of cargo metadata"))
    }

    fn read(metadata: &Value) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let mut needs: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for node in list(&metadata["resolve"]["nodes"]) {
            let normal = |dep: &Value| list(&dep["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
            let ids =
                list(&node["deps"]).iter().filter(|dep| normal(dep)).filter_map(|dep| text(&dep["pkg"])).collect();
            needs.insert(text(&node["id"]).expect("an id"), ids);
        }
        let mut packages = BTreeMap::new();
        for package in list(&metadata["packages"]) {
            let id = text(&package["id"]).expect("an id");
            let Some(needs) = needs.remove(&id) else { continue };
            let (name, licence) = (text(&package["name"]).expect("a name"), text(&package["license"]));
            packages.insert(id, Package { name, licence, source: text(&package["source"]), needs });
        }
        Self { packages }
    }

    /// Packages of the workspace.
    pub fn own(&self) -> impl Iterator<Item = (&String, &Package)> {
        self.packages.iter().filter(|(_, package)| package.source.is_none())
    }

    /// Names of all packages that `id` needs, directly or not.
    pub fn reach(&self, id: &str) -> BTreeSet<&str> {
        let (mut names, mut seen, mut open) = (BTreeSet::new(), BTreeSet::new(), vec![id]);
        while let Some(id) = open.pop() {
            for next in self.packages.get(id).into_iter().flat_map(|package| &package.needs) {
                if seen.insert(next) {
                    names.insert(self.packages[next].name.as_str());
                    open.push(next);
                }
            }
        }
        names
    }
}
