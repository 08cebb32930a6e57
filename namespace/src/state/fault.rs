//! Why an operation did not happen, in the words that a NameNode uses.

use anabranch_hrpc::{Exception, class};

/// Which Java exception a [`Fault`] becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The caller may not.
    AccessControl,
    /// Something that no client sends.
    Assertion,
    /// The file is being written by somebody.
    AlreadyBeingCreated,
    /// Something exists where nothing may.
    FileAlreadyExists,
    /// Something that has to exist does not.
    FileNotFound,
    /// An argument that no state would accept.
    HadoopIllegalArgument,
    /// As [`Kind::HadoopIllegalArgument`], where NameNodes use Java's own class.
    IllegalArgument,
    /// A path that does not parse.
    InvalidPath,
    /// Any other refusal, and failures of the storage.
    Io,
    /// The caller does not hold the file's lease any more.
    LeaseExpired,
    /// A directory would get too many entries.
    MaxDirectoryItems,
    /// A directory that has to be empty is not.
    NotEmpty,
    /// A name is too long.
    NameTooLong,
    /// The last block is not closed yet; later it works.
    NotReplicatedYet,
    /// A path leads through a file.
    ParentNotDirectory,
    /// The file is being recovered; later it works.
    RecoveryInProgress,
    /// Nothing is wrong, but not now.
    Retriable,
    /// The namespace is read-only at the moment.
    SafeMode,
    /// Not a thing that this service does.
    Unsupported,
}

impl Kind {
    fn class(self) -> &'static str {
        match self {
            Self::AccessControl => class::ACCESS_CONTROL,
            Self::Assertion => class::ASSERTION,
            Self::AlreadyBeingCreated => class::ALREADY_BEING_CREATED,
            Self::FileAlreadyExists => class::FILE_ALREADY_EXISTS,
            Self::FileNotFound => class::FILE_NOT_FOUND,
            Self::HadoopIllegalArgument => class::HADOOP_ILLEGAL_ARGUMENT,
            Self::IllegalArgument => class::ILLEGAL_ARGUMENT,
            Self::InvalidPath => class::INVALID_PATH,
            Self::Io => class::IO,
            Self::LeaseExpired => class::LEASE_EXPIRED,
            Self::MaxDirectoryItems => class::MAX_DIRECTORY_ITEMS,
            Self::NotEmpty => class::PATH_IS_NOT_EMPTY_DIRECTORY,
            Self::NameTooLong => class::PATH_COMPONENT_TOO_LONG,
            Self::NotReplicatedYet => class::NOT_REPLICATED_YET,
            Self::ParentNotDirectory => class::PARENT_NOT_DIRECTORY,
            Self::RecoveryInProgress => class::RECOVERY_IN_PROGRESS,
            Self::Retriable => class::RETRIABLE,
            Self::SafeMode => class::SAFE_MODE,
            Self::Unsupported => class::UNSUPPORTED_OPERATION,
        }
    }
}

/// Why an operation did not happen. Nothing of it did.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The caller is told.
    #[error("{message}")]
    Refused {
        /// The class of the answer.
        kind: Kind,
        /// Its message.
        message: String,
    },
    /// The last writer of this file is gone. Its file has to be recovered first (which asks the block side), then the
    /// operation is tried again.
    #[error("the file with inode {inode} has to be recovered first")]
    Abandoned {
        /// The file.
        inode: u64,
        /// What the caller is told when the recovery does not succeed in time.
        message: String,
    },
}

impl Fault {
    /// A refusal.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self::Refused { kind, message: message.into() }
    }

    /// `IOException`.
    pub fn io(message: impl Into<String>) -> Self {
        Self::new(Kind::Io, message)
    }

    /// `FileNotFoundException` for a path.
    pub fn no_file(path: &str) -> Self {
        Self::new(Kind::FileNotFound, format!("File does not exist: {path}"))
    }

    /// What is stored contradicts itself. Names the table and what was found there.
    pub fn corrupt(table: &str, detail: impl std::fmt::Display) -> Self {
        Self::io(format!("the journal's table {table} is inconsistent: {detail}"))
    }

    /// Whether it is a refusal of this kind.
    pub fn is(&self, wanted: Kind) -> bool {
        matches!(self, Self::Refused { kind, .. } if *kind == wanted)
    }
}

impl From<anabranch_journal::Error> for Fault {
    fn from(error: anabranch_journal::Error) -> Self {
        Self::io(format!("the metadata journal failed: {error}"))
    }
}

impl From<Fault> for Exception {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused { kind, message } => Self::new(kind.class(), message),
            Fault::Abandoned { message, .. } => Self::new(class::RECOVERY_IN_PROGRESS, message),
        }
    }
}
