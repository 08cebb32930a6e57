//! The mounts of a store, by who declared them.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use anabranch_federation::MountEntry;
use anabranch_store::{Event, Revision, Version, Write};
use kube::runtime::reflector::ObjectRef;

use super::{FleetId, Mirror, Seen, Triggers};
use crate::publish::claims::{Claim, Claims};

/// The mounts of a store, with an index by mark: what one MountTable costs does not grow with the others.
pub struct Mounts {
    fleet: FleetId,
    mirror: Mirror<MountEntry>,
    by_mark: BTreeMap<String, BTreeSet<String>>,
    /// When a record with a mark was deleted last, by mark: until routers have that revision, they serve it.
    deleted: BTreeMap<String, Revision>,
    /// What no MountTable of the fleet has marked.
    foreign: BTreeSet<String>,
    /// Who declares what.
    pub claims: Claims,
    /// The MountTables, by uid, of which it is known what they claim.
    pub heard: HashSet<String>,
    /// Whether that was known of all MountTables of the fleet at some time; see [`Mounts::settle`].
    pub settled: bool,
}

impl Mounts {
    pub(super) fn new(fleet: FleetId) -> Self {
        let (mirror, by_mark, deleted, foreign, claims, heard, settled) = Default::default();
        Self { fleet, mirror, by_mark, deleted, foreign, claims, heard, settled }
    }

    /// Whose they are.
    pub fn fleet(&self) -> &FleetId {
        &self.fleet
    }

    /// Whether they are known.
    pub fn complete(&self) -> bool {
        self.mirror.complete
    }

    /// What is stored for a path.
    pub fn get(&self, path: &str) -> Option<&Seen<MountEntry>> {
        self.mirror.get(path)
    }

    /// The version of a record that cannot be read.
    pub fn broken(&self, path: &str) -> Option<Version> {
        self.mirror.broken.get(path).map(|(version, _)| *version)
    }

    /// How many records cannot be read.
    pub fn unreadable(&self) -> usize {
        self.mirror.broken.len()
    }

    /// The paths with this mark.
    pub fn marked(&self, mark: &str) -> impl Iterator<Item = &String> {
        self.by_mark.get(mark).into_iter().flatten()
    }

    /// The records with this mark.
    pub fn records(&self, mark: &str) -> impl Iterator<Item = &Seen<MountEntry>> {
        self.marked(mark).filter_map(|path| self.get(path))
    }

    /// What deletes those that are as they were declared: what someone changed since is theirs.
    pub fn deletions(&self, mark: &str) -> Vec<Write<MountEntry>> {
        let ours = self.records(mark).filter(|seen| seen.record.is_as_declared());
        ours.map(|seen| Write::Delete { key: seen.record.source.to_string(), expected: seen.version }).collect()
    }

    /// All marks.
    pub fn marks(&self) -> impl Iterator<Item = &String> {
        self.by_mark.keys()
    }

    /// The paths that nobody declares: neither marked, nor claimed.
    pub fn foreign(&self) -> impl Iterator<Item = &Seen<MountEntry>> {
        let unclaimed = self.foreign.iter().filter(|path| !self.claims.is_claimed(path));
        unclaimed.filter_map(|path| self.mirror.get(path))
    }

    /// Notes what the operator wrote itself, before the store tells of it.
    pub fn wrote(&mut self, record: MountEntry, version: Version) {
        let key = record.source.to_string();
        self.unindex(&key);
        self.mirror.put(Arc::new(record), version);
        self.index(&key);
    }

    /// Notes what the operator deleted itself, at a revision.
    pub fn deleted(&mut self, path: &str, at: Version) {
        if let Some(mark) = self.mark_of(path) {
            self.note_deleted(mark, at.0);
        }
        self.unindex(path);
        self.mirror.remove(path);
    }

