//! What all cases share: a control plane with our kinds in it.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use anabranch_testkit::control_plane::ControlPlane;
use anyhow::Result;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DeleteParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::wait::{await_condition, conditions};
use kube::{Api, Client, Config};
use tokio::runtime::Runtime;

/// See the module.
pub struct Rig {
    /// Runs the tests, and the operators in this process.
    pub runtime: Runtime,
    /// The API server, for the tests.
    pub client: Client,
    /// The control plane.
    pub plane: ControlPlane,
    /// The way to it, for operators.
    pub config: Config,
    namespaces: AtomicUsize,
}

impl Rig {
    /// Starts it.
    pub fn start() -> Result<Self> {
        // What an operator says is of interest when a case fails.
        let log = std::env::var("OPERATOR_LOG").unwrap_or_else(|_| "off".to_owned());
        anabranch_telemetry::logging::init(anabranch_telemetry::logging::Format::Text, &log)?;
        let plane = ControlPlane::start()?;
        let runtime = Runtime::new()?;
        let (client, config) = runtime.block_on(async {
            let config = configuration(&plane, "test").await?;
            let client = Client::try_from(config)?;
            define(&client).await?;
            anyhow::Ok((client, configuration(&plane, "operator").await?))
        })?;
        Ok(Self { runtime, client, plane, config, namespaces: AtomicUsize::default() })
    }

    /// Creates those of our kinds that are not there.
    pub async fn define(&self) -> Result<()> {
        define(&self.client).await
    }

    /// Removes one of our kinds, with all objects.
    pub async fn undefine(&self, name: &str) {
        let api: Api<CustomResourceDefinition> = Api::all(self.client.clone());
        let uid = api.get(name).await.unwrap().metadata.uid.unwrap();
        api.delete(name, &DeleteParams::default()).await.unwrap();
        await_condition(api, name, conditions::is_deleted(&uid)).await.unwrap();
    }

    /// A name that no other namespace has.
    pub fn fresh(&self, name: &str) -> String {
        format!("{name}-{}", self.namespaces.fetch_add(1, Ordering::Relaxed))
    }
}

async fn configuration(plane: &ControlPlane, user: &str) -> Result<Config> {
    let known = Kubeconfig::read_from(plane.kubeconfig(user))?;
    Ok(Config::from_custom_kubeconfig(known, &KubeConfigOptions::default()).await?)
}

/// Creates those of our kinds that are not there.
async fn define(client: &Client) -> Result<()> {
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../crds"))? {
        let definition: CustomResourceDefinition = serde_yaml::from_str(&fs::read_to_string(entry?.path())?)?;
        let name = definition.metadata.name.clone().unwrap_or_default();
        if api.get_opt(&name).await?.is_none() {
            api.create(&PostParams::default(), &definition).await?;
        }
        await_condition(api.clone(), &name, conditions::is_crd_established()).await?;
    }
    Ok(())
}
