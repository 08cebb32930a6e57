//! Joins the answers of several subclusters into one.
//!
//! Plain functions from bytes to bytes; a row of the method table names the one that its method needs. Answers come in
//! the order in which their subclusters were asked.

mod datanodes;
pub mod listing;
pub mod numbered;
mod numbers;
mod pools;
pub mod quota;
mod snapshottable;
pub mod status;
pub mod summary;

use anabranch_hrpc::wire::{self, Malformed};
use bytes::{Bytes, BytesMut};

pub use datanodes::{datanodes, newest_reports, storage_reports};
pub use numbers::{all_true, all_true_by_default, any_true, maximum, sum};
pub use pools::pools;
pub use snapshottable::snapshottable;

use crate::rewrite::{delimited, find, find_all, find_varint, put_field};

/// What one subcluster answered.
#[derive(Debug, Clone)]
pub struct Answer<'a> {
    /// Who.
    pub nameservice: &'a str,
    /// The result message with its length in front, as it came.
    pub reply: Bytes,
}

impl Answer<'_> {
    /// The result message.
    pub fn message(&self) -> &[u8] {
        body(&self.reply)
    }
}

/// Joins one or more answers into a result message with its length in front.
pub type Merge = fn(&[Answer<'_>]) -> Result<Bytes, Malformed>;

/// What is said of a message that lacks a required field: no place in it is wrong more than another.
const UNREADABLE: Malformed = Malformed { at: 0 };

/// A message without the length in front of it.
pub fn body(reply: &[u8]) -> &[u8] {
    let mut rest = reply;
    wire::take_delimited(&mut rest).unwrap_or_default()
}

/// The result of a call that has nothing to say.
pub fn empty() -> Bytes {
    Bytes::from_static(&[0])
}

/// The first answer as it came.
pub fn first(answers: &[Answer<'_>]) -> Result<Bytes, Malformed> {
    Ok(answers.first().map_or_else(empty, |answer| answer.reply.clone()))
}

/// The first answer whose field 1 is there, else the first.
pub fn first_present(answers: &[Answer<'_>]) -> Result<Bytes, Malformed> {
    for answer in answers {
        if find(answer.message(), &[1])?.is_some() {
            return Ok(answer.reply.clone());
        }
    }
    first(answers)
}

/// The first answer whose verdict (field 2 of field 1) is false, else the first.
pub fn first_unsupported(answers: &[Answer<'_>]) -> Result<Bytes, Malformed> {
    for answer in answers {
        let verdict = find(answer.message(), &[1])?.unwrap_or_default();
        if find_varint(verdict, 2)? == Some(0) {
            return Ok(answer.reply.clone());
        }
    }
    first(answers)
}

/// The elements of the repeated field 1 of all answers, equal ones once.
pub fn union(answers: &[Answer<'_>]) -> Result<Bytes, Malformed> {
    let mut seen = hashbrown::HashSet::new();
    let mut body = BytesMut::new();
    for answer in answers {
        for element in find_all(answer.message(), 1)?.into_iter().filter(|element| seen.insert(*element)) {
            put_field(&mut body, 1, element);
        }
    }
    Ok(delimited(&body))
}

/// What changed between two snapshots, of all answers: the first one's report, with the entries (field 4) of the others that
/// it has not.
pub fn diff_reports(answers: &[Answer<'_>]) -> Result<Bytes, Malformed> {
    let mut seen = hashbrown::HashSet::new();
    let mut report = BytesMut::new();
    for answer in answers {
        let found = find(answer.message(), &[1])?.ok_or(UNREADABLE)?;
        let is_first = report.is_empty();
        if is_first {
            report.extend_from_slice(found);
        }
        for entry in find_all(found, 4)? {
            if seen.insert(entry) && !is_first {
                put_field(&mut report, 4, entry);
            }
        }
    }
    let mut body = BytesMut::new();
    put_field(&mut body, 1, &report);
    Ok(delimited(&body))
}

#[cfg(test)]
mod tests;
