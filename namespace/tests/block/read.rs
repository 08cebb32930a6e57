//! Reading ranges, with and without checksums.

use std::time::Duration;

use anabranch_hdfs_proto::hdfs::{ChecksumTypeProto, Status};
use anabranch_namespace::block::GatewayConfig;

use super::client::{Rig, block, sample};

#[tokio::test(flavor = "multi_thread")]
async fn every_range_is_read_with_whole_chunks_around_it() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path()).await;
    let data = sample(2_500_123);
    rig.put(block(1, 1), &data).await;
    let mut client = rig.connect().await;
    let end = data.len();
    let ranges =
        [(0, 1), (511, 2), (512, 512), (100, 70_000), (1_048_000, 1_100_000), (end - 1, 1), (end, 0), (0, end)];
    for (offset, len) in ranges {
        for sums in [true, false] {
            let got = client.read_block(block(1, 1), offset as u64, len as u64, sums).await.unwrap();
            assert!(got.data == data[offset..offset + len], "{offset} {len} {sums}");
            let kind = if sums { ChecksumTypeProto::ChecksumCrc32c } else { ChecksumTypeProto::ChecksumNull };
            assert_eq!((got.kind, got.bad_chunks), (kind, 0));
        }
    }
    let refused = client.read_block(block(1, 1), 1, end as u64, true).await.unwrap_err();
    assert!(refused.1.contains("do not fit"), "{refused:?}");
    client.read_block(block(1, 1), u64::MAX, u64::MAX, true).await.unwrap_err();
    let newer = client.read_block(block(1, 2), 0, 1, true).await.unwrap_err();
    assert_eq!(newer.0, Status::ErrorInvalid);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_takes_nothing_is_let_go() {
    let dir = tempfile::tempdir().unwrap();
    let config = GatewayConfig {
        max_connections: 1,
        write_timeout: Duration::from_millis(200),
        read_timeout: Duration::from_millis(200),
        ..GatewayConfig::default()
    };
    let rig = Rig::with(dir.path(), config).await;
    let data = sample(30_000_000);
    rig.put(block(1, 1), &data).await;
    let mut stuck = rig.connect().await;
    let message = anabranch_hdfs_proto::hdfs::OpReadBlockProto {
        header: super::client::Client::header(block(1, 1), 0),
        len: data.len() as u64,
        ..Default::default()
    };
    stuck.operation(81, &message).await;
    // There is one place only; it is free again when the stuck reader was cut.
    assert!(rig.get(block(1, 1), data.len()).await == data);
    drop(stuck);
}
