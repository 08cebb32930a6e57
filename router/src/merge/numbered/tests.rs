use std::collections::BTreeSet;

use anabranch_federation::NameserviceId;
use anabranch_hdfs_proto::hdfs::{
    CacheDirectiveEntryProto, CacheDirectiveInfoProto, CacheDirectiveStatsProto, ListCacheDirectivesResponseProto,
    ListOpenFilesRequestProto, ListOpenFilesResponseProto, OpenFilesBatchResponseProto, OpenFilesTypeProto,
};
use proptest::prelude::*;
use prost::Message;

use super::*;
use crate::plan::DirectiveIds;

fn open(number: i64, path: &str) -> OpenFilesBatchResponseProto {
    OpenFilesBatchResponseProto { id: number, path: path.into(), client_name: "c".into(), client_machine: "m".into() }
}

/// A NameNode with open files of these numbers.
fn ask(nameservice: &'static str, numbers: &[i64], after: i64, most: usize) -> Answer<'static> {
    let behind = numbers.iter().copied().filter(|number| *number > after);
    let entries: Vec<_> = behind.clone().take(most).map(|number| open(number, &format!("/{number}"))).collect();
    let has_more = behind.count() > most;
    let types = vec![OpenFilesTypeProto::AllOpenFiles.into()];
    let page = ListOpenFilesResponseProto { entries, has_more, types };
    Answer { nameservice, reply: page.encode_length_delimited_to_vec().into() }
}

fn same(_: &str, number: i64) -> Option<i64> {
    Some(number)
}

fn decoded(page: &Numbered) -> ListOpenFilesResponseProto {
    ListOpenFilesResponseProto::decode(body(&page.reply())).unwrap()
}

#[test]
fn every_entry_comes_once_in_order_whatever_the_pages() {
    let (a, b, c): (Vec<i64>, Vec<i64>, Vec<i64>) =
        ((1..40).collect(), (1..200).step_by(7).collect(), vec![5, 5_000_000_000]);
    let mut expected: Vec<(i64, String)> = Vec::new();
    for (name, numbers) in [("a", &a), ("b", &b), ("c", &c)] {
        expected.extend(numbers.iter().map(|number| (*number, format!("/{name}/{number}"))));
    }
    expected.sort();
    for most in [1, 2, 3, 10, 1000] {
        let (mut found, mut cursor) = (Vec::new(), 0);
        loop {
            let answers = [("a", &a), ("b", &b), ("c", &c)].map(|(name, all)| ask(name, all, cursor, most));
            let page = join(&answers, &[], same, |name, path| Some(format!("/{name}{path}"))).unwrap();
            let reply = decoded(&page);
            assert_eq!((reply.has_more, reply.types), (page.more_after.is_some(), vec![1]));
            assert!(reply.entries.iter().all(|entry| (&*entry.client_name, &*entry.client_machine) == ("c", "m")));
            found.extend(reply.entries.iter().map(|entry| (entry.id, entry.path.clone())));
            // The client goes on behind the last that it got.
            assert_eq!(page.more_after.unwrap_or(cursor).max(cursor), page.more_after.unwrap_or(cursor));
            let Some(after) = page.more_after else { break };
            assert_eq!(reply.entries.last().unwrap().id, after);
            cursor = after;
        }
        let mut sorted = found.clone();
        sorted.sort();
        assert_eq!(sorted, expected, "pages of {most}");
        assert!(found.is_sorted_by_key(|(number, _)| *number));
    }
}

/// A NameNode with cache directives of these ids, of which clients see the even ones.
fn directives(nameservice: &'static str, ids: &BTreeSet<i64>, after: i64, most: usize) -> Answer<'static> {
    let entry = |id: &i64| CacheDirectiveEntryProto {
        info: CacheDirectiveInfoProto { id: Some(*id), path: Some(format!("/{id}")), ..Default::default() },
        stats: CacheDirectiveStatsProto { files_needed: *id, ..Default::default() },
    };
    let behind = ids.range(after + 1..);
    let elements = behind.clone().take(most).map(entry).collect();
    let page = ListCacheDirectivesResponseProto { elements, has_more: behind.count() > most };
    Answer { nameservice, reply: page.encode_length_delimited_to_vec().into() }
}

proptest! {
    #[test]
    fn directives_of_one_subcluster_come_after_those_of_another(
        all in proptest::array::uniform3(proptest::collection::btree_set(1_i64..30, 0..12)),
        most in 1_usize..6,
    ) {
        let names = ["a", "b", "c"].map(|name| NameserviceId::parse(name).unwrap());
        let ids = DirectiveIds::new(Some(&names[1]), names.iter());
        let shown = |name: &str, path: &str| {
            let number: i64 = path[1..].parse().unwrap();
            (number % 2 == 0).then(|| format!("/{name}{path}"))
        };
        let mut expected = Vec::new();
        for (name, own) in ["a", "b", "c"].iter().zip(&all) {
            let seen = own.iter().filter_map(|id| Some((ids.shown(name, *id)?, shown(name, &format!("/{id}"))?)));
            expected.extend(seen);
        }
        expected.sort();
        let (mut found, mut cursor) = (Vec::new(), 0);
        loop {
            let asked = ["a", "b", "c"].into_iter().zip(&all);
            let answers: Vec<_> = asked
                .filter_map(|(name, own)| Some(directives(name, own, ids.after(name, cursor)?, most)))
                .collect();
            let page = join(&answers, &[1], |name, id| ids.shown(name, id), shown).unwrap();
            let reply = ListCacheDirectivesResponseProto::decode(body(&page.reply())).unwrap();
            prop_assert_eq!(reply.has_more, page.more_after.is_some());
            for entry in reply.elements {
                prop_assert_eq!(entry.stats.files_needed, entry.info.id() & 0xffff_ffff);
                found.push((entry.info.id(), entry.info.path().to_owned()));
            }
            let Some(after) = page.more_after else { break };
            prop_assert!(after > cursor && found.last().is_none_or(|(last, _)| *last <= after));
            cursor = after;
        }
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn an_id_that_clients_cannot_be_told_is_an_error() {
    let answer = directives("a", &BTreeSet::from([1, 1 << 32]), 0, 9);
    let known = [NameserviceId::parse("a").unwrap()];
    let ids = DirectiveIds::new(None, known.iter());
    let failure = join(&[answer], &[1], |name, id| ids.shown(name, id), |_, path| Some(path.to_owned()));
    assert_eq!(failure, Err(beyond("a", 1 << 32)));
}

#[test]
fn what_clients_do_not_see_is_left_out() {
    let answers = [ask("a", &[1, 2, 3], 0, 2)];
    let page = join(&answers, &[], same, |_, path| (path == "/3").then(|| path.to_owned())).unwrap();
    assert_eq!((page.is_empty(), page.more_after), (true, Some(2)));
    let broken = Answer { nameservice: "a", reply: Bytes::from_static(&[4, 0x0a, 2, 8, 1]) };
    assert!(join(&[broken], &[], same, |_, path| Some(path.to_owned())).is_err());
}

#[test]
fn a_request_keeps_what_it_does_not_change() {
    let types = vec![OpenFilesTypeProto::BlockingDecommission.into()];
    let asked = ListOpenFilesRequestProto { id: 7, types, path: Some("/mount".into()) };
    let message = asked.encode_to_vec();
    assert_eq!(number(&message), Ok(Some(7)));
    let sent = renumbered(&message, -1, Some((3, "/there"))).unwrap();
    let expected = ListOpenFilesRequestProto { id: -1, path: Some("/there".into()), ..asked.clone() };
    assert_eq!(ListOpenFilesRequestProto::decode(body(&sent)).unwrap(), expected);
    let sent = renumbered(&message, 9, None).unwrap();
    assert_eq!(ListOpenFilesRequestProto::decode(body(&sent)).unwrap(), ListOpenFilesRequestProto { id: 9, ..asked });
}
