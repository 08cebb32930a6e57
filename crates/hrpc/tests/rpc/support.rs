//! A server on a port of its own, and the bytes of a client that is made by hand.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anabranch_hdfs_proto::common::{
    IpcConnectionContextProto, RequestHeaderProto, RpcRequestHeaderProto, RpcResponseHeaderProto, UserInformationProto,
};
use anabranch_hrpc::{
    Call, CallId, ConnectOptions, Connection, Drain, Exception, Handler, Identity, Limits, Name, Payload, Protocol,
    Reply, Request, Server, ServerStats, class,
};
use bytes::Bytes;
use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

pub const PROTOCOL: &str = "test.Protocol";
/// Longer than anything takes that is not broken.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Answers by method name.
#[derive(Default)]
pub struct Methods {
    /// `wait` ends when this is notified.
    pub release: Notify,
    /// Notified when `wait` has begun.
    pub waiting: Notify,
}

impl Handler for Methods {
    fn protocols(&self) -> &'static [Protocol] {
        &[Protocol { name: PROTOCOL, version: 1 }]
    }

    async fn call(&self, call: Call) -> Reply {
        match call.method.as_str() {
            "echo" => Ok(Payload::raw(call.payload)),
            "wait" => {
                self.waiting.notify_one();
                self.release.notified().await;
                Ok(Payload::raw(call.payload))
            }
            "never" => std::future::pending().await,
            "big" => Ok(Payload(vec![prefix(1 << 20), vec![b'x'; 1 << 20].into()])),
            "fail" => Err(Exception::new(class::FILE_NOT_FOUND, "no such file\n\tat a.B")),
            "panic" => panic!("on purpose"),
            other => Err(Exception::no_such_method(other, PROTOCOL)),
        }
    }
}

/// A varint.
pub fn prefix(length: usize) -> Bytes {
    let mut out = Vec::new();
    anabranch_hrpc::wire::put_varint(&mut out, length as u64);
    out.into()
}

/// A message with its length in front.
pub fn message(content: &[u8]) -> Bytes {
    [&prefix(content.len())[..], content].concat().into()
}

pub struct Running {
    pub address: SocketAddr,
    pub methods: Arc<Methods>,
    pub stats: Arc<ServerStats>,
    pub drain: Drain,
    pub task: JoinHandle<()>,
}

pub async fn serve(limits: Limits) -> Running {
    serve_with_grace(limits, PATIENCE).await
}

pub async fn serve_with_grace(limits: Limits, grace: Duration) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let methods = Arc::new(Methods::default());
    let server = Server::new(methods.clone(), limits);
    let stats = server.stats();
    let drain = Drain::new(grace);
    let task = tokio::spawn(server.serve(listener, drain.clone()));
    Running { address, methods, stats, drain, task }
}

impl Running {
    pub async fn connect(&self) -> Connection {
        self.connect_with(&ConnectOptions::default()).await
    }

    pub async fn connect_with(&self, options: &ConnectOptions) -> Connection {
        Connection::open(self.address, &Identity::simple("alice"), PROTOCOL, options).await.unwrap()
    }

    pub async fn socket(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

pub fn request(method: &'static str, call_id: i32, content: &[u8]) -> Request {
    Request {
        id: CallId { client_id: Bytes::from_static(&[7; 16]), call_id, retry_count: 0 },
        method: Name::from(method),
        protocol: PROTOCOL,
        version: 1,
        caller_context: None,
        payload: Payload::raw(message(content)),
        deadline: Instant::now() + PATIENCE,
    }
}

/// Waits until `holds`, which others bring about.
pub async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let wait = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// `hrpc`, version 9, service class 0, no SASL.
pub const PREAMBLE: &[u8] = b"hrpc\x09\x00\x00";

pub fn header(call_id: i32, retry_count: i32) -> RpcRequestHeaderProto {
    RpcRequestHeaderProto {
        rpc_kind: Some(2),
        rpc_op: Some(0),
        call_id,
        client_id: vec![7; 16].into(),
        retry_count: Some(retry_count),
        ..Default::default()
    }
}

/// A frame out of messages that are put one after the other, each with its length.
pub fn frame(messages: &[&[u8]]) -> Vec<u8> {
    let content: Vec<u8> = messages.iter().flat_map(|content| message(content)).collect();
    [&(content.len() as u32).to_be_bytes()[..], &content].concat()
}

pub fn context(user: &str, real_user: Option<&str>) -> Vec<u8> {
    let user_info =
        UserInformationProto { effective_user: Some(user.to_owned()), real_user: real_user.map(str::to_owned) };
    let context = IpcConnectionContextProto { user_info: Some(user_info), protocol: Some(PROTOCOL.to_owned()) };
    frame(&[&header(-3, -1).encode_to_vec(), &context.encode_to_vec()])
}

pub fn call(call_id: i32, method: &str, content: &[u8]) -> Vec<u8> {
    call_of(call_id, method, PROTOCOL, 1, content)
}

pub fn call_of(call_id: i32, method: &str, protocol: &str, version: u64, content: &[u8]) -> Vec<u8> {
    let method = RequestHeaderProto {
        method_name: method.to_owned(),
        declaring_class_protocol_name: protocol.to_owned(),
        client_protocol_version: version,
    };
    frame(&[&header(call_id, 0).encode_to_vec(), &method.encode_to_vec(), content])
}

pub fn success(call_id: i32) -> RpcResponseHeaderProto {
    RpcResponseHeaderProto {
        call_id: call_id as u32,
        server_ipc_version_num: Some(9),
        client_id: Some(vec![7; 16].into()),
        retry_count: Some(0),
        ..Default::default()
    }
}

/// Reads to the end of the stream. A server that did not read everything ends it with a reset.
pub async fn read_all(socket: &mut TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    let read = timeout(PATIENCE, socket.read_to_end(&mut all)).await;
    match read.expect("the server keeps the connection open") {
        Err(error) if error.kind() != std::io::ErrorKind::ConnectionReset => panic!("{error}"),
        _ => all,
    }
}

/// Reads one frame, with its length.
pub async fn read_frame(socket: &mut TcpStream) -> Vec<u8> {
    let read = async {
        let length = socket.read_u32().await.unwrap();
        let mut frame = length.to_be_bytes().to_vec();
        frame.resize(4 + length as usize, 0);
        socket.read_exact(&mut frame[4..]).await.unwrap();
        frame
    };
    timeout(PATIENCE, read).await.expect("no frame came")
}

/// Preamble and context, in one write.
pub async fn introduce(socket: &mut TcpStream) {
    socket.write_all(&[PREAMBLE, &context("alice", None)].concat()).await.unwrap();
}
