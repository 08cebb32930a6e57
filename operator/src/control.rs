//! The controllers: which objects each looks at, and what makes it look again.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use anabranch_api::{MountTable, RouterFleet, Subcluster};
use futures_util::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{ConfigMap, Service};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::core::NamespaceResourceScope;
use kube::runtime::controller::{self, Action, Config, Controller};
use kube::runtime::reflector::ObjectRef;
use kube::runtime::{WatchStreamExt, reflector, watcher};
use kube::{Api, Client, Resource};
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::context::{Context, Guarded, Images, Stores};
use crate::error::Error;
use crate::index::Index;
use crate::link::{Dial, Links, Triggers};
use crate::metrics::Metrics;
use crate::names::MANAGER;
use crate::watches::{Listing, advice, events, namespaces, received, telling};
use crate::{fleet, mounts, subcluster, triggers};

/// Objects that are told of faster than they are looked at wait here.
const QUEUE: usize = 4096;

/// How long changes to a fleet and its Subclusters gather: many at once should not become as many rollouts. A fleet waits no
/// longer than that, however steadily changes come.
const GATHER: Duration = Duration::from_secs(1);

/// How many MountTables, and how many Subclusters, are looked at at the same time.
const CONCURRENCY: u16 = 16;

/// What the controllers need.
#[derive(Clone)]
pub struct Setup {
    /// The API server.
    pub client: Client,
    /// The only Kubernetes namespace to look at; all if `None`.
    pub namespace: Option<String>,
    /// Images of what is run.
    pub images: Images,
    /// The Kubernetes namespace of the operator itself.
    pub home: String,
    /// Which cluster this is.
    pub cluster: String,
    /// What is counted.
    pub metrics: Metrics,
    /// Who reports events.
    pub identity: String,
    /// How state stores are reached.
    pub dial: Dial,
    /// How long until an object is looked at again when nothing tells of a change.
    pub resync: Duration,
}

impl Setup {
    fn api<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        match &self.namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        }
    }
}

