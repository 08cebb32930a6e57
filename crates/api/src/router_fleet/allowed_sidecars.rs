//! Whose pods may have a router of a fleet: it knows the fleet's configuration, and reads its state store.

use std::collections::BTreeMap;

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::{NamespaceSource, NamespacesSpec};

/// Whose pods may have a router of their own that is like those of the fleet.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AllowedSidecarsSpec {
    /// The Kubernetes namespaces of the pods, beside that of the fleet, which always may.
    #[serde(default)]
    pub namespaces: NamespacesSpec,
}

impl AllowedSidecarsSpec {
    /// Whether it depends on the labels of the namespace `guest` if a pod there may have a router of a fleet in `home`.
    pub fn asks_for_labels(&self, home: &str, guest: &str) -> bool {
        home != guest && self.namespaces.from == NamespaceSource::Selector
    }

    /// Whether a pod in the namespace `guest` that has these labels may have a router of a fleet in `home`.
    ///
    /// # Errors
    /// Names the field to set.
    pub fn check(&self, home: &str, guest: &str, labels: &BTreeMap<String, String>) -> Result<(), String> {
        if home == guest || self.namespaces.choose(home, guest, labels) {
            return Ok(());
        }
        let found = match self.namespaces.from {
            NamespaceSource::Selector => {
                let wanted = self.namespaces.match_labels.iter().map(|(key, value)| format!("{key}={value}"));
                format!("matchLabels {}", wanted.collect::<Vec<_>>().join(","))
            }
            from => format!("from: {from:?}"),
        };
        Err(format!(
            "gives no routers to pods in the namespace {guest}: spec.allowedSidecars.namespaces: found {found}; expected \
             from: All, or from: Selector with matchLabels that {guest} has"
        ))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn pods_of_other_namespaces_need_an_allowance() {
        let labels = BTreeMap::from([("team".to_owned(), "a".to_owned())]);
        let check = |spec: Value, guest: &str| {
            let spec: AllowedSidecarsSpec = serde_json::from_value(spec).unwrap();
            spec.check("home", guest, &labels)
        };
        let of = |team: &str| json!({ "namespaces": { "from": "Selector", "matchLabels": { "team": team } } });
        let all = json!({ "namespaces": { "from": "All" } });
        for (spec, guest) in [(json!({}), "home"), (of("b"), "home"), (all, "guest"), (of("a"), "guest")] {
            assert_eq!(check(spec, guest), Ok(()));
        }
        for (spec, found) in [(json!({}), "from: Same"), (of("b"), "matchLabels team=b")] {
            let expected = format!(
                "gives no routers to pods in the namespace guest: spec.allowedSidecars.namespaces: found {found}; \
                 expected from: All, or from: Selector with matchLabels that guest has"
            );
            assert_eq!(check(spec, "guest"), Err(expected));
        }
    }
}
