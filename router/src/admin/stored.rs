//! What the state store has, and what somebody may change of it. Plain functions.

use anabranch_federation::{Action, MountEntry, MountPath};
use anabranch_store::{Snapshot, Version, Versioned};
use hashbrown::HashMap;

use super::caller::Caller;
use super::problem::Problem;

/// The stored entries by source.
pub(super) struct Stored<'a> {
    by_source: HashMap<&'a str, Found<'a>>,
}

/// What is stored for a source.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Found<'a> {
    /// Nothing.
    Absent,
    /// An entry.
    Entry(&'a Versioned<MountEntry>),
    /// Something that cannot be read, so that nobody knows who may change it.
    Broken(Version),
}

impl<'a> Stored<'a> {
    pub(super) fn of(snapshot: &'a Snapshot<MountEntry>) -> Self {
        let entries = snapshot.records.iter().map(|stored| (stored.record.source.as_str(), Found::Entry(stored)));
        let broken = snapshot.broken.iter().map(|broken| (broken.key.as_str(), Found::Broken(broken.version)));
        Self { by_source: entries.chain(broken).collect() }
    }

    pub(super) fn get(&self, source: &str) -> Found<'a> {
        self.by_source.get(source).copied().unwrap_or(Found::Absent)
    }

    /// Whether the caller may add an entry: the nearest one above says so, and those above that let him pass. Above all
    /// entries it is as if the superuser owned `/`.
    pub(super) fn may_add(&self, source: &MountPath, caller: &Caller) -> Result<(), Problem> {
        let mut action = Action::Write;
        for above in above(source.as_str()) {
            match self.get(above) {
                Found::Absent => continue,
                Found::Broken(_) => caller.check_super_at(above)?,
                Found::Entry(entry) => caller.check(&entry.record, action)?,
            }
            action = Action::Execute;
        }
        match action {
            Action::Write => caller.check_super_at("/"),
            _ => Ok(()),
        }
    }

    /// What an update of a source replaces, if the caller may: an entry, or nothing, which is like adding it.
    pub(super) fn may_update(&self, source: &MountPath, caller: &Caller) -> Result<Found<'a>, Problem> {
        let found = self.get(source.as_str());
        match found {
            Found::Entry(entry) => caller.check(&entry.record, Action::Write)?,
            Found::Broken(_) => caller.check_super_at(source.as_str())?,
            Found::Absent => self.may_add(source, caller)?,
        }
        Ok(found)
    }

    /// The version that a removal deletes, if the caller may; none when there is nothing.
    pub(super) fn may_remove(&self, source: &str, caller: &Caller) -> Result<Option<Version>, Problem> {
        match self.get(source) {
            Found::Absent => Ok(None),
            Found::Entry(entry) => caller.check(&entry.record, Action::Write).map(|()| Some(entry.version)),
            Found::Broken(version) => caller.check_super_at(source).map(|()| Some(version)),
        }
    }
}

impl Found<'_> {
    /// The version that a write replaces.
    pub(super) fn version(self) -> Version {
        match self {
            Self::Absent => Version::ABSENT,
            Self::Entry(entry) => entry.version,
            Self::Broken(version) => version,
        }
    }
}

/// The paths above a path, the nearest first.
fn above(path: &str) -> impl Iterator<Item = &str> {
    let mut rest = (path != "/").then_some(path);
    std::iter::from_fn(move || {
        let parent = match rest?.rsplit_once('/')? {
            ("", _) => "/",
            (parent, _) => parent,
        };
        rest = (parent != "/").then_some(parent);
        Some(parent)
    })
}

#[cfg(test)]
mod tests {
    use anabranch_store::{Broken, DecodeError};

    use super::super::caller::tests::caller;
    use super::*;

    fn entry(source: &str, owner: &str, mode: u16) -> Versioned<MountEntry> {
        let record = MountEntry::parse(source, [("ns0", "/d")]).unwrap();
        Versioned { version: Version(7), record: MountEntry { owner: owner.into(), mode, ..record } }
    }

