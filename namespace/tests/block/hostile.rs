//! Clients that are confused, hostile, or want what is not offered.

use std::time::Duration;

use anabranch_hdfs_proto::hdfs::data_transfer_encryptor_message_proto::DataTransferEncryptorStatus;
use anabranch_hdfs_proto::hdfs::{
    BlockChecksumOptionsProto, BlockChecksumTypeProto, BlockOpResponseProto, DataTransferEncryptorMessageProto,
    OpBlockChecksumProto, OpCopyBlockProto, OpReadBlockProto, ReleaseShortCircuitAccessResponseProto,
    ShortCircuitShmRequestProto, ShortCircuitShmResponseProto, Status,
};
use anabranch_namespace::block::GatewayConfig;
use prost::Message;
use tokio::io::AsyncWriteExt;

use super::client::{Client, Kind, Rig, Setup, block, sample};

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_closes_the_connection_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path()).await;
    let openings: [&[u8]; 5] = [
        b"GET / HTTP/1.1\r\n\r\n",
        &[0, 27, 81, 0],
        &[0, 28, 1, 0],
        &[0, 28, 81, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],
        &[0, 28, 80, 3, 1, 2, 3],
    ];
    for bytes in openings {
        let mut client = rig.connect().await;
        client.stream.write_all(bytes).await.unwrap();
        assert!(client.is_closed().await, "{bytes:?}");
    }
    let packets: [&[u8]; 3] = [&[0x7F, 0, 0, 0, 0, 25], &[0, 0, 0, 0, 0, 25], &[0, 0, 0, 4, 0, 2, 0xFF, 0xFF]];
    for (id, bytes) in (1..).zip(packets) {
        let mut client = rig.connect().await;
        client.write_block(Setup::create(block(id, 1))).await;
        client.stream.write_all(bytes).await.unwrap();
        assert!(client.is_closed().await, "{bytes:?}");
    }
    rig.put(block(50, 1), &sample(10)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_that_are_not_offered_are_answered_in_their_own_words() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path()).await;
    let message = OpCopyBlockProto { header: Client::header(block(1, 1), 0).base_header };
    for code in [82, 83, 84, 86, 87, 90] {
        let mut client = rig.connect().await;
        client.operation(code, &message).await;
        let answer: BlockOpResponseProto = client.message().await.unwrap();
        assert_eq!(answer.status(), Status::ErrorUnsupported);
        assert!(answer.message().contains("is not supported by this block gateway"), "{}", answer.message());
    }
    let mut client = rig.connect().await;
    client.operation(88, &message).await;
    let answer: ReleaseShortCircuitAccessResponseProto = client.message().await.unwrap();
    assert_eq!(answer.status(), Status::ErrorUnsupported);
    let mut client = rig.connect().await;
    client.operation(89, &ShortCircuitShmRequestProto { client_name: "test".into(), trace_info: None }).await;
    let answer: ShortCircuitShmResponseProto = client.message().await.unwrap();
    assert_eq!(answer.status(), Status::ErrorUnsupported);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_is_refused_in_the_handshakes_message() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path()).await;
    let mut client = rig.connect().await;
    let hello =
        DataTransferEncryptorMessageProto { status: DataTransferEncryptorStatus::Success.into(), ..Default::default() };
    let mut bytes = vec![0xDE, 0xAD, 0xBE, 0xEF];
    bytes.extend(hello.encode_length_delimited_to_vec());
    client.stream.write_all(&bytes).await.unwrap();
    let answer: DataTransferEncryptorMessageProto = client.message().await.unwrap();
    assert_eq!(answer.status(), DataTransferEncryptorStatus::Error);
    assert!(answer.message().contains("SASL"), "{}", answer.message());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_pool_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path()).await;
    rig.put(block(1, 1), &sample(10)).await;
    let mut header = Client::header(block(1, 1), 0);
    header.base_header.block.pool_id = "BP-other".into();
    let mut client = rig.connect().await;
    client.operation(81, &OpReadBlockProto { header, len: 10, ..Default::default() }).await;
    let answer: BlockOpResponseProto = client.message().await.unwrap();
    assert!(answer.message().contains("BP-other"), "{}", answer.message());
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_clients_are_let_go_and_what_they_wrote_stays() {
    let dir = tempfile::tempdir().unwrap();
    let short = Duration::from_millis(100);
    let config =
        GatewayConfig { max_connections: 2, read_timeout: short, keepalive: short, ..GatewayConfig::default() };
    let rig = Rig::with(dir.path(), config).await;
    rig.put(block(2, 1), &sample(10)).await;
    let (mut silent, mut writer) = (rig.connect().await, rig.connect().await);
    silent.stream.write_all(&[0, 28]).await.unwrap();
    writer.write_block(Setup::create(block(1, 1))).await;
    writer.send(super::client::Kind::default(), 0, &sample(700), false).await;
    assert!(silent.is_closed().await && writer.is_closed().await);
    assert_eq!(rig.get(block(1, 1), 700).await, sample(700));
    let mut idle = rig.connect().await;
    idle.read_block(block(1, 1), 0, 10, true).await.unwrap();
    assert!(idle.is_closed().await);
    let outcomes: String = rig.registry.gather().iter().map(|family| format!("{family:?}")).collect();
    assert!(outcomes.contains("silent") && outcomes.contains("anabranch_block_read_bytes_total"), "{outcomes}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checksum_of_tiny_stripes_is_refused_before_it_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path()).await;
    let mut writer = rig.connect().await;
    let kind = Kind { bytes_per: 1, ..Kind::default() };
    assert_eq!(writer.write_block(Setup { kind, ..Setup::create(block(1, 1)) }).await.status(), Status::Success);
    writer.stream(kind, 0, &sample(70_000)).await;
    for (stripe, status) in [(1, Status::ErrorInvalid), (2, Status::Success)] {
        let mut client = rig.connect().await;
        let options = BlockChecksumOptionsProto {
            block_checksum_type: Some(BlockChecksumTypeProto::CompositeCrc.into()),
            stripe_length: Some(stripe),
        };
        let header = Client::header(block(1, 1), 70_000).base_header;
        client.operation(85, &OpBlockChecksumProto { header, block_checksum_options: Some(options) }).await;
        assert_eq!(client.message::<BlockOpResponseProto>().await.unwrap().status(), status, "{stripe}");
    }
}
