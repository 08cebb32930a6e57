//! The generated definitions: every field explained, every rule shown to accept and to refuse.

#![allow(clippy::unwrap_used)]

use anabranch_api::{FieldError, MountTableSpec, RouterFleetSpec, SubclusterSpec, definitions};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

mod rules;

use rules::{Examples, rules};

fn schemas() -> Vec<(String, Value)> {
    let schema = |definition| -> (String, Value) {
        let value = serde_json::to_value(&definition).unwrap();
        let kind = value["spec"]["names"]["kind"].as_str().unwrap().to_owned();
        (kind, value["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone())
    };
    definitions().into_iter().map(schema).collect()
}

/// Calls `visit` with every schema in a schema, and its path.
fn walk(path: &str, schema: &Value, visit: &mut impl FnMut(&str, &Value)) {
    visit(path, schema);
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        walk(&format!("{path}.{name}"), inner, visit);
    }
    if schema["items"].is_object() {
        walk(&format!("{path}[]"), &schema["items"], visit);
    }
}

#[test]
fn every_field_is_explained() {
    for (kind, schema) in schemas() {
        walk(&kind, &schema, &mut |path, schema| {
            let word_of_a_list = path.ends_with("[]") && schema["properties"].is_null();
            assert!(
                word_of_a_list || schema["description"].as_str().is_some_and(|text| !text.is_empty()),
                "{path} has no description"
            );
        });
    }
}

#[test]
fn every_list_says_how_it_merges_and_has_a_bound() {
    for (kind, schema) in schemas() {
        walk(&kind, &schema, &mut |path, schema| {
            let list = schema["type"] == "array";
            assert!(!list || schema["x-kubernetes-list-type"].is_string(), "{path} does not say how it merges");
            let bounded = schema["maxItems"].is_number() || path.contains(".status");
            assert!(!list || bounded, "{path} has no maxItems");
        });
    }
}

#[test]
fn lists_of_named_things_are_maps() {
    let mut keys = Vec::new();
    for (kind, schema) in schemas() {
        walk(&kind, &schema["properties"]["spec"], &mut |path, schema| {
            if let Some(key) = schema["x-kubernetes-list-map-keys"][0].as_str() {
                keys.push(format!("{path}:{key}"));
            }
        });
    }
    let expected =
        ["MountTable.entries:path", "MountTable.entries[].quota.storageTypes:type", "Subcluster.external.namenodes:id"];
    assert_eq!(keys, expected);
}

#[test]
fn defaults_are_in_the_schema() {
    let schemas = schemas();
    let find = |pointer: &str| {
        schemas.iter().find_map(|(_, schema)| schema.pointer(&format!("/properties/spec{pointer}")).cloned())
    };
    let cases = [
        ("/properties/entries/items/properties/order/default", json!("Hash")),
        ("/properties/entries/items/properties/mode/default", json!("0755")),
        ("/properties/replicas/default", json!(2)),
        ("/properties/listen/properties/rpcAddress/default", json!("0.0.0.0:8888")),
        ("/properties/embedded/properties/blocks/properties/size/default", json!("128Mi")),
    ];
    for (pointer, expected) in cases {
        assert_eq!(find(pointer), Some(expected), "{pointer}");
    }
}

/// What the conversion of a kind says about a spec; None when it accepts it.
fn refusal(kind: &str, spec: &Value) -> Option<String> {
    fn convert<S: DeserializeOwned, T>(spec: &Value, to: impl Fn(&S) -> Result<T, Vec<FieldError>>) -> Option<String> {
        let spec: S = serde_json::from_value(spec.clone()).unwrap();
        to(&spec).err().map(|errors| errors[0].to_string())
    }
    match kind {
        "MountTable" => convert(spec, MountTableSpec::to_entries),
        "Subcluster" => convert(spec, SubclusterSpec::to_settings),
        "RouterFleet" => convert(spec, RouterFleetSpec::to_settings),
        other => panic!("no such kind: {other}"),
    }
}

#[test]
fn every_rule_of_the_schema_is_known_here() {
    let mut found = Vec::new();
    for (kind, schema) in schemas() {
        walk(&kind, &schema["properties"]["spec"], &mut |path, schema| {
            for rule in schema["x-kubernetes-validations"].as_array().into_iter().flatten() {
                assert!(rule["message"].is_string(), "{path}: a rule without a message");
                found.push((path.to_owned(), rule["rule"].as_str().unwrap().to_owned()));
            }
        });
    }
    let mut known: Vec<_> = rules().into_iter().map(|case| (case.path.to_owned(), case.rule.to_owned())).collect();
    found.sort();
    known.sort();
    assert_eq!(found, known);
}

#[test]
fn the_conversion_agrees_with_every_rule() {
    for case in rules() {
        let (kind, rule) = (case.kind(), case.rule);
        match case.examples {
            Examples::Made { accepted, refused } => {
                assert_eq!(refusal(kind, &accepted), None, "{rule}");
                assert!(refusal(kind, &refused).is_some(), "{rule} accepts {refused}");
            }
            // What only an update can break, a conversion cannot see.
            Examples::Changed { before, accepted, refused } => {
                for spec in [before, accepted, refused] {
                    assert_eq!(refusal(kind, &spec), None, "{rule}");
                }
            }
        }
    }
}
