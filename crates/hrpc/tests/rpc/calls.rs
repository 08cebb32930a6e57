//! Client and server together.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::support::{PREAMBLE, PROTOCOL, call, context, message, read_all, read_frame, request, serve};
use anabranch_hrpc::{
    Call, ClientError, Drain, Exception, Handler, Identity, Limits, Payload, Protocol, Reply, Server, class,
};
use futures_util::future::join_all;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

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

/// Takes its time to let somebody in.
#[derive(Default)]
struct Doorman {
    asked: Notify,
    told: Notify,
}

impl Handler for Doorman {
    fn protocols(&self) -> &'static [Protocol] {
        &[Protocol { name: PROTOCOL, version: 1 }]
    }

    async fn authorize(&self, _: SocketAddr, identity: &Identity, _: &str) -> Result<(), Exception> {
        self.asked.notify_one();
        self.told.notified().await;
        if &*identity.user == "ann" { Ok(()) } else { Err(Exception::new(class::ACCESS_CONTROL, "go away")) }
    }

    async fn call(&self, call: Call) -> Reply {
        Ok(Payload::raw(call.payload))
    }
}

#[tokio::test]
async fn calls_wait_until_it_is_known_who_makes_them() {
    let hasty = Limits { handshake_timeout: Duration::from_secs(1), ..Limits::default() };
    let rows =
        [("ann", Limits::default(), Some("hello")), ("eve", Limits::default(), Some("go away")), ("ann", hasty, None)];
    for (user, limits, said) in rows {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut socket = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let doorman = Arc::new(Doorman::default());
        let server = Server::new(doorman.clone(), limits);
        let stats = server.stats();
        tokio::spawn(server.serve(listener, Drain::new(Duration::ZERO)));
        socket.write_all(&[PREAMBLE, &context(user, None), &call(1, "echo", b"hello")].concat()).await.unwrap();
        doorman.asked.notified().await;
        assert_eq!(stats.calls.load(Relaxed), 0, "{user}");
        match said {
            Some(said) => {
                doorman.told.notify_one();
                let answer = read_frame(&mut socket).await;
                assert!(answer.windows(said.len()).any(|words| words == said.as_bytes()), "{user}: {answer:?}");
            }
            None => assert_eq!(read_all(&mut socket).await, b""),
        }
        let (calls, failed) = (u64::from(said == Some("hello")), u64::from(said != Some("hello")));
        assert_eq!((stats.calls.load(Relaxed), stats.handshakes_failed.load(Relaxed)), (calls, failed), "{user}");
    }
}
