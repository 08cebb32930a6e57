//! The answer of a router in Kubernetes: one of its pods is asked by way of the API server.

use std::path::PathBuf;

use anabranch_federation::MountPath;
use anabranch_router::explain::Answer;
use clap::Args;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams};
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use kube::{Client, Error};

use super::pods::{self, Target};
use super::{Who, ask};
use crate::failure::Failure;

/// Which fleet of which cluster, in the words of kubectl.
#[derive(Debug, Args)]
pub(super) struct ClusterArgs {
    /// Ask a router of this RouterFleet. [default: the only one in the namespace]
    #[arg(long, value_name = "NAME")]
    fleet: Option<String>,
    /// The Kubernetes namespace of the fleet. [default: that of the context]
    #[arg(short, long, value_name = "NAME")]
    namespace: Option<String>,
    /// The kubeconfig context. [default: the current one]
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// The kubeconfig file. [default: $KUBECONFIG, else ~/.kube/config, else the account of the pod]
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

/// A pod that can be asked.
pub(super) struct Router {
    pods: Api<Pod>,
    target: Target,
}

impl Router {
    /// Finds a ready router of a fleet; of the only one in the namespace if none is named.
    pub(super) async fn find(args: ClusterArgs) -> Result<Self, Failure> {
        let ClusterArgs { fleet, namespace, context, kubeconfig } = args;
        let config = config(context, kubeconfig).await?;
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
async fn config(context: Option<String>, file: Option<PathBuf>) -> Result<Config, Failure> {
    let options = KubeConfigOptions { context, ..KubeConfigOptions::default() };
    let found = match file.map(Kubeconfig::read_from).transpose() {
        Ok(Some(kubeconfig)) => Config::from_custom_kubeconfig(kubeconfig, &options).await,
        Ok(None) if options.context.is_some() => Config::from_kubeconfig(&options).await,
        Ok(None) => return Config::infer().await.map_err(|error| nowhere(&error)),
        Err(error) => Err(error),
    };
    found.map_err(|error| nowhere(&error))
}

fn nowhere(error: &dyn std::error::Error) -> Failure {
    let advice = "name a file with --kubeconfig, ask a router with --router URL, or read manifests with -f DIR";
    Failure::usage(format!("no way to Kubernetes: {error}; {advice}"))
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
