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

    /// Takes what a watch tells.
    pub fn take(&self, event: &watcher::Event<Guarded<K>>)
    where
        Guarded<K>: ResourceExt,
    {
        let mut inner = self.inner.write();
        let key = |object: &Guarded<K>| (object.namespace().unwrap_or_default(), object.name_any());
        match event {
            watcher::Event::Init => inner.stale = inner.by_object.keys().cloned().collect(),
            watcher::Event::InitApply(object) | watcher::Event::Apply(object) => {
                // One that cannot be read names nothing.
                let names = object.0.as_ref().map(self.nameservices).unwrap_or_default();
                inner.set(key(object), names);
            }
            watcher::Event::Delete(object) => inner.set(key(object), BTreeSet::new()),
            watcher::Event::InitDone => {
                for gone in std::mem::take(&mut inner.stale) {
                    inner.set(gone, BTreeSet::new());
                }
            }
        }
    }
}

impl Inner {
    fn set(&mut self, object: Key, names: BTreeSet<String>) {
        self.stale.remove(&object);
        for name in self.by_object.remove(&object).unwrap_or_default() {
            if let Some(objects) = self.by_nameservice.get_mut(&name) {
                objects.remove(&object);
                if objects.is_empty() {
                    self.by_nameservice.remove(&name);
                }
            }
        }
        for name in &names {
            self.by_nameservice.entry(name.clone()).or_default().insert(object.clone());
        }
        if !names.is_empty() {
            self.by_object.insert(object, names);
        }
    }
}
