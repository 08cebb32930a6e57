//! Objects that the operator makes, and how they are applied: only when something would change.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta, OwnerReference};
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use kube::{Client, ResourceExt};
use serde_json::{Map, Value};

use crate::error::{Error, Trying};
use crate::names::{APPLIED, Component, MANAGER, digest};

/// An object as it should be.
#[derive(Debug, Clone)]
pub struct Child {
    /// Its kind.
    pub resource: ApiResource,
    /// Its Kubernetes namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// All that is said about it.
    pub manifest: Value,
}

/// The object for which others are made: they go with it.
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    /// Its Kubernetes namespace.
    pub namespace: &'a str,
    /// Its name: the label `app.kubernetes.io/instance` of what is made.
    pub instance: &'a str,
    /// The reference to it.
    pub reference: &'a OwnerReference,
}

impl Owner<'_> {
    /// An object for a component, from its kind, name and content (everything but `metadata`).
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn child(
        self,
        component: Component,
        resource: ApiResource,
        name: String,
        content: Value,
    ) -> Result<Child, Error> {
        let metadata = ObjectMeta {
            name: Some(name.clone()),
            namespace: Some(self.namespace.to_owned()),
            labels: Some(component.labels(self.instance)),
            owner_references: Some(vec![self.reference.clone()]),
            ..ObjectMeta::default()
        };
        let failed = |source| Error::Json { what: format!("{} {name}", resource.kind), source };
        let mut manifest = content;
        manifest["metadata"] = serde_json::to_value(&metadata).map_err(failed)?;
        manifest["apiVersion"] = resource.api_version.clone().into();
        manifest["kind"] = resource.kind.clone().into();
        Ok(Child { resource, namespace: self.namespace.to_owned(), name, manifest })
    }
}

impl Child {
    fn shown(&self) -> String {
        format!("{} {}/{}", self.resource.kind, self.namespace, self.name)
    }

    /// Whose an object of this name is, if it is not our owner's.
    fn foreign(&self, live: &DynamicObject) -> Option<String> {
        let ours = &self.manifest["metadata"]["ownerReferences"][0]["uid"];
        let owner = live.owner_references().iter().find(|reference| reference.controller == Some(true));
        match owner {
            Some(owner) if *ours == *owner.uid => None,
            Some(owner) => Some(format!("{} {} with the uid {}", owner.kind, owner.name, owner.uid)),
            None => Some("nobody that owns it".to_owned()),
        }
    }

    /// All that is said about it, with its digest.
    fn signed(&self) -> Value {
        let mut manifest = self.manifest.clone();
        manifest["metadata"]["annotations"][APPLIED] = digest(manifest.to_string().as_bytes()).into();
        manifest
    }

    /// Whether what was applied last is this, and all of it still counts: the server notes which fields are whose, and takes
    /// a field from us when someone else changes it. What others add, and how a server writes what it was given, is none of
    /// our business.
    fn stands(manifest: &Value, live: &DynamicObject) -> bool {
        let ours = |entry: &&ManagedFieldsEntry| {
            let status = entry.subresource.as_deref().is_some_and(|subresource| !subresource.is_empty());
            entry.manager.as_deref() == Some(MANAGER) && entry.operation.as_deref() == Some("Apply") && !status
        };
        let mut said = manifest.clone();
        // By which an object is found is nobody's.
        for pointer in ["/apiVersion", "/kind", "/metadata/name", "/metadata/namespace"] {
            drop(said.pointer_mut(pointer).map(Value::take));
        }
        let applied =
            live.annotations().get(APPLIED).is_some_and(|digest| said["metadata"]["annotations"][APPLIED] == **digest);
        let mut entries = live.managed_fields().iter().filter(ours).filter_map(|entry| entry.fields_v1.as_ref());
        applied && entries.any(|fields| holds(&fields.0, &said))
    }

    /// Makes the object what it should be, and returns what is there. Writes nothing when it is so already.
    ///
    /// # Errors
    /// When the API server fails, or the object is somebody else's: it is left alone, whatever it is.
    pub async fn apply(&self, client: &Client) -> Result<DynamicObject, Error> {
        let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), &self.namespace, &self.resource);
        let manifest = self.signed();
        if let Some(live) = api.get_opt(&self.name).await.trying(|| format!("get {}", self.shown()))? {
            if let Some(whose) = self.foreign(&live) {
                return Err(Error::Taken { what: self.shown(), whose });
            }
            if Self::stands(&manifest, &live) {
                return Ok(live);
            }
        }
        let parameters = PatchParams::apply(MANAGER).force();
        let applied = api.patch(&self.name, &parameters, &Patch::Apply(&manifest)).await;
        applied.trying(|| format!("apply {}", self.shown()))
    }
}

