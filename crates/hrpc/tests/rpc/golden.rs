//! What the Java server answers, to the byte.

use anabranch_hdfs_proto::common::rpc_response_header_proto::{RpcErrorCodeProto as Detail, RpcStatusProto};
use anabranch_hdfs_proto::common::{
    GetProtocolVersionsRequestProto, GetProtocolVersionsResponseProto, ProtocolVersionProto, RpcRequestHeaderProto,
    RpcResponseHeaderProto, RpcSaslProto,
};
use anabranch_hrpc::Limits;
use prost::Message;
use tokio::io::AsyncWriteExt;

use crate::support::{
    PREAMBLE, PROTOCOL, call, call_of, context, frame, header, introduce, read_all, read_frame, serve, success,
};

fn failure(call_id: i32, detail: Detail, class: &str, message: &str) -> RpcResponseHeaderProto {
    RpcResponseHeaderProto {
        status: RpcStatusProto::Error as i32,
        exception_class_name: Some(class.to_owned()),
        error_msg: Some(message.to_owned()),
        error_detail: Some(detail as i32),
        ..success(call_id)
    }
}

fn fatal(call_id: i32, retry_count: i32, detail: Detail, class: &str, message: &str) -> Vec<u8> {
    let header = RpcResponseHeaderProto {
        status: RpcStatusProto::Fatal as i32,
        client_id: Some(Default::default()),
        retry_count: Some(retry_count),
        ..failure(call_id, detail, class, message)
    };
    frame(&[&header.encode_to_vec()])
}

fn hello() -> Vec<u8> {
    [PREAMBLE, &context("alice", None)].concat()
}

const SASL_PREAMBLE: &[u8] = b"hrpc\x09\x00\xdf";
const NEGOTIATE: i32 = 1;

fn sasl(state: i32) -> Vec<u8> {
    frame(&[&header(-33, -1).encode_to_vec(), &RpcSaslProto { state, ..Default::default() }.encode_to_vec()])
}

const RPC_SERVER: &str = "org.apache.hadoop.ipc.RpcServerException";
const MISMATCH: &str = "org.apache.hadoop.ipc.RPC$VersionMismatch";
const AUTHORIZATION: &str = "org.apache.hadoop.security.authorize.AuthorizationException";

