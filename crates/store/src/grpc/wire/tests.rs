use super::*;
use crate::suite::entry;
use anabranch_federation::{Destinations, MountEntry};

fn history() -> Bytes {
    Bytes::from_static(b"h")
}

fn snapshot(records: Vec<MountEntry>) -> Snapshot<MountEntry> {
    let records = records.into_iter().zip(1..).map(|(record, version)| Versioned { version: Version(version), record });
    Snapshot { revision: 9, records: records.collect(), broken: Vec::new() }
}

fn joined(chunks: Vec<Chunk>) -> Result<Option<Snapshot<MountEntry>>, Malformed> {
    let (mut before, mut complete) = (None, None);
    for chunk in chunks {
        assert!(complete.is_none(), "chunks after the last");
        complete = Incoming::add(&mut before, chunk)?.map(|(_, snapshot)| snapshot);
    }
    Ok(complete)
}

#[test]
fn snapshots_come_through_in_bounded_chunks() {
    let empty = snapshot(Vec::new());
    assert_eq!(joined(chunks(&history(), &empty)), Ok(Some(empty)));

    let large = |n: u64| MountEntry { owner: "x".repeat(100_000), ..entry(&format!("/{n:03}"), n) };
    let many = snapshot((0..40).map(large).collect());
    let parts = chunks(&history(), &many);
    assert!(parts.len() >= 20, "{}", parts.len());
    assert!(parts.iter().all(|part| part.encoded_len() <= MAX_REPLY_BYTES));
    assert_eq!(joined(parts.clone()), Ok(Some(many)));
    // Without its last chunk it is not complete.
    assert_eq!(joined(parts[..parts.len() - 1].to_vec()), Ok(None));

    let mut mixed = parts;
    mixed[1].revision += 1;
    assert_eq!(joined(mixed), Err(Malformed("chunks of different snapshots")));
}

#[test]
fn the_largest_record_fits_into_a_message() {
    let mut largest = MountEntry { owner: String::new(), ..entry("/c", 0) };
    largest.owner = "x".repeat(MAX_RECORD_BYTES - largest.encode().len() - 4);
    let bytes = largest.encode().len();
    assert!((MAX_RECORD_BYTES - 8..=MAX_RECORD_BYTES).contains(&bytes), "{bytes}");
    let all =
        snapshot(vec![entry("/a", 1), MountEntry { owner: "x".repeat(CHUNK_BYTES - 200), ..entry("/b", 1) }, largest]);
    assert!(chunks(&history(), &all).iter().all(|part| part.encoded_len() <= MAX_REPLY_BYTES));
}

#[test]
fn what_cannot_be_read_here_or_there_is_left_out_and_named() {
    let mut source = snapshot(vec![entry("/good", 1)]);
    source.broken.push(Broken { key: "/there".into(), version: Version(4), reason: DecodeError::Truncated(2) });
    let mut parts = chunks(&history(), &source);
    let message = |bytes: Vec<u8>| Some(record::Content::Message(bytes.into()));
    let strange = |key: &str, content| proto::Record { key: key.to_owned(), version: 5, content };
    parts[0].records.push(strange("/here", message(b"\xff\xff".to_vec())));
    parts[0].records.push(strange("/other", message(entry("/good", 1).encode())));
    let read = joined(parts.clone()).unwrap().unwrap();
    assert_eq!(read.records, source.records);
    let broken: Vec<_> = read.broken.iter().map(|b| (b.key.as_str(), b.version.0)).collect();
    assert_eq!(broken, [("/here", 5), ("/other", 5), ("/there", 4)]);
    assert_eq!(read.broken[2].reason.to_string(), source.broken[0].reason.to_string());

    parts[0].records.push(strange("/none", None));
    assert_eq!(joined(parts), Err(Malformed("a record without content")));
    let unreadable = proto::Change { key: "/a".into(), message: Some(Bytes::from_static(b"\xff\xff")), version: 1 };
    assert_eq!(read_change::<MountEntry>(unreadable), None);
}

#[test]
fn answers_come_through() {
    let refusals = [
        Refusal::Conflict { key: "/a".into(), expected: Version(1), found: Version(2) },
        Refusal::Invalid(DecodeError::Told("destinations: none".into())),
        Refusal::TooLarge { key: "/a".into(), bytes: 7 },
    ];
    for sent in refusals.into_iter().map(Err).chain([Ok(Version(3))]) {
        assert_eq!(read_answer("/a", answer(&sent)), Ok(sent));
    }
    assert!(read_answer("/a", proto::Answer { outcome: None }).is_err());
}

#[test]
fn a_write_is_read_as_it_was_meant_and_refused_change_by_change() {
    let put = |record| Write::Put { record, expected: Version(1) };
    let delete = || Write::Delete { key: "/gone".to_owned(), expected: Version(2) };
    let huge =
        MountEntry { destinations: Destinations::new(), owner: "x".repeat(MAX_RECORD_BYTES), ..entry("/huge", 1) };
    let bad = MountEntry { destinations: Destinations::new(), ..entry("/bad", 1) };
    let request = write(&[put(entry("/a", 1)), put(huge), put(bad), delete()]).unwrap();
    let read = read_write::<MountEntry>(request.changes).unwrap();
    assert_eq!(read[0], Ok(put(entry("/a", 1))));
    assert!(matches!(&read[1], Err(Refusal::TooLarge { key, .. }) if key == "/huge"));
    assert!(matches!(&read[2], Err(Refusal::Invalid(_))));
    assert_eq!(read[3], Ok(delete()));
    assert!(read_write::<MountEntry>(vec![proto::ExpectedChange { change: None, expected: 0 }]).is_err());
}