/// Runs all controllers until `stop`, and lets reconciliations that have begun end.
pub async fn run(setup: Setup, stop: CancellationToken) {
    let (fleet_triggers, told_fleets) = mpsc::channel(QUEUE);
    let (table_triggers, told_tables) = mpsc::channel(QUEUE);
    let gone_tables = table_triggers.clone();
    let (subcluster_triggers, told_subclusters) = mpsc::channel(QUEUE);
    let triggers = Triggers { fleets: fleet_triggers, tables: table_triggers, subclusters: subcluster_triggers };
    let links = Links::new(triggers, setup.dial.clone());

    // Who looks again since another object changed must find that object as it is now: it is told by the one watch of that
    // kind, and after the reflector.
    let listing = Listing::of(if setup.namespace.is_some() { 3 } else { 4 });
    let (fleets_changed, changed_fleets) = mpsc::channel(QUEUE);
    let (all_fleets, writer) = reflector::store();
    let heard = telling(events(setup.api::<Guarded<RouterFleet>>(), writer, &listing), vec![fleets_changed]);
    let fleets = Controller::for_stream(heard.applied_objects(), all_fleets.clone());

    let leads = Arc::new(Index::of_tables());
    let index = leads.clone();
    let (all_tables, writer) = reflector::store();
    // A table that is gone is looked for in vain: see `Attempts::ended`.
    let heard = events(setup.api::<Guarded<MountTable>>(), writer, &listing).and_then(move |event| {
        let (gone, told) = (index.take(&event), gone_tables.clone());
        async move {
            for (namespace, name) in gone {
                // The receiver is gone when the operator ends.
                drop(told.send(ObjectRef::new(&name).within(&namespace)).await);
            }
            Ok(event)
        }
    });
    let tables = Controller::for_stream(heard.applied_objects(), all_tables.clone());

    let nameservices = Arc::new(Index::of_subclusters());
    let index = nameservices.clone();
    let (for_fleets, subclusters_of_fleets) = mpsc::channel(QUEUE);
    let (for_tables, subclusters_of_tables) = mpsc::channel(QUEUE);
    let (all_subclusters, writer) = reflector::store();
    let heard = events(setup.api::<Guarded<Subcluster>>(), writer, &listing);
    let heard = heard.inspect_ok(move |event| drop(index.take(event)));
    let heard = telling(heard, vec![for_fleets, for_tables]);
    let subclusters = Controller::for_stream(heard.applied_objects(), all_subclusters.clone());

    let (all_namespaces, writer) = reflector::store();
    let labels = namespaces(&setup.client, setup.namespace.as_deref(), writer, &listing);
    let stores = Stores {
        fleets: all_fleets.clone(),
        tables: all_tables.clone(),
        subclusters: all_subclusters,
        namespaces: all_namespaces,
        nameservices: nameservices.clone(),
        listing,
    };
    let context = Arc::new(Context::new(&setup, stores, links));

    let [of_fleets, of_tables, of_subclusters] =
        ["RouterFleet", "MountTable", "Subcluster"].map(|kind| Attempts::new(kind, &context));
    let ours = watcher::Config::default().labels(&format!("app.kubernetes.io/managed-by={MANAGER}"));
    let fleets = fleets
        .owns(setup.api::<Deployment>(), ours.clone())
        .owns(setup.api::<StatefulSet>(), ours.clone())
        .owns(setup.api::<Service>(), ours.clone())
        .owns(setup.api::<ConfigMap>(), ours.clone())
        .owns(setup.api::<PodDisruptionBudget>(), ours.clone())
        .owns(setup.api::<HorizontalPodAutoscaler>(), ours.clone())
        .owns(setup.api::<NetworkPolicy>(), ours.clone())
        .watches_stream(received(subclusters_of_fleets).map(Ok), move |subcluster: Guarded<Subcluster>| {
            triggers::fleets_of_subcluster(&subcluster, &all_fleets)
        })
        .reconcile_on(received(told_fleets))
        .graceful_shutdown_on(stop.clone().cancelled_owned())
        .run(
            |object, attempts: Arc<Attempts>| async move {
                let object = attempts.gather(object).await;
                attempts.make(object, fleet::reconcile).await
            },
            |object, error, attempts| attempts.failed(&*object, error),
            of_fleets.clone(),
        );

    let (by_fleet, by_namespace) = (all_tables.clone(), all_tables);
    let tables = tables
        .watches_stream(received(changed_fleets).map(Ok), move |fleet: Guarded<RouterFleet>| {
            triggers::tables_of_fleet(&fleet, &by_fleet)
        })
        .watches_stream(received(subclusters_of_tables).map(Ok), move |subcluster: Guarded<Subcluster>| {
            triggers::tables_of_subcluster(&subcluster, &leads)
        })
        .watches_stream(labels, move |namespace| {
            triggers::tables_in(&namespace.metadata.name.unwrap_or_default(), &by_namespace)
        })
        .reconcile_on(received(told_tables))
        .with_config(Config::default().concurrency(CONCURRENCY))
        .graceful_shutdown_on(stop.clone().cancelled_owned())
        .run(
            |object, attempts: Arc<Attempts>| attempts.make(object, mounts::reconcile),
            |object, error, attempts| attempts.failed(&*object, error),
            of_tables.clone(),
        );

    let told_subclusters = received(told_subclusters)
        .flat_map(move |nameservice| stream::iter(triggers::subclusters_of(&nameservice, &nameservices)));
    let subclusters = subclusters
        .owns(setup.api::<StatefulSet>(), ours.clone())
        .owns(setup.api::<Service>(), ours)
        .reconcile_on(told_subclusters)
        .with_config(Config::default().concurrency(CONCURRENCY))
        .graceful_shutdown_on(stop.clone().cancelled_owned())
        .run(
            |object, attempts: Arc<Attempts>| attempts.make(object, subcluster::reconcile),
            |object, error, attempts| attempts.failed(&*object, error),
            of_subclusters.clone(),
        );

    tokio::join!(
        fleets.for_each(|outcome| {
            of_fleets.ended(outcome);
            std::future::ready(())
        }),
        // Whom this tells waits in the same stream, which must go on.
        tables.for_each_concurrent(None, |outcome| {
            let (gone, context) = (of_tables.ended(outcome), context.clone());
            async move {
                if let Some((namespace, name)) = gone {
                    mounts::give_up(&context, &namespace, &name).await;
                }
            }
        }),
        subclusters.for_each(|outcome| {
            of_subclusters.ended(outcome);
            std::future::ready(())
        })
    );
}

