//! The HTTP side over real sockets.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use anabranch_telemetry::http::{Bounds, Routes, serve};
use anabranch_telemetry::{Build, Metrics, Readiness};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

struct Running {
    address: std::net::SocketAddr,
    readiness: Readiness,
    stop: CancellationToken,
    server: tokio::task::JoinHandle<std::io::Result<()>>,
}

async fn start(bounds: Bounds) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let readiness = Readiness::new();
    let metrics = Metrics::new(Build::of("0.0.0", None)).unwrap();
    let more = axum::Router::new().route("/extra", axum::routing::get(|| async { "extra" }));
    let routes = Routes { readiness: readiness.clone(), metrics, more };
    let stop = CancellationToken::new();
    let server = tokio::spawn(serve(listener, routes, bounds, stop.clone().cancelled_owned()));
    Running { address, readiness, stop, server }
}

async fn get(address: std::net::SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let body = answer.split_once("\r\n\r\n").unwrap().1.to_owned();
    (status, body)
}

#[tokio::test]
async fn is_active_names_what_is_pending() {
    let running = start(Bounds::default()).await;
    let mounts = running.readiness.register("mount table");
    let (status, body) = get(running.address, "/isActive").await;
    assert_eq!((status, body.as_str()), (503, r#"{"active":false,"pending":["mount table"]}"#));
    mounts.ready();
    assert_eq!(get(running.address, "/isActive").await, (200, r#"{"active":true,"pending":[]}"#.to_owned()));
    running.readiness.close("draining");
    assert_eq!(get(running.address, "/isActive").await.0, 503);
}

#[tokio::test]
async fn metrics_answer_on_both_paths_beside_the_programs_own() {
    let running = start(Bounds::default()).await;
    for path in ["/metrics", "/prom"] {
        let (status, body) = get(running.address, path).await;
        assert_eq!(status, 200);
        assert!(body.contains("anabranch_build_info"), "{body}");
    }
    assert_eq!(get(running.address, "/extra").await, (200, "extra".to_owned()));
    assert_eq!(get(running.address, "/nothing").await.0, 404);
}

#[tokio::test]
async fn a_client_that_trickles_is_cut_off_and_gives_its_slot_back() {
    let bounds = Bounds { connections: 1, idle: Duration::from_secs(60), life: Duration::from_millis(200) };
    let running = start(bounds).await;
    let mut slow = TcpStream::connect(running.address).await.unwrap();
    slow.write_all(b"GET /isAct").await.unwrap();
    // The only slot is taken; this request is served once the slow client was cut.
    assert_eq!(get(running.address, "/isActive").await.0, 200);
    let mut rest = Vec::new();
    let _ = slow.read_to_end(&mut rest).await;
    assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 4"), "{rest:?}");
}

#[tokio::test]
async fn stopping_lets_the_server_end() {
    let running = start(Bounds::default()).await;
    assert_eq!(get(running.address, "/isActive").await.0, 200);
    running.stop.cancel();
    running.server.await.unwrap().unwrap();
    assert!(TcpStream::connect(running.address).await.is_err());
}
