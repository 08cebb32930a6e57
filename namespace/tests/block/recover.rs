//! Recovery, fencing, truncation, deletion, drain.

use std::time::Duration;

use anabranch_hdfs_proto::hdfs::Status;
use anabranch_hdfs_proto::hdfs::op_write_block_proto::BlockConstructionStage as Stage;
use anabranch_namespace::block::{BlockError, Blocks};

use super::client::{Kind, Rig, Setup, block, sample};

#[tokio::test(flavor = "multi_thread")]
async fn recovery_cuts_the_writer_off_and_keeps_what_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path()).await;
    let data = sample(5000);
    let mut writer = rig.connect().await;
    writer.write_block(Setup::create(block(1, 1))).await;
    writer.send(Kind::default(), 0, &data[..3333], false).await;
    assert_eq!(rig.store.recover(block(1, 1), 2, None).await.unwrap(), 3333);
    assert!(writer.is_closed().await);
    assert_eq!(rig.get(block(1, 2), 3333).await, data[..3333]);
    assert_eq!(rig.store.recover(block(1, 1), 2, None).await.unwrap(), 3333, "it may be repeated");
    let late = Setup::again(block(1, 1), Stage::PipelineSetupStreamingRecovery, 1, 0, 5000);
    assert_eq!(rig.connect().await.write_block(late).await.status(), Status::ErrorInvalid);
    let missing = rig.store.recover(block(7, 1), 2, None).await.unwrap_err();
    assert!(matches!(missing, BlockError::NotFound { id: 7 }), "{missing}");
    let older = rig.store.recover(block(1, 1), 1, None).await.unwrap_err();
    assert!(matches!(older, BlockError::Generation { found: 2, .. }), "{older}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_writer_takes_over_and_an_older_one_does_not_disturb_it() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path()).await;
    let (data, kind) = (sample(4000), Kind::default());
    let (mut first, mut second, mut stale) = (rig.connect().await, rig.connect().await, rig.connect().await);
    first.write_block(Setup::create(block(1, 1))).await;
    first.send(kind, 0, &data[..1000], false).await;
    let claim = |generation| Setup::again(block(1, 1), Stage::PipelineSetupStreamingRecovery, generation, 1000, 4000);
    assert_eq!(second.write_block(claim(3)).await.status(), Status::Success);
    assert!(first.is_closed().await);
    assert_eq!(stale.write_block(claim(2)).await.status(), Status::ErrorInvalid);
    second.stream(kind, 1000, &data[1000..]).await;
    assert_eq!(rig.get(block(1, 3), 4000).await, data);
    // The acknowledgement of the last packet was lost: the client closes once more.
    let mut again = rig.connect().await;
    let close = Setup::again(block(1, 3), Stage::PipelineCloseRecovery, 4, 4000, 4000);
    assert_eq!(again.write_block(close).await.status(), Status::Success);
    assert_eq!(rig.get(block(1, 4), 4000).await, data);
    let retry = Setup::again(block(1, 4), Stage::PipelineSetupAppendRecovery, 5, 4000, 0);
    let mut appender = rig.connect().await;
    assert_eq!(appender.write_block(retry).await.status(), Status::Success);
    appender.stream(kind, 4000, b"more").await;
    assert_eq!(rig.get(block(1, 5), 4004).await, [&data[..], b"more"].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn truncation_rewrites_the_last_checksum() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path()).await;
    let data = sample(70_000);
    rig.put(block(1, 1), &data).await;
    for (generation, len) in (2..).zip([69_999, 69_632, 1000, 1000, 513, 512, 100, 0]) {
        assert_eq!(rig.store.recover(block(1, generation - 1), generation, Some(len)).await.unwrap(), len);
        assert_eq!(rig.get(block(1, generation), len as usize).await, data[..len as usize], "{len}");
    }
    let longer = rig.store.recover(block(1, 9), 10, Some(1)).await.unwrap_err();
    assert!(matches!(longer, BlockError::Length { found: 0, min: 1, .. }), "{longer}");
    rig.stop().await;
    let rig = Rig::start(dir.path()).await;
    assert_eq!(rig.store.replica(1).await.unwrap().unwrap().len, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_blocks_are_gone_and_newer_ones_stay() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path()).await;
    for id in [1, 1025, 3] {
        rig.put(block(id, 2), &sample(1000)).await;
    }
    let mut writer = rig.connect().await;
    writer.write_block(Setup::create(block(4, 1))).await;
    let mut listed = rig.store.list().await.unwrap();
    listed.sort();
    assert_eq!(listed, [block(1, 2), block(3, 2), block(4, 1), block(1025, 2)]);
    rig.store.delete(vec![block(1, 2), block(3, 1), block(4, 1), block(99, 1)]).await.unwrap();
    assert!(writer.is_closed().await);
    let mut listed = rig.store.list().await.unwrap();
    listed.sort();
    assert_eq!(listed, [block(3, 2), block(1025, 2)]);
    assert!(!rig.file(block(1, 2), None).exists() && !rig.file(block(1, 2), Some("meta")).exists());
    assert!(rig.store.replica(1).await.unwrap().is_none());
    rig.put(block(1, 9), &sample(10)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drained_gateway_asks_writers_to_come_back_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let data = sample(3000);
    let rig = Rig::start(dir.path()).await;
    let mut writer = rig.connect().await;
    writer.write_block(Setup::create(block(1, 1))).await;
    writer.send(Kind::default(), 0, &data[..1100], false).await;
    let mut idle = rig.connect().await;
    idle.read_block(block(1, 1), 0, 1, true).await.unwrap();
    rig.gateway.drain(Duration::from_secs(10)).await;
    assert_eq!(writer.ack().await.unwrap(), (-2, Status::OobRestart));
    assert!(writer.is_closed().await && idle.is_closed().await);
    rig.stop().await;
    let rig = Rig::start(dir.path()).await;
    let mut writer = rig.connect().await;
    let claim = Setup::again(block(1, 1), Stage::PipelineSetupStreamingRecovery, 2, 1100, 3000);
    assert_eq!(writer.write_block(claim).await.status(), Status::Success);
    writer.stream(Kind::default(), 1024, &data[1024..]).await;
    assert_eq!(rig.get(block(1, 2), 3000).await, data);
}

#[tokio::test(flavor = "multi_thread")]
async fn capacity_is_the_volumes_less_the_reserve() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path()).await;
    let space = rig.store.capacity().unwrap();
    assert!(space.total > 0 && space.used + space.remaining == space.total, "{space:?}");
}