/// Stimulus and everything that comes back before the server closes.
#[tokio::test]
async fn fatal_replies_and_close() {
    let without_op = RpcRequestHeaderProto { rpc_op: None, ..header(6, 0) }.encode_to_vec();
    let writable = RpcRequestHeaderProto { rpc_kind: Some(1), ..header(6, 0) }.encode_to_vec();
    let invalid = |id, retry, message| fatal(id, retry, Detail::FatalInvalidRpcHeader, RPC_SERVER, message);
    let unauthorized = |id, class, message| fatal(id, -1, Detail::FatalUnauthorized, class, message);
    let version = |client: i8| {
        let message = format!("Server IPC version 9 cannot communicate with client version {client}");
        fatal(-1, -1, Detail::FatalVersionMismatch, MISMATCH, &message)
    };
    let after_hello = |more: Vec<u8>| [hello(), more].concat();
    let rows: Vec<(&str, Vec<u8>, Vec<u8>)> = vec![
        (
            "call before context",
            [PREAMBLE, &call(5, "echo", b"")].concat(),
            invalid(5, 0, "Connection context not established"),
        ),
        (
            "second context",
            after_hello(context("alice", None)),
            invalid(-3, -1, "Connection context already processed"),
        ),
        ("no rpcOp", after_hello(frame(&[&without_op])), invalid(6, 0, " IPC Server: No rpc op in rpcRequestHeader")),
        ("kind 1", after_hello(frame(&[&writable])), invalid(6, 0, "Unknown rpc kind in rpc headerRPC_WRITABLE")),
        (
            "call id -9",
            after_hello(frame(&[&header(-9, 0).encode_to_vec()])),
            invalid(-9, 0, "Unknown out of band call #-9"),
        ),
        (
            "call id -9 before the context",
            [PREAMBLE, &frame(&[&header(-9, 0).encode_to_vec()])].concat(),
            invalid(-9, 0, "Unknown out of band call #-9"),
        ),
        (
            "auth 7",
            b"hrpc\x09\x00\x07".to_vec(),
            unauthorized(-1, "org.apache.hadoop.ipc.IpcException", "Unknown auth protocol:7"),
        ),
        ("version 10", b"hrpc\x0a\x00\x00".to_vec(), version(10)),
        ("version -1", b"hrpc\xff\x00\x00".to_vec(), version(-1)),
        (
            "impersonation",
            [PREAMBLE, &context("root", Some("mallory"))].concat(),
            unauthorized(-3, AUTHORIZATION, "User: mallory is not allowed to impersonate root"),
        ),
        (
            "no user",
            [PREAMBLE, &context("", None)].concat(),
            unauthorized(
                -3,
                "org.apache.hadoop.security.AccessControlException",
                "The connection context names no user",
            ),
        ),
        (
            "SASL that was not asked for",
            [PREAMBLE, &sasl(NEGOTIATE)].concat(),
            invalid(-33, -1, "SASL protocol not requested by client"),
        ),
        (
            "SASL after the context",
            after_hello(sasl(NEGOTIATE)),
            invalid(-33, -1, "SASL protocol not requested by client"),
        ),
        (
            "context in place of SASL",
            [SASL_PREAMBLE, &context("alice", None)].concat(),
            invalid(-3, -1, "Connection header sent during SASL negotiation"),
        ),
        (
            "a SASL response without a challenge",
            [SASL_PREAMBLE, &sasl(4)].concat(),
            unauthorized(-1, "javax.security.sasl.SaslException", "Client sent unsupported state 4"),
        ),
        (
            "undecodable header",
            after_hello(frame(&[b"\xff"])),
            fatal(
                -1,
                -1,
                Detail::FatalDeserializingRequest,
                RPC_SERVER,
                "Error decoding RpcRequestHeaderProto: malformed protobuf field at byte 0",
            ),
        ),
        ("too long a frame", after_hello(vec![0x7f, 0xff, 0xff, 0xff]), Vec::new()),
        ("a negative frame", after_hello(vec![0xff; 4]), Vec::new()),
        ("too long a frame before the context", [PREAMBLE, &[0x08, 0, 0, 1]].concat(), Vec::new()),
    ];
    let server = serve(Limits::default()).await;
    for (name, stimulus, expected) in rows {
        let mut socket = server.socket().await;
        socket.write_all(&stimulus).await.unwrap();
        assert_eq!(read_all(&mut socket).await, expected, "{name}");
    }
}

#[tokio::test]
async fn errors_leave_the_connection_open() {
    const INVALID: &str = "org.apache.hadoop.thirdparty.protobuf.InvalidProtocolBufferException";
    let mut cut_off = call(7, "echo", b"content");
    cut_off.truncate(cut_off.len() - 3);
    let length = cut_off.len() as u32 - 4;
    cut_off[..4].copy_from_slice(&length.to_be_bytes());
    let rows: Vec<(Vec<u8>, RpcResponseHeaderProto)> = vec![
        (
            call(7, "nothing", b""),
            failure(
                7,
                Detail::ErrorNoSuchMethod,
                "org.apache.hadoop.ipc.RpcNoSuchMethodException",
                "Unknown method nothing called on test.Protocol protocol.",
            ),
        ),
        (
            call_of(7, "echo", "no.Such", 1, b""),
            failure(
                7,
                Detail::ErrorNoSuchProtocol,
                "org.apache.hadoop.ipc.RpcNoSuchProtocolException",
                "Unknown protocol: no.Such",
            ),
        ),
        (
            call_of(7, "echo", PROTOCOL, 2, b""),
            failure(
                7,
                Detail::ErrorRpcVersionMismatch,
                MISMATCH,
                "Protocol test.Protocol version mismatch. (client = 2, server = 1)",
            ),
        ),
        (cut_off, failure(7, Detail::ErrorApplication, INVALID, "The parameter message of echo is cut off")),
        (
            frame(&[&header(7, 0).encode_to_vec(), b""]),
            failure(7, Detail::ErrorApplication, INVALID, "Message missing required fields: methodName"),
        ),
        (
            call(7, "fail", b""),
            failure(7, Detail::ErrorApplication, "java.io.FileNotFoundException", "no such file\n\tat a.B"),
        ),
        (
            call(7, "panic", b""),
            failure(
                7,
                Detail::ErrorApplication,
                "java.io.IOException",
                "Internal error in panic; the server's log tells more",
            ),
        ),
    ];
    let server = serve(Limits::default()).await;
    let mut socket = server.socket().await;
    introduce(&mut socket).await;
    for (stimulus, expected) in rows {
        socket.write_all(&stimulus).await.unwrap();
        assert_eq!(read_frame(&mut socket).await, frame(&[&expected.encode_to_vec()]), "{expected:?}");
    }
    socket.write_all(&call(8, "echo", b"alive")).await.unwrap();
    assert_eq!(read_frame(&mut socket).await, frame(&[&success(8).encode_to_vec(), b"alive"]));
}

