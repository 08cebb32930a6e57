//! What routers report of NameNodes, by nameservice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anabranch_store::{Change, Event, Membership};

use super::{Mirror, Seen};

/// The reports, with an index by nameservice: what one subcluster costs does not grow with the others.
#[derive(Debug, Default)]
pub struct Members {
    mirror: Mirror<Membership>,
    by_nameservice: BTreeMap<String, BTreeSet<String>>,
}

impl Members {
    /// The reports on the NameNodes of a nameservice.
    pub fn of(&self, nameservice: &str) -> impl Iterator<Item = &Seen<Membership>> {
        let keys = self.by_nameservice.get(nameservice).into_iter().flatten();
        keys.filter_map(|key| self.mirror.get(key))
    }

    /// Whether anyone reports on a nameservice.
    pub fn knows(&self, nameservice: &str) -> bool {
        self.by_nameservice.contains_key(nameservice)
    }

    /// Whether they are known.
    pub fn complete(&self) -> bool {
        self.mirror.complete
    }

    /// Takes an event; the reports that came, went, or tell another state.
    pub(super) fn take(&mut self, event: Event<Membership>) -> Vec<Arc<Membership>> {
        let keys: Vec<String> = match &event {
            Event::Snapshot(_) => self.mirror.iter().map(|(key, _)| key.clone()).collect(),
            Event::Changed { changes, .. } => changes.iter().map(|change| key(change).to_owned()).collect(),
            Event::FellBehind => return Vec::new(),
        };
        keys.iter().for_each(|key| self.unindex(key));
        let whole = matches!(event, Event::Snapshot(_));
        let changed = self.mirror.take(event, |old, new| old.state() != new.state());
        let keys = if whole { self.mirror.iter().map(|(key, _)| key.clone()).collect() } else { keys };
        for key in keys {
            if let Some(nameservice) = self.nameservice(&key) {
                self.by_nameservice.entry(nameservice).or_default().insert(key);
            }
        }
        changed
    }

    fn nameservice(&self, key: &str) -> Option<String> {
        Some(self.mirror.get(key)?.record.message().nameservice_id().to_owned())
    }

    fn unindex(&mut self, key: &str) {
        let Some(nameservice) = self.nameservice(key) else { return };
        if let Some(keys) = self.by_nameservice.get_mut(&nameservice) {
            keys.remove(key);
            if keys.is_empty() {
                self.by_nameservice.remove(&nameservice);
            }
        }
    }
}

fn key(change: &Change<Membership>) -> &str {
    match change {
        Change::Put { record, .. } => anabranch_store::Record::key(&**record),
        Change::Delete(key) => key,
    }
}
