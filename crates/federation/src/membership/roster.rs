use std::collections::BTreeMap;

use super::{Age, Lifetime, NamenodeName, NamenodeState, Registration, Report, merge, order};

/// All reports of a fleet, and what they come to. A report that changes costs a look at those of the same NameNode.
#[derive(Debug)]
pub struct Roster {
    lifetime: Lifetime,
    /// The NameNode that the report under a key is about.
    names: BTreeMap<String, NamenodeName>,
    reports: BTreeMap<NamenodeName, BTreeMap<String, Report>>,
    merged: BTreeMap<NamenodeName, Registration>,
}

impl Roster {
    /// Empty; reports count for a time.
    pub fn new(lifetime: Lifetime) -> Self {
        Self { lifetime, names: BTreeMap::new(), reports: BTreeMap::new(), merged: BTreeMap::new() }
    }

    /// Takes the report under `key` in. Answers whether anything has changed but times.
    pub fn put(&mut self, key: &str, report: Report, now_ms: u64) -> bool {
        let name = report.namenode.clone();
        // A key belongs to one NameNode; whoever writes it differently would be heard twice.
        let moved = self.names.get(key).is_some_and(|known| *known != name) && self.remove(key, now_ms);
        self.names.insert(key.to_owned(), name.clone());
        self.reports.entry(name.clone()).or_default().insert(key.to_owned(), report);
        self.refresh(&name, now_ms) || moved
    }

    /// Forgets the report under `key`. Answers whether anything has changed but times.
    pub fn remove(&mut self, key: &str, now_ms: u64) -> bool {
        let Some(name) = self.names.remove(key) else { return false };
        if let Some(reports) = self.reports.get_mut(&name) {
            reports.remove(key);
            if reports.is_empty() {
                self.reports.remove(&name);
            }
        }
        self.refresh(&name, now_ms)
    }

    /// Looks at all reports again, since time has passed. Answers whether anything has changed but times.
    pub fn tick(&mut self, now_ms: u64) -> bool {
        let mut names: Vec<NamenodeName> = self.merged.keys().chain(self.reports.keys()).cloned().collect();
        names.sort_unstable();
        names.dedup();
        names.iter().filter(|name| self.refresh(name, now_ms)).count() > 0
    }

    /// What the reports come to, by nameservice, and within one in the order in which NameNodes are asked. NameNodes that
    /// nobody reports any more are not there.
    pub fn registrations(&self) -> Vec<Registration> {
        let mut all: Vec<Registration> = self.merged.values().cloned().collect();
        // Names sort by nameservice first.
        all.chunk_by_mut(|a, b| a.namenode.nameservice == b.namenode.nameservice).for_each(order);
        all
    }

    fn refresh(&mut self, name: &NamenodeName, now_ms: u64) -> bool {
        let fresh = |report: &&Report| {
            let marked = matches!(report.state, NamenodeState::Expired);
            self.lifetime.age(report.modified_ms, marked, now_ms) == Age::Fresh
        };
        let merged = self.reports.get(name).and_then(|reports| merge(reports.values().filter(fresh)));
        let before = match merged.clone() {
            Some(merged) => self.merged.insert(name.clone(), merged),
            None => self.merged.remove(name),
        };
        match (before, merged) {
            (Some(before), Some(now)) => !before.same_but_for_time(&now),
            (None, None) => false,
            _ => true,
        }
    }
}
