//! Applies what a fleet consists of.

use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use serde_json::json;

use super::build::{OPTIONAL, Resources};
use super::validate::Validated;
use crate::child::{Child, prune};
use crate::context::Context;
use crate::error::{Error, Trying};
use crate::names::{MANAGER, ROUTER, STORE};

/// What is there now.
pub struct Applied {
    /// The routers.
    pub deployment: Deployment,
}

/// Applies everything, the routers last: by then what they need exists. What the fleet once had and no longer has goes.
/// What routers do not need, such as a monitor where nobody knows that kind, stops nothing else.
///
/// # Errors
/// When the API server fails.
pub async fn apply(context: &Context, resources: Resources, validated: &Validated) -> Result<Applied, Error> {
    let Resources { children, routers } = resources;
    let client = &context.client;
    let kinds = OPTIONAL.map(super::build::Kind::resource);
    let mut trouble = None;
    for child in &children {
        match child.apply(client).await {
            Err(error) if kinds.contains(&child.resource) => trouble = trouble.or(Some(error)),
            applied => drop(applied?),
        }
    }
    if validated.spec.autoscaling.is_some() {
        hand_over_replicas(context, &routers).await?;
    }
    let deployment = routers.apply(client).await?;
    for component in [ROUTER, STORE] {
        prune(client, &validated.owner(), component, &kinds, &children).await?;
    }
    trouble.map_or_else(|| Ok(Applied { deployment: typed(deployment)? }), Err)
}

fn typed(object: DynamicObject) -> Result<Deployment, Error> {
    let failed = |error| Error::Json { what: "Deployment".to_owned(), source: serde::de::Error::custom(error) };
    object.try_parse().map_err(failed)
}

/// Who stops applying `replicas` would set the number back to 1: someone else must hold the field first, with the number
/// that it has.
async fn hand_over_replicas(context: &Context, routers: &Child) -> Result<(), Error> {
    let api: Api<Deployment> = Api::namespaced(context.client.clone(), &routers.namespace);
    let what = || format!("hand the replicas of {} over to the autoscaler", routers.name);
    let Some(live) = api.get_opt(&routers.name).await.trying(what)? else { return Ok(()) };
    let fields = live.metadata.managed_fields.unwrap_or_default();
    let holds = |manager: &str| {
        let of = fields.iter().filter(|entry| entry.manager.as_deref() == Some(manager));
        of.filter_map(|entry| entry.fields_v1.as_ref()).any(|fields| !fields.0["f:spec"]["f:replicas"].is_null())
    };
    let replicas = live.spec.replicas;
    let (true, Some(replicas)) = (holds(MANAGER), replicas) else { return Ok(()) };
    let manifest = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "spec": { "replicas": replicas } });
    let parameters = PatchParams::apply("anabranch-autoscaler-handover").force();
    api.patch(&routers.name, &parameters, &Patch::Apply(manifest)).await.trying(what)?;
    Ok(())
}
