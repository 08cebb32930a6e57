//! The client against servers that misbehave.

use std::time::Duration;

use anabranch_hdfs_proto::common::rpc_response_header_proto::RpcStatusProto;
use anabranch_hdfs_proto::common::{RpcRequestHeaderProto, RpcResponseHeaderProto};
use anabranch_hrpc::wire::take_delimited;
use anabranch_hrpc::{ClientError, ConnectOptions, Connection, Identity, Limits, Payload, class};
use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

use crate::support::{PATIENCE, PROTOCOL, eventually, frame, message, prefix, read_frame, request, serve, success};

const SOON: Duration = Duration::from_millis(100);

/// A connection, and the server's end of it after preamble and context.
async fn pair(options: &ConnectOptions) -> (Connection, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connection = Connection::open(address, &Identity::simple("alice"), PROTOCOL, options).await.unwrap();
    let (mut socket, _) = listener.accept().await.unwrap();
    let mut preamble = [0; 7];
    socket.read_exact(&mut preamble).await.unwrap();
    assert_eq!(&preamble, b"hrpc\x09\0\0");
    assert_eq!(call_id_of(&read_frame(&mut socket).await), -3);
    (connection, socket)
}

fn call_id_of(frame: &[u8]) -> i32 {
    RpcRequestHeaderProto::decode(take_delimited(&mut &frame[4..]).unwrap()).unwrap().call_id
}

#[tokio::test]
async fn no_listener_no_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = Connection::open(address, &Identity::simple("alice"), PROTOCOL, &ConnectOptions::default()).await;
    let error = error.unwrap_err();
    assert!(matches!(error, ClientError::Connect { .. }), "{error:?}");
    assert!(!error.may_have_executed());
}

#[tokio::test]
async fn a_call_that_times_out_tells_whether_it_was_sent() {
    let (connection, socket) = pair(&ConnectOptions::default()).await;
    let mut call = request("echo", 0, b"");
    call.deadline = Instant::now() + SOON;
    let error = connection.call(call).await.unwrap_err();
    assert!(matches!(error, ClientError::Timeout { sent: true }), "{error:?}");
    // The server reads nothing, so that what comes after this one never leaves.
    let mut blocking = request("echo", 1, b"");
    blocking.payload = Payload(vec![prefix(64 << 20), vec![0; 64 << 20].into()]);
    blocking.deadline = Instant::now() + SOON * 2;
    let blocking = tokio::spawn(connection.call(blocking));
    eventually("queued", || connection.in_flight() == 1).await;
    let mut call = request("echo", 2, b"");
    call.deadline = Instant::now() + SOON;
    let error = connection.call(call).await.unwrap_err();
    assert!(matches!(error, ClientError::Timeout { sent: false }), "{error:?}");
    assert!(matches!(blocking.await.unwrap(), Err(ClientError::Timeout { sent: true })));
    assert_eq!(connection.in_flight(), 0);
    drop(socket);
}

#[tokio::test]
async fn a_full_queue_makes_callers_wait() {
    let options = ConnectOptions { max_queued_bytes: 1000, write_timeout: SOON * 5, ..ConnectOptions::default() };
    let (connection, socket) = pair(&options).await;
    let mut blocking = request("echo", 1, b"");
    blocking.payload = Payload(vec![prefix(64 << 20), vec![0; 64 << 20].into()]);
    let blocking = tokio::spawn(connection.call(blocking));
    let queued = tokio::spawn(connection.call(request("echo", 2, &[0; 2000])));
    eventually("two in flight", || connection.in_flight() == 2).await;
    let waiting = tokio::spawn(connection.call(request("echo", 3, b"")));
    for call in [blocking, queued, waiting] {
        let error = call.await.unwrap().unwrap_err();
        // In the end the server is given up, which ends all three.
        assert!(matches!(error, ClientError::Closed { .. }), "{error:?}");
    }
    assert!(connection.is_closed());
    drop(socket);
}

#[tokio::test]
async fn a_call_in_flight_is_not_made_twice() {
    let server = serve(Limits::default()).await;
    let connection = server.connect().await;
    let first = tokio::spawn(connection.call(request("wait", 4, b"")));
    server.methods.waiting.notified().await;
    let error = connection.call(request("echo", 4, b"")).await.unwrap_err();
    assert!(matches!(error, ClientError::DuplicateCall), "{error:?}");
    let mut retry = request("echo", 4, b"");
    retry.id.retry_count = 1;
    connection.call(retry).await.unwrap();
    server.methods.release.notify_one();
    first.await.unwrap().unwrap();
    connection.call(request("echo", 4, b"")).await.unwrap();
}

#[tokio::test]
async fn a_dropped_call_is_forgotten() {
    let (connection, mut socket) = pair(&ConnectOptions::default()).await;
    let dropped = tokio::spawn(connection.call(request("echo", 0, b"")));
    assert_eq!(call_id_of(&read_frame(&mut socket).await), 0);
    dropped.abort();
    dropped.await.unwrap_err();
    assert_eq!(connection.in_flight(), 0);
    // A reply that nobody waits for does no harm.
    let call = tokio::spawn(connection.call(request("echo", 1, b"")));
    assert_eq!(call_id_of(&read_frame(&mut socket).await), 1);
    for id in [0, 1] {
        socket.write_all(&frame(&[&success(id).encode_to_vec(), b"x"])).await.unwrap();
    }
    assert_eq!(call.await.unwrap().unwrap(), message(b"x"));
}

