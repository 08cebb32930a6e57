//! Objects by what they refer to, so that a change costs what it concerns and not what there is.

use std::collections::{BTreeSet, HashMap, HashSet};

use anabranch_api::{MountTable, Subcluster};
use kube::ResourceExt;
use kube::runtime::watcher;
use parking_lot::RwLock;

use crate::context::Guarded;

/// The Kubernetes namespace and the name of an object.
pub type Key = (String, String);

/// Objects by the nameservices that they name. Follows a watch.
pub struct Index<K: 'static> {
    nameservices: fn(&K) -> BTreeSet<String>,
    inner: RwLock<Inner>,
}

#[derive(Default)]
struct Inner {
    by_nameservice: HashMap<String, BTreeSet<Key>>,
    by_object: HashMap<Key, BTreeSet<String>>,
    /// What a new listing has not told of yet.
    stale: HashSet<Key>,
}

impl Index<MountTable> {
    /// MountTables by the nameservices to which they lead.
    pub fn of_tables() -> Self {
        let named = |table: &MountTable| {
            let destinations = table.spec.entries.iter().flat_map(|entry| &entry.destinations);
            destinations.map(|to| to.nameservice.clone()).collect()
        };
        Self { nameservices: named, inner: RwLock::default() }
    }
}

impl Index<Subcluster> {
    /// Subclusters by their nameservice.
    pub fn of_subclusters() -> Self {
        let named = |subcluster: &Subcluster| [subcluster.spec.nameservice_id.clone()].into();
        Self { nameservices: named, inner: RwLock::default() }
    }
}

impl<K> Index<K> {
    /// The objects that name a nameservice.
    pub fn naming(&self, nameservice: &str) -> Vec<Key> {
        self.inner.read().by_nameservice.get(nameservice).into_iter().flatten().cloned().collect()
    }

    /// Takes what a watch tells; which objects are gone by that.
    pub fn take(&self, event: &watcher::Event<Guarded<K>>) -> Vec<Key>
    where
        Guarded<K>: ResourceExt,
    {
        let mut inner = self.inner.write();
        let key = |object: &Guarded<K>| (object.namespace().unwrap_or_default(), object.name_any());
        match event {
            watcher::Event::Init => {
                inner.stale = inner.by_object.keys().cloned().collect();
                Vec::new()
            }
            watcher::Event::InitApply(object) | watcher::Event::Apply(object) => {
                // One that cannot be read names nothing.
                let names = object.0.as_ref().map(self.nameservices).unwrap_or_default();
                inner.set(key(object), names);
                Vec::new()
            }
            watcher::Event::Delete(object) => {
                inner.remove(&key(object));
                vec![key(object)]
            }
            watcher::Event::InitDone => {
                let gone: Vec<Key> = std::mem::take(&mut inner.stale).into_iter().collect();
                gone.iter().for_each(|gone| inner.remove(gone));
                gone
            }
        }
    }
}

impl Inner {
    fn set(&mut self, object: Key, names: BTreeSet<String>) {
        self.remove(&object);
        for name in &names {
            self.by_nameservice.entry(name.clone()).or_default().insert(object.clone());
        }
        self.by_object.insert(object, names);
    }

    fn remove(&mut self, object: &Key) {
        self.stale.remove(object);
        for name in self.by_object.remove(object).unwrap_or_default() {
            if let Some(objects) = self.by_nameservice.get_mut(&name) {
                objects.remove(object);
                if objects.is_empty() {
                    self.by_nameservice.remove(&name);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use kube::runtime::watcher::Event;

    use super::*;

    fn table(name: &str, nameservices: &[&str]) -> Guarded<MountTable> {
        let destinations = nameservices.iter().map(|id| serde_json::json!({ "nameservice": id, "path": "/" }));
        let destinations: Vec<_> = destinations.collect();
        let table = serde_json::json!({
            "metadata": { "namespace": "n", "name": name },
            "spec": { "entries": [{ "path": "/", "destinations": destinations }] },
        });
        kube::core::DeserializeGuard(Ok(serde_json::from_value(table).unwrap()))
    }

    fn key(name: &str) -> Key {
        ("n".to_owned(), name.to_owned())
    }

    /// Also of one that names nothing, and one of which only a new listing tells by leaving it out.
    #[test]
    fn whatever_goes_is_told() {
        let index = Index::of_tables();
        for object in [table("a", &["ns0"]), table("b", &["ns0", "ns1"]), table("c", &[])] {
            assert_eq!(index.take(&Event::Apply(object)), []);
        }
        assert_eq!(index.naming("ns0"), [key("a"), key("b")]);
        assert_eq!(index.take(&Event::Delete(table("a", &["ns0"]))), [key("a")]);
        assert_eq!(index.naming("ns0"), [key("b")]);
        assert_eq!(index.take(&Event::Init), []);
        assert_eq!(index.take(&Event::InitApply(table("b", &["ns1"]))), []);
        assert_eq!(index.take(&Event::InitDone), [key("c")]);
        assert_eq!((index.naming("ns0"), index.naming("ns1")), (Vec::new(), vec![key("b")]));
    }
}
