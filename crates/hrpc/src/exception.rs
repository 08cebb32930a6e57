//! Java exceptions, as they travel in Hadoop RPC. The only place that knows their class names.

use std::borrow::Cow;

use anabranch_hdfs_proto::common::rpc_response_header_proto::RpcErrorCodeProto;

/// A Java exception: what a server answers in place of a result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{class}: {message}")]
pub struct Exception {
    /// Fully qualified Java class, such as `java.io.IOException`. Clients branch on it.
    pub class: Cow<'static, str>,
    /// What `getMessage()` returns; a stack trace may follow the first line.
    pub message: String,
    /// `errorDetail` of the response header.
    pub detail: RpcErrorCodeProto,
}

impl Exception {
    /// An exception of the application (`ERROR_APPLICATION`) of one of the classes in [`class`].
    pub fn new(class: &'static str, message: impl Into<String>) -> Self {
        Self { class: Cow::Borrowed(class), message: message.into(), detail: RpcErrorCodeProto::ErrorApplication }
    }

    /// Whether it is of this class.
    pub fn is(&self, class: &str) -> bool {
        self.class == class
    }
}

/// Class names.
pub mod class {
    macro_rules! classes {
        ($($(#[$doc:meta])* $name:ident = $class:literal;)*) => { $($(#[$doc])* #[doc = concat!("`", $class, "`")] pub const $name: &str = $class;)* };
    }
    classes! {
        IO = "java.io.IOException";
        FILE_NOT_FOUND = "java.io.FileNotFoundException";
        EOF = "java.io.EOFException";
        CONNECT = "java.net.ConnectException";
        ILLEGAL_ARGUMENT = "java.lang.IllegalArgumentException";
        UNSUPPORTED_OPERATION = "java.lang.UnsupportedOperationException";
        ACCESS_CONTROL = "org.apache.hadoop.security.AccessControlException";
        AUTHORIZATION = "org.apache.hadoop.security.authorize.AuthorizationException";
        STANDBY = "org.apache.hadoop.ipc.StandbyException";
        RETRIABLE = "org.apache.hadoop.ipc.RetriableException";
        RPC_SERVER = "org.apache.hadoop.ipc.RpcServerException";
        IPC = "org.apache.hadoop.ipc.IpcException";
        NO_SUCH_METHOD = "org.apache.hadoop.ipc.RpcNoSuchMethodException";
        NO_SUCH_PROTOCOL = "org.apache.hadoop.ipc.RpcNoSuchProtocolException";
        VERSION_MISMATCH = "org.apache.hadoop.ipc.RPC$VersionMismatch";
        INVALID_PROTOBUF = "org.apache.hadoop.thirdparty.protobuf.InvalidProtocolBufferException";
        FILE_ALREADY_EXISTS = "org.apache.hadoop.fs.FileAlreadyExistsException";
        PARENT_NOT_DIRECTORY = "org.apache.hadoop.fs.ParentNotDirectoryException";
        PATH_IS_NOT_EMPTY_DIRECTORY = "org.apache.hadoop.fs.PathIsNotEmptyDirectoryException";
        INVALID_PATH = "org.apache.hadoop.fs.InvalidPathException";
        ALREADY_BEING_CREATED = "org.apache.hadoop.hdfs.protocol.AlreadyBeingCreatedException";
        RECOVERY_IN_PROGRESS = "org.apache.hadoop.hdfs.protocol.RecoveryInProgressException";
        LEASE_EXPIRED = "org.apache.hadoop.hdfs.server.namenode.LeaseExpiredException";
        NOT_REPLICATED_YET = "org.apache.hadoop.hdfs.server.namenode.NotReplicatedYetException";
        SAFE_MODE = "org.apache.hadoop.hdfs.server.namenode.SafeModeException";
        NS_QUOTA_EXCEEDED = "org.apache.hadoop.hdfs.protocol.NSQuotaExceededException";
        DS_QUOTA_EXCEEDED = "org.apache.hadoop.hdfs.protocol.DSQuotaExceededException";
        PATH_COMPONENT_TOO_LONG = "org.apache.hadoop.hdfs.protocol.FSLimitException$PathComponentTooLongException";
        SNAPSHOT = "org.apache.hadoop.hdfs.protocol.SnapshotException";
        NO_LOCATION = "org.apache.hadoop.hdfs.server.federation.router.NoLocationException";
        ROUTER_RESOLVE = "org.apache.hadoop.hdfs.server.federation.resolver.RouterResolveException";
        STATE_STORE_UNAVAILABLE = "org.apache.hadoop.hdfs.server.federation.store.StateStoreUnavailableException";
        HADOOP_ILLEGAL_ARGUMENT = "org.apache.hadoop.HadoopIllegalArgumentException";
    }
}
