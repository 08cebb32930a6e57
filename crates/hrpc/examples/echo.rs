//! What a call costs: echo calls over loopback, one at a time on each of many connections, and many at a time on one.
//! CPU time is read per thread, so that server and client are told apart.
//!
//! `cargo run --release -p anabranch-hrpc --example echo [seconds]`
#![allow(clippy::print_stdout, missing_docs)]

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use anabranch_hrpc::{
    Call, CallId, ConnectOptions, Connection, Drain, Handler, Identity, Limits, Payload, Protocol, Reply, Request,
    Server,
};
use bytes::Bytes;
use futures_util::future::join_all;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

const PROTOCOL: &str = "org.apache.hadoop.hdfs.protocol.ClientProtocol";
/// Connections, and calls at a time on each.
const SHAPES: [(usize, usize); 4] = [(64, 1), (1, 64), (8, 64), (1, 1)];

struct Echo;

impl Handler for Echo {
    fn protocols(&self) -> &'static [Protocol] {
        &[Protocol { name: PROTOCOL, version: 1 }]
    }

    async fn call(&self, call: Call) -> Reply {
        Ok(Payload::raw(call.payload))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let seconds = std::env::args().nth(1).map_or(Ok(5), |text| text.parse())?;
    let (server, client) = (runtime("echo-server")?, runtime("echo-client")?);
    let listener = server.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    server.spawn(Server::new(Arc::new(Echo), Limits::default()).serve(listener, Drain::new(Duration::ZERO)));
    for (connections, depth) in SHAPES {
        let before = (cpu_micros("echo-server")?, cpu_micros("echo-client")?);
        let calls = client.block_on(run(address, connections, depth, Duration::from_secs(seconds)))?;
        let after = (cpu_micros("echo-server")?, cpu_micros("echo-client")?);
        let each = |before: u64, after: u64| (after - before) as f64 / calls as f64;
        println!(
            "{connections:3} connections x {depth:2}: {:7} calls/s, server {:5.2} us/call, client {:5.2} us/call",
            calls / seconds,
            each(before.0, after.0),
            each(before.1, after.1),
        );
    }
    Ok(())
}

fn runtime(name: &str) -> std::io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(1).thread_name(name).enable_all().build()
}

async fn run(address: SocketAddr, connections: usize, depth: usize, time: Duration) -> Result<u64, Box<dyn Error>> {
    let end = Instant::now() + time;
    let mut callers = Vec::new();
    for _ in 0..connections {
        let identity = Identity::simple("bench");
        let connection = Connection::open(address, &identity, PROTOCOL, &ConnectOptions::default()).await?;
        let next_id = Arc::new(AtomicI32::new(0));
        callers.extend((0..depth).map(|_| tokio::spawn(call_until(connection.clone(), next_id.clone(), end))));
    }
    let mut calls = 0;
    for result in join_all(callers).await {
        calls += result??;
    }
    Ok(calls)
}

async fn call_until(
    connection: Connection,
    next_id: Arc<AtomicI32>,
    end: Instant,
) -> Result<u64, anabranch_hrpc::ClientError> {
    // About what getFileInfo takes: a path of 60 bytes.
    let payload = Bytes::from_iter([62, 10, 60].into_iter().chain([b'a'; 60]));
    let mut calls = 0;
    loop {
        let now = Instant::now();
        if now >= end {
            return Ok(calls);
        }
        let call_id = next_id.fetch_add(1, Ordering::Relaxed);
        let request = Request {
            id: CallId { client_id: Bytes::from_static(&[7; 16]), call_id, retry_count: 0 },
            method: "getFileInfo".into(),
            protocol: PROTOCOL,
            version: 1,
            caller_context: None,
            payload: Payload::raw(payload.clone()),
            deadline: now + Duration::from_secs(60),
        };
        connection.call(request).await?;
        calls += 1;
    }
}

/// CPU time that the threads of this name have used, from the kernel's own accounts (nanoseconds, first word).
fn cpu_micros(name: &str) -> std::io::Result<u64> {
    let mut micros = 0;
    for thread in std::fs::read_dir("/proc/self/task")? {
        let path = thread?.path();
        if std::fs::read_to_string(path.join("comm"))?.trim_end() == name {
            let account = std::fs::read_to_string(path.join("schedstat"))?;
            micros += account.split(' ').next().and_then(|word| word.parse::<u64>().ok()).unwrap_or_default() / 1000;
        }
    }
    Ok(micros)
}
