//! The answer of a router in Kubernetes: one of its pods is asked by way of the API server.

use anabranch_federation::MountPath;
use anabranch_router::explain::Answer;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams};
use kube::config::{Config, KubeConfigOptions};
use kube::{Client, Error};

use super::pods::{self, Target};
use super::{Who, ask};
use crate::failure::Failure;

/// A pod that can be asked.
pub(super) struct Router {
    pods: Api<Pod>,
    target: Target,
}

impl Router {
    /// Finds a ready router of a fleet; of the only one in the namespace if none is named.
    pub(super) async fn find(
        fleet: Option<String>,
        namespace: Option<String>,
        context: Option<String>,
    ) -> Result<Self, Failure> {
        let config = config(context).await?;
        let namespace = namespace.unwrap_or_else(|| config.default_namespace.clone());
        let client = Client::try_from(config).map_err(|error| failed("Kubernetes", &error))?;
        let api: Api<Pod> = Api::namespaced(client, &namespace);
        let routers = ListParams::default().labels(&format!("{}={}", pods::NAME, pods::ROUTER));
        let listed = api.list(&routers).await.map_err(|error| failed("cannot list pods", &error))?;
        let target = pods::choose(&listed.items, fleet.as_deref(), &namespace).map_err(Failure::usage)?;
        Ok(Self { pods: api, target })
    }

    pub(super) async fn ask(&self, path: &MountPath, who: &Who) -> Result<Answer, Failure> {
        let Target { pod, port } = &self.target;
        let forward = self.pods.portforward(pod, &[*port]).await;
        let mut forward = forward.map_err(|error| failed(&format!("cannot forward a port of pod {pod}"), &error))?;
        let (Some(stream), Some(trouble)) = (forward.take_stream(*port), forward.take_error(*port)) else {
            return Err(Failure::internal(format!("the forwarded port {port} of pod {pod} cannot be used")));
        };
        let answer = tokio::select! {
            biased;
            Some(problem) = trouble => Err(problem.trim_end().to_owned()),
            answer = ask::over(stream, "localhost", path, who) => answer,
        };
        answer.map_err(|problem| Failure::usage(format!("port {port} of pod {pod}: {problem}")))
    }
}

/// The user's kubeconfig, or inside of a cluster the account of the pod.
async fn config(context: Option<String>) -> Result<Config, Failure> {
    let found = match context {
        None => Config::infer().await.map_err(|error| error.to_string()),
        Some(context) => {
            let options = KubeConfigOptions { context: Some(context), ..KubeConfigOptions::default() };
            Config::from_kubeconfig(&options).await.map_err(|error| error.to_string())
        }
    };
    found.map_err(|problem| {
        let advice = "set KUBECONFIG, ask a router with --router URL, or read manifests with -f DIR";
        Failure::usage(format!("no way to Kubernetes: {problem}; {advice}"))
    })
}

/// What Kubernetes said, and what may help.
fn failed(what: &str, error: &Error) -> Failure {
    let advice = match error {
        Error::Api(status) if status.code == 403 => "; it takes list of pods and create of pods/portforward",
        Error::Api(_) => "",
        _ => "; ask a router with --router URL, or read manifests with -f DIR",
    };
    let said = match error {
        Error::Api(status) if !status.message.is_empty() => status.message.clone(),
        other => other.to_string(),
    };
    Failure::usage(format!("{what}: {said}{advice}"))
}
