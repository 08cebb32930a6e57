//! Lists that NameNodes give page by page in the order of inode numbers: open files, encryption zones, re-encryptions. In
//! each, field 1 of a result is an entry with its number and path, and field 2 whether there are more.

use anabranch_hrpc::wire::{self, Malformed, Value};
use bytes::{Bytes, BytesMut};

use super::{Answer, body};
use crate::rewrite::{Edit, delimited, edit, find, find_varint, put_field};

const ENTRY: u32 = 1;
const MORE: u32 = 2;
const NUMBER: u32 = 1;
const PATH: &[u32] = &[2];

/// The pages that several subclusters have behind the same number, joined. Numbers of one subcluster mean nothing in
/// another; but since each counts its own upwards, all are seen once when each is asked again for what is behind the last
/// number up to which no page has a gap.
#[derive(Debug, PartialEq, Eq)]
pub struct Numbered {
    /// The entries that clients see, in the order of their numbers.
    entries: Vec<(i64, Vec<u8>)>,
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
            put_field(&mut out, ENTRY, entry);
        }
        put_number(&mut out, MORE, u64::from(self.more_after.is_some()));
        out.extend_from_slice(&self.rest);
        delimited(&out)
    }
}

/// Joins pages. `shown` tells what clients call a path of an answer; what they do not see is left out.
pub fn join(
    answers: &[Answer<'_>],
    shown: impl Fn(&Answer<'_>, &str) -> Option<String>,
) -> Result<Numbered, Malformed> {
    let pages: Vec<Page<'_>> = answers.iter().map(page).collect::<Result<_, _>>()?;
    let more = pages.iter().filter(|page| page.more);
    let whole = more.filter_map(|page| page.entries.last().map(|entry| entry.number)).min();
    let within = |number: i64| whole.is_none_or(|whole| number <= whole);
    let mut entries = Vec::new();
    for (answer, page) in answers.iter().zip(&pages) {
        for entry in page.entries.iter().take_while(|entry| within(entry.number)) {
            let Some(path) = shown(answer, entry.path) else { continue };
            let mut put = |_: usize, _: &[u8]| Edit::Put(path.as_bytes());
            let renamed = edit(entry.message, &[PATH], &mut put)?;
            entries.push((entry.number, renamed.map_or_else(|| entry.message.to_vec(), |new| body(&new).to_vec())));
        }
    }
    entries.sort_by_key(|(number, _)| *number);
    let rest = pages.first().map(|page| page.rest.clone()).unwrap_or_default();
    Ok(Numbered { entries, rest, more_after: whole })
}

/// A request for what is behind a number, with other fields as they are; below `path` if the method knows paths.
pub fn request(message: &[u8], after: i64, path: Option<(u32, &str)>) -> Result<Bytes, Malformed> {
    let mut out = BytesMut::with_capacity(message.len() + 16);
    put_number(&mut out, NUMBER, after.cast_unsigned());
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

/// Behind which number the client wants more.
pub fn after(message: &[u8]) -> Result<i64, Malformed> {
    Ok(find_varint(message, NUMBER)?.unwrap_or_default().cast_signed())
}

struct Page<'a> {
    entries: Vec<Entry<'a>>,
    more: bool,
    rest: Vec<u8>,
}

struct Entry<'a> {
    number: i64,
    path: &'a str,
    message: &'a [u8],
}

fn page<'a>(answer: &'a Answer<'_>) -> Result<Page<'a>, Malformed> {
    let message = answer.message();
    let mut page = Page { entries: Vec::new(), more: false, rest: Vec::new() };
    for field in wire::fields(message) {
        let field = field?;
        match (field.number, field.value) {
            (ENTRY, Value::Bytes(entry)) => {
                let path = find(entry, PATH)?.and_then(|path| std::str::from_utf8(path).ok());
                let number = find_varint(entry, NUMBER)?.ok_or(super::UNREADABLE)?.cast_signed();
                page.entries.push(Entry { number, path: path.ok_or(super::UNREADABLE)?, message: entry });
            }
            (MORE, Value::Varint(more)) => page.more = more != 0,
            _ => page.rest.extend_from_slice(&message[field.span]),
        }
    }
    Ok(page)
}

fn put_number(out: &mut BytesMut, field: u32, value: u64) {
    wire::put_varint(out, u64::from(field) << 3);
    wire::put_varint(out, value);
}

#[cfg(test)]
mod tests {
    use anabranch_hdfs_proto::hdfs::{
        ListOpenFilesRequestProto, ListOpenFilesResponseProto, OpenFilesBatchResponseProto, OpenFilesTypeProto,
    };
    use prost::Message;

    use super::*;

    fn open(number: i64, path: &str) -> OpenFilesBatchResponseProto {
        OpenFilesBatchResponseProto {
            id: number,
            path: path.into(),
            client_name: "c".into(),
            client_machine: "m".into(),
        }
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
                let page = join(&answers, |answer, path| Some(format!("/{}{path}", answer.nameservice))).unwrap();
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

    #[test]
    fn what_clients_do_not_see_is_left_out() {
        let answers = [ask("a", &[1, 2, 3], 0, 2)];
        let page = join(&answers, |_, path| (path == "/3").then(|| path.to_owned())).unwrap();
        assert_eq!((page.is_empty(), page.more_after), (true, Some(2)));
        let broken = Answer { nameservice: "a", reply: Bytes::from_static(&[4, 0x0a, 2, 8, 1]) };
        assert!(join(&[broken], |_, path| Some(path.to_owned())).is_err());
    }

    #[test]
    fn a_request_keeps_what_it_does_not_change() {
        let types = vec![OpenFilesTypeProto::BlockingDecommission.into()];
        let asked = ListOpenFilesRequestProto { id: 7, types, path: Some("/mount".into()) };
        let message = asked.encode_to_vec();
        assert_eq!(after(&message), Ok(7));
        let sent = request(&message, -1, Some((3, "/there"))).unwrap();
        let expected = ListOpenFilesRequestProto { id: -1, path: Some("/there".into()), ..asked.clone() };
        assert_eq!(ListOpenFilesRequestProto::decode(body(&sent)).unwrap(), expected);
        let sent = request(&message, 9, None).unwrap();
        assert_eq!(
            ListOpenFilesRequestProto::decode(body(&sent)).unwrap(),
            ListOpenFilesRequestProto { id: 9, ..asked }
        );
    }
}
