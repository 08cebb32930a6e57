//! How fast blocks are written and read, and what that costs. A measurement, not a test: run it with `--ignored`.

use std::net::SocketAddr;
use std::time::Instant;

use anabranch_hdfs_proto::hdfs::{OpReadBlockProto, Status};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::client::{Client, Kind, Setup, block, sample};
use super::crash::{Victim, append_packet};

const BLOCK: usize = 128 << 20;
const ROUNDS: u64 = 4;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes half a gigabyte of disk and an idle machine"]
async fn measure() {
    let dir = tempfile::tempdir().unwrap();
    let (victim, address) = Victim::start(dir.path()).await;
    let packets = packets();
    for id in 1..=ROUNDS {
        let (clock, cpu) = (Instant::now(), cpu_seconds(victim.0.id()));
        write(address, id, &packets).await;
        report("write", clock, cpu_seconds(victim.0.id()) - cpu);
    }
    for sums in [true, false] {
        for id in 1..=ROUNDS {
            let (clock, cpu) = (Instant::now(), cpu_seconds(victim.0.id()));
            read(address, id, sums).await;
            report(if sums { "read" } else { "read, verified here" }, clock, cpu_seconds(victim.0.id()) - cpu);
        }
    }
}

#[expect(clippy::print_stdout, reason = "the measurement is what this prints")]
fn report(what: &str, clock: Instant, cpu: f64) {
    let (seconds, megabytes) = (clock.elapsed().as_secs_f64(), BLOCK as f64 / 1e6);
    println!("{what}: {:.0} MB/s, {:.2} ms CPU per MB", megabytes / seconds, cpu * 1e3 / megabytes);
}

/// All packets of a block, made before the clock runs.
fn packets() -> Vec<u8> {
    let (data, mut out, mut offset) = (sample(BLOCK), Vec::new(), 0);
    for (seqno, piece) in (0..).zip(data.chunks(126 * 512)) {
        append_packet(&mut out, seqno, offset, piece, &Kind::default().sums(piece));
        offset += piece.len() as u64;
    }
    out
}

async fn write(address: SocketAddr, id: u64, packets: &[u8]) {
    let mut client = Client::connect(address).await;
    assert_eq!(client.write_block(Setup::create(block(id, 1))).await.status(), Status::Success);
    let count = BLOCK.div_ceil(126 * 512) as i64;
    client.seqno = count;
    let (mut input, mut output) = client.stream.split();
    let send = async { output.write_all(packets).await.unwrap() };
    let acks = async {
        // An acknowledgement has at least seven bytes, and its length before it.
        for _ in 0..count {
            let len = usize::from(input.read_u8().await.unwrap());
            input.read_exact(&mut vec![0; len]).await.unwrap();
        }
    };
    tokio::join!(send, acks);
    client.packet(BLOCK as u64, &[], &[], true, false).await;
    assert_eq!(client.ack().await.unwrap(), (count, Status::Success));
}

async fn read(address: SocketAddr, id: u64, sums: bool) {
    let mut client = Client::connect(address).await;
    let (header, len) = (Client::header(block(id, 1), 0), BLOCK as u64);
    client.operation(81, &OpReadBlockProto { header, len, send_checksums: Some(sums), ..Default::default() }).await;
    let (mut buffer, mut got) = (vec![0; 1 << 20], 0);
    while got < BLOCK {
        got += client.stream.read(&mut buffer).await.unwrap();
    }
}

/// User and system time of a process. The kernel counts in hundredths of a second.
fn cpu_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11..13].iter().map(|ticks| ticks.parse::<f64>().unwrap() / 100.0).sum()
}
