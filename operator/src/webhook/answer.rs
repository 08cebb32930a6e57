//! Answers to the API server.

use std::collections::BTreeMap;
use std::sync::Arc;

use anabranch_api::{RouterFleet, Subcluster};
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::ListParams;
use kube::core::DeserializeGuard;
use kube::{Api, Client, ResourceExt};

use super::inject::{inject, is_injected};
use super::review::{Request, Review, Verdict};
use super::wish::Wish;
use crate::context::{Guarded, Images};
use crate::error::{Error, Trying};
use crate::fleet::{Validated, found_among, validate};
use crate::metrics::Metrics;

/// What answers are made of.
pub struct Webhook {
    /// The API server.
    pub client: Client,
    /// Images of what is run.
    pub images: Images,
    /// What is counted.
    pub metrics: Metrics,
}

/// Answers a review.
///
/// A connection is closed after its answer, which the API server is told in it: there is none that could end just when
/// another review is sent, and none that outlives a certificate.
pub async fn answer(State(webhook): State<Arc<Webhook>>, Json(review): Json<Review>) -> Response {
    ([(header::CONNECTION, "close")], webhook.answer(&review.request).await).into_response()
}

impl Webhook {
    async fn answer(&self, request: &Request) -> Response {
        let verdict = self.judge(request).await;
        self.metrics.admitted(match &verdict {
            Ok(Verdict::Leave) => "left",
            Ok(Verdict::Inject(_)) => "injected",
            Ok(Verdict::Refuse(_)) => "refused",
            Err(_) => "failed",
        });
        match verdict.and_then(|verdict| verdict.review(&request.uid)) {
            Ok(review) => Json(review).into_response(),
            // The failure policy of the webhook decides.
            Err(error) => {
                tracing::warn!(%error, namespace = request.namespace, pod = request.name, "a pod could not be judged");
                (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response()
            }
        }
    }

    async fn judge(&self, request: &Request) -> Result<Verdict, Error> {
        let Some(pod) = &request.object else { return Ok(Verdict::Leave) };
        let failed = |source| Error::Json { what: "a pod".to_owned(), source };
        let typed: Pod = serde_json::from_value(pod.clone()).map_err(failed)?;
        let wish = match Wish::of(&typed.metadata) {
            Ok(Some(wish)) => wish,
            Ok(None) => return Ok(Verdict::Leave),
            Err(problem) => return Ok(Verdict::Refuse(problem)),
        };
        if is_injected(&typed) {
            return Ok(Verdict::Leave);
        }
        let home = wish.namespace.as_deref().unwrap_or(&request.namespace);
        let changed = match self.fleet(home, &wish.fleet, &request.namespace).await? {
            Ok(fleet) => inject(pod, &typed, &wish, &fleet, &self.images),
            Err(problem) => Err(problem),
        };
        Ok(match changed {
            Ok(changed) => Verdict::Inject(json_patch::diff(pod, &changed)),
            Err(problem) => Verdict::Refuse(problem),
        })
    }

    /// The fleet as it is now, or what is wrong with it, or with a pod in the namespace `guest` having a router of it. The API
    /// server is asked: what a watch told may be older than the fleet that was made together with the pod.
    async fn fleet(&self, namespace: &str, name: &str, guest: &str) -> Result<Result<Validated, String>, Error> {
        let shown = format!("RouterFleet {namespace}/{name}");
        let fleets: Api<Guarded<RouterFleet>> = Api::namespaced(self.client.clone(), namespace);
        let got = match fleets.get_opt(name).await {
            // An operator of one namespace.
            Err(kube::Error::Api(status)) if status.code == 403 => {
                return Ok(Err(format!("{shown} is none of those that this operator may see")));
            }
            got => got.trying(|| format!("get {shown}"))?,
        };
        let fleet = match got {
            Some(DeserializeGuard(Ok(fleet))) => fleet,
            Some(DeserializeGuard(Err(invalid))) => {
                return Ok(Err(format!("{shown} cannot be read: {}", invalid.error)));
            }
            None => return Ok(Err(format!("there is no {shown}"))),
        };
        let allowed = &fleet.spec.allowed_sidecars;
        let labels =
            if allowed.asks_for_labels(namespace, guest) { self.labels(guest).await? } else { BTreeMap::new() };
        if let Err(problem) = allowed.check(namespace, guest, &labels) {
            return Ok(Err(format!("{shown} {problem}")));
        }
        let subclusters: Api<Guarded<Subcluster>> = Api::namespaced(self.client.clone(), namespace);
        let listed = subclusters.list(&ListParams::default()).await;
        let listed = listed.trying(|| format!("list the Subclusters of {namespace}"))?;
        let found = found_among(listed.into_iter().map(Arc::new), &fleet);
        Ok(validate(&fleet, &found).map_err(|problems| format!("{shown}: {}", problems.join("; "))))
    }

    /// The labels of a Kubernetes namespace.
    async fn labels(&self, namespace: &str) -> Result<BTreeMap<String, String>, Error> {
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        // To list them is what the operator may do.
        let named = ListParams::default().fields(&format!("metadata.name={namespace}"));
        match namespaces.list_metadata(&named).await {
            // An operator of one namespace knows of others what they are called.
            Err(kube::Error::Api(status)) if status.code == 403 => {
                Ok([("kubernetes.io/metadata.name".to_owned(), namespace.to_owned())].into())
            }
            listed => {
                let listed = listed.trying(|| format!("list the namespace {namespace}"))?;
                Ok(listed.into_iter().next().map(|found| found.labels().clone()).unwrap_or_default())
            }
        }
    }
}
