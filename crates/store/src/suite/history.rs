//! What writers made, and whether what is stored and what watchers saw agrees with it. Writers and watchers write down what
//! happens to them, and plain functions judge it afterwards, so that the evidence is there when something is wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anabranch_federation::MountEntry;

use super::Sample;
use crate::{Change, Event, Revision, Snapshot};

mod observe;

pub use observe::{Observed, observe, write};

/// The records by key: their tags.
pub type Tags = BTreeMap<String, u64>;

/// A change that was made to one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Made {
    /// What was written; `None`: the record was deleted.
    pub tag: Option<u64>,
    /// Its version; `None` where nobody was told: the store answered nothing, and what is deleted has no version.
    pub version: Option<Revision>,
}

/// All changes that were made, by key, in order. Each record has one writer, which knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// The changes.
    pub made: BTreeMap<String, Vec<Made>>,
}

/// What a watcher saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// All records.
    Snapshot(Revision, Tags),
    /// Changes of one revision; `None`: deleted.
    Changed(Revision, Vec<(String, Option<u64>)>),
    /// It fell behind.
    FellBehind,
}

impl From<Event<MountEntry>> for Seen {
    fn from(event: Event<MountEntry>) -> Self {
        match event {
            Event::Snapshot(snapshot) => Self::Snapshot(snapshot.revision, tags(&snapshot)),
            Event::Changed { revision, changes } => {
                let change = |change: &Change<MountEntry>| match change {
                    Change::Put { record, .. } => (record.source.to_string(), Some(record.tag())),
                    Change::Delete(key) => (key.clone(), None),
                };
                Self::Changed(revision, changes.iter().map(change).collect())
            }
            Event::FellBehind => Self::FellBehind,
        }
    }
}

/// The tags of a snapshot.
pub fn tags(snapshot: &Snapshot<MountEntry>) -> Tags {
    snapshot.records.iter().map(|stored| (stored.record.source.to_string(), stored.record.tag())).collect()
}

impl History {
    /// Adds the records of other writers.
    pub fn merge(&mut self, other: Self) {
        self.made.extend(other.made);
    }

    /// The last version of all.
    pub fn last(&self) -> Revision {
        self.made.values().flatten().filter_map(|made| made.version).max().unwrap_or(0)
    }

    /// What is stored in the end: tag and version of each record.
    pub fn end(&self) -> BTreeMap<String, (u64, Option<Revision>)> {
        let last = |made: &Vec<Made>| made.last().and_then(|made| made.tag.map(|tag| (tag, made.version)));
        self.made.iter().filter_map(|(key, made)| Some((key.clone(), last(made)?))).collect()
    }

    /// How often each record was written since it was made; 0: it does not exist.
    pub fn writes(&self) -> BTreeMap<String, u32> {
        let count = |made: &[Made]| made.iter().rev().take_while(|made| made.tag.is_some()).count();
        self.made.iter().map(|(key, made)| (key.clone(), u32::try_from(count(made)).unwrap_or(u32::MAX))).collect()
    }

    /// Whether a record may have had this tag at this revision.
    fn allows(&self, key: &str, tag: Option<u64>, at: Revision) -> bool {
        let made = self.made.get(key).map_or(&[][..], Vec::as_slice);
        // Up to the last change whose version says that it was before. Those without a version, around, may have been.
        let known = made.iter().rposition(|made| made.version.is_some_and(|version| version <= at));
        let base = known.map_or(tag.is_none(), |known| made[known].tag == tag);
        let later = &made[known.map_or(0, |known| known + 1)..];
        base || later.iter().take_while(|made| made.version.is_none()).any(|made| made.tag == tag)
    }

    /// Whether all records may have had these tags at this revision; what is wrong, if not.
    fn agrees(&self, tags: &Tags, at: Revision) -> Result<(), String> {
        let keys: BTreeSet<&String> = self.made.keys().chain(tags.keys()).collect();
        let mut wrong = String::new();
        for key in keys {
            let tag = tags.get(key).copied();
            if !self.allows(key, tag, at) {
                let made = self.made.get(key).map_or(&[][..], Vec::as_slice);
                let near = made.iter().position(|made| made.version.is_some_and(|version| version > at));
                let end = near.map_or(made.len(), |near| (near + 2).min(made.len()));
                let _ = write!(wrong, "{key} is {tag:?} at {at:#x}; made: {:?}; ", &made[end.saturating_sub(4)..end]);
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    /// Holds what a watcher saw to the history: after each event it knows the state of the event's revision, exactly, and
    /// revisions grow. Several changes may come as one, none may be left out. It must have come to the end.
    ///
    /// # Errors
    /// What is wrong, with the events before.
    pub fn judge(&self, seen: &[Seen]) -> Result<(), String> {
        let (mut tags, mut newest, mut due) = (Tags::new(), 0, true);
        for (at, event) in seen.iter().enumerate() {
            let wrong = match event {
                Seen::FellBehind => {
                    due = true;
                    continue;
                }
                Seen::Snapshot(..) if !due => Err("a snapshot without a reason".to_owned()),
                Seen::Changed(..) if due => Err("a change where a snapshot was due".to_owned()),
                Seen::Snapshot(revision, _) if *revision < newest => Err("back in time".to_owned()),
                Seen::Changed(revision, changes) if *revision < newest + u64::from(!changes.is_empty()) => {
                    Err("back in time".to_owned())
                }
                Seen::Snapshot(revision, all) => {
                    (tags, newest, due) = (all.clone(), *revision, false);
                    self.agrees(&tags, newest)
                }
                Seen::Changed(revision, changes) => {
                    newest = *revision;
                    for (key, tag) in changes {
                        match tag {
                            Some(tag) => tags.insert(key.clone(), *tag),
                            None => tags.remove(key),
                        };
                    }
                    self.agrees(&tags, newest)
                }
            };
            if let Err(wrong) = wrong {
                let before = &seen[at.saturating_sub(3)..=at];
                return Err(format!("event {at}: {wrong}; known: {tags:?}; the last events: {before:x?}"));
            }
        }
        let end: Tags = self.end().into_iter().map(|(key, (tag, _))| (key, tag)).collect();
        if tags == end { Ok(()) } else { Err(format!("it ended with {tags:?}, made was {end:?}")) }
    }

    /// Holds what is stored in the end to the history.
    ///
    /// # Errors
    /// What differs.
    pub fn judge_end(&self, stored: &Snapshot<MountEntry>) -> Result<(), String> {
        let found =
            |s: &crate::Versioned<MountEntry>| (s.record.source.to_string(), (s.record.tag(), Some(s.version.0)));
        let stored: BTreeMap<_, _> = stored.records.iter().map(found).collect();
        let end = self.end();
        if stored == end { Ok(()) } else { Err(format!("stored is {stored:x?}, made was {end:x?}")) }
    }
}

#[cfg(test)]
mod tests;
