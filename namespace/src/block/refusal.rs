//! What a client is told when an operation fails, and what is counted and logged.

use std::io;

use anabranch_hdfs_proto::hdfs::{BlockOpResponseProto, Status};

use super::BlockError;
use super::input::InputError;
use super::wire::Malformed;
use super::writer::WriteError;

/// An operation that is answered with an error.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: Status,
    pub(crate) message: String,
    /// The target that could not be reached, if that is why.
    pub(crate) bad_link: Option<String>,
    /// The outcome as it is counted.
    pub(crate) kind: &'static str,
}

impl Refusal {
    pub(crate) fn new(status: Status, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), bad_link: None, kind }
    }

    /// An operation that is not offered.
    pub(crate) fn unsupported(what: &str) -> Self {
        Self::new(Status::ErrorUnsupported, "unsupported", format!("{what} is not supported by this block gateway"))
    }

    /// The reply.
    pub(crate) fn response(self) -> BlockOpResponseProto {
        BlockOpResponseProto {
            status: self.status.into(),
            first_bad_link: self.bad_link,
            message: Some(self.message),
            ..Default::default()
        }
    }
}

impl From<BlockError> for Refusal {
    fn from(error: BlockError) -> Self {
        let (status, kind) = match &error {
            BlockError::NotFound { .. } => (Status::Error, "not_found"),
            BlockError::Generation { .. } => (Status::ErrorInvalid, "generation"),
            BlockError::Length { .. } => (Status::ErrorInvalid, "length"),
            BlockError::State { needed: "absent", .. } => (Status::ErrorExists, "exists"),
            BlockError::State { .. } => (Status::ErrorInvalid, "state"),
            BlockError::Corrupt { .. } => (Status::ErrorChecksum, "corrupt"),
            BlockError::Busy { .. } => (Status::Error, "busy"),
            BlockError::NoSpace { .. } => (Status::Error, "no_space"),
            BlockError::Io { source, .. } if is_full(source) => (Status::Error, "no_space"),
            BlockError::Io { .. } => (Status::Error, "io"),
        };
        if matches!(kind, "corrupt" | "io" | "busy") {
            tracing::warn!(%error, "a replica failed");
        }
        Self::new(status, kind, error.to_string())
    }
}

impl From<WriteError> for Refusal {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Store(error) => error.into(),
            WriteError::Checksum(_) => Self::new(Status::ErrorChecksum, "checksum", error.to_string()),
            WriteError::Malformed(_) => Self::new(Status::ErrorInvalid, "malformed", error.to_string()),
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Why a connection ends without an answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The client sent nonsense.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The connection broke.
    #[error(transparent)]
    Broken(#[from] io::Error),
    /// The client was silent, or took nothing, for too long.
    #[error("the client was silent for too long")]
    Silent,
    /// Another writer claimed the replica.
    #[error("the block was claimed by another writer")]
    Fenced,
    /// An error after the answer, which can only be told by cutting the connection.
    #[error("{}", .0.message)]
    Late(Refusal),
}

impl Fault {
    /// The outcome as it is counted.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::Broken(_) => "broken",
            Self::Silent => "silent",
            Self::Fenced => "fenced",
            Self::Late(refusal) => refusal.kind,
        }
    }
}

impl From<InputError> for Fault {
    fn from(error: InputError) -> Self {
        match error {
            InputError::Malformed(error) => Self::Malformed(error),
            InputError::Broken(error) => Self::Broken(error),
            InputError::Silent(_) => Self::Silent,
        }
    }
}
