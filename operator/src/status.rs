//! Writing the status of an object, and only when it changes.

use std::fmt::Debug;

use anabranch_api::{Condition, ConditionStatus, MountTableStatus, RouterFleetStatus, SubclusterStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Patch, PatchParams};
use kube::core::NamespaceResourceScope;
use kube::runtime::controller::Action;
use kube::{Api, Client, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::conditions::Conditions;
use crate::context::Context;
use crate::error::{Error, Trying};
use crate::names::MANAGER;

/// What all statuses have in common.
pub trait Observed: Serialize + PartialEq {
    /// Its conditions.
    fn conditions(&self) -> &[Condition];

    /// A status of nothing but conditions at a generation.
    fn only(observed_generation: Option<i64>, conditions: Vec<Condition>) -> Self;
}

macro_rules! observed {
    ($($status:ident),*) => {$(
        impl Observed for $status {
            fn conditions(&self) -> &[Condition] {
                &self.conditions
            }

            fn only(observed_generation: Option<i64>, conditions: Vec<Condition>) -> Self {
                Self { observed_generation, conditions, ..Self::default() }
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

/// Says of an object that cannot be read why: `condition` does (`holds`) or does not hold.
///
/// # Errors
/// When the API server fails.
pub async fn unreadable<K: Kind, S: Observed>(
    context: &Context,
    metadata: &ObjectMeta,
    (condition, holds): (&str, bool),
    problem: &str,
) -> Result<Action, Error> {
    let (namespace, name) = (metadata.namespace.clone().unwrap_or_default(), metadata.name.clone().unwrap_or_default());
    let kind = K::kind(&());
    tracing::warn!(%kind, namespace, name, problem, "an object cannot be read; what is there for it stays");
    let conditions = Conditions::after(&[], metadata.generation).with(condition, holds, "Unreadable", problem).done();
    write::<K, S>(&context.client, &namespace, &name, &S::only(metadata.generation, conditions)).await?;
    Ok(Action::await_change())
}

async fn write<K: Kind, S: Serialize>(client: &Client, namespace: &str, name: &str, status: &S) -> Result<(), Error> {
    let api: Api<K> = Api::namespaced(client.clone(), namespace);
    let manifest = json!({ "apiVersion": K::api_version(&()), "kind": K::kind(&()), "status": status });
    match api.patch_status(name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(manifest)).await {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        written => written.map(drop).trying(|| format!("write the status of {} {namespace}/{name}", K::kind(&()))),
    }
}
