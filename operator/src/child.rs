//! Objects that the operator makes, and how they are applied: only when something would change.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use kube::{Client, ResourceExt};
use serde_json::Value;

use crate::error::{Error, Trying};
use crate::names::{APPLIED, Component, MANAGER, digest};
use crate::quantity;

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
        let said = digest(manifest.to_string().as_bytes());
        manifest["metadata"]["annotations"][APPLIED] = said.into();
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

    /// Makes the object what it should be, and returns what is there. Writes nothing when it is so already.
    ///
    /// # Errors
    /// When the API server fails, or the object is somebody else's: it is left alone, whatever it is.
    pub async fn apply(&self, client: &Client) -> Result<DynamicObject, Error> {
        let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), &self.namespace, &self.resource);
        if let Some(live) = api.get_opt(&self.name).await.trying(|| format!("get {}", self.shown()))? {
            if let Some(whose) = self.foreign(&live) {
                return Err(Error::Taken { what: self.shown(), whose });
            }
            let seen = serde_json::to_value(&live);
            if seen.is_ok_and(|seen| says(&self.manifest, &seen)) {
                return Ok(live);
            }
        }
        let parameters = PatchParams::apply(MANAGER).force();
        let applied = api.patch(&self.name, &parameters, &Patch::Apply(&self.manifest)).await;
        applied.trying(|| format!("apply {}", self.shown()))
    }
}

/// Whether `live` says all that `wanted` says, at the same places. What a server adds counts for nothing.
fn says(wanted: &Value, live: &Value) -> bool {
    match (wanted, live) {
        (Value::Object(wanted), Value::Object(live)) => wanted.iter().all(|(key, value)| match live.get(key) {
            Some(found) => says(value, found) || quantity::equal(key, value, found),
            // Servers leave out what is empty.
            None => is_empty(value),
        }),
        (Value::Array(wanted), Value::Array(live)) => {
            wanted.len() == live.len() && wanted.iter().zip(live).all(|(wanted, live)| says(wanted, live))
        }
        (wanted, live) => wanted == live,
    }
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
    fn what_a_server_adds_is_no_difference() {
        let wanted = json!({ "spec": { "ports": [{ "port": 1 }], "labels": {}, "x": null }, "kind": "A" });
        let live = json!({ "spec": { "ports": [{ "port": 1, "nodePort": 3 }], "ip": "b" }, "kind": "A", "status": 1 });
        assert!(says(&wanted, &live));
        for other in [
            json!({ "spec": { "ports": [{ "port": 2 }] }, "kind": "A" }),
            json!({ "spec": { "ports": [{ "port": 1 }, { "port": 2 }] }, "kind": "A" }),
            json!({ "spec": {}, "kind": "A" }),
        ] {
            assert!(!says(&wanted, &other), "{other}");
        }
    }

    /// Servers write quantities in a form of their own.
    #[test]
    fn how_a_quantity_is_written_is_no_difference() {
        let template = |cpu: &str, memory: &str| {
            let resources = json!({ "requests": { "cpu": cpu }, "limits": { "memory": memory } });
            json!({ "containers": [{ "name": "router", "resources": resources, "env": [{ "name": "A", "value": cpu }] }] })
        };
        let mut live = template("1", "1Gi");
        live["containers"][0]["env"][0]["value"] = "1000m".into();
        assert!(says(&template("1000m", "1024Mi"), &live));
        assert!(!says(&template("1001m", "1024Mi"), &live));
        // Elsewhere, words are words.
        assert!(!says(&template("1", "1Gi"), &live));
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
