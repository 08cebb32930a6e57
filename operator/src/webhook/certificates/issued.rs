//! Certificates that the operators issue to themselves, and agree on in a Secret.

use std::collections::BTreeMap;
use std::time::Duration;

use anabranch_telemetry::clock::wall_ms;
use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt};
use serde_json::json;

use crate::error::{Error, Trying};
use crate::names::MANAGER;
use crate::webhook::keyring::{Keyring, Life};
use crate::webhook::served::{CertificateError, Served};

/// The entry of the Secret.
const ENTRY: &str = "keyring.json";
/// The longest time between two looks.
const PERIOD: Duration = Duration::from_secs(30);
/// How often another operator may be faster before this one waits.
const ATTEMPTS: usize = 5;

/// See the module.
pub struct Shared {
    secrets: Api<Secret>,
    secret: String,
    configurations: Api<MutatingWebhookConfiguration>,
    configuration: String,
    names: Vec<String>,
    life: Life,
}

/// Why certificates could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum SharedError {
    /// The API server refused, or could not be reached.
    #[error(transparent)]
    Kube(#[from] Error),
    /// A certificate cannot be made.
    #[error("cannot issue a certificate: {0}")]
    Issue(#[from] rcgen::Error),
    /// A certificate cannot be shown.
    #[error(transparent)]
    Show(#[from] CertificateError),
    /// There is nowhere to tell API servers whom to trust.
    #[error("there is no MutatingWebhookConfiguration {0}")]
    Unannounced(String),
    /// Others were faster each time.
    #[error("other operators write the Secret {0} all the time")]
    Contended(String),
}

impl Shared {
    /// For a server of these names: kept in a Secret of a namespace, announced in a MutatingWebhookConfiguration.
    pub fn new(
        client: &Client,
        namespace: &str,
        secret: &str,
        configuration: &str,
        names: Vec<String>,
        life: Life,
    ) -> Self {
        Self {
            secrets: Api::namespaced(client.clone(), namespace),
            secret: secret.to_owned(),
            configurations: Api::all(client.clone()),
            configuration: configuration.to_owned(),
            names,
            life,
        }
    }

    /// How long until it should look again: often enough that what another operator renewed is shown long before the one
    /// before ends.
    pub fn period(&self) -> Duration {
        (self.life.0 / 12).min(PERIOD)
    }

    /// Renews what is due, shows it, and announces it.
    ///
    /// # Errors
    /// When it cannot be done; the next step may.
    pub async fn step(&self, served: &Served) -> Result<(), SharedError> {
        for _ in 0..ATTEMPTS {
            // Read first: whoever announces from an older Secret than this is refused below.
            let configuration = self.configurations.get_opt(&self.configuration).await;
            let configuration = configuration.trying(|| format!("get the webhooks {}", self.configuration))?;
            let announced = configuration.as_ref().map(announced).unwrap_or_default();
            let Some(keyring) = self.settle(&announced).await? else { continue };
            if let Some(server) = keyring.server() {
                served.show(server.certificate.as_bytes(), server.key.as_bytes())?;
            }
            let Some(configuration) = configuration else {
                return Err(SharedError::Unannounced(self.configuration.clone()));
            };
            if !self.announce(&configuration, &keyring.bundle()).await? {
                continue;
            }
            // Not before: what API servers do not trust yet is of no use to them.
            served.ready();
            return Ok(());
        }
        Err(SharedError::Contended(self.secret.clone()))
    }

    /// What all operators have now; `None` if another one was faster.
    async fn settle(&self, announced: &str) -> Result<Option<Keyring>, SharedError> {
        let what = || format!("get the Secret {}", self.secret);
        let secret = self.secrets.get_opt(&self.secret).await.trying(what)?;
        let keyring = secret.as_ref().map(read).unwrap_or_default();
        let Some(next) = keyring.next(&self.names, announced, self.life, wall_ms())? else { return Ok(Some(keyring)) };
        let json = serde_json::to_vec(&next);
        let json = json.map_err(|source| Error::Json { what: format!("the Secret {}", self.secret), source })?;
        let data = Some(BTreeMap::from([(ENTRY.to_owned(), ByteString(json))]));
        let written = match secret {
            // The resource version makes sure that nobody else wrote it since.
            Some(secret) => {
                self.secrets.replace(&self.secret, &PostParams::default(), &Secret { data, ..secret }).await
            }
            // Without labels: who deploys the operator may give it some.
            None => {
                let metadata = ObjectMeta { name: Some(self.secret.clone()), ..ObjectMeta::default() };
                self.secrets.create(&PostParams::default(), &Secret { metadata, data, ..Secret::default() }).await
            }
        };
        match written {
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(None),
            written => {
                written.trying(|| format!("write the Secret {}", self.secret))?;
                tracing::info!(secret = self.secret, "issued a new certificate for the webhook");
                Ok(Some(next))
            }
        }
    }

    /// Tells API servers whom to trust; `false` if someone else wrote at the same time.
    async fn announce(&self, configuration: &MutatingWebhookConfiguration, bundle: &str) -> Result<bool, Error> {
        let ours = ByteString(bundle.as_bytes().to_vec());
        let webhooks = configuration.webhooks.iter().flatten();
        let stale: Vec<_> = webhooks
            .filter(|webhook| webhook.client_config.ca_bundle.as_ref() != Some(&ours))
            .map(|webhook| json!({ "name": webhook.name, "clientConfig": { "caBundle": ours } }))
            .collect();
        if stale.is_empty() {
            return Ok(true);
        }
        let version = configuration.resource_version();
        let patch = json!({ "metadata": { "resourceVersion": version }, "webhooks": stale });
        let parameters = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
        match self.configurations.patch(&self.configuration, &parameters, &Patch::Strategic(patch)).await {
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
            patched => {
                patched.trying(|| format!("write the authorities of the webhooks {}", self.configuration))?;
                Ok(true)
            }
        }
    }
}

/// What is in a Secret; nothing if that cannot be read.
fn read(secret: &Secret) -> Keyring {
    let entry = secret.data.as_ref().and_then(|data| data.get(ENTRY));
    entry.map_or_else(Keyring::default, |entry| {
        serde_json::from_slice(&entry.0).unwrap_or_else(|error| {
            tracing::warn!(%error, entry = ENTRY, "the Secret of the webhook cannot be read; issuing anew");
            Keyring::default()
        })
    })
}

/// The authorities that every webhook trusts, in PEM: those of the one that trusts the fewest.
fn announced(configuration: &MutatingWebhookConfiguration) -> String {
    let bundles = configuration.webhooks.iter().flatten().map(|webhook| &webhook.client_config.ca_bundle);
    let shortest = bundles.min_by_key(|bundle| bundle.as_ref().map_or(0, |bundle| bundle.0.len()));
    shortest.into_iter().flatten().map(|bundle| String::from_utf8_lossy(&bundle.0).into_owned()).collect()
}
