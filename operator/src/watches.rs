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

/// What to do so that something is heard of the objects of a kind and of what is made for them; `None` if it takes nothing
/// but patience.
pub fn advice(kind: &str, error: &watcher::Error) -> Option<String> {
    let status = match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status) => status,
        _ => return None,
    };
    match status.code {
        404 => Some(format!(
            "the cluster does not know the kind {kind}, so nothing is done at all; install its definition: helm show crds \
             CHART | kubectl apply --server-side -f -"
        )),
        403 => Some(format!(
            "a right is missing: {}; give the operator the rules of the chart's rbac.yaml (helm upgrade does)",
            status.message
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    #[test]
    fn what_to_do_is_told_where_something_can_be_done() {
        let failed = |code, message: &str| {
            let status = Status { code, message: message.to_owned(), ..Status::default() };
            advice("Subcluster", &watcher::Error::InitialListFailed(kube::Error::Api(Box::new(status))))
        };
        let missing = failed(404, "page not found").unwrap();
        assert!(missing.starts_with("the cluster does not know the kind Subcluster,"), "{missing}");
        let right = r#"cannot list resource "subclusters" in API group "anabranch.io""#;
        assert!(failed(403, right).unwrap().contains(right));
        assert_eq!(failed(500, "etcd"), None);
    }
}
