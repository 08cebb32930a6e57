//! Writes the records of a MountTable.

use std::time::Duration;

use anabranch_api::MountTable;
use anabranch_federation::MountEntry;
use anabranch_store::{MAX_CHANGES, Refusal, Revision, Write, Writer};

use super::dereference::Found;
use super::finalize;
use super::validate::Validated;
use crate::adopt;
use crate::context::Context;
use crate::error::Error;
use crate::link::{Link, SOON};
use crate::publish::plan::{Drift, Plan};

/// What was done.
#[derive(Debug, Default)]
pub struct Applied {
    /// The revision that holds the MountTable's entries; `None`: nothing is known of the store.
    pub revision: Option<Revision>,
    /// Entries that the store does not take.
    pub refused: Vec<String>,
    /// Entries that someone else changed, left as they are.
    pub drift: Vec<Drift>,
    /// When to look again.
    pub again: Option<Duration>,
}

/// Carries out a plan.
///
/// # Errors
/// When the API server or the store fail. What was written stays, and the next plan goes on from there.
pub async fn apply(
    context: &Context,
    table: &MountTable,
    found: &Found,
    validated: &Validated,
    plan: Option<Plan>,
) -> Result<Applied, Error> {
    let mut applied = Applied::default();
    let (Some(plan), Some(link)) = (plan, &found.link) else { return Ok(applied) };
    let Plan { writes, drift, adopt } = plan;
    if !adopt.is_empty() {
        adopt::take_over(context, table, &adopt).await?;
    }
    if !writes.is_empty() {
        finalize::ensure(context, table).await?;
        let outcome = write(context, link, writes).await?;
        applied.refused = outcome.refused;
        // What others wrote at the same time comes by the watch.
        applied.again = outcome.conflict.then_some(SOON);
    }
    applied.drift = drift;
    let paths = validated.entries.iter().flatten().map(|entry| entry.source.as_str());
    applied.revision = link.mounts.read().revision(&super::mark(link, table), paths);
    finalize::leave_others(context, table, link).await;
    Ok(applied)
}

/// What came of changes.
#[derive(Debug, Default)]
pub struct Outcome {
    refused: Vec<String>,
    conflict: bool,
}

impl Outcome {
    /// Whether all were made.
    pub fn is_whole(&self) -> bool {
        self.refused.is_empty() && !self.conflict
    }
}

/// Writes changes, and notes in the link what was made.
///
/// # Errors
/// When the store fails.
pub async fn write(context: &Context, link: &Link, writes: Vec<Write<MountEntry>>) -> Result<Outcome, Error> {
    let mut outcome = Outcome::default();
    for changes in writes.chunks(MAX_CHANGES) {
        let store: &dyn Writer<MountEntry> = &*link.store;
        let answers = store.write(changes.to_vec()).await?;
        let mut mounts = link.mounts.write();
        for (change, answer) in changes.iter().zip(answers) {
            match (change, answer) {
                (Write::Put { record, .. }, Ok(version)) => {
                    mounts.wrote(record.clone(), version);
                    context.metrics.wrote("put");
                }
                (Write::Delete { key, .. }, Ok(version)) => {
                    mounts.deleted(key, version);
                    context.metrics.wrote("delete");
                }
                (_, Err(Refusal::Conflict { .. })) => outcome.conflict = true,
                (change, Err(refusal)) => outcome.refused.push(format!("{}: {refusal}", change.key())),
            }
        }
    }
    Ok(outcome)
}
