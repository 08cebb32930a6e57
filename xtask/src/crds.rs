//! `crds/`, and the same files in the chart, from the custom resource types.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::committed::Committed;

/// What stands on top of each file.
const HEADER: &str = "# Generated from crates/api by `cargo xtask crds`.\n";

/// Where they go: for whoever applies them by hand, and for Helm, which reads nothing outside of a chart.
const DIRS: [&str; 2] = ["crds", "charts/anabranch/crds"];

/// Writes (or with `check` compares) one file per kind.
pub fn generate(check: bool) -> anyhow::Result<()> {
    let committed = Committed { task: "crds", check };
    for definition in anabranch_api::definitions() {
        // By way of JSON values, whose maps are sorted: the output does not depend on the order of fields in libraries.
        let value = serde_json::to_value(&definition)?;
        let text = serde_yaml::to_string(&value)?;
        let name = definition.metadata.name.context("a definition without a name")?;
        for dir in DIRS {
            committed.settle(&target(dir, &name), format!("{HEADER}{text}").as_bytes())?;
        }
    }
    Ok(())
}

fn target(dir: &str, name: &str) -> PathBuf {
    let plural = name.split('.').next().unwrap_or(name);
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(dir).join(format!("{plural}.yaml"))
}
