//! Writing, closing, appending.

use anabranch_hdfs_proto::hdfs::op_write_block_proto::BlockConstructionStage as Stage;
use anabranch_hdfs_proto::hdfs::{
    BlockChecksumTypeProto, ChecksumTypeProto, DatanodeIdProto, DatanodeInfoProto, Status,
};
use anabranch_namespace::block::Blocks;
use md5::{Digest, Md5};

use super::client::{Kind, Rig, Setup, block, sample};

#[tokio::test(flavor = "multi_thread")]
async fn blocks_of_every_length_and_checksum_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path()).await;
    let kinds = [
        (ChecksumTypeProto::ChecksumCrc32c, 512),
        (ChecksumTypeProto::ChecksumCrc32, 512),
        (ChecksumTypeProto::ChecksumCrc32c, 1),
        (ChecksumTypeProto::ChecksumCrc32, 100_000),
        (ChecksumTypeProto::ChecksumNull, 512),
    ];
    let mut id = 0;
    for (kind, bytes_per) in kinds {
        for len in [0, 1, 511, 512, 513, 64_512, 1_300_001] {
            if len / bytes_per > 100_000 {
                continue;
            }
            id += 1;
            let (kind, data) = (Kind { kind, bytes_per }, sample(len));
            let mut client = rig.connect().await;
            let ready = client.write_block(Setup { kind, ..Setup::create(block(id, 1)) }).await;
            assert_eq!((ready.status(), ready.first_bad_link()), (Status::Success, ""));
            client.stream(kind, 0, &data).await;
            assert!(rig.get(block(id, 1), len).await == data, "{kind:?} {len}");
            let replica = rig.store.replica(id).await.unwrap().unwrap();
            assert_eq!((replica.len, replica.finalized), (len as u64, true));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_serves_operations_one_after_the_other() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path()).await;
    let (mut client, data) = (rig.connect().await, sample(3000));
    for id in 1..4 {
        client.write_block(Setup::create(block(id, 1))).await;
        client.stream(Kind::default(), 0, &data).await;
        assert_eq!(client.read_block(block(id, 1), 0, 3000, true).await.unwrap().data, data);
    }
    client.read_block(block(9, 1), 0, 1, true).await.unwrap_err();
    assert_eq!(client.read_block(block(1, 1), 1000, 2000, true).await.unwrap().data, data[1000..]);
}

/// The checksums are what the DataNode of Hadoop 3.4.2 answered for a file with these bytes and one block.
#[tokio::test(flavor = "multi_thread")]
async fn the_checksum_of_a_block_is_the_one_of_a_datanode() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path()).await;
    let data: Vec<u8> = (0..1_000_003u32).map(|i| (i * 7 + i / 251) as u8).collect();
    let cases = [
        (1, ChecksumTypeProto::ChecksumCrc32c, "6621ec3b4dd5dea55f25b4c8f127ecbc", "9dae6419"),
        (2, ChecksumTypeProto::ChecksumCrc32, "6108476e2e25d6c0ca61c6d0657a5437", "c4075def"),
    ];
    for (id, kind, md5_of_md5, composite) in cases {
        let (kind, mut client) = (Kind { kind, ..Kind::default() }, rig.connect().await);
        client.write_block(Setup { kind, ..Setup::create(block(id, 1)) }).await;
        client.stream(kind, 0, &data).await;
        let answer = client.checksum(block(id, 1), 1_000_003, BlockChecksumTypeProto::Md5crc).await;
        let found = answer.checksum_response.unwrap();
        assert_eq!((found.bytes_per_crc, found.crc_per_block, found.crc_type()), (512, 1954, kind.kind));
        // The client makes the file's checksum of a buffer of 32 bytes that begins with the block's.
        let buffer = [&found.block_checksum[..], &[0; 16]].concat();
        assert_eq!(hex(&Md5::digest(buffer)), md5_of_md5);
        let answer = client.checksum(block(id, 1), 1_000_003, BlockChecksumTypeProto::CompositeCrc).await;
        assert_eq!(hex(&answer.checksum_response.unwrap().block_checksum), composite);
        for len in [1, 511, 512, 700_001] {
            let answer = client.checksum(block(id, 1), len as u64, BlockChecksumTypeProto::CompositeCrc).await;
            let found = answer.checksum_response.unwrap().block_checksum;
            assert_eq!(found[..], kind.sum(&data[..len]).to_be_bytes(), "{len}");
            let answer = client.checksum(block(id, 1), len as u64, BlockChecksumTypeProto::Md5crc).await;
            let expected = Md5::digest(kind.sums(&data[..len]));
            assert_eq!(answer.checksum_response.unwrap().block_checksum[..], expected[..], "{len}");
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn flushed_bytes_are_seen_before_the_block_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path()).await;
    let (data, kind) = (sample(2000), Kind::default());
    let mut writer = rig.connect().await;
    writer.write_block(Setup::create(block(1, 1))).await;
    // A flush within a chunk: the Java client sends the partial chunk again, from its begin.
    for (from, to, sync) in [(0, 700, false), (512, 900, true), (512, 1024, false), (1024, 2000, true)] {
        writer.send(kind, from as u64, &data[from..to], sync).await;
        let mut reader = rig.connect().await;
        assert_eq!(reader.read_block(block(1, 1), 0, to as u64, true).await.unwrap().data, data[..to]);
        assert!(reader.read_block(block(1, 1), 0, to as u64 + 1, true).await.is_err());
        let replica = rig.store.replica(1).await.unwrap().unwrap();
        assert_eq!((replica.len, replica.finalized), (to as u64, false));
    }
    writer.raw_packet(-1, 0, &[], &[], false, false).await;
    assert_eq!(writer.ack().await.unwrap(), (-1, Status::Success));
    writer.close(2000).await;
    assert_eq!(rig.get(block(1, 1), 2000).await, data);
}

