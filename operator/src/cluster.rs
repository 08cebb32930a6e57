//! Which cluster this is.

use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client, ResourceExt};

/// Every cluster has it, as long as it lives, with a uid that no other has.
const SYSTEM: &str = "kube-system";

/// How soon to ask again.
const PERIOD: Duration = Duration::from_secs(2);

/// What tells this cluster from all others: the uid of a Kubernetes namespace that lives as long as what the operator looks
/// at. An operator of one namespace (`only`) may see no other, and takes that one.
///
/// Asks until it is told.
pub async fn identity(client: &Client, only: Option<&str>) -> String {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let name = only.unwrap_or(SYSTEM);
    loop {
        match namespaces.get_metadata(name).await {
            Ok(namespace) => return namespace.uid().unwrap_or_default(),
            Err(error) => tracing::warn!(namespace = name, %error, "cannot tell which cluster this is; trying again"),
        }
        tokio::time::sleep(PERIOD).await;
    }
}
