//! A full volume.

use std::path::{Path, PathBuf};
use std::process::Command;

use anabranch_hdfs_proto::hdfs::Status;
use anabranch_hdfs_proto::hdfs::op_write_block_proto::BlockConstructionStage as Stage;
use anabranch_namespace::block::{Blocks, GatewayConfig};

use super::client::{Client, Kind, Rig, Setup, block, sample};

/// A small volume in memory while it lives.
struct Volume(PathBuf);

impl Volume {
    fn mount(at: &Path) -> Option<Self> {
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=12m", "tmpfs"]).arg(at).output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Self(at.to_owned()))
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(&self.0).status();
        assert!(unmounted.is_ok_and(|status| status.success()));
    }
}

/// Sends packets until one is refused with an error; how many bytes were acknowledged before.
async fn write_until_refused(writer: &mut Client, data: &[u8], kind: Kind) -> u64 {
    let mut len = 0u64;
    let refused = loop {
        writer.packet(len, data, &kind.sums(data), false, false).await;
        match writer.ack().await.unwrap() {
            (_, Status::Success) => len += data.len() as u64,
            refused => break refused,
        }
    };
    assert_eq!(refused.1, Status::Error);
    len
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_volume_is_told_and_the_replica_stays_whole() {
    let dir = tempfile::tempdir().unwrap();
    let Some(_volume) = Volume::mount(dir.path()) else {
        eprintln!("skipped: only root mounts a volume that fills up");
        return;
    };
    let rig = Rig::start(&dir.path().join("blocks")).await;
    let (data, kind) = (sample(64_512), Kind::default());
    let mut writer = rig.connect().await;
    writer.write_block(Setup::create(block(1, 1))).await;
    let len = write_until_refused(&mut writer, &data, kind).await;
    assert!(writer.is_closed().await);
    assert!(len > 1 << 20, "{len}");
    let got = rig.get(block(1, 1), len as usize).await;
    assert!(got.chunks(data.len()).all(|piece| piece == &data[..piece.len()]));
    // Room is made, and the writer goes on where it was.
    let half = len / 2;
    assert_eq!(rig.store.recover(block(1, 1), 2, Some(half)).await.unwrap(), half);
    let mut writer = rig.connect().await;
    let append = Setup::again(block(1, 2), Stage::PipelineSetupAppend, 3, half, 0);
    assert_eq!(writer.write_block(append).await.status(), Status::Success);
    writer.stream(kind, half, b"the end").await;
    assert!(rig.get(block(1, 3), half as usize + 7).await.ends_with(b"the end"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reserve_is_not_taken_by_open_blocks_either() {
    let dir = tempfile::tempdir().unwrap();
    let Some(_volume) = Volume::mount(dir.path()) else {
        eprintln!("skipped: only root mounts a volume that fills up");
        return;
    };
    let rig = Rig::reserving(&dir.path().join("blocks"), GatewayConfig::default(), 4 << 20).await;
    let (data, kind) = (sample(64_512), Kind::default());
    let mut writer = rig.connect().await;
    writer.write_block(Setup::create(block(1, 1))).await;
    let len = write_until_refused(&mut writer, &data, kind).await;
    assert!((6 << 20..=8 << 20).contains(&len), "4 of 12 MiB are left for others: {len}");
    // What was acknowledged can be closed.
    assert_eq!(rig.store.recover(block(1, 1), 2, None).await.unwrap(), len);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reserve_is_not_given_to_new_blocks() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::reserving(dir.path(), GatewayConfig::default(), u64::MAX).await;
    assert_eq!(rig.store.capacity().unwrap().remaining, 0);
    let answer = rig.connect().await.write_block(Setup::create(block(2, 1))).await;
    assert_eq!(answer.status(), Status::Error);
    assert!(answer.message().contains("no space left for blocks"), "{}", answer.message());
    assert!(rig.store.list().await.unwrap().is_empty());
}
