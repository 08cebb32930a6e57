//! A client that makes single calls, many at a time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use anabranch_hdfs_proto::hdfs::{FsPermissionProto, GetFileInfoRequestProto, MkdirsRequestProto};
use anabranch_hrpc::{CallId, ClientError, ConnectOptions, Connection, Identity, Payload, Request};
use bytes::Bytes;
use prost::Message;
use tokio::time::Instant;

use crate::wire::CLIENT_PROTOCOL;

/// A client's connection, which it uses for many calls at a time as a Java process does.
#[derive(Clone)]
pub struct Client {
    connection: Connection,
    id: Bytes,
    calls: Arc<AtomicI32>,
    patience: Duration,
}

impl Client {
    /// Connects. Whatever does not come back within `patience` is lost.
    pub async fn connect(router: SocketAddr, user: &str, patience: Duration) -> Result<Self, ClientError> {
        let options = ConnectOptions { idle_close: patience, ..ConnectOptions::default() };
        let connection = Connection::open(router, &Identity::simple(user), CLIENT_PROTOCOL, &options).await?;
        let id = Bytes::copy_from_slice(&rand::random::<[u8; 16]>());
        Ok(Self { connection, id, calls: Arc::default(), patience })
    }

    /// One call; its answer has its length in front.
    pub async fn call(&self, method: &'static str, message: &impl Message) -> Result<Bytes, ClientError> {
        let call_id = self.calls.fetch_add(1, Ordering::Relaxed);
        let request = Request {
            id: CallId { client_id: self.id.clone(), call_id, retry_count: 0 },
            method: method.into(),
            protocol: CLIENT_PROTOCOL,
            version: 1,
            caller_context: None,
            payload: Payload::message(message),
            deadline: Instant::now() + self.patience,
        };
        self.connection.call(request).await
    }

    /// `getFileInfo`.
    pub async fn stat(&self, path: &str) -> Result<Bytes, ClientError> {
        self.call("getFileInfo", &GetFileInfoRequestProto { src: path.to_owned() }).await
    }

    /// `mkdirs` with parents, for everybody.
    pub async fn mkdirs(&self, path: &str) -> Result<Bytes, ClientError> {
        let masked = FsPermissionProto { perm: 0o777 };
        let message = MkdirsRequestProto { src: path.to_owned(), masked, create_parent: true, ..Default::default() };
        self.call("mkdirs", &message).await
    }
}
