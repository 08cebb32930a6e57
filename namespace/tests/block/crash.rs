//! kill -9 while blocks are written.

use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anabranch_hdfs_proto::hdfs::Status;
use anabranch_hdfs_proto::hdfs::op_write_block_proto::BlockConstructionStage as Stage;
use anabranch_namespace::block::Blocks;

use super::client::{Client, Kind, Rig, Setup, block, sample};

const DIR: &str = "ANABRANCH_TEST_BLOCK_DIR";

/// Not a test of its own: the process that is killed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by the other tests, in a process of its own"]
async fn victim() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let dir = Path::new(&dir);
    let rig = Rig::start(&dir.join("blocks")).await;
    std::fs::write(dir.join("address.new"), rig.gateway.local_addr().to_string()).unwrap();
    std::fs::rename(dir.join("address.new"), dir.join("address")).unwrap();
    std::future::pending::<()>().await;
}

/// A gateway in a process of its own, killed with SIGKILL when dropped.
pub struct Victim(pub Child);

impl Victim {
    pub async fn start(dir: &Path) -> (Self, std::net::SocketAddr) {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::victim", "--ignored", "--nocapture"])
            .env(DIR, dir)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let victim = Self(child);
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            if let Ok(address) = std::fs::read_to_string(dir.join("address")) {
                return (victim, address.parse().unwrap());
            }
            assert!(Instant::now() < deadline, "the process does not come up");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // SIGKILL, on Unix.
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_bytes_and_closed_blocks_survive_kill_9() {
    let (data, kind) = (sample(40_000_000), Kind::default());
    for round in 0..4u64 {
        let dir = tempfile::tempdir().unwrap();
        let (victim, address) = Victim::start(dir.path()).await;
        let mut client = Client::connect(address).await;
        client.write_block(Setup::create(block(1, 1))).await;
        client.stream(kind, 0, &data[..100_000]).await;
        let mut writer = Client::connect(address).await;
        writer.write_block(Setup::create(block(2, 1))).await;
        let target = 500_000 + round * 5_000_000;
        let mut fast = Client::connect(address).await;
        fast.write_block(Setup::create(block(3, 1))).await;
        let (sender, mut acked) = (tokio::spawn(flood(fast, data.clone())), 0u64);
        while acked < target {
            let piece = &data[acked as usize..acked as usize + 60_007];
            writer.send(kind, acked, piece, false).await;
            acked += piece.len() as u64;
        }
        drop(victim);
        let flooded = sender.await.unwrap();

        let rig = Rig::start(&dir.path().join("blocks")).await;
        assert!(rig.get(block(1, 1), 100_000).await == data[..100_000]);
        let len = rig.store.recover(block(2, 1), 2, None).await.unwrap();
        assert_eq!(len, acked);
        assert!(rig.get(block(2, 2), len as usize).await == data[..len as usize]);
        let mut writer = rig.connect().await;
        let claim = Setup::again(block(3, 1), Stage::PipelineSetupStreamingRecovery, 2, flooded, data.len() as u64);
        let answer = writer.write_block(claim).await;
        assert_eq!(answer.status(), Status::Success, "{answer:?}");
        let has = rig.store.replica(3).await.unwrap().unwrap().len;
        assert!(has >= flooded);
        let from = flooded - flooded % 512;
        writer.stream(kind, from, &data[from as usize..]).await;
        assert!(rig.get(block(3, 2), data.len()).await == data);
    }
}

/// Writes block 3 as fast as it goes until the gateway dies; returns how many bytes were acknowledged.
async fn flood(mut client: Client, data: Vec<u8>) -> u64 {
    // Where the packets end that were sent, and how many of them were acknowledged; four more are always on their way.
    let (kind, mut ends, mut acks) = (Kind::default(), vec![0u64], 0);
    for (seqno, piece) in data.chunks(64_512).enumerate() {
        let mut bytes = Vec::new();
        append_packet(&mut bytes, seqno as i64, ends[seqno], piece, &kind.sums(piece));
        if tokio::io::AsyncWriteExt::write_all(&mut client.stream, &bytes).await.is_err() {
            break;
        }
        ends.push(ends[seqno] + piece.len() as u64);
        if seqno >= 4 {
            match client.ack().await {
                Ok((_, Status::Success)) => acks += 1,
                _ => return ends[acks],
            }
        }
    }
    while acks + 1 < ends.len() && matches!(client.ack().await, Ok((_, Status::Success))) {
        acks += 1;
    }
    ends[acks]
}

/// Writes a packet's bytes.
pub fn append_packet(out: &mut Vec<u8>, seqno: i64, offset: u64, data: &[u8], sums: &[u8]) {
    use prost::Message;
    let header = anabranch_hdfs_proto::hdfs::PacketHeaderProto {
        offset_in_block: offset as i64,
        seqno,
        last_packet_in_block: false,
        data_len: data.len() as i32,
        sync_block: None,
    };
    out.extend((4 + sums.len() as u32 + data.len() as u32).to_be_bytes());
    out.extend((header.encoded_len() as u16).to_be_bytes());
    out.extend(header.encode_to_vec());
    out.extend(sums);
    out.extend(data);
}
