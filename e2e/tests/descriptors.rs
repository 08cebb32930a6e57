//! The definitions in `crates/hdfs-proto/proto` say what the descriptors in Hadoop's jars say: the same messages with the
//! same fields, numbers, types, labels and defaults, the same enums, the same methods.

#![allow(clippy::unwrap_used, reason = "what fails here is the test")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anabranch_testkit::hadoop::Jars;
use prost::Message;
use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorSet};

#[test]
fn our_definitions_are_those_in_the_jars() {
    let theirs = facts(&from_jars());
    let ours = facts(&from_definitions());
    assert!(ours.len() > 1500, "only {} facts were found", ours.len());
    let wrong: Vec<_> = ours
        .iter()
        .filter(|(fact, value)| theirs.get(*fact) != Some(*value))
        .map(|(fact, value)| format!("{fact}: ours {value}, theirs {:?}", theirs.get(fact)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // A message or method of a file that we define is there whole.
    let packages: Vec<_> = ours.keys().filter_map(|fact| fact.split_once(" in ").map(|(_, file)| file)).collect();
    let missing: Vec<_> = theirs
        .keys()
        .filter(|fact| fact.split_once(" in ").is_some_and(|(_, file)| packages.contains(&file)))
        .filter(|fact| !ours.contains_key(*fact))
        .collect();
    assert!(missing.is_empty(), "not defined: {missing:?}");
}

fn from_definitions() -> FileDescriptorSet {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/hdfs-proto/proto");
    let mut files: Vec<_> = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    FileDescriptorSet::decode(&*protox::compile(&files, [dir]).unwrap().encode_to_vec()).unwrap()
}

fn from_jars() -> FileDescriptorSet {
    let jars = Jars::get().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let out = scratch.path().join("descriptors");
    let result =
        Command::new("java").arg("-cp").arg(jars.class_path()).arg("anabranch.Descriptors").arg(&out).output().unwrap();
    assert!(result.status.success(), "{}", String::from_utf8_lossy(&result.stderr));
    FileDescriptorSet::decode(&*std::fs::read(out).unwrap()).unwrap()
}

/// Everything that a definition says, as a table: `package.Message.field` → its number, label, type and default.
fn facts(set: &FileDescriptorSet) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    for file in &set.file {
        let (package, name) = (file.package(), file.name());
        for message in &file.message_type {
            facts.insert(format!("message {} in {name}", message.name()), String::new());
            message_facts(package, message, &mut facts);
        }
        for item in &file.enum_type {
            enum_facts(package, item, &mut facts);
        }
        for service in &file.service {
            for method in &service.method {
                let types = format!("{} -> {}", method.input_type(), method.output_type());
                facts.insert(format!("method {}.{} in {name}", service.name(), method.name()), types);
            }
        }
    }
    facts
}

fn message_facts(scope: &str, message: &DescriptorProto, facts: &mut BTreeMap<String, String>) {
    let scope = format!("{scope}.{}", message.name());
    for field in &message.field {
        let fact = format!(
            "{} {:?} {:?} {} default {:?}",
            field.number(),
            field.label(),
            field.r#type(),
            field.type_name(),
            field.default_value()
        );
        facts.insert(format!("{scope}.{}", field.name()), fact);
    }
    for nested in &message.nested_type {
        message_facts(&scope, nested, facts);
    }
    for item in &message.enum_type {
        enum_facts(&scope, item, facts);
    }
}

fn enum_facts(scope: &str, item: &EnumDescriptorProto, facts: &mut BTreeMap<String, String>) {
    for value in &item.value {
        facts.insert(format!("{scope}.{}.{}", item.name(), value.name()), value.number().to_string());
    }
}
