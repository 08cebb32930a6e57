use anabranch_hdfs_proto::hdfs::RouterRecordProto;
use prost::Message;

use super::{DecodeError, Record, Words, meaning, required};
use crate::Revision;

/// What a router tells the others of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct RouterState {
    status: RouterStatus,
    served: Option<Revision>,
    message: RouterRecordProto,
}

/// What follows the message in records of our routers; the Java router knows no such field.
#[derive(Clone, PartialEq, Message)]
struct ServedProto {
    #[prost(uint64, optional, tag = "1001")]
    mount_table_revision: Option<Revision>,
}

/// How far a router is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RouterStatus {
    /// Not begun.
    Uninitialized,
    /// Starts.
    Initializing,
    /// Serves no writes until it knows the state store.
    SafeMode,
    /// Serves.
    Running,
    /// Ends.
    Stopping,
    /// Has ended.
    Shutdown,
    /// Has not been heard of for `dfs.federation.router.store.router.expiration`.
    Expired,
}

/// Java's `RouterServiceState`.
const STATUSES: &Words<RouterStatus> = &[
    ("UNINITIALIZED", RouterStatus::Uninitialized),
    ("INITIALIZING", RouterStatus::Initializing),
    ("SAFEMODE", RouterStatus::SafeMode),
    ("RUNNING", RouterStatus::Running),
    ("STOPPING", RouterStatus::Stopping),
    ("SHUTDOWN", RouterStatus::Shutdown),
    ("EXPIRED", RouterStatus::Expired),
];

impl RouterStatus {
    /// Its name in records.
    pub fn name(self) -> &'static str {
        STATUSES[self as usize].0
    }
}

impl RouterState {
    /// The record of a message.
    ///
    /// # Errors
    /// When it has no address, or its status is none.
    pub fn new(message: RouterRecordProto) -> Result<Self, DecodeError> {
        required("address", &message.address)?;
        let status = meaning("status", required("status", &message.status)?, STATUSES)?;
        Ok(Self { status, served: None, message })
    }

    /// The same, of a router that serves the mount table of this revision.
    #[must_use]
    pub fn serving(self, revision: Option<Revision>) -> Self {
        Self { served: revision, ..self }
    }

    /// The revision of the mount table that the router serves; `None`: it does not say, as Java routers do not.
    pub fn served(&self) -> Option<Revision> {
        self.served
    }

    /// How far the router is.
    pub fn status(&self) -> RouterStatus {
        self.status
    }

    /// Everything that the record says.
    pub fn message(&self) -> &RouterRecordProto {
        &self.message
    }
}

impl Record for RouterState {
    const KIND: &'static str = "RouterState";

    fn key(&self) -> &str {
        self.message.address.as_deref().unwrap_or_default()
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = self.message.encode_to_vec();
        bytes.extend(ServedProto { mount_table_revision: self.served }.encode_to_vec());
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let served = ServedProto::decode(bytes)?.mount_table_revision;
        Ok(Self::new(RouterRecordProto::decode(bytes)?)?.serving(served))
    }
}
