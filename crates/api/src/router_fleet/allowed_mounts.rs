//! Who may mount what: decided by the fleet, as a Gateway decides which routes may attach to it.

use std::collections::BTreeMap;

use anabranch_federation::{MountEntry, MountPath};
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::field::{FieldPath, Findings};
use crate::words::{NAMESERVICE_PATTERN, PATH_PATTERN};

/// What MountTables in some Kubernetes namespaces may mount.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AllowedMountsSpec {
    /// Which namespaces.
    #[serde(default)]
    pub namespaces: NamespacesSpec,
    /// Paths at and below which they may mount; everywhere if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 4096), regex(pattern = PATH_PATTERN)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub path_prefixes: Vec<String>,
    /// Nameservices that they may mount; all if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(min = 1, max = 128), regex(pattern = NAMESERVICE_PATTERN)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub nameservices: Vec<String>,
}

/// Chooses Kubernetes namespaces.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[x_kube(validation = Rule::new("self.from == 'Selector' ? has(self.matchLabels) && size(self.matchLabels) > 0 : !has(self.matchLabels)")
    .message("matchLabels is required with from: Selector, and has no meaning otherwise"))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NamespacesSpec {
    /// `Same`: the fleet's. `All`: every one. `Selector`: those with `matchLabels`.
    #[serde(default)]
    pub from: NamespaceSource,
    /// Labels that a namespace must have; each has its own name as the label `kubernetes.io/metadata.name`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 16))]
    pub match_labels: BTreeMap<String, String>,
}

impl NamespacesSpec {
    /// Whether a fleet in the namespace `home` chooses the namespace `guest` that has these labels.
    pub fn choose(&self, home: &str, guest: &str, labels: &BTreeMap<String, String>) -> bool {
        match self.from {
            NamespaceSource::Same => home == guest,
            NamespaceSource::All => true,
            NamespaceSource::Selector => self.match_labels.iter().all(|(key, value)| labels.get(key) == Some(value)),
        }
    }

    /// Notes what the schema of a cluster refuses already.
    pub(crate) fn check(&self, at: &FieldPath, findings: &mut Findings) {
        if (self.from == NamespaceSource::Selector) == self.match_labels.is_empty() {
            findings.add(at.key("matchLabels"), "is required with from: Selector, and has no meaning otherwise");
        }
    }
}

/// Which Kubernetes namespaces.
#[derive(Serialize, Deserialize, schemars::JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NamespaceSource {
    /// The fleet's own.
    #[default]
    Same,
    /// Every one.
    All,
    /// Those with some labels.
    Selector,
}

/// What the MountTables of one Kubernetes namespace may mount in one fleet.
#[derive(Clone, Debug, Default)]
pub struct Delegation<'a> {
    grants: Vec<&'a AllowedMountsSpec>,
    everything: bool,
}

impl<'a> Delegation<'a> {
    /// What `allowed`, of a fleet in the namespace `home`, grants to the namespace `guest` that has these labels.
    pub fn of(allowed: &'a [AllowedMountsSpec], home: &str, guest: &str, labels: &BTreeMap<String, String>) -> Self {
        let chosen = |spec: &&AllowedMountsSpec| spec.namespaces.choose(home, guest, labels);
        Self { grants: allowed.iter().filter(chosen).collect(), everything: allowed.is_empty() && home == guest }
    }

    /// Whether an entry may be mounted.
    ///
    /// # Errors
    /// Says what the namespace may do instead.
    pub fn check(&self, entry: &MountEntry) -> Result<(), String> {
        let grants = |spec: &&&AllowedMountsSpec| {
            let below =
                |prefix: &String| MountPath::parse(prefix).is_ok_and(|prefix| entry.source.is_at_or_below(&prefix));
            let leads = |nameservice: &str| spec.nameservices.iter().any(|allowed| allowed == nameservice);
            (spec.path_prefixes.is_empty() || spec.path_prefixes.iter().any(below))
                && (spec.nameservices.is_empty() || entry.destinations.iter().all(|to| leads(to.nameservice.as_str())))
        };
        if self.everything || self.grants.iter().any(|spec| grants(&spec)) {
            return Ok(());
        }
        let entry = format!("{} is not allowed here", entry.source);
        Err(match self.grants.is_empty() {
            true => format!("{entry}: the fleet's allowedMounts names no rule for this namespace"),
            false => {
                let rules: Vec<String> = self.grants.iter().map(|spec| shown(spec)).collect();
                format!("{entry}: the fleet's allowedMounts lets this namespace mount {}", rules.join("; or "))
            }
        })
    }
}

fn shown(spec: &AllowedMountsSpec) -> String {
    let listed = |words: &[String], all: &str| if words.is_empty() { all.to_owned() } else { words.join(", ") };
    let paths = listed(&spec.path_prefixes, "/");
    format!("below {paths} from {}", listed(&spec.nameservices, "any nameservice"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn allowed(rules: Value) -> Vec<AllowedMountsSpec> {
        serde_json::from_value(rules).unwrap()
    }

    fn mount(path: &str, nameservice: &str) -> MountEntry {
        MountEntry::parse(path, [(nameservice, "/x")]).unwrap()
    }

    #[test]
    fn without_rules_a_fleet_serves_its_own_namespace() {
        let none = BTreeMap::new();
        assert_eq!(Delegation::of(&[], "home", "home", &none).check(&mount("/a", "ns0")), Ok(()));
        let refused = Delegation::of(&[], "home", "team-a", &none).check(&mount("/a", "ns0")).unwrap_err();
        assert_eq!(refused, "/a is not allowed here: the fleet's allowedMounts names no rule for this namespace");
    }

    #[test]
    fn a_team_mounts_below_its_prefix_only() {
        let rules = allowed(json!([
            { "namespaces": { "from": "Same" } },
            { "namespaces": { "from": "Selector", "matchLabels": { "team": "a" } }, "pathPrefixes": ["/data/a"],
              "nameservices": ["ns0"] },
        ]));
        let team = BTreeMap::from([("team".to_owned(), "a".to_owned())]);
        let guest = Delegation::of(&rules, "home", "team-a", &team);
        assert_eq!(guest.check(&mount("/data/a", "ns0")), Ok(()));
        assert_eq!(guest.check(&mount("/data/a/b", "ns0")), Ok(()));
        let expected =
            "is not allowed here: the fleet's allowedMounts lets this namespace mount below /data/a from ns0";
        for (path, nameservice) in [("/data/ab", "ns0"), ("/data", "ns0"), ("/data/a", "ns1")] {
            assert_eq!(guest.check(&mount(path, nameservice)), Err(format!("{path} {expected}")));
        }
        assert_eq!(Delegation::of(&rules, "home", "home", &BTreeMap::new()).check(&mount("/x", "ns1")), Ok(()));
    }
}
