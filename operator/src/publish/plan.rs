//! What has to be written so that the store holds what a MountTable declares.

use std::collections::HashSet;

use anabranch_api::{DriftPolicy, MountEntrySpec};
use anabranch_federation::{Declared, MountEntry};
use anabranch_store::{Version, Write};

use crate::adopt;

/// What is stored for a path, as far as a plan needs it.
#[derive(Debug, Clone, Copy)]
pub struct Stored<'a> {
    /// The record; `None`: it cannot be read.
    pub record: Option<&'a MountEntry>,
    /// Its version.
    pub version: Version,
}

/// The state store, as a plan looks at it.
pub trait Look {
    /// What is stored for a path.
    fn stored(&self, path: &str) -> Option<Stored<'_>>;
    /// Whether a mark is one of this fleet's.
    fn is_ours(&self, mark: &str) -> bool;
    /// The paths with a mark.
    fn marked(&self, mark: &str) -> Vec<String>;
}

/// What becomes of the entries of one MountTable.
#[derive(Debug, Default, PartialEq)]
pub struct Plan {
    /// What is to be written: additions and updates first, so that what moves is never missing in between.
    pub writes: Vec<Write<MountEntry>>,
    /// Entries that someone else changed and that are left so.
    pub drift: Vec<Drift>,
    /// Entries that someone else changed, and that the MountTable is to take over.
    pub adopt: Vec<MountEntrySpec>,
}

/// A difference between what is declared and what is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// The path.
    pub path: String,
    /// What differs, for people.
    pub found: String,
}

/// Plans for the entries that the MountTable with this mark declares and has a right to.
///
/// A record that the operator wrote says so, and which content it had (see [`Declared`]): if it has another by now, someone
/// else changed it, and `policy` says what becomes of that. What is not stored is written in any case: a store that has lost
/// its records must not take the declared ones for deleted.
pub fn plan(mark: &str, declared: &[MountEntry], store: &impl Look, policy: DriftPolicy, now_ms: u64) -> Plan {
    let mut plan = Plan::default();
    for entry in declared {
        let path = entry.source.as_str();
        let put = |record: MountEntry, expected| Write::Put { record: marked(record, mark, now_ms), expected };
        let new = || MountEntry { created_ms: now_ms, ..entry.clone() };
        let Some(stored) = store.stored(path) else {
            plan.writes.push(put(new(), Version::ABSENT));
            continue;
        };
        let Some(record) = stored.record else {
            // Nobody can read it, so nothing is lost.
            plan.writes.push(put(new(), stored.version));
            continue;
        };
        let update = || put(entry.clone().in_place_of(record), stored.version);
        let by = record.declared.as_deref();
        if record.same_intent(entry) {
            // Another cluster may declare the same.
            let settled = by.is_some_and(|by| by.by == mark || !store.is_ours(&by.by));
            if !settled {
                plan.writes.push(update());
            }
            continue;
        }
        let by_us = by.filter(|by| store.is_ours(&by.by));
        let as_declared = by_us.is_some() && record.is_as_declared();
        let edited_here = by_us.is_some_and(|by| by.digest != entry.digest());
        match policy {
            _ if as_declared => plan.writes.push(update()),
            DriftPolicy::Enforce => plan.writes.push(update()),
            // What was edited last on either side is not known; what is declared counts.
            DriftPolicy::Adopt if edited_here => plan.writes.push(update()),
            DriftPolicy::Adopt => match adopt::declare(record) {
                Ok((_, meant)) if meant.same_intent(entry) => plan.writes.push(update()),
                Ok((spec, _)) => plan.adopt.push(spec),
                Err(problem) => {
                    let found = format!("{record}, which cannot be adopted: {problem}");
                    plan.drift.push(Drift { path: path.to_owned(), found });
                }
            },
            DriftPolicy::Observe => plan.drift.push(Drift { path: path.to_owned(), found: record.to_string() }),
        }
    }
    let kept: HashSet<&str> = declared.iter().map(|entry| entry.source.as_str()).collect();
    for path in store.marked(mark).into_iter().filter(|path| !kept.contains(path.as_str())) {
        let Some(Stored { record: Some(record), version }) = store.stored(&path) else { continue };
        match policy {
            DriftPolicy::Observe | DriftPolicy::Adopt if !record.is_as_declared() => {
                plan.drift.push(Drift { path, found: format!("no longer declared, but changed since: {record}") });
            }
            _ => plan.writes.push(Write::Delete { key: path, expected: version }),
        }
    }
    plan
}

