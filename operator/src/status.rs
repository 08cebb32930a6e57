//! Writing the status of an object, and only when it changes.

use std::fmt::Debug;

use kube::api::{Patch, PatchParams};
use kube::core::NamespaceResourceScope;
use kube::{Api, Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::error::{Error, Trying};
use crate::names::MANAGER;

/// Makes `status` the status of the object.
///
/// # Errors
/// When the API server fails. An object that is gone needs none.
pub async fn write<K, S>(client: &Client, namespace: &str, name: &str, status: &S) -> Result<(), Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Debug,
    S: Serialize,
{
    let api: Api<K> = Api::namespaced(client.clone(), namespace);
    let manifest = json!({ "apiVersion": K::api_version(&()), "kind": K::kind(&()), "status": status });
    match api.patch_status(name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(manifest)).await {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        written => written.map(drop).trying(|| format!("write the status of {} {namespace}/{name}", K::kind(&()))),
    }
}
