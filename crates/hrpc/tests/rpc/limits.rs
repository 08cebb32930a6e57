//! What a peer may take, and for how long.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use anabranch_hrpc::Limits;
use futures_util::future::join_all;
use prost::Message;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::support::{PREAMBLE, call, eventually, frame, introduce, read_all, read_frame, request, serve, success};

const SOON: Duration = Duration::from_millis(100);

#[tokio::test]
async fn a_handshake_has_its_time() {
    let server = serve(Limits { handshake_timeout: SOON, ..Limits::default() }).await;
    for sent in [&b""[..], b"hr", PREAMBLE, &[PREAMBLE, b"\0\0\0\x40\x0a"].concat()] {
        let mut socket = server.socket().await;
        socket.write_all(sent).await.unwrap();
        assert_eq!(read_all(&mut socket).await, b"");
    }
    assert_eq!(server.stats.handshakes_failed.load(Relaxed), 4);
}

#[tokio::test]
async fn an_unfinished_frame_has_its_time() {
    let server = serve(Limits { frame_timeout: SOON, ..Limits::default() }).await;
    let whole = call(1, "echo", b"content");
    for cut in [1, 4, 5, whole.len() - 1] {
        let mut socket = server.socket().await;
        introduce(&mut socket).await;
        socket.write_all(&whole[..cut]).await.unwrap();
        assert_eq!(read_all(&mut socket).await, b"", "after {cut} bytes");
    }
    assert_eq!(server.stats.connections_cut.load(Relaxed), 4);
    let mut socket = server.socket().await;
    introduce(&mut socket).await;
    tokio::time::sleep(2 * SOON).await;
    socket.write_all(&whole).await.unwrap();
    assert_eq!(read_frame(&mut socket).await, frame(&[&success(1).encode_to_vec(), b"content"]));
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_cut() {
    let limits = Limits { write_timeout: SOON, max_unsent_bytes: 4 << 20, ..Limits::default() };
    let server = serve(limits).await;
    let mut socket = server.socket().await;
    introduce(&mut socket).await;
    for id in 0..64 {
        socket.write_all(&call(id, "big", b"")).await.unwrap();
    }
    eventually("cut", || server.stats.connections_open.load(Relaxed) == 0).await;
    // Most were never begun: reading stopped when the replies piled up.
    assert!(server.stats.calls.load(Relaxed) < 64, "{:?}", server.stats);
}

#[tokio::test]
async fn replies_that_nobody_takes_count_as_bytes_in_flight() {
    let server = serve(Limits { max_bytes_in_flight: 32 << 20, ..Limits::default() }).await;
    let mut sockets = Vec::new();
    for _ in 0..8 {
        let mut socket = server.socket().await;
        introduce(&mut socket).await;
        for id in 0..12 {
            socket.write_all(&call(id, "big", b"")).await.unwrap();
        }
        sockets.push(socket);
    }
    eventually("the budget is spent", || server.stats.bytes_in_flight.load(Relaxed) >= 32 << 20).await;
    drop(sockets);
    eventually("all given back", || server.stats.bytes_in_flight.load(Relaxed) == 0).await;
    server.connect().await.call(request("echo", 0, b"")).await.unwrap();
}

#[tokio::test]
async fn one_connection_too_many_is_closed_at_once() {
    let server = serve(Limits { max_connections: 2, ..Limits::default() }).await;
    let kept = [server.connect().await, server.connect().await];
    eventually("two open", || server.stats.connections_open.load(Relaxed) == 2).await;
    let mut third = server.socket().await;
    assert_eq!(read_all(&mut third).await, b"");
    assert_eq!(server.stats.connections_refused.load(Relaxed), 1);
    drop(kept);
    eventually("none open", || server.stats.connections_open.load(Relaxed) == 0).await;
    server.connect().await.call(request("echo", 0, b"")).await.unwrap();
}

#[tokio::test]
async fn calls_beyond_the_limit_wait_on_the_wire() {
    let server = serve(Limits { max_calls_per_connection: 4, ..Limits::default() }).await;
    let connection = server.connect().await;
    let calls = tokio::spawn(join_all((0..9).map(|id| connection.call(request("wait", id, b"")))));
    eventually("four begun", || server.stats.calls_in_flight.load(Relaxed) == 4).await;
    server.connect().await.call(request("echo", 0, b"")).await.unwrap();
    assert_eq!((server.stats.calls_in_flight.load(Relaxed), server.stats.calls.load(Relaxed)), (4, 5));
    while !calls.is_finished() {
        server.methods.release.notify_waiters();
        tokio::task::yield_now().await;
    }
    assert!(calls.await.unwrap().iter().all(Result::is_ok));
    assert_eq!(server.stats.calls_in_flight.load(Relaxed), 0);
}

#[tokio::test]
async fn a_full_server_reads_on_when_it_has_room_again() {
    let server = serve(Limits { max_bytes_in_flight: 1000, ..Limits::default() }).await;
    let (first, second) = (server.connect().await, server.connect().await);
    second.call(request("echo", 0, b"")).await.unwrap();
    let holding = tokio::spawn(first.call(request("wait", 0, &[0; 2000])));
    server.methods.waiting.notified().await;
    assert!(server.stats.bytes_in_flight.load(Relaxed) > 2000);
    let mut held_up = request("echo", 1, b"");
    held_up.deadline = Instant::now() + SOON;
    second.call(held_up).await.unwrap_err();
    server.methods.release.notify_one();
    holding.await.unwrap().unwrap();
    second.call(request("echo", 2, b"")).await.unwrap();
    eventually("nothing held", || server.stats.bytes_in_flight.load(Relaxed) == 0).await;
}

#[tokio::test]
async fn unfinished_frames_do_not_fill_the_server_for_ever() {
    let limits = Limits { max_bytes_in_flight: 100_000, frame_timeout: SOON, ..Limits::default() };
    let server = serve(limits).await;
    let mut sockets = [server.socket().await, server.socket().await];
    for socket in &mut sockets {
        introduce(socket).await;
        socket.write_all(&call(1, "echo", &[0; 1_000_000])[..80_000]).await.unwrap();
    }
    for socket in &mut sockets {
        assert_eq!(read_all(socket).await, b"");
    }
    eventually("nothing held", || server.stats.bytes_in_flight.load(Relaxed) == 0).await;
    server.connect().await.call(request("echo", 2, b"")).await.unwrap();
}

#[tokio::test]
async fn idle_connections_are_closed_when_there_are_many() {
    for (threshold, closed) in [(0, true), (1, false)] {
        let limits = Limits { idle_timeout: SOON, idle_threshold: threshold, ..Limits::default() };
        let server = serve(limits).await;
        let connection = server.connect().await;
        let waiting = tokio::spawn(connection.call(request("wait", 0, b"")));
        server.methods.waiting.notified().await;
        tokio::time::sleep(3 * SOON).await;
        assert!(!connection.is_closed(), "a connection with a call is not idle");
        server.methods.release.notify_one();
        waiting.await.unwrap().unwrap();
        if closed {
            eventually("closed", || connection.is_closed()).await;
        }
        tokio::time::sleep(3 * SOON).await;
        assert_eq!(connection.is_closed(), closed);
        assert_eq!(server.stats.connections_idled.load(Relaxed), u64::from(closed));
    }
}

#[tokio::test]
async fn garbage_and_cut_streams_harm_nobody() {
    let server = serve(Limits::default()).await;
    let hello = [PREAMBLE, &crate::support::context("alice", None), &call(1, "echo", b"content")].concat();
    for cut in 0..hello.len() {
        let mut socket = server.socket().await;
        socket.write_all(&hello[..cut]).await.unwrap();
        socket.shutdown().await.unwrap();
        assert_eq!(read_all(&mut socket).await, b"", "after {cut} bytes");
    }
    for seed in 0..100u8 {
        let mut socket = server.socket().await;
        let noise: Vec<u8> = (0..60u8).map(|index| index.wrapping_mul(seed).wrapping_add(seed / 3)).collect();
        // The server may have closed the connection before it has read everything.
        let _ = socket.write_all(&[PREAMBLE, b"\0\0\0\x20", &noise].concat()).await;
        drop(socket);
    }
    eventually("all gone", || server.stats.connections_open.load(Relaxed) == 0).await;
    server.connect().await.call(request("echo", 0, b"")).await.unwrap();
}

#[tokio::test]
async fn idle_connections_hold_little_memory() {
    const COUNT: usize = 2000;
    let server = serve(Limits::default()).await;
    let open = |_| async {
        let mut socket = server.socket().await;
        introduce(&mut socket).await;
        // A request and a reply that need large buffers for a moment.
        socket.write_all(&call(1, "echo", &[1; 60_000])).await.unwrap();
        read_frame(&mut socket).await;
        socket
    };
    let _warm: Vec<TcpStream> = join_all((0..8).map(open)).await;
    let before = resident_bytes();
    let mut sockets = Vec::new();
    for batch in 0..COUNT / 8 {
        sockets.extend(join_all((0..8).map(|index| open(batch * 8 + index))).await);
    }
    let each = resident_bytes().saturating_sub(before) / COUNT;
    println!("{each} bytes per idle connection, the client's socket included");
    assert!(each < 16 * 1024, "{each} bytes per idle connection");
    assert_eq!(server.stats.connections_open.load(Relaxed), COUNT + 8);
}

fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split_whitespace().nth(1).unwrap().parse().unwrap();
    pages * 4096
}
