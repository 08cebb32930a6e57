//! Reading ranges, with and without checksums.

use std::time::Duration;

use anabranch_hdfs_proto::hdfs::{ChecksumTypeProto, Status};
use anabranch_namespace::block::{Blocks, GatewayConfig};

use super::client::{Kind, Rig, Setup, block, sample};

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_while_others_write_never_sees_a_torn_chunk() {
    let dir = tempfile::tempdir().unwrap();
    let rig = std::sync::Arc::new(Rig::start(dir.path()).await);
    let data = std::sync::Arc::new(sample(150_000));
    let tasks = (1..=6u64).map(|id| {
        let (rig, data) = (std::sync::Arc::clone(&rig), std::sync::Arc::clone(&data));
        tokio::spawn(async move {
            let mut writer = rig.connect().await;
            writer.write_block(Setup::create(block(id, 1))).await;
            let mut reader = rig.connect().await;
            let write = async {
                let mut at = 0;
                while at < data.len() {
                    let end = data.len().min(at + 97 + at % 801);
                    writer.send(Kind::default(), at as u64, &data[at..end], at % 13 == 0).await;
                    at = end;
                }
                writer.close(at as u64).await;
            };
            let read = async {
                let mut reads = 0;
                loop {
                    let len = rig.store.replica(id).await.unwrap().unwrap().len;
                    let got = reader.read_block(block(id, 1), 0, len, true).await.unwrap();
                    assert_eq!(got.bad_chunks, 0);
                    assert!(got.data == data[..len as usize]);
                    reads += 1;
                    if len as usize == data.len() {
                        return reads;
                    }
                }
            };
            let ((), reads) = tokio::join!(write, read);
            reads
        })
    });
    let tasks: Vec<_> = tasks.collect();
    for task in tasks {
        assert!(task.await.unwrap() > 1);
    }
}

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
