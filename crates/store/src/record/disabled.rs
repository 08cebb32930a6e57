use anabranch_hdfs_proto::hdfs::DisabledNameserviceRecordProto;
use prost::Message;

use super::{DecodeError, Record, required};

/// A subcluster that an administrator has taken out of service (`dfsrouteradmin -nameservice disable`).
#[derive(Debug, Clone, PartialEq)]
pub struct DisabledNameservice {
    nameservice: String,
    message: DisabledNameserviceRecordProto,
}

impl DisabledNameservice {
    /// The record of a message.
    ///
    /// # Errors
    /// When it names no nameservice.
    pub fn new(message: DisabledNameserviceRecordProto) -> Result<Self, DecodeError> {
        Ok(Self { nameservice: required("nameServiceId", &message.name_service_id)?.to_owned(), message })
    }

    /// Disabled from `now_ms` on.
    ///
    /// # Errors
    /// When the id is empty.
    pub fn since(nameservice: &str, now_ms: u64) -> Result<Self, DecodeError> {
        Self::new(DisabledNameserviceRecordProto {
            name_service_id: Some(nameservice.to_owned()),
            date_created: Some(now_ms),
            date_modified: Some(now_ms),
        })
    }

    /// Its nameservice id.
    pub fn nameservice(&self) -> &str {
        &self.nameservice
    }
}

impl Record for DisabledNameservice {
    const KIND: &'static str = "DisabledNameservice";

    fn key(&self) -> &str {
        &self.nameservice
    }

    fn encode(&self) -> Vec<u8> {
        self.message.encode_to_vec()
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::new(DisabledNameserviceRecordProto::decode(bytes)?)
    }
}