#[tokio::test]
async fn broken_replies_end_the_connection() {
    let whole = frame(&[&success(0).encode_to_vec(), b"content"]);
    let rows: [(&str, Vec<u8>); 6] = [
        ("nothing", Vec::new()),
        ("half a length", whole[..2].to_vec()),
        ("half a frame", whole[..whole.len() - 1].to_vec()),
        ("too long a frame", vec![0x7f, 0xff, 0xff, 0xff]),
        ("no header", frame(&[b""])),
        ("a header longer than the frame", vec![0, 0, 0, 1, 5]),
    ];
    for (name, reply) in rows {
        let (connection, mut socket) = pair(&ConnectOptions::default()).await;
        let call = tokio::spawn(connection.call(request("echo", 0, b"")));
        read_frame(&mut socket).await;
        socket.write_all(&reply).await.unwrap();
        socket.shutdown().await.unwrap();
        let error = call.await.unwrap().unwrap_err();
        assert!(matches!(error, ClientError::Closed { sent: true, .. }), "{name}: {error:?}");
        assert!(connection.is_closed());
        let error = connection.call(request("echo", 1, b"")).await.unwrap_err();
        assert!(matches!(error, ClientError::Closed { sent: false, .. }), "{name}: {error:?}");
    }
}

#[tokio::test]
async fn a_cut_off_result_is_the_calls_own_misfortune() {
    let (connection, mut socket) = pair(&ConnectOptions::default()).await;
    let call = tokio::spawn(connection.call(request("echo", 0, b"")));
    read_frame(&mut socket).await;
    let header = success(0).encode_to_vec();
    let content = [&message(&header)[..], &[9, b'x']].concat();
    socket.write_all(&[&(content.len() as u32).to_be_bytes()[..], &content].concat()).await.unwrap();
    assert!(matches!(call.await.unwrap(), Err(ClientError::Protocol(_))));
    assert!(!connection.is_closed());
}

#[tokio::test]
async fn a_fatal_reply_ends_every_call_in_its_own_way() {
    let fatal = |call_id: i32| RpcResponseHeaderProto {
        status: RpcStatusProto::Fatal as i32,
        exception_class_name: Some(class::RPC_SERVER.to_owned()),
        client_id: Some(Default::default()),
        ..success(call_id)
    };
    for (call_id, fatal_for) in [(-3, [true, true]), (1, [false, true])] {
        let (connection, mut socket) = pair(&ConnectOptions::default()).await;
        let calls = [0, 1].map(|id| tokio::spawn(connection.call(request("echo", id, b""))));
        for _ in 0..2 {
            read_frame(&mut socket).await;
        }
        socket.write_all(&frame(&[&fatal(call_id).encode_to_vec()])).await.unwrap();
        for (call, fatal) in calls.into_iter().zip(fatal_for) {
            match call.await.unwrap().unwrap_err() {
                ClientError::Fatal(exception) => assert!(fatal && exception.is(class::RPC_SERVER)),
                ClientError::Closed { sent: true, .. } => assert!(!fatal),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_silent_server_is_pinged() {
    let (connection, mut socket) = pair(&ConnectOptions { ping_interval: SOON, ..ConnectOptions::default() }).await;
    let call = tokio::spawn(connection.call(request("echo", 0, b"")));
    assert_eq!(call_id_of(&read_frame(&mut socket).await), 0);
    for _ in 0..3 {
        assert_eq!(call_id_of(&read_frame(&mut socket).await), -4);
    }
    socket.write_all(&frame(&[&success(0).encode_to_vec(), b""])).await.unwrap();
    call.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_unused_connection_closes_itself() {
    let options = ConnectOptions { idle_close: SOON, ..ConnectOptions::default() };
    let server = serve(Limits::default()).await;
    let connection = server.connect_with(&options).await;
    let waiting = tokio::spawn(connection.call(request("wait", 0, b"")));
    server.methods.waiting.notified().await;
    tokio::time::sleep(SOON * 3).await;
    assert!(!connection.is_closed());
    server.methods.release.notify_one();
    waiting.await.unwrap().unwrap();
    eventually("closed", || connection.is_closed()).await;
}

#[tokio::test]
async fn closing_and_dropping_end_the_connection() {
    for drop_it in [false, true] {
        let (connection, mut socket) = pair(&ConnectOptions::default()).await;
        if drop_it {
            drop(connection);
        } else {
            let call = tokio::spawn(connection.call(request("echo", 0, b"")));
            read_frame(&mut socket).await;
            connection.close();
            assert!(matches!(call.await.unwrap(), Err(ClientError::Closed { sent: true, .. })));
        }
        let end = timeout(PATIENCE, socket.read(&mut [0; 1])).await.unwrap().unwrap();
        assert_eq!(end, 0);
    }
}

#[tokio::test]
async fn too_large_requests_are_not_sent() {
    let (connection, _socket) = pair(&ConnectOptions { max_frame: 1000, ..ConnectOptions::default() }).await;
    let error = connection.call(request("echo", 0, &[0; 1000])).await.unwrap_err();
    assert!(matches!(error, ClientError::TooLarge { max: 1000, .. }), "{error:?}");
}
