//! One NameNode and the connections to it.

use std::net::SocketAddr;
use std::sync::Arc;

use anabranch_hrpc::{ClientError, ConnectOptions, Connection, Identity, Protocol};
use tokio::time::Instant;

use super::pool::{Connected, Pool};
use super::trouble::Trouble;

/// A NameNode.
pub struct Namenode {
    address: Arc<str>,
    pool: Pool,
}

impl Namenode {
    pub(crate) fn new(address: &str, max_connections: usize) -> Self {
        Self { address: address.into(), pool: Pool::new(max_connections) }
    }

    /// `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The open connections, by user and protocol.
    pub fn connections(&self) -> Vec<Connected> {
        self.pool.users()
    }

    /// A connection of this user, opened if there is none. With `others`, one beside that many, on which the same call
    /// is in flight already.
    pub(crate) async fn connection(
        &self,
        identity: &Identity,
        protocol: Protocol,
        others: usize,
        options: &ConnectOptions,
        deadline: Instant,
    ) -> Result<Connection, Trouble> {
        if let Some(connection) = self.pool.get(identity, protocol.name, others) {
            return Ok(connection);
        }
        let open = || {
            let (address, identity, options) = (self.address.clone(), identity.clone(), options.clone());
            async move { open(&address, &identity, protocol.name, &options).await }
        };
        self.pool.open(identity, protocol.name, others, deadline, open).await
    }
}

/// Looks the name up each time: a NameNode that comes back elsewhere is found at the next attempt.
async fn open(
    address: &str,
    identity: &Identity,
    protocol: &'static str,
    options: &ConnectOptions,
) -> Result<Connection, Trouble> {
    let unreachable = |reason: &dyn std::fmt::Display| Trouble::NotReached(format!("cannot find {address}: {reason}"));
    let lookup = tokio::time::timeout(options.connect_timeout, tokio::net::lookup_host(address));
    let found: Vec<SocketAddr> = match lookup.await {
        Ok(found) => found.map_err(|error| unreachable(&error))?.take(MAX_ADDRESSES).collect(),
        Err(elapsed) => return Err(unreachable(&elapsed)),
    };
    let mut last = unreachable(&"the name has no address");
    for address in found {
        match Connection::open(address, identity, protocol, options).await {
            Err(error @ ClientError::Connect { .. }) => last = error.into(),
            result => return result.map_err(Trouble::from),
        }
    }
    Err(last)
}

/// Addresses of one name that are tried.
const MAX_ADDRESSES: usize = 4;