/// Whether fields, as a server notes them, are all of which a value says something.
fn holds(fields: &Value, said: &Value) -> bool {
    let Some(fields) = fields.as_object() else { return false };
    // It has no fields, or none that are told apart.
    if fields.is_empty() {
        return true;
    }
    match said {
        Value::Object(said) => said.iter().all(|(key, value)| {
            // What is empty, servers may leave out.
            is_empty(value) || fields.get(&format!("f:{key}")).is_some_and(|inner| holds(inner, value))
        }),
        Value::Array(items) => items.iter().all(|item| {
            fields.iter().any(|(key, inner)| match key.split_once(':') {
                Some(("k", keys)) => is_keyed(keys, item) && holds(inner, item),
                Some(("v", value)) => serde_json::from_str::<Value>(value).is_ok_and(|value| value == *item),
                _ => false,
            })
        }),
        _ => false,
    }
}

/// Whether an element of a list has these keys, as JSON; what it does not say has the server's default.
fn is_keyed(keys: &str, item: &Value) -> bool {
    let keys: Map<String, Value> = serde_json::from_str(keys).unwrap_or_default();
    !keys.is_empty() && keys.iter().all(|(key, value)| item.get(key).is_none_or(|said| said == value))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.values().all(is_empty),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

/// Deletes what the owner once had and no longer has: objects of these kinds, of this component and owner, that are not
/// among `wanted`.
pub async fn prune(
    client: &Client,
    owner: &Owner<'_>,
    component: Component,
    kinds: &[ApiResource],
    wanted: &[Child],
) -> Result<(), Error> {
    let namespace = owner.namespace;
    for kind in kinds {
        let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, kind);
        let found = match api.list(&ListParams::default().labels(&component.query(owner.instance))).await {
            // A kind that the cluster does not have has no objects.
            Err(kube::Error::Api(status)) if status.code == 404 => continue,
            found => found.trying(|| format!("list {}", kind.plural))?,
        };
        for object in found {
            let name = object.name_any();
            let ours = object.owner_references().iter().any(|reference| reference.uid == owner.reference.uid);
            let kept = wanted.iter().any(|child| child.resource.kind == kind.kind && child.name == name);
            if ours && !kept {
                let deleted = api.delete(&name, &DeleteParams::background()).await;
                match deleted {
                    Err(kube::Error::Api(status)) if status.code == 404 => {}
                    deleted => drop(deleted.trying(|| format!("delete {} {namespace}/{name}", kind.kind))?),
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_is_ours_until_someone_takes_it() {
        let said = json!({
            "labels": {}, "x": null, "type": "ClusterIP", "args": ["a"], "finalizers": ["f", "g"],
            "ports": [{ "name": "rpc", "port": 8020 }, { "name": "http", "port": 80, "protocol": "TCP" }],
        });
        let port = |port: u16| format!("k:{{\"port\":{port},\"protocol\":\"TCP\"}}");
        let element = json!({ ".": {}, "f:name": {}, "f:port": {}, "f:protocol": {} });
        let fields = json!({
            "f:type": {}, "f:args": {}, "f:finalizers": { "v:\"f\"": {}, "v:\"g\"": {} },
            "f:ports": { port(8020): element, port(80): element },
        });
        assert!(holds(&fields, &said));
        let without = |pointer: &str, key: &str| {
            let mut fields = fields.clone();
            assert!(fields.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(key).is_some());
            fields
        };
        let inner = format!("/f:ports/{}", port(80));
        for (pointer, key) in [
            ("", "f:type"),
            ("", "f:args"),
            ("/f:finalizers", "v:\"f\""),
            ("/f:ports", &port(8020)),
            (&inner, "f:name"),
        ] {
            assert!(!holds(&without(pointer, key), &said), "{pointer} {key}");
        }
    }

    #[test]
    fn what_somebody_else_made_is_foreign() {
        let reference = |uid: &str, controller: bool| json!({ "apiVersion": "a/v1", "kind": "RouterFleet", "name": "main", "uid": uid, "controller": controller });
        let object = |owners: Value| -> DynamicObject {
            serde_json::from_value(json!({
                "apiVersion": "v1", "kind": "Service", "metadata": { "name": "main", "ownerReferences": owners },
            }))
            .unwrap()
        };
        let owner: OwnerReference = serde_json::from_value(reference("1", true)).unwrap();
        let owner = Owner { namespace: "data", instance: "main", reference: &owner };
        let resource = crate::fleet::build::kind::SERVICE.resource();
        let child = owner.child(crate::names::ROUTER, resource, "main".to_owned(), json!({})).unwrap();
        let cases = [
            (json!([reference("1", true)]), None),
            (json!([reference("2", false), reference("1", true)]), None),
            (json!([]), Some("nobody that owns it")),
            (json!([reference("1", false)]), Some("nobody that owns it")),
            (json!([reference("2", true)]), Some("RouterFleet main with the uid 2")),
        ];
        for (owners, expected) in cases {
            assert_eq!(child.foreign(&object(owners.clone())).as_deref(), expected, "{owners}");
        }
    }
}
