use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use anabranch_hrpc::{CallId, ConnectOptions, Identity, Payload, Protocol, Request, wire};
use bytes::Bytes;
use prost::Message;
use tokio::time::Instant;

use crate::upstream::{Namenode, Trouble};

/// Connections of the router's own to one address, as the user that it runs as.
pub(super) struct Line {
    namenode: Namenode,
    identity: Identity,
    options: ConnectOptions,
    client_id: Bytes,
    next_call: AtomicI32,
}

/// One for each protocol that is spoken over it.
const MAX_CONNECTIONS: usize = 8;

impl Line {
    /// To an address, whose name is looked up anew for each connection.
    pub(super) fn new(address: &str, identity: Identity, options: ConnectOptions) -> Self {
        let client_id = Bytes::copy_from_slice(&rand::random::<[u8; 16]>());
        let namenode = Namenode::new(address, MAX_CONNECTIONS);
        Self { namenode, identity, options, client_id, next_call: AtomicI32::new(0) }
    }

    /// Makes a call, and waits for its answer for so long.
    pub(super) async fn ask<A: Message + Default>(
        &self,
        protocol: Protocol,
        method: &'static str,
        request: &impl Message,
        patience: Duration,
    ) -> Result<A, Trouble> {
        let deadline = Instant::now() + patience;
        let connection = self.namenode.connection(&self.identity, protocol, 0, &self.options, deadline).await?;
        let call_id = self.next_call.fetch_add(1, Ordering::Relaxed) & i32::MAX;
        let request = Request {
            id: CallId { client_id: self.client_id.clone(), call_id, retry_count: 0 },
            method: method.into(),
            protocol: protocol.name,
            version: protocol.version,
            caller_context: None,
            payload: Payload::message(request),
            deadline,
        };
        let reply = connection.call(request).await?;
        let message =
            wire::take_delimited(&mut &reply[..]).ok_or_else(|| Trouble::Lost("a broken reply".to_owned()))?;
        A::decode(message).map_err(|error| Trouble::Lost(error.to_string()))
    }
}