fn marked(entry: MountEntry, mark: &str, now_ms: u64) -> MountEntry {
    let declared = Declared { by: mark.to_owned(), digest: entry.digest() };
    MountEntry { modified_ms: now_ms, declared: Some(Box::new(declared)), ..entry }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use anabranch_federation::Order;

    use super::*;

    #[derive(Default)]
    struct Fake(BTreeMap<String, (Option<MountEntry>, Version)>);

    impl Look for Fake {
        fn stored(&self, path: &str) -> Option<Stored<'_>> {
            self.0.get(path).map(|(record, version)| Stored { record: record.as_ref(), version: *version })
        }
        fn is_ours(&self, mark: &str) -> bool {
            mark.starts_with("us/")
        }
        fn marked(&self, mark: &str) -> Vec<String> {
            let by = |record: &Option<MountEntry>| record.as_ref()?.declared.as_ref().map(|by| by.by.clone());
            self.0
                .iter()
                .filter(|(_, (record, _))| by(record).as_deref() == Some(mark))
                .map(|(p, _)| p.clone())
                .collect()
        }
    }

    const MARK: &str = "us/n/t";

    fn entry(path: &str, to: &str) -> MountEntry {
        MountEntry::parse(path, [("ns0", to)]).unwrap()
    }

    fn by(mark: &str, said: &MountEntry, is: &MountEntry) -> MountEntry {
        let declared = Declared { by: mark.to_owned(), digest: said.digest() };
        MountEntry { declared: Some(Box::new(declared)), ..is.clone() }
    }

    /// What comes of one declared entry where this is stored: `put`, `adopt`, `drift`, or nothing.
    fn outcome(declared: &MountEntry, stored: MountEntry, policy: DriftPolicy) -> &'static str {
        let store = Fake([("/a".to_owned(), (Some(stored), Version(7)))].into());
        let plan = plan(MARK, std::slice::from_ref(declared), &store, policy, 9);
        match (&plan.writes[..], &plan.drift[..], &plan.adopt[..]) {
            ([Write::Put { record, expected: Version(7) }], [], []) if record.same_intent(declared) => {
                assert_eq!(record.declared.as_ref().unwrap().by, MARK);
                "put"
            }
            ([], [_], []) => "drift",
            ([], [], [_]) => "adopt",
            ([], [], []) => "nothing",
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_difference_has_one_outcome() {
        use DriftPolicy::{Adopt, Enforce, Observe};
        let (was, new, theirs) = (entry("/a", "/was"), entry("/a", "/new"), entry("/a", "/theirs"));
        let twice = MountEntry::parse("/a", [("ns0", "/x"), ("ns0", "/y")]).unwrap();
        let random = MountEntry { order: Order::Random, ..was.clone() };
        let cases = [
            ("as declared", &new, by(MARK, &new, &new), ["nothing", "nothing", "nothing"]),
            ("not marked yet", &new, new.clone(), ["put", "put", "put"]),
            ("of another MountTable of ours", &new, by("us/n/other", &new, &new), ["put", "put", "put"]),
            ("declared alike by another cluster", &new, by("them/n/t", &new, &new), ["nothing", "nothing", "nothing"]),
            ("edited here", &new, by(MARK, &was, &was), ["put", "put", "put"]),
            ("changed there", &was, by(MARK, &was, &theirs), ["drift", "adopt", "put"]),
            ("changed there by a program that drops marks", &was, theirs.clone(), ["drift", "adopt", "put"]),
            ("changed on both sides", &new, by(MARK, &was, &theirs), ["drift", "put", "put"]),
            ("changed there to what no MountTable says", &was, by(MARK, &was, &twice), ["drift", "drift", "put"]),
            ("changed there to what means the same, and no mark", &was, random, ["drift", "put", "put"]),
            ("declared otherwise by another cluster", &new, by("them/n/t", &was, &was), ["drift", "adopt", "put"]),
        ];
        for (what, declared, stored, expected) in cases {
            let found = [Observe, Adopt, Enforce].map(|policy| outcome(declared, stored.clone(), policy));
            assert_eq!(found, expected, "{what}");
        }
    }

    #[test]
    fn what_is_missing_or_unreadable_is_written() {
        let store = Fake([("/b".to_owned(), (None, Version(3)))].into());
        let plan = plan(MARK, &[entry("/a", "/x"), entry("/b", "/x")], &store, DriftPolicy::Observe, 9);
        let written: Vec<_> = plan.writes.iter().map(|write| (write.key(), write.expected())).collect();
        assert_eq!(written, [("/a", Version::ABSENT), ("/b", Version(3))]);
    }

    #[test]
    fn what_is_no_longer_declared_goes_unless_someone_changed_it() {
        let (ours, theirs) = (entry("/a", "/x"), entry("/a", "/y"));
        for (stored, policy, writes) in [
            (by(MARK, &ours, &ours), DriftPolicy::Observe, 1),
            (by(MARK, &ours, &theirs), DriftPolicy::Observe, 0),
            (by(MARK, &ours, &theirs), DriftPolicy::Enforce, 1),
            (by("us/n/other", &ours, &ours), DriftPolicy::Enforce, 0),
        ] {
            let store = Fake([("/a".to_owned(), (Some(stored), Version(7)))].into());
            assert_eq!(plan(MARK, &[], &store, policy, 9).writes.len(), writes);
        }
    }
}
