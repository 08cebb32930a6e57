use super::*;
use crate::block::BlockId;
use crate::state::Kind;
use crate::state::record::Extent;

fn id(extent: &Extent) -> BlockId {
    BlockId { id: extent.block, generation: extent.generation }
}

fn add(rig: &mut Rig, path: &str, previous: Option<(BlockId, u64)>) -> Result<Extent, Fault> {
    rig.run(|txn| ops::add_block(txn, &root(), named(path), previous)).map(|added| added.extent)
}

#[test]
fn blocks_follow_each_other() {
    let mut rig = Rig::new();
    let inode = rig.file("/f", &[100, 100, 7]);
    let file = rig.inode("/f").file.unwrap();
    assert_eq!((file.length, file.blocks, file.writer), (207, 3, None));
    let extents = rig.journal().snapshot().extents(inode.id, 0, 9).unwrap();
    assert_eq!(extents.iter().map(|e| (e.offset, e.length)).collect::<Vec<_>>(), [(0, 100), (100, 100), (200, 7)]);
    assert!(extents.is_sorted_by(|a, b| a.block < b.block && a.generation < b.generation));
    rig.settle();
}

#[test]
fn creating_over_something() {
    let mut rig = Rig::new();
    rig.mkdirs("/d");
    rig.file("/f", &[5]);
    let mut create = |ask: Create| rig.run(|txn| ops::create(txn, &root(), &ask)).map_err(|fault| fault.to_string());
    let exists = "/f for client 127.0.0.1 already exists".to_owned();
    assert_eq!(create(ask("/f")).unwrap_err(), exists);
    assert_eq!(create(ask("/d")).unwrap_err(), "/d already exists as a directory");
    assert_eq!(create(ask("/f/x")).unwrap_err(), "/f (is not a directory)");
    let only = Create { create_parent: false, ..ask("/no/x") };
    assert_eq!(create(only).unwrap_err(), "Parent directory doesn't exist: /no");
    let missing = Create { create: false, overwrite: true, ..ask("/no") };
    assert_eq!(create(missing).unwrap_err(), "Can't overwrite non-existent /no");
    let zero = Create { replication: 0, ..ask("/x") };
    assert!(create(zero).unwrap_err().starts_with("Requested replication factor of 0 is less than"));
    create(Create { overwrite: true, ..ask("/f") }).unwrap();
    assert_eq!(rig.inode("/f").file.unwrap().length, 0);
    rig.settle();
    assert_eq!(rig.rows(tables::GARBAGE), 1);
}

#[test]
fn a_file_has_one_writer() {
    let mut rig = Rig::new();
    rig.run(|txn| ops::create(txn, &root(), &ask("/f"))).unwrap();
    let mine = rig.run(|txn| ops::create(txn, &root(), &ask("/f"))).unwrap_err();
    assert_eq!(
        mine.to_string(),
        "Failed to CREATE_FILE /f for client on 127.0.0.1 because client is already the current lease holder."
    );
    assert!(mine.is(Kind::AlreadyBeingCreated));
    let theirs = rig.run(|txn| ops::append(txn, &root(), "/f", "other", false)).unwrap_err();
    assert_eq!(
        theirs.to_string(),
        "Failed to APPEND_FILE /f for other on 127.0.0.1 because this file lease is currently owned by client on \
         127.0.0.1"
    );
    let other = ops::Named { holder: "other", ..named("/f") };
    let fault = rig.run(|txn| ops::add_block(txn, &root(), other, None)).unwrap_err();
    assert!(fault.is(Kind::LeaseExpired));
    assert_eq!(
        fault.to_string(),
        "Client (=other) is not the lease owner (=client: /f (inode 0) Holder other does not have any open files."
    );
    rig.now += 100;
    let stale = rig.run(|txn| ops::append(txn, &root(), "/f", "other", false)).unwrap_err();
    assert!(matches!(stale, Fault::Abandoned { .. }), "{stale:?}");
    rig.settle();
}

#[test]
fn a_repeated_add_block_gets_the_same_block() {
    let mut rig = Rig::new();
    rig.run(|txn| ops::create(txn, &root(), &ask("/f"))).unwrap();
    let first = add(&mut rig, "/f", None).unwrap();
    assert_eq!(add(&mut rig, "/f", None).unwrap(), first);
    let second = add(&mut rig, "/f", Some((id(&first), 100))).unwrap();
    assert_eq!(add(&mut rig, "/f", Some((id(&first), 100))).unwrap(), second);
    let wrong = add(&mut rig, "/f", Some((BlockId { id: 1, generation: 1 }, 1))).unwrap_err();
    assert!(wrong.to_string().contains("does not match actual last block"), "{wrong}");
    rig.run(|txn| ops::abandon_block(txn, &root(), named("/f"), id(&second))).unwrap();
    let third = add(&mut rig, "/f", Some((id(&first), 100))).unwrap();
    assert_ne!(third.block, second.block);
    assert_eq!(third.offset, 100);
    rig.settle();
}

