//! `getListing` where several destinations, or mount points, have entries in one directory.
//!
//! Entries are walked, not decoded: a page of a thousand of them costs microseconds.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use anabranch_hrpc::wire::{self, Malformed, Value};
use bytes::{Bytes, BytesMut};

use crate::rewrite::{delimited, find, put_field};

/// Entries of mount points that one page may have at most. A NameNode's page has a thousand entries.
const MAX_CHILDREN: usize = 1000;

/// What one destination has of a directory: a page of its listing.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Page<'a> {
    /// `HdfsFileStatusProto`s by their names, in the NameNode's order.
    entries: Vec<(&'a [u8], &'a [u8])>,
    /// How many more there are behind these.
    remaining: u64,
}

/// Names in the order of a NameNode, which compares bytes as Java does: signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Name<'a>(&'a [u8]);

impl Ord for Name<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let signed =
            |name: &Self| name.0.iter().map(|byte| byte.cast_signed()).collect::<smallvec::SmallVec<[i8; 64]>>();
        signed(self).cmp(&signed(other))
    }
}

impl PartialOrd for Name<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Takes the page out of a result; none for `null`, which is what a NameNode answers about a path that does not exist.
pub fn page(reply: &[u8]) -> Result<Option<Page<'_>>, Malformed> {
    let Some(list) = find(super::body(reply), &[1])? else { return Ok(None) };
    let mut page = Page::default();
    for field in wire::fields(list) {
        let field = field?;
        match (field.number, field.value) {
            (1, Value::Bytes(status)) => page.entries.push((find(status, &[2])?.unwrap_or_default(), status)),
            (2, Value::Varint(remaining)) => page.remaining = remaining,
            _ => {}
        }
    }
    Ok(Some(page))
}

/// What a joined page will hold, before it is known what its mount points look like.
#[derive(Debug, PartialEq, Eq)]
pub struct Outline<'a> {
    /// Entries of NameNodes in it, by name.
    entries: BTreeMap<Vec<i8>, (&'a [u8], &'a [u8])>,
    /// Mount points in it.
    pub children: Vec<&'a str>,
    /// How many entries come behind it.
    remaining: u64,
}

/// Chooses what goes into the page that follows `start_after`: all names up to the first one behind which a destination
/// has more than it showed. `children` are the names of mount points in the directory, sorted.
pub fn outline<'a>(pages: &[Page<'a>], children: &[&'a str], start_after: &[u8]) -> Outline<'a> {
    let mut shown: Vec<&'a str> =
        children.iter().copied().filter(|child| follows(child.as_bytes(), start_after)).collect();
    shown.sort_by(|a, b| Name(a.as_bytes()).cmp(&Name(b.as_bytes())));
    let crowded = shown.get(MAX_CHILDREN).map(|_| Name(shown[MAX_CHILDREN - 1].as_bytes()));
    let cut = pages
        .iter()
        .filter(|page| page.remaining > 0)
        .filter_map(|page| page.entries.last().map(|(name, _)| Name(name)))
        .chain(crowded)
        .min();
    let within = |name: &[u8]| cut.is_none_or(|cut| Name(name) <= cut);

    let before = shown.len();
    shown.retain(|child| within(child.as_bytes()));
    let mut remaining = (before - shown.len()) as u64;
    let mut entries = BTreeMap::new();
    for page in pages {
        remaining = remaining.saturating_add(page.remaining);
        for (name, status) in &page.entries {
            if within(name) {
                let key = name.iter().map(|byte| byte.cast_signed()).collect();
                entries.entry(key).or_insert((*name, *status));
            } else {
                remaining = remaining.saturating_add(1);
            }
        }
    }
    Outline { entries, children: shown, remaining }
}

fn follows(name: &[u8], start_after: &[u8]) -> bool {
    start_after.is_empty() || Name(name) > Name(start_after)
}

impl<'a> Outline<'a> {
    /// The status that a NameNode's page has under this name.
    pub fn entry(&self, name: &str) -> Option<&'a [u8]> {
        self.entries.get(&signed(name)).map(|(_, status)| *status)
    }

    /// The page as a result of `getListing`, with the status of each of its mount points.
    pub fn reply(&self, statuses: &[Vec<u8>]) -> Bytes {
        let mut all: BTreeMap<Vec<i8>, &[u8]> =
            self.entries.iter().map(|(key, (_, status))| (key.clone(), *status)).collect();
        for (child, status) in self.children.iter().zip(statuses) {
            all.insert(signed(child), status);
        }
        let mut list = BytesMut::new();
        for status in all.values() {
            put_field(&mut list, 1, status);
        }
        wire::put_varint(&mut list, 2 << 3);
        wire::put_varint(&mut list, self.remaining.min(i32::MAX as u64));
        let mut body = BytesMut::with_capacity(list.len() + 8);
        put_field(&mut body, 1, &list);
        delimited(&body)
    }
}

/// A key by which names have the order of a NameNode.
pub(super) fn signed(name: &str) -> Vec<i8> {
    name.bytes().map(u8::cast_signed).collect()
}