    fn snapshot(records: Vec<Versioned<MountEntry>>, broken: &[&str]) -> Snapshot<MountEntry> {
        let broken = broken.iter().map(|key| Broken {
            key: key.to_string(),
            version: Version(3),
            reason: DecodeError::Missing("x"),
        });
        Snapshot { revision: 9, records, broken: broken.collect() }
    }

    #[test]
    fn ancestors_come_from_below() {
        assert_eq!(above("/a/b/c").collect::<Vec<_>>(), ["/a/b", "/a", "/"]);
        assert_eq!(above("/a").collect::<Vec<_>>(), ["/"]);
        assert_eq!(above("/").count(), 0);
    }

    #[test]
    fn adding_needs_the_nearest_entry_above() {
        let denied = |at: &str, action: &str| {
            format!("Permission denied while accessing mount table {at}: user ann does not have {action} permissions.")
        };
        type Row<'a> = (&'a [(&'a str, &'a str, u16)], &'a [&'a str], &'a str, Option<String>);
        let rows: &[Row<'_>] = &[
            // The Java router lets anybody.
            (&[], &[], "/x", Some(denied("/", "WRITE"))),
            (&[], &[], "/", Some(denied("/", "WRITE"))),
            // The Java router looks for the empty string in place of `/`.
            (&[("/", "root", 0o755)], &[], "/x", Some(denied("/", "WRITE"))),
            (&[("/", "root", 0o777)], &[], "/x", None),
            (&[("/", "root", 0o777)], &[], "/x/y/z", None),
            (&[("/a", "ann", 0o755)], &[], "/a/b", None),
            (&[("/a", "ann", 0o755)], &[], "/a/b/c/d", None),
            (&[("/a", "root", 0o755)], &[], "/a/b", Some(denied("/a", "WRITE"))),
            (&[("/a", "root", 0o755), ("/a/b", "ann", 0o700)], &[], "/a/b/c", None),
            (&[("/a", "root", 0o754), ("/a/b", "ann", 0o700)], &[], "/a/b/c", Some(denied("/a", "EXECUTE"))),
            (&[("/a/b", "ann", 0o755)], &[], "/a/bc", Some(denied("/", "WRITE"))),
            (&[("/", "ann", 0o755)], &["/a"], "/a/b", Some(denied("/a", "WRITE"))),
        ];
        for (entries, broken, source, expected) in rows {
            let records = entries.iter().map(|(source, owner, mode)| entry(source, owner, *mode)).collect();
            let snapshot = snapshot(records, broken);
            let stored = Stored::of(&snapshot);
            let source = MountPath::parse(source).unwrap();
            let refused = stored.may_add(&source, &caller("ann", &[])).err().map(|problem| problem.to_string());
            assert_eq!(refused, *expected, "{source} below {entries:?} {broken:?}");
            assert!(stored.may_add(&source, &caller("root", &[])).is_ok());
        }
    }

    #[test]
    fn changing_needs_the_entry_itself() {
        let snapshot = snapshot(vec![entry("/a", "ann", 0o755), entry("/b", "root", 0o755)], &["/c"]);
        let stored = Stored::of(&snapshot);
        let path = |text| MountPath::parse(text).unwrap();
        let ann = caller("ann", &[]);
        assert_eq!(stored.may_update(&path("/a"), &ann).unwrap().version(), Version(7));
        assert_eq!(stored.may_update(&path("/a/new"), &ann).unwrap(), Found::Absent);
        for source in ["/b", "/b/new", "/c", "/c/new", "/new"] {
            assert!(matches!(stored.may_update(&path(source), &ann), Err(Problem::Denied { .. })), "{source}");
        }
        assert_eq!(stored.may_remove("/a", &ann).unwrap(), Some(Version(7)));
        assert_eq!(stored.may_remove("/new", &ann).unwrap(), None);
        for source in ["/b", "/c"] {
            assert!(matches!(stored.may_remove(source, &ann), Err(Problem::Denied { .. })), "{source}");
        }
        assert_eq!(stored.may_remove("/c", &caller("root", &[])).unwrap(), Some(Version(3)));
    }
}
