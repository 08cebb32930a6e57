//! The subclusters that there are at one moment. A call keeps the one that it began with.

use std::sync::Arc;

use anabranch_federation::NameserviceId;
use hashbrown::HashMap;

use super::Nameservice;

/// See the module.
#[derive(Default)]
pub struct Directory {
    nameservices: HashMap<NameserviceId, Arc<Nameservice>>,
    /// All of them, in order.
    every: Vec<Arc<Nameservice>>,
    /// Those that are not disabled.
    open: Vec<Arc<Nameservice>>,
    /// Their ids.
    ids: Vec<NameserviceId>,
    disabled: Vec<NameserviceId>,
}

impl Directory {
    pub(super) fn new(every: Vec<Arc<Nameservice>>, disabled: Vec<NameserviceId>) -> Self {
        let open: Vec<_> = every.iter().filter(|one| !disabled.contains(one.id())).cloned().collect();
        let ids = open.iter().map(|one| one.id().clone()).collect();
        let nameservices = every.iter().map(|one| (one.id().clone(), one.clone())).collect();
        Self { nameservices, every, open, ids, disabled }
    }

    /// A subcluster, disabled or not: what has begun there may end.
    pub fn get(&self, id: &str) -> Option<&Arc<Nameservice>> {
        self.nameservices.get(id)
    }

    /// Those that are not disabled: in the order of the configuration, then those that only records know, by name.
    pub fn all(&self) -> &[Arc<Nameservice>] {
        &self.open
    }

    /// Their ids.
    pub fn ids(&self) -> &[NameserviceId] {
        &self.ids
    }

    /// Those that are disabled, too.
    pub fn every(&self) -> &[Arc<Nameservice>] {
        &self.every
    }

    /// The ids of what an administrator has taken out of service; nearly always none.
    pub fn disabled(&self) -> &[NameserviceId] {
        &self.disabled
    }
}
