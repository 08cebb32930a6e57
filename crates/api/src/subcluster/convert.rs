//! From `Subcluster` to what runs and what routers are told.

use std::collections::HashMap;

use anabranch_federation::NameserviceId;

use super::{Backend, EmbeddedSpec, ExternalSpec, NamenodeSpec, SubclusterSpec, SubclusterType};
use crate::field::{FieldError, FieldPath, Findings};
use crate::words;

/// A subcluster whose fields were checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubclusterSettings {
    /// Its nameservice.
    pub nameservice: NameserviceId,
    /// Whether it is out of service.
    pub disabled: bool,
    /// What it is made of.
    pub kind: SubclusterKind,
}

/// What a subcluster is made of, with what that needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubclusterKind {
    /// NameNodes that exist: pairs of id and `host:port`.
    External {
        /// The NameNodes in the order of the object.
        namenodes: Vec<NamenodeSpec>,
    },
    /// A namespace service of Anabranch.
    Embedded {
        /// Where it keeps metadata.
        backend: Backend,
        /// How many processes serve it.
        replicas: u32,
        /// Block size in bytes.
        block_size: u64,
    },
}

/// Block sizes that clients can handle.
const BLOCK_SIZES: std::ops::RangeInclusive<u64> = 1 << 20..=4 << 30;

impl SubclusterSpec {
    /// The subcluster, if its fields are valid.
    ///
    /// # Errors
    /// Everything that is wrong, by field.
    pub fn to_settings(&self) -> Result<SubclusterSettings, Vec<FieldError>> {
        let mut findings = Findings::default();
        let at = FieldPath::spec();
        let nameservice = findings.check(at.key("nameserviceId"), words::nameservice(&self.nameservice_id));
        if self.kind == SubclusterType::External && self.embedded.is_some() {
            findings.add(at.key("embedded"), "is for type Embedded; this Subcluster is External");
        }
        if self.kind == SubclusterType::Embedded && self.external.is_some() {
            findings.add(at.key("external"), "is for type External; this Subcluster is Embedded");
        }
        let kind = match self.kind {
            SubclusterType::External => external(self.external.as_ref(), &at.key("external"), &mut findings),
            SubclusterType::Embedded => {
                embedded(&self.embedded.clone().unwrap_or_default(), &at.key("embedded"), &mut findings)
            }
        };
        match nameservice {
            Some(nameservice) => findings.settle(|| SubclusterSettings { nameservice, disabled: self.disabled, kind }),
            None => Err(findings.into_errors()),
        }
    }
}

fn external(spec: Option<&ExternalSpec>, at: &FieldPath, findings: &mut Findings) -> SubclusterKind {
    let list = at.key("namenodes");
    let namenodes = match spec {
        Some(spec) => spec.namenodes.as_slice(),
        None => {
            findings.add(at.clone(), "is missing; type External needs external.namenodes");
            return SubclusterKind::External { namenodes: Vec::new() };
        }
    };
    if namenodes.is_empty() {
        findings.add(list.clone(), "is empty; expected at least one NameNode");
    }
    let mut first = HashMap::new();
    for (index, namenode) in namenodes.iter().enumerate() {
        let at = list.index(index);
        findings.check(at.key("id"), words::nameservice(&namenode.id).map_err(|_| bad_id(&namenode.id)));
        findings.check(at.key("rpcAddress"), words::address(&namenode.rpc_address, 1));
        if let Some(address) = &namenode.http_address {
            findings.check(at.key("httpAddress"), words::address(address, 1));
        }
        if let Some(earlier) = first.insert(namenode.id.as_str(), index) {
            findings.add(at.key("id"), format!("{:?} is the id of namenodes[{earlier}] already", namenode.id));
        }
    }
    SubclusterKind::External { namenodes: namenodes.to_vec() }
}

fn bad_id(id: &str) -> String {
    format!("{id:?} is not a NameNode id; expected letters, digits, `.`, `_` and `-`, such as nn1")
}

fn embedded(spec: &EmbeddedSpec, at: &FieldPath, findings: &mut Findings) -> SubclusterKind {
    let replicas = u32::try_from(spec.replicas).ok().filter(|replicas| (1..=9).contains(replicas));
    if replicas.is_none() {
        findings.add(at.key("replicas"), format!("{} is out of range; expected 1 to 9", spec.replicas));
    } else if spec.backend.kind == Backend::Rocksdb && replicas != Some(1) {
        findings.add(at.key("replicas"), "must be 1 with rocksdb, which keeps metadata on one machine");
    }
    let size = at.key("blocks").key("size");
    let block_size = findings.check(size, spec.blocks.size.bytes().and_then(block_size)).unwrap_or_default();
    SubclusterKind::Embedded { backend: spec.backend.kind, replicas: replicas.unwrap_or(1), block_size }
}

