//! Writing the status of an object, and only when it changes.

use std::fmt::Debug;

use anabranch_api::{Condition, ConditionStatus, MountTableStatus, RouterFleetStatus, SubclusterStatus};
use kube::api::{ApiResource, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::NamespaceResourceScope;
use kube::core::error_boundary::InvalidObject;
use kube::{Api, Client, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::conditions::Conditions;
use crate::context::{Context, Guarded};
use crate::error::{Error, Trying};
use crate::names::MANAGER;

/// What all statuses have in common.
pub trait Observed: Serialize + PartialEq {
    /// Its conditions.
    fn conditions(&self) -> &[Condition];
}

macro_rules! observed {
    ($($status:ident),*) => {$(
        impl Observed for $status {
            fn conditions(&self) -> &[Condition] {
                &self.conditions
            }
        }
    )*};
}

observed!(MountTableStatus, RouterFleetStatus, SubclusterStatus);

/// A kind of object with a status.
pub trait Kind: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Debug {}

impl<K> Kind for K where K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Debug
{}

/// Makes `after` the status of the object if it says something new, and tells of the conditions that changed; those in `bad`
/// mean trouble.
///
/// # Errors
/// When the API server fails. An object that is gone needs none.
pub async fn settle<K: Kind, S: Observed>(
    context: &Context,
    object: &K,
    before: &S,
    after: &S,
    bad: &[(&str, ConditionStatus)],
) -> Result<(), Error> {
    if after == before {
        return Ok(());
    }
    write::<K, S>(&context.client, &object.namespace().unwrap_or_default(), &object.name_any(), after).await?;
    context.tell(object, before.conditions(), after.conditions(), bad).await;
    Ok(())
}

/// Who says of an object that it cannot be read: one that says nothing else, so that what was known of the object stays.
const READER: &str = "anabranch-operator-reader";

/// The object, if it can be read. If not, its status says why: it is not `Ready`, and where a condition `also` tells of such
/// troubles, it does or does not hold.
///
/// # Errors
/// When the API server fails.
pub async fn readable<'a, K: Kind>(
    context: &Context,
    object: &'a Guarded<K>,
    also: Option<(&str, bool)>,
) -> Result<Option<&'a K>, Error> {
    let InvalidObject { metadata, error: problem } = match &object.0 {
        Ok(object) => return Ok(Some(object)),
        Err(invalid) => invalid,
    };
    let (namespace, name) = (metadata.namespace.clone().unwrap_or_default(), metadata.name.clone().unwrap_or_default());
    let kind = K::kind(&());
    let resource = ApiResource::erase::<K>(&());
    let api: Api<DynamicObject> = Api::namespaced_with(context.client.clone(), &namespace, &resource);
    let what = || format!("say that {kind} {namespace}/{name} cannot be read");
    let found = api.list(&ListParams::default().fields(&format!("metadata.name={name}"))).await.trying(what)?;
    let Some(live) = found.into_iter().next() else { return Ok(None) };
    let before: Vec<Condition> = serde_json::from_value(live.data["status"]["conditions"].clone()).unwrap_or_default();
    let mut conditions = Conditions::after(&before, metadata.generation);
    for (condition, holds) in also.into_iter().chain([("Ready", false)]) {
        conditions = conditions.with(condition, holds, "Unreadable", problem);
    }
    let after = conditions.done();
    if after.iter().all(|condition| before.contains(condition)) {
        return Ok(None);
    }
    tracing::warn!(%kind, namespace, name, problem, "an object cannot be read; what is there for it stays");
    let status = json!({ "observedGeneration": metadata.generation, "conditions": after });
    let manifest = json!({ "apiVersion": K::api_version(&()), "kind": kind, "status": status });
    match api.patch_status(&name, &PatchParams::apply(READER).force(), &Patch::Apply(manifest)).await {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
        written => written.map(|_| None).trying(what),
    }
}

async fn write<K: Kind, S: Serialize>(client: &Client, namespace: &str, name: &str, status: &S) -> Result<(), Error> {
    let api: Api<K> = Api::namespaced(client.clone(), namespace);
    let manifest = json!({ "apiVersion": K::api_version(&()), "kind": K::kind(&()), "status": status });
    match api.patch_status(name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(manifest)).await {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        written => written.map(drop).trying(|| format!("write the status of {} {namespace}/{name}", K::kind(&()))),
    }
}
