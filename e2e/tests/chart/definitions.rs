//! The CustomResourceDefinitions: what a server makes of them, their rules, and how they are upgraded.

use std::fs;

use serde_json::{Value, json};

use crate::cluster::{file, get, helm, id, kubectl, kubectl_with, objects, run};
use crate::rules::{Examples, RuleCase, rules};
use crate::site::{ASIDE, CHART, KINDS, NAMESPACE, Site};

/// What every server adds to a definition.
const ADDED: [&str; 2] = ["/spec/conversion", "/spec/names/listKind"];

/// The definitions as they are committed.
pub fn committed() -> Vec<Value> {
    KINDS
        .iter()
        .flat_map(|kind| {
            let name = kind.split('.').next().unwrap_or(kind);
            objects(&fs::read_to_string(file("charts/anabranch/crds").join(format!("{name}.yaml"))).unwrap())
        })
        .collect()
}

/// A server gives back what it was given: who compares (GitOps) finds nothing to do.
pub fn read_back_as_they_are(site: &Site) {
    site.install();
    for given in committed() {
        let mut live = get(&["crd", given["metadata"]["name"].as_str().unwrap()]).unwrap();
        for pointer in ADDED {
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            let removed = live.pointer_mut(parent).and_then(|it| it.as_object_mut()).and_then(|it| it.remove(key));
            assert!(removed.is_some(), "servers no longer add {pointer}");
        }
        assert_eq!(difference(&given["spec"], &live["spec"], "spec"), None, "{}", id(&given));
    }
}

/// The first place where two values differ.
fn difference(left: &Value, right: &Value, path: &str) -> Option<String> {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => {
            let keys = left.keys().chain(right.keys().filter(|key| !left.contains_key(*key)));
            let null = Value::Null;
            let mut inner = keys.map(|key| (key, left.get(key).unwrap_or(&null), right.get(key).unwrap_or(&null)));
            inner.find_map(|(key, left, right)| difference(left, right, &format!("{path}.{key}")))
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            let mut inner = left.iter().zip(right).enumerate();
            inner.find_map(|(at, (left, right))| difference(left, right, &format!("{path}[{at}]")))
        }
        // A number stays the same however it is written.
        (left, right) if left.is_number() && left.as_f64() == right.as_f64() => None,
        (left, right) => (left != right).then(|| format!("{path}: {left} became {right}")),
    }
}

/// Every rule accepts and refuses in a real API server what its examples say, by its own message.
pub fn every_rule_holds(site: &Site) {
    site.install();
    let definitions = committed();
    for case in rules() {
        let message = message(&definitions, &case);
        let ask = |verb: &str, spec: &Value| {
            let object = object(&case, spec);
            kubectl_with(&[verb, "--dry-run=server", "--validate=strict", "-f", "-"], &object.to_string())
        };
        let (verb, accepted, refused) = match &case.examples {
            Examples::Made { accepted, refused } => ("create", accepted, refused),
            Examples::Changed { before, accepted, refused } => {
                kubectl_with(&["create", "-f", "-"], &object(&case, before).to_string()).unwrap();
                ("replace", accepted, refused)
            }
        };
        ask(verb, accepted).unwrap_or_else(|error| panic!("{}: {}: {error}", case.path, case.rule));
        let said = ask(verb, refused).expect_err(case.rule).to_string();
        assert!(said.contains(&message), "{}: {}: expected {message:?}; found {said}", case.path, case.rule);
        if verb == "replace" {
            kubectl(&["-n", ASIDE, "delete", case.kind(), "rule"]).unwrap();
        }
    }
}

/// Paused, so that the operator makes nothing of it.
fn object(case: &RuleCase, spec: &Value) -> Value {
    json!({
        "apiVersion": "anabranch.io/v1alpha1", "kind": case.kind(), "spec": spec,
        "metadata": { "name": "rule", "namespace": ASIDE, "annotations": { "anabranch.io/paused": "true" } },
    })
}

/// What a rule says when it refuses.
fn message(definitions: &[Value], case: &RuleCase) -> String {
    let definition = definitions.iter().find(|it| it["spec"]["names"]["kind"] == case.kind()).expect("the kind");
    let mut schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    for step in case.path.split('.').skip(1) {
        let name = step.trim_end_matches("[]");
        schema = &schema["properties"][name];
        if step.ends_with("[]") {
            schema = &schema["items"];
        }
    }
    let rules = schema["x-kubernetes-validations"].as_array().unwrap_or_else(|| panic!("{} has no rules", case.path));
    let rule =
        rules.iter().find(|it| it["rule"] == case.rule).unwrap_or_else(|| panic!("{}: {}", case.path, case.rule));
    rule["message"].as_str().expect("a message").to_owned()
}

/// Both ways that the documentation names bring new definitions, and no way takes objects away.
pub fn upgrades_bring_new_ones(site: &Site) {
    site.quickstart();
    let older = site.scratch.path().join("older").display().to_string();
    run(std::process::Command::new("cp").args(["-r", &file(CHART).display().to_string(), &older]), "").unwrap();
    // As an older release had it: without a column.
    for mut definition in committed() {
        let name = definition["spec"]["names"]["plural"].as_str().unwrap().to_owned();
        definition["spec"]["versions"][0]["additionalPrinterColumns"].as_array_mut().unwrap().pop();
        fs::write(format!("{older}/crds/{name}.yaml"), definition.to_string()).unwrap();
    }
    let columns = || {
        let live = get(&[&["crd"], &KINDS[..]].concat()).unwrap();
        let lists = live["items"].as_array().unwrap().iter();
        lists.map(|it| it["spec"]["versions"][0]["additionalPrinterColumns"].as_array().unwrap().len()).sum::<usize>()
    };
    let (all, fewer) = (columns(), columns() - KINDS.len());
    let owning = ["--take-ownership", "--force-conflicts"];
    // By hand.
    let shown = |chart: &str| helm(&["show", "crds", chart]).unwrap();
    kubectl_with(&["apply", "--server-side", "--force-conflicts", "-f", "-"], &shown(&older)).unwrap();
    assert_eq!(columns(), fewer);
    kubectl_with(&["apply", "--server-side", "--force-conflicts", "-f", "-"], &shown(CHART)).unwrap();
    assert_eq!(columns(), all);
    // By the release, from there.
    site.upgrade(&older, "crds.upgrade=true", &owning).unwrap();
    assert_eq!(columns(), fewer);
    site.upgrade(CHART, "crds.upgrade=true", &[]).unwrap();
    assert_eq!(columns(), all);
    // What the release lets go stays.
    site.upgrade(CHART, "crds.upgrade=false", &[]).unwrap();
    assert_eq!(columns(), all);
    get(&["-n", NAMESPACE, "routerfleet", "main"]).unwrap();
}
