use std::collections::{BTreeMap, BTreeSet};

use anabranch_federation::{Destination, Limits, NameserviceId, Usage, Usages};
use hashbrown::HashMap;

use super::wanted::Wanted;

/// What was found so far.
#[derive(Debug, Default)]
pub struct Known {
    /// What was last seen of each directory that counts; what cannot be asked stays.
    seen: HashMap<Destination, Usage>,
    /// What the last mount table wanted of directories.
    wanted: BTreeMap<Destination, Limits>,
    /// What earlier ones wanted of directories of which nobody wants anything now.
    released: BTreeMap<Destination, Limits>,
    /// Subclusters that failed when they were asked last.
    failing: BTreeSet<NameserviceId>,
}

/// What is to be done about the quotas of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// It has these.
    Hold(Limits),
    /// It has no longer those of these that nobody has changed.
    Release(Limits),
}

impl Task {
    /// The limits of a directory that has the `actual` ones.
    pub fn wanted(self, actual: Limits) -> Limits {
        match self {
            Self::Hold(limits) => limits,
            Self::Release(limits) => actual.without(limits),
        }
    }
}

impl Known {
    /// What is to be done where the mount table wants this, in the directories of `only`, if that says any. Whatever nobody
    /// wants any more is released, too.
    pub fn tasks(&mut self, wanted: &Wanted, only: Option<&BTreeSet<Destination>>) -> Vec<(Destination, Task)> {
        let before = std::mem::replace(&mut self.wanted, wanted.limits.clone());
        self.released.extend(before);
        self.released.retain(|directory, _| !wanted.limits.contains_key(directory));
        self.seen.retain(|directory, _| wanted.limits.contains_key(directory));
        let held = wanted.limits.iter().filter(|(directory, _)| only.is_none_or(|only| only.contains(*directory)));
        let held = held.map(|(directory, limits)| (directory.clone(), Task::Hold(*limits)));
        let released = self.released.iter().map(|(directory, limits)| (directory.clone(), Task::Release(*limits)));
        held.chain(released).collect()
    }

    /// A directory was looked at, and its task is done.
    pub fn done(&mut self, directory: &Destination, usage: Usage) {
        if self.wanted.contains_key(directory) {
            self.seen.insert(directory.clone(), usage);
        }
        self.released.remove(directory);
    }

    /// What is used of mounts. What was never seen counts as nothing, so that no call is refused for what nobody knows.
    pub fn count(&self, wanted: &Wanted, before: &Usages) -> Usages {
        let mut usages = before.clone();
        usages.retain(|source| wanted.parts.binary_search_by(|(known, _)| known.cmp(source)).is_ok());
        for (source, parts) in &wanted.parts {
            let seen = parts.iter().filter_map(|part| self.seen.get(part));
            let Some(usage) = seen.copied().reduce(Usage::plus) else { continue };
            if usages.get(source.as_str()) != Some(usage) {
                usages.insert(source.clone(), usage);
            }
        }
        usages
    }

    /// A subcluster failed, or did not; whether that is news.
    pub fn failing(&mut self, nameservice: &NameserviceId, fails: bool) -> bool {
        match fails {
            true => self.failing.insert(nameservice.clone()),
            false => self.failing.remove(nameservice),
        }
    }
}

#[cfg(test)]
mod tests {
    use anabranch_federation::{Limit, MountEntry, MountTable, Quota};

    use super::super::wanted::wanted;
    use super::*;

    fn table(mounts: &[(&str, &str, u64)]) -> MountTable {
        let entry = |(source, to, files): &(&str, &str, u64)| {
            let quota = Quota { files: Limit::of(*files), ..Quota::default() };
            MountEntry { quota, ..MountEntry::parse(source, [("ns0", *to)]).unwrap() }
        };
        MountTable::build(mounts.iter().map(entry), None)
    }

    fn at(path: &str) -> Destination {
        MountEntry::parse("/x", [("ns0", path)]).unwrap().destinations.remove(0)
    }

    fn files(files: u64) -> Limits {
        Limits { files: Some(files), ..Limits::default() }
    }

    fn used(files: u64) -> Usage {
        Usage { files, ..Usage::default() }
    }

    #[test]
    fn what_nobody_wants_any_more_is_released_until_that_is_done() {
        let mut known = Known::default();
        let both = wanted(&table(&[("/a", "/1", 5), ("/b", "/2", 7)]));
        assert_eq!(known.tasks(&both, None), [(at("/1"), Task::Hold(files(5))), (at("/2"), Task::Hold(files(7)))]);
        let one = wanted(&table(&[("/b", "/2", 7)]));
        let released = [(at("/1"), Task::Release(files(5)))];
        for _ in 0..2 {
            assert_eq!(known.tasks(&one, Some(&BTreeSet::new())), released);
        }
        known.done(&at("/1"), used(9));
        assert_eq!(known.tasks(&one, None), [(at("/2"), Task::Hold(files(7)))]);
        // Wanted again before it was released.
        known.tasks(&wanted(&table(&[])), None);
        assert_eq!(known.tasks(&one, None), [(at("/2"), Task::Hold(files(7)))]);
    }

    #[test]
    fn a_release_takes_only_what_was_given() {
        let mut actual = files(5);
        actual.space = Some(9);
        assert_eq!(Task::Release(files(5)).wanted(actual), Limits { space: Some(9), ..Limits::default() });
        assert_eq!(Task::Release(files(4)).wanted(actual), actual);
        assert_eq!(Task::Hold(files(4)).wanted(actual), files(4));
    }

    #[test]
    fn what_cannot_be_asked_counts_as_it_was_last_seen() {
        let mut known = Known::default();
        let wanted = wanted(&table(&[("/a", "/1", 5), ("/a/b", "/2", 7), ("/c", "/3", 9)]));
        known.tasks(&wanted, None);
        known.done(&at("/1"), used(2));
        let first = known.count(&wanted, &Usages::default());
        assert_eq!(["/a", "/a/b", "/c"].map(|source| first.get(source)), [Some(used(2)), None, None]);
        known.done(&at("/2"), used(3));
        known.done(&at("/1"), used(4));
        let second = known.count(&wanted, &first);
        assert_eq!(["/a", "/a/b", "/c"].map(|source| second.get(source)), [Some(used(7)), Some(used(3)), None]);
        let none = super::super::wanted::wanted(&table(&[]));
        assert_eq!(known.count(&none, &second).get("/a"), None);
    }

    #[test]
    fn a_failure_is_news_once() {
        let (mut known, ns0) = (Known::default(), NameserviceId::parse("ns0").unwrap());
        let told = [true, true, false, false].map(|fails| known.failing(&ns0, fails));
        assert_eq!(told, [true, false, true, false]);
    }
}
