//! What all pods have in common.

use anabranch_api::RawObject;
use k8s_openapi::DeepMerge;
use k8s_openapi::api::core::v1::PodTemplateSpec;
use serde_json::{Value, json};

use crate::error::Error;

/// A pod template with what a user wants merged over it: maps by key, lists of named things by name.
///
/// # Errors
/// When what the user wants is no pod template; names the field.
pub fn merged(template: Value, over: Option<&RawObject>, what: &str) -> Result<Value, Error> {
    let failed = |source| Error::Json { what: what.to_owned(), source };
    let Some(RawObject(over)) = over else { return Ok(template) };
    let mut template: PodTemplateSpec = serde_json::from_value(template).map_err(failed)?;
    let over: PodTemplateSpec = serde_json::from_value(Value::Object(over.clone())).map_err(failed)?;
    template.merge_from(over);
    serde_json::to_value(template).map_err(failed)
}

/// The security context of a pod under the restricted Pod Security Standard.
pub fn restricted() -> Value {
    json!({
        "runAsNonRoot": true,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "fsGroup": 65532,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": { "type": "RuntimeDefault" },
    })
}

/// The security context of its containers.
pub fn hardened() -> Value {
    json!({
        "allowPrivilegeEscalation": false,
        "readOnlyRootFilesystem": true,
        "runAsNonRoot": true,
        "capabilities": { "drop": ["ALL"] },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_merge_by_name() {
        let template = json!({ "spec": { "containers": [{ "name": "router", "image": "a", "env": [{ "name": "A", "value": "1" }] }] } });
        let over = json!({
            "metadata": { "labels": { "team": "a" } },
            "spec": { "containers": [
                { "name": "router", "env": [{ "name": "B", "value": "2" }], "resources": { "limits": { "memory": "1Gi" } } },
                { "name": "other", "image": "b" },
            ] },
        });
        let merged = merged(template, serde_json::from_value(over).ok().as_ref(), "x").unwrap();
        let containers = &merged["spec"]["containers"];
        assert_eq!((&containers[0]["image"], containers[0]["env"].as_array().unwrap().len()), (&json!("a"), 2));
        assert_eq!(containers[0]["resources"]["limits"]["memory"], "1Gi");
        assert_eq!((&containers[1]["name"], &merged["metadata"]["labels"]["team"]), (&json!("other"), &json!("a")));
    }
}
