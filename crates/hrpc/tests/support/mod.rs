//! A server on a port of its own, and the bytes of a client that is made by hand.
#![allow(dead_code, unreachable_pub)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anabranch_hrpc::{
    Call, CallId, ConnectOptions, Connection, Drain, Exception, Handler, Identity, Limits, Name, Payload, Protocol,
    Reply, Request, Server, ServerStats, class,
};
use bytes::Bytes;
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
