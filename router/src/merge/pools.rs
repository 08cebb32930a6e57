//! `listCachePools`: pools by their names, page by page.

use std::collections::BTreeMap;

use anabranch_hrpc::wire::Malformed;
use bytes::{Bytes, BytesMut};

use super::{Answer, UNREADABLE};
use crate::rewrite::{delimited, find, find_all, find_varint, put_field, put_number};

const ENTRY: u32 = 1;
const MORE: u32 = 2;
/// `info.poolName` of an entry.
const NAME: &[u32] = &[1, 1];

/// The pages that several subclusters have behind one name, joined up to the last name up to which no page has a gap. Of
/// pools of one name, the first is there.
pub fn pools(answers: &[Answer<'_>]) -> Result<Bytes, Malformed> {
    let mut entries: BTreeMap<Vec<u16>, &[u8]> = BTreeMap::new();
    let mut whole: Option<Vec<u16>> = None;
    for answer in answers {
        let mut last = None;
        for entry in find_all(answer.message(), ENTRY)? {
            let name = name(entry)?;
            entries.entry(name.clone()).or_insert(entry);
            last = Some(name);
        }
        if find_varint(answer.message(), MORE)?.is_some_and(|more| more != 0) {
            whole = whole.into_iter().chain(last).min();
        }
    }
    let mut out = BytesMut::new();
    for (_, entry) in entries.iter().take_while(|(name, _)| whole.as_ref().is_none_or(|whole| *name <= whole)) {
        put_field(&mut out, ENTRY, entry);
    }
    put_number(&mut out, MORE, u64::from(whole.is_some()));
    Ok(delimited(&out))
}

/// In the order of Java's strings.
fn name(entry: &[u8]) -> Result<Vec<u16>, Malformed> {
    let name = find(entry, NAME)?.and_then(|name| std::str::from_utf8(name).ok()).ok_or(UNREADABLE)?;
    Ok(name.encode_utf16().collect())
}

#[cfg(test)]
mod tests {
    use anabranch_hdfs_proto::hdfs::{
        CachePoolEntryProto, CachePoolInfoProto, CachePoolStatsProto, ListCachePoolsResponseProto,
    };
    use proptest::prelude::*;
    use prost::Message;

    use super::super::body;
    use super::*;

    fn entry(name: &str, owner: &str) -> CachePoolEntryProto {
        CachePoolEntryProto {
            info: CachePoolInfoProto {
                pool_name: Some(name.into()),
                owner_name: Some(owner.into()),
                ..Default::default()
            },
            stats: CachePoolStatsProto { files_cached: 3, ..Default::default() },
        }
    }

    /// What a NameNode with pools of these names has behind one.
    fn ask(nameservice: &'static str, names: &[String], after: &str, most: usize) -> Answer<'static> {
        let utf16 = |name: &str| name.encode_utf16().collect::<Vec<_>>();
        let mut names: Vec<_> = names.iter().filter(|name| utf16(name) > utf16(after)).collect();
        names.sort_by_key(|name| utf16(name));
        names.dedup();
        let entries = names.iter().take(most).map(|name| entry(name, nameservice)).collect();
        let page = ListCachePoolsResponseProto { entries, has_more: names.len() > most };
        Answer { nameservice, reply: page.encode_length_delimited_to_vec().into() }
    }

    proptest! {
        #[test]
        fn every_pool_comes_once_in_order_as_the_first_has_it(
            a in proptest::collection::vec("[a-d\u{ffff}\u{10000}]{1,2}", 0..12),
            b in proptest::collection::vec("[a-d\u{ffff}\u{10000}]{1,2}", 0..12),
            most in 1_usize..5,
        ) {
            let mut expected: BTreeMap<Vec<u16>, CachePoolEntryProto> = BTreeMap::new();
            for (owner, names) in [("a", &a), ("b", &b)] {
                for name in names {
                    expected.entry(name.encode_utf16().collect()).or_insert_with(|| entry(name, owner));
                }
            }
            let (mut found, mut cursor) = (Vec::new(), String::new());
            loop {
                let reply = pools(&[ask("a", &a, &cursor, most), ask("b", &b, &cursor, most)]).unwrap();
                let page = ListCachePoolsResponseProto::decode(body(&reply)).unwrap();
                found.extend(page.entries);
                if !page.has_more {
                    break;
                }
                let last = found.last().unwrap().info.pool_name().to_owned();
                prop_assert_ne!(&last, &cursor);
                cursor = last;
            }
            prop_assert_eq!(found, expected.into_values().collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_pool_without_a_name_is_malformed() {
        let answer = Answer { nameservice: "a", reply: Bytes::from_static(&[6, 0x0a, 2, 0x0a, 0, 0x10, 0]) };
        assert!(pools(&[answer]).is_err());
    }
}