/// The bytes themselves, so that not both sides of the comparison can be wrong together.
#[tokio::test]
async fn a_whole_conversation_byte_by_byte() {
    let server = serve(Limits::default()).await;
    let mut socket = server.socket().await;
    // With SASL; the client negotiates with call id -33 and an empty client id.
    socket
        .write_all(b"hrpc\x09\x00\xdf\x00\x00\x00\x0e\x0a\x08\x02\x10\x00\x18A\x22\x00\x28\x01\x02\x10\x01")
        .await
        .unwrap();
    let switch = b"\x00\x00\x00\x12\x0e\x08\xdf\xff\xff\xff\x0f\x10\x00\x18\x09\x3a\x00\x40\x01\x02\x10\x00";
    assert_eq!(read_frame(&mut socket).await, switch);
    let call = b"\x00\x00\x00\x26\x0a\x08\x02\x10\x00\x18\x02\x22\x00\x28\x00\x17\x0a\x04echo\x12\x0dtest.Protocol\x18\x01\x02hi";
    socket.write_all(&[&context("alice", None)[..], call].concat()).await.unwrap();
    let reply = b"\x00\x00\x00\x0e\x0a\x08\x01\x10\x00\x18\x09\x3a\x00\x40\x00\x02hi";
    assert_eq!(read_frame(&mut socket).await, reply);
}

#[tokio::test]
async fn pings_are_never_answered() {
    let server = serve(Limits::default()).await;
    let mut socket = server.socket().await;
    let ping = frame(&[&RpcRequestHeaderProto { client_id: Default::default(), ..header(-4, -1) }.encode_to_vec()]);
    let sent = [PREAMBLE, &ping, &context("alice", None), &ping, &ping, &call(1, "echo", b"x"), &ping].concat();
    for byte in sent {
        socket.write_all(&[byte]).await.unwrap();
    }
    assert_eq!(read_frame(&mut socket).await, frame(&[&success(1).encode_to_vec(), b"x"]));
    socket.shutdown().await.unwrap();
    assert_eq!(read_all(&mut socket).await, b"");
}

#[tokio::test]
async fn web_browsers_get_a_page() {
    let server = serve(Limits::default()).await;
    let mut socket = server.socket().await;
    socket.write_all(b"GET /jmx HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let page = String::from_utf8(read_all(&mut socket).await).unwrap();
    assert!(page.starts_with("HTTP/1.1 404 Not Found\r\nContent-type: text/plain\r\n"), "{page}");
    assert!(page.contains("IPC port"), "{page}");
}

#[tokio::test]
async fn the_port_tells_its_protocols() {
    const META: &str = "org.apache.hadoop.ipc.ProtocolMetaInfoPB";
    let server = serve(Limits::default()).await;
    let mut socket = server.socket().await;
    introduce(&mut socket).await;
    for protocol in [PROTOCOL, META] {
        let asked = GetProtocolVersionsRequestProto { protocol: protocol.to_owned() }.encode_to_vec();
        socket.write_all(&call_of(1, "getProtocolVersions", META, 1, &asked)).await.unwrap();
        let version = ProtocolVersionProto { rpc_kind: "RPC_PROTOCOL_BUFFER".to_owned(), versions: vec![1] };
        let expected = GetProtocolVersionsResponseProto { protocol_versions: vec![version] }.encode_to_vec();
        assert_eq!(read_frame(&mut socket).await, frame(&[&success(1).encode_to_vec(), &expected]));
    }
}