#[test]
fn complete_may_be_repeated() {
    let mut rig = Rig::new();
    rig.run(|txn| ops::create(txn, &root(), &ask("/f"))).unwrap();
    let block = add(&mut rig, "/f", None).unwrap();
    let mut complete = |last| rig.run(|txn| ops::complete(txn, &root(), named("/f"), last));
    assert_eq!(complete(None), Ok(false), "the block is not complete");
    assert_eq!(complete(Some((id(&block), 9))), Ok(true));
    assert_eq!(complete(Some((id(&block), 9))), Ok(true));
    assert!(complete(None).unwrap_err().is(Kind::LeaseExpired));
    rig.settle();
}

#[test]
fn append_reopens_a_partial_block_and_not_a_full_one() {
    let mut rig = Rig::new();
    rig.file("/f", &[100, 7]);
    rig.file("/full", &[100]);
    let partial = rig.run(|txn| ops::append(txn, &root(), "/f", "client", false)).unwrap().last.unwrap();
    assert_eq!((partial.offset, partial.length, partial.is_complete()), (100, 7, false));
    assert_eq!(rig.journal().snapshot().length(&rig.inode("/f")), Ok(107));
    let (_, generation) = rig.run(|txn| ops::update_block_for_pipeline(txn, id(&partial), "client")).unwrap();
    let new = BlockId { generation, ..id(&partial) };
    let stolen = rig.run(|txn| ops::update_pipeline(txn, "other", id(&partial), new, 7)).unwrap_err();
    assert!(stolen.is(Kind::LeaseExpired));
    rig.run(|txn| ops::update_pipeline(txn, "client", id(&partial), new, 7)).unwrap();
    let older = rig.run(|txn| ops::update_pipeline(txn, "client", new, id(&partial), 7)).unwrap_err();
    assert!(older.to_string().contains("to an older state"), "{older}");
    rig.run(|txn| ops::fsync(txn, &root(), named("/f"), 40)).unwrap();
    assert_eq!(rig.journal().snapshot().length(&rig.inode("/f")), Ok(140));
    assert_eq!(rig.run(|txn| ops::complete(txn, &root(), named("/f"), Some((new, 50)))), Ok(true));
    assert_eq!(rig.inode("/f").file.unwrap().length, 150);

    let full = rig.run(|txn| ops::append(txn, &root(), "/full", "client", false)).unwrap();
    assert_eq!(full.last, None);
    assert_eq!(add(&mut rig, "/full", None).unwrap().offset, 100);
    rig.settle();
}

#[test]
fn append_to_a_new_block_names_the_last_one() {
    let mut rig = Rig::new();
    rig.file("/f", &[7]);
    let last = rig.run(|txn| ops::append(txn, &root(), "/f", "client", true)).unwrap().last.unwrap();
    assert!(last.is_complete());
    let next = add(&mut rig, "/f", Some((id(&last), 7))).unwrap();
    assert_eq!(next.offset, 7);
    rig.settle();
}

#[test]
fn an_open_file_is_found_by_number_after_a_rename_and_lost_after_a_delete() {
    let mut rig = Rig::new();
    let inode = rig.run(|txn| ops::create(txn, &root(), &ask("/d/f"))).unwrap();
    let by_number = ops::Named { id: inode.id, ..named("/d/f") };
    assert_eq!(rig.run(|txn| ops::rename(txn, &root(), "/d", "/e")), Ok(true));
    let block = rig.run(|txn| ops::add_block(txn, &root(), by_number, None)).unwrap().extent;
    assert_eq!(rig.run(|txn| ops::delete(txn, &root(), "/e", true)), Ok(true));
    let fault = rig.run(|txn| ops::complete(txn, &root(), by_number, Some((id(&block), 1)))).unwrap_err();
    assert!(fault.is(Kind::FileNotFound), "{fault:?}");
    let fault = rig.run(|txn| ops::update_block_for_pipeline(txn, id(&block), "client")).unwrap_err();
    assert!(fault.to_string().contains("does not exist or it is not under construction"), "{fault}");
    rig.settle();
    assert_eq!(rig.rows(tables::LEASES), 0);
}

#[test]
fn concat_joins_blocks_and_keeps_its_rules() {
    let mut rig = Rig::new();
    for (path, lengths) in [("/t", &[100, 7][..]), ("/a", &[3]), ("/b", &[100, 4]), ("/empty", &[]), ("/d/x", &[1])] {
        rig.file(path, lengths);
    }
    let mut concat = |sources: &[&str]| {
        let sources: Vec<_> = sources.iter().map(|s| (*s).to_owned()).collect();
        rig.run(|txn| ops::concat(txn, &root(), "/t", &sources)).map_err(|fault| fault.to_string())
    };
    assert_eq!(concat(&[]).unwrap_err(), "No sources given");
    assert!(concat(&["/t"]).unwrap_err().contains("is the same with the target file"));
    assert!(concat(&["/a", "/a"]).unwrap_err().contains("at least two of the source files are the same"));
    assert!(concat(&["/empty"]).unwrap_err().contains("is invalid or empty or underConstruction"));
    assert!(concat(&["/d/x"]).unwrap_err().contains("is not in the same directory"));
    concat(&["/a", "/b"]).unwrap();
    let inode = rig.inode("/t");
    assert_eq!(inode.file.unwrap().length, 214);
    let offsets: Vec<_> = rig.journal().snapshot().extents(inode.id, 0, 9).unwrap().iter().map(|e| e.offset).collect();
    assert_eq!(offsets, [0, 100, 107, 110, 210]);
    assert!(!rig.exists("/a") && !rig.exists("/b"));
    rig.settle();
}
