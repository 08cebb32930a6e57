//! What a pod asks for.

use std::collections::BTreeMap;

use anabranch_api::ByteSize;
use kube::api::ObjectMeta;

use crate::names::{CLIENT_CONFIG, INJECT, SIDECAR_CPU, SIDECAR_MEMORY};

/// What a pod asks for.
#[derive(Debug, PartialEq)]
pub struct Wish {
    /// The Kubernetes namespace of the fleet; that of the pod if it names none.
    pub namespace: Option<String>,
    /// The fleet.
    pub fleet: String,
    /// Where its containers want Hadoop's configuration files.
    pub client_config: Option<String>,
    /// The processor time that the router requests.
    pub cpu: Option<String>,
    /// The memory that the router requests and may use.
    pub memory: Option<String>,
}

impl Wish {
    /// Reads it off a pod; `None` if it asks for nothing. An annotation counts before the label of the same name, in which
    /// there can be no slash.
    ///
    /// # Errors
    /// Names the annotation, and what is accepted.
    pub fn of(pod: &ObjectMeta) -> Result<Option<Self>, String> {
        let none = BTreeMap::new();
        let (labels, annotations) = (pod.labels.as_ref().unwrap_or(&none), pod.annotations.as_ref().unwrap_or(&none));
        let Some(wish) = annotations.get(INJECT).or_else(|| labels.get(INJECT)) else { return Ok(None) };
        let (namespace, fleet) = match wish.split_once(['/', '.']) {
            Some((namespace, fleet)) => (Some(namespace), fleet),
            None => (None, wish.as_str()),
        };
        if !is_name(fleet) || !namespace.is_none_or(is_name) {
            return Err(format!(
                "{INJECT}: {wish:?} names no RouterFleet; expected <fleet>, <namespace>.<fleet> or, in an annotation, \
                 <namespace>/<fleet>"
            ));
        }
        let checked = |key: &str, check: fn(&str) -> bool, accepted: &str| match annotations.get(key) {
            Some(value) if !check(value) => Err(format!("{key}: {value:?}; expected {accepted}")),
            value => Ok(value.cloned()),
        };
        Ok(Some(Self {
            namespace: namespace.map(str::to_owned),
            fleet: fleet.to_owned(),
            client_config: checked(CLIENT_CONFIG, is_directory, "an absolute path such as /etc/hadoop/conf")?,
            cpu: checked(SIDECAR_CPU, is_cpu, "processors such as 250m or 0.5")?,
            memory: checked(SIDECAR_MEMORY, is_memory, "bytes such as 256Mi")?,
        }))
    }
}

/// A label of DNS, as the names of namespaces and Services are.
fn is_name(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&name.len()) && name.bytes().all(inner) && !name.starts_with('-') && !name.ends_with('-')
}

fn is_directory(path: &str) -> bool {
    path.len() > 1 && path.starts_with('/') && !path.contains(':') && !path.split('/').any(|part| part == "..")
}

fn is_cpu(cpu: &str) -> bool {
    match cpu.strip_suffix('m') {
        Some(thousandths) => thousandths.parse::<u32>().is_ok_and(|thousandths| thousandths > 0),
        None => {
            cpu.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && cpu.parse().is_ok_and(|cpu: f32| cpu > 0.0)
        }
    }
}

fn is_memory(memory: &str) -> bool {
    let size: Result<ByteSize, _> = serde_json::from_value(memory.into());
    size.is_ok_and(|size| size.bytes().is_ok_and(|bytes| bytes > 0))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn wish(labels: Value, annotations: Value) -> Result<Option<Wish>, String> {
        Wish::of(&serde_json::from_value(json!({ "labels": labels, "annotations": annotations })).unwrap())
    }

    #[test]
    fn a_fleet_is_named_by_label_or_annotation() {
        let named = |labels, annotations| {
            wish(labels, annotations).unwrap().map(|wish| (wish.namespace.unwrap_or_default(), wish.fleet))
        };
        let pair = |namespace: &str, fleet: &str| Some((namespace.to_owned(), fleet.to_owned()));
        assert_eq!(named(json!({}), json!({ CLIENT_CONFIG: "/x" })), None);
        assert_eq!(named(json!({ INJECT: "main" }), json!({})), pair("", "main"));
        assert_eq!(named(json!({ INJECT: "data.main" }), json!({})), pair("data", "main"));
        assert_eq!(named(json!({}), json!({ INJECT: "data/main" })), pair("data", "main"));
        assert_eq!(named(json!({ INJECT: "other" }), json!({ INJECT: "data/main" })), pair("data", "main"));
    }

    #[test]
    fn what_is_misspelt_is_named() {
        for name in ["", "/main", "data/", "a.b.c", "Main", "-a", "true/"] {
            let problem = wish(json!({}), json!({ INJECT: name })).unwrap_err();
            assert!(problem.starts_with(&format!("anabranch.io/inject: {name:?} names no RouterFleet")), "{problem}");
        }
        let cases = [
            (CLIENT_CONFIG, &["etc", "/", "", "/a:b", "/a/../b"][..], &["/etc/hadoop/conf"][..]),
            (SIDECAR_CPU, &["", "0", "m", "-1", "1x", "0m", "inf"], &["250m", "1", "0.5"]),
            (SIDECAR_MEMORY, &["", "0", "1m", "256 Mi", "1.5Gi"], &["256Mi", "134217728"]),
        ];
        for (key, bad, good) in cases {
            for value in bad {
                let problem = wish(json!({ INJECT: "main" }), json!({ key: value })).unwrap_err();
                assert!(problem.starts_with(&format!("{key}: {value:?}; expected ")), "{problem}");
            }
            for value in good {
                assert!(wish(json!({ INJECT: "main" }), json!({ key: value })).is_ok(), "{key} {value}");
            }
        }
    }
}