    /// The revision that holds the records of these paths, and no longer those that the MountTable with this mark had.
    pub fn revision<'a>(&self, mark: &str, paths: impl IntoIterator<Item = &'a str>) -> Option<Revision> {
        let records = paths.into_iter().filter_map(|path| self.mirror.get(path)).map(|seen| seen.version.0);
        records.chain(self.deleted.get(mark).copied()).max()
    }

    /// Lets MountTables that do not tell what they declare have what carries their mark, which they had before the operator
    /// came. From then on paths may be handed out. Returns the other MountTables whose right to some path changed by that.
    pub fn settle(&mut self, mute: Vec<Claim>) -> BTreeSet<(String, String)> {
        let mut touched = BTreeSet::new();
        if std::mem::replace(&mut self.settled, true) {
            return touched;
        }
        for claim in mute {
            let paths = self.marked(&self.fleet.mark(&claim.namespace, &claim.name)).cloned().collect();
            touched.extend(self.claims.set(claim, paths));
        }
        touched
    }

    /// A MountTable is gone.
    pub fn forget(&mut self, mark: &str) {
        self.deleted.remove(mark);
    }

    fn note_deleted(&mut self, mark: String, at: Revision) {
        let known = self.deleted.entry(mark).or_default();
        *known = at.max(*known);
    }

    /// Takes an event; who is touched.
    pub(super) fn take(&mut self, event: Event<MountEntry>) -> Touched {
        let mut touched = Touched::default();
        let (paths, at): (Vec<String>, Revision) = match &event {
            Event::Snapshot(all) => (self.mirror.iter().map(|(path, _)| path.clone()).collect(), all.revision),
            Event::Changed { changes, revision } => (changes.iter().map(path_of).collect(), *revision),
            Event::FellBehind => return touched,
        };
        let mut marked: Vec<(&String, String)> = Vec::new();
        for path in &paths {
            touched.note(self, path);
            marked.extend(self.mark_of(path).map(|mark| (path, mark)));
            self.unindex(path);
        }
        let whole = matches!(event, Event::Snapshot(_));
        // What changed is told by mark, so a record that was only written again is told of too.
        drop(self.mirror.take(event, |_, _| true));
        for (path, mark) in marked {
            if self.mirror.get(path).is_none() {
                self.note_deleted(mark, at);
            }
        }
        let paths: Vec<String> = if whole { self.mirror.iter().map(|(path, _)| path.clone()).collect() } else { paths };
        for path in &paths {
            self.index(path);
            touched.note(self, path);
        }
        if whole {
            touched.fleet = true;
            touched.tables.extend(self.claims.claimants());
        }
        touched
    }

    /// The mark of a record as this version writes it.
    fn mark_of(&self, path: &str) -> Option<String> {
        let declared = self.mirror.get(path)?.record.declared.as_deref()?;
        self.fleet.unmark(&declared.by).map(|(namespace, name)| self.fleet.mark(namespace, name))
    }

    fn index(&mut self, path: &str) {
        match self.mark_of(path) {
            Some(mark) => drop(self.by_mark.entry(mark).or_default().insert(path.to_owned())),
            None if self.mirror.get(path).is_some() => drop(self.foreign.insert(path.to_owned())),
            None => {}
        }
    }

    fn unindex(&mut self, path: &str) {
        self.foreign.remove(path);
        let Some(mark) = self.mark_of(path) else { return };
        if let Some(paths) = self.by_mark.get_mut(&mark) {
            paths.remove(path);
            if paths.is_empty() {
                self.by_mark.remove(&mark);
            }
        }
    }
}

fn path_of(change: &anabranch_store::Change<MountEntry>) -> String {
    match change {
        anabranch_store::Change::Put { record, .. } => record.source.to_string(),
        anabranch_store::Change::Delete(path) => path.clone(),
    }
}

/// Who should look at a change: MountTables by Kubernetes namespace and name, and the fleet for what nobody declares.
#[derive(Debug, Default)]
pub(super) struct Touched {
    tables: BTreeSet<(String, String)>,
    fleet: bool,
}

impl Touched {
    fn note(&mut self, mounts: &Mounts, path: &str) {
        let mark = mounts.mark_of(path);
        let marked = mark.as_deref().and_then(|mark| mounts.fleet.unmark(mark));
        self.tables.extend(marked.map(|(namespace, name)| (namespace.to_owned(), name.to_owned())));
        let owner = mounts.claims.owner(path).map(|claim| (claim.namespace.clone(), claim.name.clone()));
        self.fleet |= marked.is_none() && owner.is_none() && mounts.get(path).is_some();
        self.tables.extend(owner);
    }
}

