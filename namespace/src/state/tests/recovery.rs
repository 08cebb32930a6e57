use super::*;
use crate::block::BlockId;
use crate::state::leases::SERVICE;
use crate::state::ops::{Recovery, Takeover, Truncated};

fn begin(rig: &mut Rig, inode: u64) -> Recovery {
    match rig.run(|txn| ops::begin_recovery(txn, inode)).unwrap() {
        Takeover::Block(recovery) => recovery,
        Takeover::Closed => panic!("nothing to recover"),
    }
}

fn write(rig: &mut Rig, path: &str) -> (Inode, BlockId) {
    let inode = rig.run(|txn| ops::create(txn, &root(), &ask(path))).unwrap();
    let extent = rig.run(|txn| ops::add_block(txn, &root(), named(path), None)).unwrap().extent;
    (inode, BlockId { id: extent.block, generation: extent.generation })
}

#[test]
fn a_recovered_file_has_the_bytes_that_the_block_side_found() {
    let mut rig = Rig::new();
    let (inode, block) = write(&mut rig, "/f");
    let first = begin(&mut rig, inode.id);
    assert_eq!((first.block, first.cut), (block, None));
    let late = rig.run(|txn| ops::complete(txn, &root(), named("/f"), Some((block, 9)))).unwrap_err();
    assert!(late.is(crate::state::Kind::LeaseExpired), "the writer is fenced off: {late:?}");
    rig.restart();
    let again = begin(&mut rig, inode.id);
    assert!(again.generation > first.generation);
    rig.run(|txn| ops::finish_recovery(txn, &again, Some(42))).unwrap();
    let file = rig.inode("/f").file.unwrap();
    assert_eq!((file.length, file.writer), (42, None));
    let tail = rig.journal().snapshot().extent(inode.id, 0).unwrap();
    assert_eq!(tail.generation, again.generation);
    rig.run(|txn| ops::finish_recovery(txn, &again, Some(1))).unwrap();
    assert_eq!(rig.inode("/f").file.unwrap().length, 42, "a second result is not taken");
    rig.settle();
}

#[test]
fn a_block_that_was_never_written_goes() {
    let mut rig = Rig::new();
    let (inode, _) = write(&mut rig, "/f");
    let recovery = begin(&mut rig, inode.id);
    rig.run(|txn| ops::finish_recovery(txn, &recovery, None)).unwrap();
    let file = rig.inode("/f").file.unwrap();
    assert_eq!((file.blocks, file.length, file.writer), (0, 0, None));
    let (empty, _) = (rig.run(|txn| ops::create(txn, &root(), &ask("/e"))).unwrap(), ());
    assert_eq!(rig.run(|txn| ops::begin_recovery(txn, empty.id)), Ok(Takeover::Closed), "no block at all");
    assert!(rig.inode("/e").file.unwrap().writer.is_none());
    rig.settle();
}

#[test]
fn a_deleted_file_is_not_recovered() {
    let mut rig = Rig::new();
    let (inode, _) = write(&mut rig, "/d/f");
    let recovery = begin(&mut rig, inode.id);
    assert_eq!(rig.run(|txn| ops::delete(txn, &root(), "/d", true)), Ok(true));
    assert_eq!(rig.run(|txn| ops::begin_recovery(txn, inode.id)), Ok(Takeover::Closed));
    rig.settle();
    rig.run(|txn| ops::finish_recovery(txn, &recovery, Some(5))).unwrap();
    rig.settle();
}

#[test]
fn truncate_at_and_between_block_boundaries() {
    let mut rig = Rig::new();
    let inode = rig.file("/f", &[100, 100, 7]);
    let truncate = |rig: &mut Rig, length| rig.run(|txn| ops::truncate(txn, &root(), "/f", "client", length));
    assert!(truncate(&mut rig, -1).is_err());
    assert_eq!(
        truncate(&mut rig, 208).unwrap_err().to_string(),
        "Cannot truncate to a larger file size. Current size: 207, truncate size: 208."
    );
    assert_eq!(truncate(&mut rig, 207), Ok(Truncated::Done));
    assert_eq!(truncate(&mut rig, 200), Ok(Truncated::Done));
    assert_eq!(rig.inode("/f").file.unwrap().blocks, 2);
    let Ok(Truncated::Cutting(cut)) = truncate(&mut rig, 130) else { panic!("no cut") };
    assert_eq!((cut.inode, cut.cut), (inode.id, Some(30)));
    assert_eq!(rig.journal().snapshot().leases_of(SERVICE, 0, 9).unwrap(), [inode.id]);
    rig.restart();
    let again = begin(&mut rig, inode.id);
    assert_eq!(again.cut, Some(30), "the cut is known after a restart");
    rig.run(|txn| ops::finish_recovery(txn, &again, Some(30))).unwrap();
    assert_eq!(rig.inode("/f").file.unwrap().length, 130);
    assert_eq!(truncate(&mut rig, 0), Ok(Truncated::Done));
    let file = rig.inode("/f").file.unwrap();
    assert_eq!((file.length, file.blocks), (0, 0));
    rig.settle();
    assert_eq!(rig.rows(tables::GARBAGE), 3);
}

/// The block side closes a block once for each recovery, the newest last. A file that an older one closed would name a
/// generation that its replica has no more, and nobody could append to it.
#[test]
fn of_several_recoveries_the_newest_counts() {
    let mut rig = Rig::new();
    let (inode, _) = write(&mut rig, "/f");
    let (first, second) = (begin(&mut rig, inode.id), begin(&mut rig, inode.id));
    let late = rig.run(|txn| ops::finish_recovery(txn, &first, Some(5))).unwrap_err();
    assert!(late.is(crate::state::Kind::RecoveryInProgress), "{late:?}");
    assert!(rig.inode("/f").file.unwrap().is_open());
    rig.run(|txn| ops::finish_recovery(txn, &second, Some(5))).unwrap();
    assert_eq!(rig.journal().snapshot().extent(inode.id, 0).unwrap().generation, second.generation);
    rig.settle();
}

#[test]
fn a_block_whose_bytes_are_lost_is_not_forgotten() {
    let mut rig = Rig::new();
    let (inode, _) = write(&mut rig, "/f");
    rig.run(|txn| ops::fsync(txn, &root(), named("/f"), 30)).unwrap();
    let recovery = begin(&mut rig, inode.id);
    rig.run(|txn| ops::finish_recovery(txn, &recovery, None)).unwrap();
    let file = rig.inode("/f").file.unwrap();
    assert_eq!((file.blocks, file.length, file.writer), (1, 30, None), "reading it is an error, it is not empty");
    rig.settle();
}
