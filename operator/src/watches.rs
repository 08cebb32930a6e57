//! What the controllers hear of objects.

use std::collections::HashMap;
use std::fmt::Debug;

use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::PartialObjectMeta;
use kube::runtime::reflector::store::Writer;
use kube::runtime::watcher::Event;
use kube::runtime::{PredicateConfig, WatchStreamExt, predicates, reflector, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tokio::sync::{mpsc, watch};

/// What comes of objects, or of a failed watch.
type Heard<K> = Result<K, watcher::Error>;

/// Whether every kind was listed once: until then, what is there looks missing. (Reflectors wake only one of those who wait
/// for that.)
#[derive(Clone)]
pub struct Listing(watch::Sender<usize>);

impl Listing {
    /// Of so many kinds.
    pub fn of(kinds: usize) -> Self {
        Self(watch::Sender::new(kinds))
    }

    /// Returns when all were listed.
    pub async fn done(&self) {
        // The sender is here.
        drop(self.0.subscribe().wait_for(|missing| *missing == 0).await);
    }

    /// Notes the end of the first listing of one kind.
    fn note<K>(&self) -> impl FnMut(&Event<K>) + Send + use<K> {
        let (missing, mut listed) = (self.0.clone(), false);
        move |event| {
            if matches!(event, Event::InitDone) && !std::mem::replace(&mut listed, true) {
                missing.send_modify(|missing| *missing -= 1);
            }
        }
    }
}

/// What a watch tells of objects, after `writer` knows of it.
pub fn events<K>(
    api: Api<K>,
    writer: Writer<K>,
    listing: &Listing,
) -> impl Stream<Item = Heard<Event<K>>> + Send + use<K>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
{
    reflector(writer, watcher(api, watcher::Config::default()).default_backoff()).inspect_ok(listing.note())
}

/// Tells others of what users say of objects, and that they are gone; not of what is known of them. Whoever is told finds it
/// in the reflector behind `events`.
pub fn telling<K>(
    events: impl Stream<Item = Heard<Event<K>>> + Send,
    others: Vec<mpsc::Sender<K>>,
) -> impl Stream<Item = Heard<Event<K>>> + Send
where
    K: Resource<DynamicType = ()> + Clone + Send + 'static,
{
    let mut generations = HashMap::new();
    events.and_then(move |event| {
        let edited = match &event {
            Event::Apply(object) | Event::InitApply(object) => {
                let generation = object.meta().generation;
                (generations.insert(object.uid(), generation) != Some(generation)).then(|| object.clone())
            }
            Event::Delete(object) => {
                generations.remove(&object.uid());
                Some(object.clone())
            }
            Event::Init | Event::InitDone => None,
        };
        let others = if edited.is_some() { others.clone() } else { Vec::new() };
        async move {
            for other in others {
                if let Some(object) = edited.clone() {
                    // The receiver is gone when the operator ends.
                    drop(other.send(object).await);
                }
            }
            Ok(event)
        }
    })
}

/// Kubernetes namespaces whose labels change; none where the operator looks at one only.
pub fn namespaces(
    client: &Client,
    only: Option<&str>,
    writer: Writer<PartialObjectMeta<Namespace>>,
    listing: &Listing,
) -> impl Stream<Item = Heard<PartialObjectMeta<Namespace>>> + Send + use<> {
    if only.is_some() {
        return stream::pending().left_stream();
    }
    let events = watcher(Api::<PartialObjectMeta<Namespace>>::all(client.clone()), watcher::Config::default());
    let seen = events.default_backoff().reflect(writer).inspect_ok(listing.note()).touched_objects();
    seen.predicate_filter(predicates::labels, PredicateConfig::default()).right_stream()
}

/// What is sent.
pub fn received<T: Send + 'static>(mut receiver: mpsc::Receiver<T>) -> impl Stream<Item = T> + Send {
    stream::poll_fn(move |context| receiver.poll_recv(context))
}
