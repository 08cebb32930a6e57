//! Why a call is not forwarded. The sentences are those of Hadoop's router; tools look for them.

use anabranch_federation::Exceeded;

/// A call that stops at the router.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It would take a mount point away.
    #[error("The operation is not allowed because the path: {path} is a mount point")]
    MountPoint {
        /// The client's path.
        path: String,
    },
    /// It would take the mount points below away.
    #[error("The operation is not allowed because there are mount points: {children} under the path: {path}")]
    MountsBelow {
        /// The client's path.
        path: String,
        /// Names of the mount points, separated by commas.
        children: String,
    },
    /// No mount covers the path, and nobody owns the rest.
    #[error("Cannot find locations for {path}, because the default nameservice is disabled to read or write")]
    NoDefaultNameservice {
        /// The client's path.
        path: String,
    },
    /// The same, asked about the mount point.
    #[error("No mount point for {path}")]
    NoMountPoint {
        /// The client's path.
        path: String,
    },
    /// Every subcluster that has the path is out of service.
    #[error("Cannot find locations for {path} in MultipleDestinationMountTableResolver")]
    NoLocation {
        /// The client's path.
        path: String,
    },
    /// A write below a read-only mount.
    #[error("{path} is in a read only mount point")]
    ReadOnly {
        /// The client's path.
        path: String,
    },
    /// A write to a file by its number, which says nothing of the mount that the file is in; each subcluster has a file of
    /// that number.
    #[error("{path} names a file by its number; where paths are mounted, files can be changed by their paths only")]
    ByNumber {
        /// The client's path.
        path: String,
    },
    /// A rename from one subcluster to another.
    #[error("Rename of {src} to {dst} is not allowed, no eligible destination in the same namespace was found")]
    RenameAcross {
        /// The client's source path.
        src: String,
        /// The client's destination path.
        dst: String,
    },
    /// A rename onto what another subcluster has.
    #[error("rename destination {dst} already exists")]
    RenameOnto {
        /// The client's destination path.
        dst: String,
    },
    /// A rename of a directory of which one part would stay behind.
    #[error(
        "Rename of {src} to {dst} is not allowed. The number of remote locations for both source and target should be same."
    )]
    RenamePartly {
        /// The client's source path.
        src: String,
        /// The client's destination path.
        dst: String,
    },
    /// A directory of which one part was renamed and another was not.
    #[error("{src} was renamed to {dst} in part: {rest} says that it did not rename what it has of it")]
    RenamedPartly {
        /// The client's source path.
        src: String,
        /// The client's destination path.
        dst: String,
        /// The nameservice that has the rest.
        rest: String,
    },
    /// A rename that would overwrite a directory that is not empty.
    #[error("rename destination directory is not empty: {dst}")]
    RenameOntoFull {
        /// The client's destination path.
        dst: String,
    },
    /// A report page by page, of directories of which each subcluster has its own. Clients ask for the whole report then.
    #[error("{method} is for directories of one nameservice, and {path} is in several; ask for the whole report")]
    InPages {
        /// The method's name.
        method: &'static str,
        /// The client's path.
        path: String,
    },
    /// A concat of files of different subclusters.
    #[error(
        "Cannot concatenate source file {src} because it is located in a different namespace with block pool id {src_pool} from the target file with block pool id {target_pool}"
    )]
    ConcatAcross {
        /// The client's path of the file elsewhere.
        src: String,
        /// Block pool of that file, or its nameservice when the pool is not known.
        src_pool: String,
        /// The same of the target.
        target_pool: String,
    },
    /// The mount table is not loaded, or too old to be trusted with changes.
    #[error("Router {router} is in safe mode and cannot handle {category} requests")]
    SafeMode {
        /// Id of this router.
        router: String,
        /// `READ` or `WRITE`.
        category: &'static str,
    },
    /// The method is known, but not implemented.
    #[error("Operation \"{method}\" is not supported")]
    Unsupported {
        /// Its name.
        method: &'static str,
    },
    /// Quotas are set on the NameNodes.
    #[error("The quota system is disabled in Router.")]
    NoQuota,
    /// Quotas of mounts are set by administrators of the mount table.
    #[error("Permission denied: {user} is not allowed to change quota of {path}")]
    QuotaOfMount {
        /// Who called.
        user: String,
        /// The mount point.
        path: String,
    },
    /// More is used of a mount than its quota allows.
    #[error("{0}")]
    QuotaExceeded(Exceeded),
    /// There are no delegation tokens without security.
    #[error("Delegation tokens are issued only with security on; this router runs with simple authentication")]
    NoTokens,
    /// What is said of a cache directive makes no sense, in the words of NameNodes; but that it is not where its path is, they
    /// do not know.
    #[error("{0}")]
    Directive(String),
    /// The subcluster of a cache directive is out of service.
    #[error("Cannot find locations for the directive with ID {id}, because its nameservice {nameservice} is disabled")]
    DirectiveAway {
        /// As clients know it.
        id: i64,
        /// Its subcluster.
        nameservice: String,
    },
    /// Nothing is known that could answer.
    #[error("No namespace available.")]
    NoNamespace,
    /// No subcluster owns this block pool.
    #[error("Cannot locate a registered namenode for {wanted} from {router}")]
    NoNamenode {
        /// Nameservice or block pool.
        wanted: String,
        /// Id of this router.
        router: String,
    },
    /// The parameter message cannot be read.
    #[error("Message missing required fields: {field}")]
    Missing {
        /// What is not there.
        field: &'static str,
    },
    /// The parameter message cannot be read.
    #[error("{0}")]
    Unreadable(String),
}
