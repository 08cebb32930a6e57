//! The end of a server.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use anabranch_hrpc::{ClientError, Limits, class};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{PATIENCE, PREAMBLE, eventually, introduce, read_all, request, serve, serve_with_grace};

#[tokio::test]
async fn idle_connections_are_closed_and_no_new_ones_taken() {
    let server = serve(Limits::default()).await;
    let mut idle = server.socket().await;
    introduce(&mut idle).await;
    let mut young = server.socket().await;
    young.write_all(PREAMBLE).await.unwrap();
    let used = server.connect().await;
    used.call(request("echo", 0, b"")).await.unwrap();
    eventually("three open", || server.stats.connections_open.load(Relaxed) == 3).await;
    server.drain.start();
    assert_eq!(read_all(&mut idle).await, b"");
    assert_eq!(read_all(&mut young).await, b"");
    eventually("closed", || used.is_closed()).await;
    drop((idle, young));
    timeout(PATIENCE, server.task).await.unwrap().unwrap();
    TcpStream::connect(server.address).await.unwrap_err();
}

#[tokio::test]
async fn calls_in_flight_end_and_new_ones_are_sent_elsewhere() {
    let server = serve(Limits::default()).await;
    let connection = server.connect().await;
    let running = tokio::spawn(connection.call(request("wait", 0, b"kept")));
    server.methods.waiting.notified().await;
    server.drain.start();
    server.drain.start();
    let refused = loop {
        // The drain reaches the connection a little after it was started.
        match connection.call(request("echo", 1, b"")).await {
            Ok(_) => tokio::task::yield_now().await,
            Err(error) => break error,
        }
    };
    assert!(matches!(&refused, ClientError::Remote(exception) if exception.is(class::RETRIABLE)), "{refused:?}");
    assert!(!running.is_finished());
    assert_eq!(server.stats.calls_refused.load(Relaxed), 1);
    server.methods.release.notify_one();
    running.await.unwrap().unwrap();
    eventually("closed", || connection.is_closed()).await;
    timeout(PATIENCE, server.task).await.unwrap().unwrap();
}

/// Whatever the moment: a call that the handler executed is answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_executed_call_goes_unanswered() {
    let server = serve(Limits::default()).await;
    let mut callers = Vec::new();
    for _ in 0..16 {
        let connection = server.connect().await;
        callers.extend((0..4).map(|caller| {
            let connection = connection.clone();
            tokio::spawn(async move {
                let mut answered = 0;
                loop {
                    match connection.call(request("echo", caller, b"content")).await {
                        Ok(_) => answered += 1,
                        Err(ClientError::Remote(exception)) => assert!(exception.is(class::RETRIABLE)),
                        Err(ClientError::Closed { .. }) => return answered,
                        Err(error) => panic!("{error:?}"),
                    }
                }
            })
        }));
    }
    eventually("under way", || server.stats.calls.load(Relaxed) > 1000).await;
    server.drain.start();
    let mut answered = 0;
    for caller in callers {
        answered += timeout(PATIENCE, caller).await.unwrap().unwrap();
    }
    timeout(PATIENCE, server.task).await.unwrap().unwrap();
    assert_eq!(answered, server.stats.calls.load(Relaxed) - server.stats.calls_refused.load(Relaxed));
}

/// Those that are idle end by themselves, a busy one when its call has ended; whoever comes afterwards stays.
#[tokio::test]
async fn shed_connections_end_while_no_call_is_in_flight() {
    let server = serve(Limits::default()).await;
    let (idle, busy) = (server.connect().await, server.connect().await);
    idle.call(request("echo", 0, b"")).await.unwrap();
    let running = tokio::spawn(busy.call(request("wait", 0, b"kept")));
    server.methods.waiting.notified().await;
    server.drain.shed(Duration::from_millis(50));
    eventually("the idle one has ended", || idle.is_closed()).await;
    let later = server.connect().await;
    later.call(request("echo", 1, b"")).await.unwrap();
    assert!(!running.is_finished());
    server.methods.release.notify_one();
    running.await.unwrap().unwrap();
    eventually("the busy one has ended", || busy.is_closed()).await;
    assert_eq!(server.stats.connections_shed.load(Relaxed), 2);
    later.call(request("echo", 2, b"")).await.unwrap();
    server.drain.shed(Duration::ZERO);
    eventually("the later one has ended", || later.is_closed()).await;
    server.drain.start();
    timeout(PATIENCE, server.task).await.unwrap().unwrap();
    assert_eq!((server.stats.calls_refused.load(Relaxed), server.stats.connections_shed.load(Relaxed)), (0, 3));
}

#[tokio::test]
async fn the_deadline_cuts_what_is_left() {
    let server = serve_with_grace(Limits::default(), Duration::from_millis(100)).await;
    let connection = server.connect().await;
    let never = tokio::spawn(connection.call(request("never", 0, b"")));
    eventually("begun", || server.stats.calls_in_flight.load(Relaxed) == 1).await;
    server.drain.start();
    timeout(PATIENCE, server.task).await.unwrap().unwrap();
    assert_eq!(server.stats.calls_in_flight.load(Relaxed), 0);
    assert_eq!(server.stats.bytes_in_flight.load(Relaxed), 0);
    let error = never.await.unwrap().unwrap_err();
    assert!(matches!(error, ClientError::Closed { sent: true, .. }), "{error:?}");
}
