//! What the disk did to a replica is told, and wrong bytes are never given as right ones.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use anabranch_hdfs_proto::hdfs::op_write_block_proto::BlockConstructionStage as Stage;
use anabranch_hdfs_proto::hdfs::{BlockChecksumTypeProto, Status};
use anabranch_namespace::block::{BlockError, Blocks};

use super::client::{Kind, Rig, Setup, block, sample};

fn flip(path: &Path, at: u64) {
    let file = File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 0x40], at).unwrap();
}

fn cut(path: &Path, len: u64) {
    File::options().write(true).open(path).unwrap().set_len(len).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_of_data_or_checksum_is_a_checksum_error() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path()).await;
    let data = sample(3_000_000);
    for (id, suffix, at) in [(1, None, 2_900_000), (2, Some("meta"), 4096 + 4 * 5000 + 1), (3, None, 10)] {
        rig.put(block(id, 1), &data).await;
        flip(&rig.file(block(id, 1), suffix), at);
        let got = rig.connect().await.read_block(block(id, 1), 0, 3_000_000, true).await.unwrap();
        assert_eq!(got.bad_chunks, 1);
        let refused = rig.connect().await.read_block(block(id, 1), 0, 3_000_000, false).await.unwrap_err();
        assert!(id != 3 || refused.0 == Status::ErrorChecksum, "{refused:?}");
        // What is far from the damage is read.
        assert_eq!(rig.connect().await.read_block(block(id, 1), 1_000_000, 9, false).await.unwrap().data.len(), 9);
    }
    let refused = rig.store.recover(block(3, 1), 2, Some(100)).await.unwrap_err();
    assert!(matches!(refused, BlockError::Corrupt { .. }), "{refused}");
    let answer = rig.connect().await.checksum(block(3, 1), 100, BlockChecksumTypeProto::Md5crc).await;
    assert_eq!(answer.status(), Status::ErrorChecksum);
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_files_are_named_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path()).await;
    let data = sample(10_000);
    for id in 1..=6 {
        rig.put(block(id, 1), &data).await;
    }
    cut(&rig.file(block(1, 1), None), 9_000);
    cut(&rig.file(block(2, 1), Some("meta")), 4096 + 8);
    cut(&rig.file(block(3, 1), Some("meta")), 100);
    flip(&rig.file(block(4, 1), Some("meta")), 3);
    std::fs::remove_file(rig.file(block(5, 1), None)).unwrap();
    rig.stop().await;
    let rig = Rig::start(dir.path()).await;
    let words =
        ["9000 bytes of data", "8 bytes of checksums", "100 bytes, fewer than its header", "header", "blk_5: No such"];
    for (id, word) in (1..).zip(words) {
        let (status, message) = rig.connect().await.read_block(block(id, 1), 0, 10_000, true).await.unwrap_err();
        assert!(message.contains(word), "{id}: {status:?} {message}");
    }
    assert_eq!(rig.get(block(6, 1), 10_000).await, data);
    assert_eq!(rig.store.list().await.unwrap().len(), 6, "damaged replicas are listed as well");
    rig.store.delete((1..=5).map(|id| block(id, 1)).collect()).await.unwrap();
    assert_eq!(rig.store.list().await.unwrap(), [block(6, 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_to_open_replicas_never_reaches_synced_bytes_unnoticed() {
    let dir = tempfile::tempdir().unwrap();
    let (data, kind) = (sample(3000), Kind::default());
    // Per case: what happens to the files, and the recovered length; 1100 bytes were synced, 1300 flushed.
    type Damage = fn(&Path, &Path);
    let cases: [(Damage, Option<u64>); 7] = [
        (|_, _| {}, Some(1300)),
        (|data, _| cut(data, 1200), Some(1100)),
        (|_, sums| cut(sums, 4096 + 8), Some(1100)),
        (|_, sums| flip(sums, 4096 + 9), Some(1100)),
        (|data, _| flip(data, 1250), Some(1100)),
        (|data, _| flip(data, 1090), None),
        (|data, _| cut(data, 1099), None),
    ];
    let rig = Rig::start(dir.path()).await;
    for id in 1..=cases.len() as u64 {
        let mut writer = rig.connect().await;
        writer.write_block(Setup::create(block(id, 1))).await;
        writer.send(kind, 0, &data[..1100], true).await;
        writer.send(kind, 1100, &data[1100..1300], false).await;
    }
    rig.gateway.drain(std::time::Duration::from_secs(5)).await;
    for (id, (damage, _)) in (1..).zip(&cases) {
        damage(&rig.file(block(id, 1), None), &rig.file(block(id, 1), Some("open")));
    }
    rig.stop().await;
    let rig = Rig::start(dir.path()).await;
    for (id, (_, expected)) in (1..).zip(&cases) {
        let recovered = rig.store.recover(block(id, 1), 2, None).await;
        match expected {
            Some(len) => {
                assert_eq!(recovered.unwrap(), *len, "{id}");
                assert_eq!(rig.get(block(id, 2), *len as usize).await, data[..*len as usize], "{id}");
            }
            None => assert!(matches!(recovered, Err(BlockError::Corrupt { .. })), "{id}: {recovered:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_to_a_damaged_chunk_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path()).await;
    rig.put(block(1, 1), &sample(700)).await;
    flip(&rig.file(block(1, 1), None), 600);
    let append = Setup::again(block(1, 1), Stage::PipelineSetupAppend, 2, 700, 0);
    assert_eq!(rig.connect().await.write_block(append).await.status(), Status::ErrorChecksum);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_left_half_made_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    Rig::start(dir.path()).await.stop().await;
    let shard = dir.path().join("001");
    std::fs::create_dir(&shard).unwrap();
    std::fs::write(shard.join("blk_1"), b"data").unwrap();
    std::fs::write(shard.join("blk_1025"), b"").unwrap();
    std::fs::write(shard.join("blk_1025_1.open"), b"half a header").unwrap();
    std::fs::write(shard.join("notes.txt"), b"mine").unwrap();
    let rig = Rig::start(dir.path()).await;
    assert!(rig.store.list().await.unwrap().is_empty());
    let left: Vec<_> = std::fs::read_dir(shard).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left, ["notes.txt"]);
}
