//! Lists that NameNodes give page by page in the order of numbers: open files, encryption zones and re-encryptions by those
//! of inodes, cache directives by their ids. In each, field 1 of a result is an entry with its number and path, and field 2
//! whether there are more.

use anabranch_hrpc::wire::{self, Malformed, Value};
use bytes::{Bytes, BytesMut};

use super::{Answer, body};
use crate::method::FieldPath;
use crate::rewrite::{Edit, delimited, edit, find, find_varint, put_field, put_number};
use crate::upstream::Failure;

const ENTRY: u32 = 1;
const MORE: u32 = 2;
const NUMBER: u32 = 1;
const PATH: u32 = 2;

/// The pages that several subclusters have behind the same number, joined. Numbers of one subcluster mean nothing in
/// another; but since each counts its own upwards, all are seen once when each is asked again for what is behind the last
/// number up to which no page has a gap.
#[derive(Debug, PartialEq, Eq)]
pub struct Numbered {
    /// The entries that clients see, in the order of their numbers, each with its length in front.
    entries: Vec<(i64, Bytes)>,
    /// What else the first answer says.
    rest: Vec<u8>,
    /// Behind which number there are more; none for no more.
    pub more_after: Option<i64>,
}

impl Numbered {
    /// Whether it has nothing that a client sees.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The page as a result, with its length in front.
    pub fn reply(&self) -> Bytes {
        let mut out = BytesMut::new();
        for (_, entry) in &self.entries {
            put_field(&mut out, ENTRY, body(entry));
        }
        put_number(&mut out, MORE, u64::from(self.more_after.is_some()));
        out.extend_from_slice(&self.rest);
        delimited(&out)
    }
}

/// Joins pages of entries that have number and path at `within`. `number` and `shown` tell what clients call a number and a
/// path of a nameservice; what they do not see is left out.
///
/// # Errors
/// An answer that is not what it should be, or has a number that clients can't be told.
pub fn join(
    answers: &[Answer<'_>],
    within: FieldPath,
    number: impl Fn(&str, i64) -> Option<i64>,
    shown: impl Fn(&str, &str) -> Option<String>,
) -> Result<Numbered, Failure> {
    let mut pages = Vec::with_capacity(answers.len());
    for answer in answers {
        let mut page = page(answer, within).map_err(|malformed| unreadable(answer.nameservice, &malformed))?;
        for entry in &mut page.entries {
            let own = entry.number;
            entry.number = number(answer.nameservice, own).ok_or_else(|| beyond(answer.nameservice, own))?;
        }
        pages.push(page);
    }
    let more = pages.iter().filter(|page| page.more);
    let whole = more.filter_map(|page| page.entries.last().map(|entry| entry.number)).min();
    let is_whole = |number: i64| whole.is_none_or(|whole| number <= whole);
    let mut entries = Vec::new();
    for (answer, page) in answers.iter().zip(&pages) {
        for entry in page.entries.iter().take_while(|entry| is_whole(entry.number)) {
            let Some(path) = shown(answer.nameservice, entry.path) else { continue };
            let told = renumbered(entry.told, entry.number, Some((PATH, &path)))
                .and_then(|told| replaced(entry.message, within, &told))
                .map_err(|malformed| unreadable(answer.nameservice, &malformed))?;
            entries.push((entry.number, told));
        }
    }
    entries.sort_by_key(|(number, _)| *number);
    let rest = pages.first().map(|page| page.rest.clone()).unwrap_or_default();
    Ok(Numbered { entries, rest, more_after: whole })
}

/// The number of a message, which a request for a page has behind which it wants more.
pub fn number(message: &[u8]) -> Result<Option<i64>, Malformed> {
    Ok(find_varint(message, NUMBER)?.map(u64::cast_signed))
}

/// A message with another number, and another path in this field; other fields are as they were. The result has its length
/// in front.
pub fn renumbered(message: &[u8], number: i64, path: Option<(u32, &str)>) -> Result<Bytes, Malformed> {
    let mut out = BytesMut::with_capacity(message.len() + 16);
    put_number(&mut out, NUMBER, number.cast_unsigned());
    for field in wire::fields(message) {
        let field = field?;
        if field.number != NUMBER && path.is_none_or(|(number, _)| field.number != number) {
            out.extend_from_slice(&message[field.span]);
        }
    }
    if let Some((number, path)) = path {
        put_field(&mut out, number, path.as_bytes());
    }
    Ok(delimited(&out))
}

/// A message with another one in place of what is at `place`; both have their length in front.
pub fn replaced(message: &[u8], place: FieldPath, with: &Bytes) -> Result<Bytes, Malformed> {
    if place.is_empty() {
        return Ok(with.clone());
    }
    let changed = edit(message, &[place], &mut |_, _| Edit::Put(body(with)))?;
    Ok(changed.unwrap_or_else(|| delimited(message)))
}

/// That clients can't be told a number.
pub fn beyond(nameservice: &str, number: i64) -> Failure {
    let reason = format!("the id {number} is beyond those that clients can be told, from 0 to {}", u32::MAX);
    Failure::Unreadable { nameservice: nameservice.to_owned(), reason }
}

fn unreadable(nameservice: &str, malformed: &Malformed) -> Failure {
    Failure::Unreadable { nameservice: nameservice.to_owned(), reason: malformed.to_string() }
}

struct Page<'a> {
    entries: Vec<Entry<'a>>,
    more: bool,
    rest: Vec<u8>,
}

struct Entry<'a> {
    number: i64,
    path: &'a str,
    /// The part of it that has number and path.
    told: &'a [u8],
    message: &'a [u8],
}

fn page<'a>(answer: &'a Answer<'_>, within: FieldPath) -> Result<Page<'a>, Malformed> {
    let message = answer.message();
    let mut page = Page { entries: Vec::new(), more: false, rest: Vec::new() };
    for field in wire::fields(message) {
        let field = field?;
        match (field.number, field.value) {
            (ENTRY, Value::Bytes(entry)) => {
                let told = find(entry, within)?.ok_or(super::UNREADABLE)?;
                let path = find(told, &[PATH])?.and_then(|path| std::str::from_utf8(path).ok());
                let (number, path) = number(told)?.zip(path).ok_or(super::UNREADABLE)?;
                page.entries.push(Entry { number, path, told, message: entry });
            }
            (MORE, Value::Varint(more)) => page.more = more != 0,
            _ => page.rest.extend_from_slice(&message[field.span]),
        }
    }
    Ok(page)
}

#[cfg(test)]
mod tests;