#[tokio::test(flavor = "multi_thread")]
async fn packets_may_begin_and_end_within_chunks() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path()).await;
    let (data, kind) = (sample(5000), Kind::default());
    let mut writer = rig.connect().await;
    writer.write_block(Setup::create(block(1, 1))).await;
    for (from, to) in [(0, 1), (1, 5), (5, 511), (511, 1300), (1300, 1301), (700, 1302), (1024, 3000), (3000, 5000)] {
        writer.send(kind, from as u64, &data[from..to], false).await;
    }
    writer.close(5000).await;
    assert_eq!(rig.get(block(1, 1), 5000).await, data);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_packet_is_refused_and_leaves_what_was_before() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path()).await;
    let (data, kind) = (sample(1500), Kind::default());
    let mut other_sums = kind.sums(&data[700..1500]);
    other_sums[5] ^= 1;
    let wrong_again = [&sample(100)[..], &data[612..1500]].concat();
    let cases = [
        ("a checksum that differs", 700, data[700..1500].to_vec(), other_sums, Status::ErrorChecksum),
        ("a checksum too few", 700, data[700..1500].to_vec(), kind.sums(&data[700..1000]), Status::Error),
        ("a gap", 701, data[701..1500].to_vec(), kind.sums(&data[701..1500]), Status::Error),
        ("other bytes than before", 512, wrong_again.clone(), kind.sums(&wrong_again), Status::ErrorChecksum),
    ];
    for (id, (name, offset, bytes, sums, status)) in (1..).zip(cases) {
        let mut writer = rig.connect().await;
        writer.write_block(Setup::create(block(id, 1))).await;
        writer.send(kind, 0, &data[..700], false).await;
        writer.packet(offset, &bytes, &sums, false, false).await;
        assert_eq!(writer.ack().await.unwrap(), (1, status), "{name}");
        assert!(writer.is_closed().await, "{name}");
        assert_eq!(rig.get(block(id, 1), 700).await, data[..700], "{name}");
        let mut writer = rig.connect().await;
        let again = Setup::again(block(id, 1), Stage::PipelineSetupStreamingRecovery, 2, 700, 1500);
        assert_eq!(writer.write_block(again).await.status(), Status::Success, "{name}");
        writer.stream(kind, 700, &data[700..]).await;
        assert_eq!(rig.get(block(id, 2), 1500).await, data, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_block_is_appended_to_in_a_new_generation() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path()).await;
    let data = sample(100_000);
    let (mut len, mut generation) = (0, 1);
    rig.put(block(1, 1), &[]).await;
    for more in [700, 1, 323, 512, 511, 60_000] {
        let mut writer = rig.connect().await;
        let (old, new) = (block(1, generation), generation + 1);
        // The client's checksum differs from the replica's now and then.
        let kind = Kind { bytes_per: if more == 511 { 100 } else { 512 }, ..Kind::default() };
        let setup = Setup { kind, ..Setup::again(old, Stage::PipelineSetupAppend, new, len as u64, 0) };
        assert_eq!(writer.write_block(setup).await.status(), Status::Success);
        writer.stream(kind, len as u64, &data[len..len + more]).await;
        (len, generation) = (len + more, new);
        assert!(rig.get(block(1, generation), len).await == data[..len]);
    }
    assert!(rig.file(block(1, generation), Some("meta")).exists());
    assert!(!rig.file(block(1, 1), Some("meta")).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_is_refused_where_the_replica_is_not_as_it_says() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path()).await;
    rig.put(block(1, 5), &sample(1000)).await;
    let target = DatanodeInfoProto {
        id: DatanodeIdProto { ip_addr: "10.0.0.9".into(), xfer_port: 9866, ..Default::default() },
        ..Default::default()
    };
    let cases = [
        (Setup::create(block(1, 5)), Status::ErrorExists, "finalized"),
        (Setup::again(block(1, 5), Stage::PipelineSetupAppend, 6, 999, 0), Status::ErrorInvalid, "1000 bytes"),
        (Setup::again(block(1, 4), Stage::PipelineSetupAppend, 6, 1000, 0), Status::ErrorInvalid, "generation 5"),
        (Setup::again(block(1, 5), Stage::PipelineSetupAppend, 4, 1000, 0), Status::ErrorInvalid, "generation 5"),
        (Setup::again(block(2, 5), Stage::PipelineSetupAppend, 6, 1000, 0), Status::Error, "no replica"),
        (
            Setup::again(block(1, 5), Stage::PipelineSetupStreamingRecovery, 6, 0, 5000),
            Status::ErrorInvalid,
            "needed is open",
        ),
        (Setup::again(block(1, 5), Stage::DataStreaming, 6, 0, 0), Status::ErrorInvalid, "DATA_STREAMING"),
        (Setup::again(block(1, 5), Stage::TransferRbw, 6, 0, 0), Status::ErrorUnsupported, "transfer"),
        (Setup { targets: vec![target], ..Setup::create(block(3, 1)) }, Status::Error, "10.0.0.9:9866"),
    ];
    for (setup, status, word) in cases {
        let stage = setup.stage;
        let mut writer = rig.connect().await;
        let answer = writer.write_block(setup).await;
        assert_eq!(answer.status(), status, "{stage:?}");
        assert!(answer.message().contains(word), "{stage:?}: {}", answer.message());
        assert!(writer.is_closed().await);
    }
    assert_eq!(rig.get(block(1, 5), 1000).await, sample(1000));
}