fn block_size(bytes: u64) -> Result<u64, String> {
    match BLOCK_SIZES.contains(&bytes) && bytes.is_multiple_of(512) {
        true => Ok(bytes),
        false => Err(format!("{bytes} bytes is not a block size; expected a multiple of 512 from 1Mi to 4Gi")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn settings(spec: Value) -> Result<SubclusterSettings, Vec<String>> {
        let spec: SubclusterSpec = serde_json::from_value(spec).unwrap();
        spec.to_settings().map_err(|errors| errors.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn both_types_are_converted() {
        let external = settings(json!({ "nameserviceId": "ns0", "type": "External",
            "external": { "namenodes": [{ "id": "nn1", "rpcAddress": "a:8020" }] } }));
        let namenodes = vec![NamenodeSpec { id: "nn1".into(), rpc_address: "a:8020".into(), http_address: None }];
        assert_eq!(external.unwrap().kind, SubclusterKind::External { namenodes });
        let embedded = settings(json!({ "nameserviceId": "ns0", "type": "Embedded", "disabled": true })).unwrap();
        assert!(embedded.disabled);
        let defaults = SubclusterKind::Embedded { backend: Backend::Rocksdb, replicas: 1, block_size: 128 << 20 };
        assert_eq!(embedded.kind, defaults);
        let small = json!({ "nameserviceId": "ns0", "type": "Embedded", "embedded": { "blocks": { "size": "1Mi" } } });
        assert!(matches!(settings(small).unwrap().kind, SubclusterKind::Embedded { block_size: 1_048_576, .. }));
    }

    #[test]
    fn each_rule_names_its_field() {
        let one = json!({ "namenodes": [{ "id": "nn1", "rpcAddress": "a:8020" }] });
        let cases = [
            (
                json!({ "nameserviceId": "", "type": "Embedded" }),
                "spec.nameserviceId: \"\" is not a nameservice id; expected letters, digits, `.`, `_` and `-`, such as ns0",
            ),
            (
                json!({ "nameserviceId": "a", "type": "External" }),
                "spec.external: is missing; type External needs external.namenodes",
            ),
            (
                json!({ "nameserviceId": "a", "type": "External", "external": { "namenodes": [] } }),
                "spec.external.namenodes: is empty; expected at least one NameNode",
            ),
            (
                json!({ "nameserviceId": "a", "type": "External", "external": one, "embedded": {} }),
                "spec.embedded: is for type Embedded; this Subcluster is External",
            ),
            (
                json!({ "nameserviceId": "a", "type": "Embedded", "external": one }),
                "spec.external: is for type External; this Subcluster is Embedded",
            ),
            (
                json!({ "nameserviceId": "a", "type": "External", "external": { "namenodes": [
                    { "id": "nn1", "rpcAddress": "a" }] } }),
                "spec.external.namenodes[0].rpcAddress: \"a\" is not an address; expected host:port such as \
                 nn1.example.com:8020",
            ),
            (
                json!({ "nameserviceId": "a", "type": "External", "external": { "namenodes": [
                    { "id": "nn1", "rpcAddress": "a:1" }, { "id": "nn1", "rpcAddress": "b:1" }] } }),
                r#"spec.external.namenodes[1].id: "nn1" is the id of namenodes[0] already"#,
            ),
            (
                json!({ "nameserviceId": "a", "type": "Embedded", "embedded": { "replicas": 3 } }),
                "spec.embedded.replicas: must be 1 with rocksdb, which keeps metadata on one machine",
            ),
            (
                json!({ "nameserviceId": "a", "type": "Embedded", "embedded": { "replicas": 0 } }),
                "spec.embedded.replicas: 0 is out of range; expected 1 to 9",
            ),
            (
                json!({ "nameserviceId": "a", "type": "Embedded", "embedded": { "blocks": { "size": 1000 } } }),
                "spec.embedded.blocks.size: 1000 bytes is not a block size; expected a multiple of 512 from 1Mi to 4Gi",
            ),
        ];
        for (spec, expected) in cases {
            assert_eq!(settings(spec), Err(vec![expected.to_owned()]));
        }
    }
}
