use anabranch_hdfs_proto::hdfs::DisabledNameserviceRecordProto;
use prost::Message;

use super::{DecodeError, Record, required};

/// A subcluster that is out of service: an administrator said so (`dfsrouteradmin -nameservice disable`), or whoever
/// declares it.
#[derive(Debug, Clone, PartialEq)]
pub struct DisabledNameservice {
    nameservice: String,
    declared_by: Option<String>,
    message: DisabledNameserviceRecordProto,
}

/// What follows the message where it is declared; the Java router knows no such field.
#[derive(Clone, PartialEq, Message)]
struct DeclaredProto {
    #[prost(string, optional, tag = "1001")]
    by: Option<String>,
}

impl DisabledNameservice {
    /// The record of a message.
    ///
    /// # Errors
    /// When it names no nameservice.
    pub fn new(message: DisabledNameserviceRecordProto) -> Result<Self, DecodeError> {
        let nameservice = required("nameServiceId", &message.name_service_id)?.to_owned();
        Ok(Self { nameservice, declared_by: None, message })
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

    /// The same, declared by whoever has this mark.
    #[must_use]
    pub fn marked(self, by: Option<String>) -> Self {
        Self { declared_by: by, ..self }
    }

    /// The mark of who declares it; `None`: an administrator said so.
    pub fn declared_by(&self) -> Option<&str> {
        self.declared_by.as_deref()
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
        let mut bytes = self.message.encode_to_vec();
        bytes.extend(DeclaredProto { by: self.declared_by.clone() }.encode_to_vec());
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let by = DeclaredProto::decode(bytes)?.by;
        Ok(Self::new(DisabledNameserviceRecordProto::decode(bytes)?)?.marked(by))
    }
}
