//! Client and server together.

mod support;

use std::sync::atomic::Ordering::Relaxed;

use anabranch_hrpc::{ClientError, Identity, Limits, class};
use futures_util::future::join_all;
use support::{PROTOCOL, message, request, serve};

#[tokio::test]
async fn a_call_is_answered() {
    let server = serve(Limits::default()).await;
    let connection = server.connect().await;
    let reply = connection.call(request("echo", 0, b"hello")).await.unwrap();
    assert_eq!(reply, message(b"hello"));
    let reply = connection.call(request("echo", 1, &[b'x'; 100_000])).await.unwrap();
    assert_eq!(reply, message(&[b'x'; 100_000]));
    let reply = connection.call(request("big", 2, b"")).await.unwrap();
    assert_eq!(reply, message(&vec![b'x'; 1 << 20]));
    assert_eq!(server.stats.calls.load(Relaxed), 3);
    assert_eq!((connection.in_flight(), connection.is_closed()), (0, false));
}

#[tokio::test]
async fn exceptions_reach_the_caller() {
    let server = serve(Limits::default()).await;
    let connection = server.connect().await;
    for (method, expected) in
        [("fail", class::FILE_NOT_FOUND), ("panic", class::IO), ("missing", class::NO_SUCH_METHOD)]
    {
        match connection.call(request(method, 1, b"")).await {
            Err(ClientError::Remote(exception)) => assert!(exception.is(expected), "{exception}"),
            other => panic!("{method}: {other:?}"),
        }
    }
    let mut other = request("echo", 2, b"");
    other.protocol = "no.Such";
    assert!(matches!(connection.call(other).await, Err(ClientError::Remote(e)) if e.is(class::NO_SUCH_PROTOCOL)));
    connection.call(request("echo", 3, b"")).await.unwrap();
}

#[tokio::test]
async fn a_slow_call_delays_no_other() {
    let server = serve(Limits::default()).await;
    let connection = server.connect().await;
    let slow = tokio::spawn(connection.call(request("wait", 0, b"slow")));
    server.methods.waiting.notified().await;
    let replies = join_all((1..200).map(|id| connection.call(request("echo", id, &id.to_be_bytes())))).await;
    for (id, reply) in (1i32..200).zip(replies) {
        assert_eq!(reply.unwrap(), message(&id.to_be_bytes()));
    }
    assert_eq!(connection.in_flight(), 1);
    server.methods.release.notify_one();
    assert_eq!(slow.await.unwrap().unwrap(), message(b"slow"));
}

#[tokio::test]
async fn impersonation_is_refused_unless_the_handler_allows_it() {
    let server = serve(Limits::default()).await;
    let identity = Identity { user: "root".into(), real_user: Some("mallory".into()) };
    let connection =
        anabranch_hrpc::Connection::open(server.address, &identity, PROTOCOL, &Default::default()).await.unwrap();
    match connection.call(request("echo", 0, b"")).await {
        Err(ClientError::Fatal(exception)) => {
            assert!(exception.is(class::AUTHORIZATION));
            assert_eq!(exception.message, "User: mallory is not allowed to impersonate root");
        }
        other => panic!("{other:?}"),
    }
    assert!(connection.is_closed());
}
