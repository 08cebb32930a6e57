//! What the operator may do is what it does.

use std::collections::BTreeSet;

use anabranch_testkit::net;
use serde_json::Value;

use crate::cluster::{PATIENCE, get, helm, kubectl, objects, wait_until};
use crate::site::{CHART, NAMESPACE, Site};
use crate::{fleet, webhook};

/// Group, resource with subresource, verb.
pub type Right = (String, String, String);

/// Nothing that the operator asked for was refused.
pub fn suffice(site: &Site) {
    fleet::fleets_change(site);
    assert_eq!(refused(&site.audit()), BTreeSet::new());
}

/// What was refused.
pub fn refused(audit: &[Value]) -> BTreeSet<Right> {
    audit.iter().filter(|it| is_refused(it)).map(right).collect()
}

fn is_refused(entry: &Value) -> bool {
    entry["annotations"]["authorization.k8s.io/decision"] == "forbid"
}

fn right(entry: &Value) -> Right {
    let object = &entry["objectRef"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let resource = text(&object["resource"]);
    let resource = object["subresource"].as_str().map_or(resource.clone(), |sub| format!("{resource}/{sub}"));
    (text(&object["apiGroup"]), resource, text(&entry["verb"]))
}

/// Every right was used.
pub fn are_needed(site: &Site) {
    fleet::fleets_change(site);
    webhook::works(site);
    let (granted, unlogged) = (granted(), leases());
    assert!(granted.len() > 50, "{}", granted.len());
    let idle = || -> Vec<Right> {
        let used = used(&site.audit());
        granted.iter().filter(|right| !used.contains(*right) && !unlogged.contains(right)).cloned().collect()
    };
    let waited = net::wait_until("every right is used", PATIENCE, || idle().is_empty());
    waited.unwrap_or_else(|error| panic!("{error}: {:?}", idle()));
}

fn used(audit: &[Value]) -> BTreeSet<Right> {
    let mut used: BTreeSet<Right> = audit.iter().filter(|it| !is_refused(it)).map(right).collect();
    // To make an object by a patch takes the right to create it as well.
    let made = audit.iter().filter(|it| it["verb"] == "patch" && it["responseStatus"]["code"] == 201);
    used.extend(made.map(right).map(|(group, resource, _)| (group, resource, "create".to_owned())));
    used
}

/// What the roles of the operator grant.
fn granted() -> BTreeSet<Right> {
    let rendered = objects(&helm(&["template", "demo", CHART, "--set", "rbac.aggregate=false"]).unwrap());
    let list = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().map(|it| it.as_str().unwrap().to_owned()).collect()
    };
    let roles = rendered.iter().filter(|it| it["kind"] == "Role" || it["kind"] == "ClusterRole");
    let rules = roles.flat_map(|role| role["rules"].as_array().unwrap());
    let mut granted = BTreeSet::new();
    for rule in rules {
        for group in list(&rule["apiGroups"]) {
            for resource in list(&rule["resources"]) {
                granted.extend(list(&rule["verbs"]).into_iter().map(|verb| (group.clone(), resource.clone(), verb)));
            }
        }
    }
    assert!(!granted.iter().any(|(group, resource, verb)| [group, resource, verb].iter().any(|it| *it == "*")));
    granted
}

/// Leases are not in the audit log; what they are used for shows.
fn leases() -> Vec<Right> {
    let lease = || get(&["-n", NAMESPACE, "lease", "anabranch-operator"]).unwrap_or_default()["spec"].clone();
    kubectl(&["-n", NAMESPACE, "delete", "lease", "anabranch-operator"]).unwrap();
    wait_until("the lease is made", NAMESPACE, || lease()["holderIdentity"].is_string());
    let before = lease()["renewTime"].clone();
    // By a get and an update.
    wait_until("the lease is renewed", NAMESPACE, || lease()["renewTime"] != before);
    ["create", "get", "update"]
        .map(|verb| ("coordination.k8s.io".to_owned(), "leases".to_owned(), verb.to_owned()))
        .into()
}