/// Reconciliations of one kind: measured, and tried again later and later while they fail.
struct Attempts {
    kind: &'static str,
    context: Arc<Context>,
    failures: Mutex<HashMap<(String, String), u32>>,
    /// What users were told to do, and when.
    advised: Mutex<HashMap<String, Instant>>,
}

/// How often users are told the same.
const REMINDER: Duration = Duration::from_secs(60);

/// The shortest and the longest pause after a failure.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));

impl Attempts {
    fn new(kind: &'static str, context: &Arc<Context>) -> Arc<Self> {
        Arc::new(Self { kind, context: context.clone(), failures: Mutex::default(), advised: Mutex::default() })
    }

    /// Waits until changes have gathered; the fleet as it is then.
    async fn gather(&self, fleet: Arc<Guarded<RouterFleet>>) -> Arc<Guarded<RouterFleet>> {
        tokio::time::sleep(GATHER).await;
        let (namespace, name) = key(&*fleet);
        self.context.fleet(&namespace, &name).unwrap_or(fleet)
    }

    /// Notes the end of a reconciliation, or that there is no such object any more: nothing is known of it then. Which one.
    fn ended<T>(&self, outcome: Result<T, controller::Error<Error, watcher::Error>>) -> Option<(String, String)> {
        let gone = match outcome {
            Err(controller::Error::ObjectNotFound(gone)) => gone,
            Err(controller::Error::QueueError(error)) => {
                self.unheard(&error);
                return None;
            }
            _ => return None,
        };
        let gone = (gone.namespace.clone().unwrap_or_default(), gone.name.clone());
        self.failures.lock().remove(&gone);
        self.context.end_links();
        Some(gone)
    }

    /// Notes that a watch failed, and tells who can do something about it.
    fn unheard(&self, error: &watcher::Error) {
        let Some(advice) = advice(self.kind, error) else {
            return tracing::debug!(kind = self.kind, %error, "a watch failed; trying again");
        };
        self.context.metrics.unheard(self.kind);
        let mut advised = self.advised.lock();
        if advised.get(&advice).is_none_or(|at| at.elapsed() >= REMINDER) {
            tracing::warn!(kind = self.kind, "{advice}");
            advised.insert(advice, Instant::now());
        }
    }

    async fn make<K, F>(
        self: Arc<Self>,
        object: Arc<K>,
        reconcile: impl FnOnce(Arc<K>, Arc<Context>) -> F,
    ) -> Result<Action, Error>
    where
        K: Resource<DynamicType = ()>,
        F: Future<Output = Result<Action, Error>>,
    {
        self.context.listing.done().await;
        let began = Instant::now();
        let key = key(&*object);
        let outcome = reconcile(object, self.context.clone()).await;
        let word = outcome.as_ref().map_or_else(Error::category, |_| "ok");
        self.context.metrics.reconciled(self.kind, word, began.elapsed());
        if outcome.is_ok() {
            self.failures.lock().remove(&key);
        }
        outcome
    }

    fn failed(&self, object: &impl Resource<DynamicType = ()>, error: &Error) -> Action {
        let key = key(object);
        let mut failures = self.failures.lock();
        let count = failures.entry(key.clone()).or_default();
        let pause = PAUSES.0.saturating_mul(1 << (*count).min(10)).min(PAUSES.1);
        *count += 1;
        let (namespace, name) = key;
        tracing::warn!(kind = self.kind, namespace, name, %error, again_in = ?pause, "a reconciliation failed");
        Action::requeue(pause)
    }
}

fn key(object: &impl Resource<DynamicType = ()>) -> (String, String) {
    let meta = object.meta();
    (meta.namespace.clone().unwrap_or_default(), meta.name.clone().unwrap_or_default())
}
