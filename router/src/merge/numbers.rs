//! Answers that are numbers and truths.

use std::collections::BTreeMap;

use anabranch_hrpc::wire::{self, Malformed, Value};
use bytes::{Bytes, BytesMut};

use super::Answer;
use crate::rewrite::{delimited, find_varint, put_number};

/// Field by field the sum of all numbers. Negative ones mean "not known" and are left out.
pub fn sum(answers: &[Answer<'_>]) -> Result<Bytes, Malformed> {
    let mut sums: BTreeMap<u32, u64> = BTreeMap::new();
    for answer in answers {
        for field in wire::fields(answer.message()) {
            let field = field?;
            let Value::Varint(value) = field.value else { continue };
            let known = if i64::try_from(value).is_ok() { value } else { 0 };
            let total = sums.entry(field.number).or_default();
            *total = total.saturating_add(known);
        }
    }
    let mut body = BytesMut::new();
    for (number, total) in sums {
        put_number(&mut body, number, total);
    }
    Ok(delimited(&body))
}

/// The greatest of field 1, a signed number.
pub fn maximum(answers: &[Answer<'_>]) -> Result<Bytes, Malformed> {
    let mut greatest = i64::MIN;
    for answer in answers {
        let value = find_varint(answer.message(), 1)?.unwrap_or_default();
        greatest = greatest.max(value.cast_signed());
    }
    Ok(single(greatest.cast_unsigned()))
}

/// Whether field 1 is true in at least one answer.
pub fn any_true(answers: &[Answer<'_>]) -> Result<Bytes, Malformed> {
    truth(answers, false).map(|truths| single(truths.into_iter().any(|truth| truth).into()))
}

/// Whether field 1 is true in every answer.
pub fn all_true(answers: &[Answer<'_>]) -> Result<Bytes, Malformed> {
    truth(answers, false).map(|truths| single(truths.into_iter().all(|truth| truth).into()))
}

/// The same where an absent field means true.
pub fn all_true_by_default(answers: &[Answer<'_>]) -> Result<Bytes, Malformed> {
    truth(answers, true).map(|truths| single(truths.into_iter().all(|truth| truth).into()))
}

fn truth(answers: &[Answer<'_>], absent: bool) -> Result<Vec<bool>, Malformed> {
    answers.iter().map(|answer| Ok(find_varint(answer.message(), 1)?.map_or(absent, |value| value != 0))).collect()
}

/// A result whose field 1 is this number.
pub(super) fn single(value: u64) -> Bytes {
    let mut body = BytesMut::new();
    put_number(&mut body, 1, value);
    delimited(&body)
}
