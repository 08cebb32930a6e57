//! Making the stored mount table the declared one.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use anabranch_federation::{EntryError, MountEntry, MountPath};

use crate::{Broken, MAX_CHANGES, Records, Refusal, Snapshot, StoreError, Version, Write};

/// How often records that others change at the same time are read and written again.
const ATTEMPTS: u32 = 5;

/// What [`publish`] did, by source.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    /// Entries that were not stored before.
    pub added: BTreeSet<MountPath>,
    /// Entries that were stored differently.
    pub updated: BTreeSet<MountPath>,
    /// Entries that were stored and are not declared.
    pub removed: BTreeSet<MountPath>,
    /// How many entries were stored as declared.
    pub unchanged: usize,
    /// Declared entries that break a rule; what is stored for them stays.
    pub refused: Vec<Refused>,
    /// Stored records that cannot be read and are not declared; they stay.
    pub broken: Vec<Broken>,
}

/// A declared entry that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its source.
    pub source: MountPath,
    /// Why.
    pub reason: RefusedReason,
}

/// Why a declared entry was left out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefusedReason {
    /// It is invalid.
    #[error("{0}")]
    Invalid(#[from] EntryError),
    /// An earlier one declares the same source.
    #[error("declared more than once; the first declaration counts")]
    Duplicate,
    /// The store does not take it.
    #[error("{0}")]
    Store(Refusal),
}

/// Makes the stored mount table the declared one, by writing the differences only. Each entry stands for itself: a bad
/// one is reported, and the others are written. `now_ms` becomes the time of modification of what is written.
///
/// Everything stored is taken as declared here or not at all; records of other origins are removed.
pub async fn publish(
    desired: Vec<MountEntry>,
    store: &(impl Records<MountEntry> + ?Sized),
    now_ms: u64,
) -> Result<Report, StoreError> {
    let mut report = Report::default();
    let mut desired = admit(desired, &mut report);
    let mut attempt = 1;
    loop {
        let plan = plan(&desired, &store.list().await?, &report, now_ms);
        (report.unchanged, report.broken) = (plan.unchanged, plan.broken);
        let mut conflict = None;
        for changes in plan.changes.chunks(MAX_CHANGES) {
            let answers = store.write(changes.to_vec()).await?;
            for (change, answer) in changes.iter().zip(answers) {
                match answer {
                    Ok(_) => report.record(change, &plan.new),
                    Err(refusal @ Refusal::Conflict { .. }) => conflict = Some(refusal),
                    Err(refusal) => {
                        // Only what was to be written is refused.
                        if let Write::Put { record, .. } = change {
                            desired.remove(&record.source);
                            let source = record.source.clone();
                            report.refused.push(Refused { source, reason: RefusedReason::Store(refusal) });
                        }
                    }
                }
            }
        }
        match conflict {
            None => {
                // A later attempt finds what an earlier one wrote.
                report.unchanged -= report.unchanged.min(plan.rewritten);
                return Ok(report);
            }
            Some(refusal) if attempt == ATTEMPTS => return Err(StoreError::Contended { attempts: attempt, refusal }),
            Some(_) => attempt += 1,
        }
    }
}

impl Report {
    /// Whether nothing was written and nothing refused.
    pub fn is_settled(&self) -> bool {
        self.added.is_empty() && self.updated.is_empty() && self.removed.is_empty() && self.refused.is_empty()
    }

    fn record(&mut self, change: &Write<MountEntry>, new: &BTreeSet<MountPath>) {
        match change {
            Write::Delete { key, .. } => self.removed.extend(MountPath::parse(key).ok()),
            Write::Put { record, .. } if new.contains(&record.source) => {
                self.added.insert(record.source.clone());
            }
            Write::Put { record, .. } => {
                self.updated.insert(record.source.clone());
            }
        }
    }
}

/// The entries that may be written, by source.
fn admit(desired: Vec<MountEntry>, report: &mut Report) -> BTreeMap<MountPath, MountEntry> {
    let mut admitted = BTreeMap::new();
    for entry in desired {
        let source = entry.source.clone();
        let valid = entry.validate().map_err(RefusedReason::from);
        let outcome = valid.and_then(|()| match admitted.entry(source.clone()) {
            Entry::Vacant(vacant) => {
                vacant.insert(entry);
                Ok(())
            }
            Entry::Occupied(_) => Err(RefusedReason::Duplicate),
        });
        report.refused.extend(outcome.err().map(|reason| Refused { source, reason }));
    }
    admitted
}

/// What has to be written.
struct Plan {
    /// Additions and updates first: what moves is never missing in between.
    changes: Vec<Write<MountEntry>>,
    /// The sources that are not stored.
    new: BTreeSet<MountPath>,
    unchanged: usize,
    /// How many of the unchanged ones this call wrote before.
    rewritten: usize,
    broken: Vec<Broken>,
}

fn plan(
    desired: &BTreeMap<MountPath, MountEntry>,
    stored: &Snapshot<MountEntry>,
    report: &Report,
    now_ms: u64,
) -> Plan {
    let refused: BTreeSet<&MountPath> = report.refused.iter().map(|refused| &refused.source).collect();
    let mut missing: BTreeMap<&str, &MountEntry> =
        desired.iter().map(|(source, entry)| (source.as_str(), entry)).collect();
    let mut plan = Plan { changes: Vec::new(), new: BTreeSet::new(), unchanged: 0, rewritten: 0, broken: Vec::new() };
    let mut removals = Vec::new();
    let put = |record, expected| Write::Put { record: MountEntry { modified_ms: now_ms, ..record }, expected };
    let new = |entry: &MountEntry| MountEntry { created_ms: now_ms, ..entry.clone() };
    for stored in &stored.records {
        let source = &stored.record.source;
        match missing.remove(source.as_str()) {
            Some(entry) if entry.same_intent(&stored.record) => {
                plan.unchanged += 1;
                plan.rewritten += usize::from(report.added.contains(source) || report.updated.contains(source));
            }
            Some(entry) => plan.changes.push(put(entry.clone().in_place_of(&stored.record), stored.version)),
            None if !refused.contains(source) => {
                removals.push(Write::Delete { key: source.to_string(), expected: stored.version });
            }
            None => {}
        }
    }
    for broken in &stored.broken {
        match missing.remove(broken.key.as_str()) {
            Some(entry) => plan.changes.push(put(new(entry), broken.version)),
            None => plan.broken.push(broken.clone()),
        }
    }
    for entry in missing.into_values() {
        plan.new.insert(entry.source.clone());
        plan.changes.push(put(new(entry), Version::ABSENT));
    }
    plan.changes.append(&mut removals);
    plan
}

#[cfg(test)]
mod tests;