pub(super) async fn tell(triggers: &Triggers, fleet: &FleetId, touched: Touched) {
    // The receivers are gone when the operator ends.
    for (namespace, name) in touched.tables {
        drop(triggers.tables.send(ObjectRef::new(&name).within(&namespace)).await);
    }
    if touched.fleet {
        drop(triggers.fleets.send(ObjectRef::new(&fleet.name).within(&fleet.namespace)).await);
    }
}

#[cfg(test)]
mod tests {
    use anabranch_federation::Declared;
    use anabranch_store::{Change, Snapshot, Versioned};

    use super::*;

    fn entry(path: &str, mark: &str) -> MountEntry {
        let entry = MountEntry::parse(path, [("ns0", path)]).unwrap();
        let declared = Declared { by: mark.to_owned(), digest: entry.digest() };
        MountEntry { declared: Some(Box::new(declared)), ..entry }
    }

    fn fleet() -> FleetId {
        let [uid, namespace, name, cluster] = ["fleet", "n", "main", "east"].map(str::to_owned);
        FleetId { uid, namespace, name, cluster, shared: true }
    }

    /// What an earlier version marked is found among the records of its table, so that it goes when that goes.
    #[test]
    fn a_table_has_the_records_that_an_earlier_version_marked() {
        let mark = fleet().mark("n", "table");
        let mut mounts = Mounts::new(fleet());
        let stored = |path: &str, mark: &str| Versioned { version: Version(1), record: entry(path, mark) };
        let records = vec![stored("/new", &mark), stored("/old", "fleet/n/table"), stored("/theirs", "else/n/table")];
        mounts.take(Event::Snapshot(Snapshot { revision: 1, records, broken: Vec::new() }));
        assert_eq!(mounts.marked(&mark).collect::<Vec<_>>(), ["/new", "/old"]);
        assert_eq!(mounts.foreign().map(|seen| seen.record.source.as_str()).collect::<Vec<_>>(), ["/theirs"]);
    }

    #[test]
    fn who_does_not_tell_what_it_declares_keeps_what_it_has() {
        let [claim, young] = [(1, "mute"), (2, "young")].map(|(created_ms, name)| Claim {
            created_ms,
            namespace: "n".to_owned(),
            name: name.to_owned(),
        });
        let mut mounts = Mounts::new(fleet());
        let record = entry("/a", &fleet().mark("n", "mute"));
        let records = vec![Versioned { version: Version(1), record }];
        mounts.take(Event::Snapshot(Snapshot { revision: 1, records, broken: Vec::new() }));
        mounts.claims.set(young.clone(), ["/a", "/b"].map(str::to_owned).into());
        assert_eq!(mounts.settle(vec![claim.clone()]), [("n".to_owned(), "young".to_owned())].into());
        assert_eq!((mounts.claims.owner("/a"), mounts.claims.owner("/b")), (Some(&claim), Some(&young)));
        // Once: what it says later counts.
        mounts.claims.release("n", "mute");
        assert!(mounts.settled && mounts.settle(vec![claim]).is_empty());
        assert_eq!(mounts.claims.owner("/a"), Some(&young));
    }

    #[test]
    fn a_table_waits_for_what_it_no_longer_has() {
        let fleet = fleet();
        let (mark, other) = (fleet.mark("n", "table"), fleet.mark("n", "other"));
        let mut mounts = Mounts::new(fleet);
        let stored =
            |path: &str, mark: &str, version| Versioned { version: Version(version), record: entry(path, mark) };
        let records = vec![stored("/a", &mark, 3), stored("/b", &mark, 5), stored("/c", &other, 7)];
        mounts.take(Event::Snapshot(Snapshot { revision: 7, records, broken: Vec::new() }));
        assert_eq!(mounts.revision(&mark, ["/a", "/b"]), Some(5));
        mounts.take(Event::Changed { revision: 9, changes: Arc::new([Change::Delete("/b".to_owned())]) });
        assert_eq!((mounts.revision(&mark, ["/a"]), mounts.revision(&other, ["/c"])), (Some(9), Some(7)));
        mounts.deleted("/a", Version(11));
        assert_eq!(mounts.revision(&mark, []), Some(11));
        mounts.forget(&mark);
        assert_eq!(mounts.revision(&mark, []), None);
    }
}
