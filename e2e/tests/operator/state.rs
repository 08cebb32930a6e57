//! What there is in a cluster and in a state store, in a form that does not tell two runs apart.

use std::collections::BTreeMap;

use anabranch_federation::{Declared, MountEntry};
use anabranch_store::DisabledNameservice;
use serde_json::Value;

use crate::site::{KINDS, Site};

/// Objects and records by what they are called.
pub type State = BTreeMap<String, String>;

/// What differs between two runs that come to the same.
const OWN: [&str; 12] = [
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "managedFields",
    "generation",
    "lastTransitionTime",
    "revision",
    "clusterIP",
    "clusterIPs",
    "deletionTimestamp",
    // Digests of what is compared itself.
    "anabranch.io/applied",
    "anabranch.io/configuration",
];

/// What there is of a site.
pub async fn state(site: &Site) -> State {
    let mut state = State::new();
    let mut uids = BTreeMap::new();
    for (kind, group, _) in KINDS {
        let ours = group.starts_with("anabranch.io");
        let selector = if ours { "" } else { "app.kubernetes.io/managed-by=anabranch-operator" };
        for mut object in site.list(kind, selector).await {
            let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            uids.insert(object["metadata"]["uid"].as_str().unwrap_or_default().to_owned(), name.clone());
            normalise(&mut object, &site.namespace);
            state.insert(format!("{kind} {name}"), format!("{object:#}"));
        }
    }
    let mark = |mark: &str| {
        let (uid, rest) = mark.split_once('/').unwrap_or_default();
        format!("{}/{}", uids.get(uid).map_or("unknown", String::as_str), rest.replace(&site.namespace, "NAMESPACE"))
    };
    for stored in site.store().all::<MountEntry>().await {
        let declared = stored.record.declared.as_deref();
        let declared = declared.map(|by| Box::new(Declared { by: mark(&by.by), digest: by.digest }));
        let entry = MountEntry { declared, created_ms: 0, modified_ms: 0, ..stored.record };
        state.insert(format!("mount {}", entry.source), format!("{entry:?}"));
    }
    for stored in site.store().all::<DisabledNameservice>().await {
        let by = stored.record.declared_by().map(mark);
        state.insert(format!("disabled {}", stored.record.nameservice()), format!("{by:?}"));
    }
    state
}

fn normalise(value: &mut Value, namespace: &str) {
    match value {
        Value::Object(map) => {
            map.retain(|key, _| !OWN.contains(&key.as_str()));
            map.values_mut().for_each(|value| normalise(value, namespace));
        }
        Value::Array(list) => list.iter_mut().for_each(|value| normalise(value, namespace)),
        Value::String(text) => *text = unrevised(&text.replace(namespace, "NAMESPACE")),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A message without the number of a revision.
fn unrevised(message: &str) -> String {
    let Some((before, after)) = message.split_once("revision ") else { return message.to_owned() };
    format!("{before}revision {}", after.trim_start_matches(|digit: char| digit.is_ascii_digit()))
}

/// How two states differ, for people; nothing if they do not.
pub fn difference(found: &State, expected: &State) -> Option<String> {
    let mut differences = Vec::new();
    for (name, content) in expected {
        match found.get(name) {
            None => differences.push(format!("{name} is missing")),
            Some(other) if other != content => {
                let lines = other.lines().filter(|line| !content.contains(line));
                differences.push(format!("{name} differs: {}", lines.collect::<Vec<_>>().join("\n")));
            }
            Some(_) => {}
        }
    }
    differences.extend(found.keys().filter(|name| !expected.contains_key(*name)).map(|name| format!("{name} is left")));
    (!differences.is_empty()).then(|| differences.join("\n"))
}
