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

    /// The protocol is served, but has no such method.
    pub fn no_such_method(method: &str, protocol: &str) -> Self {
        let message = format!("Unknown method {method} called on {protocol} protocol.");
        Self { detail: RpcErrorCodeProto::ErrorNoSuchMethod, ..Self::new(class::NO_SUCH_METHOD, message) }
    }

    /// The protocol is not served on this port.
    pub fn no_such_protocol(protocol: &str) -> Self {
        let message = format!("Unknown protocol: {protocol}");
        Self { detail: RpcErrorCodeProto::ErrorNoSuchProtocol, ..Self::new(class::NO_SUCH_PROTOCOL, message) }
    }

    /// The protocol is served in another version.
    pub fn protocol_version_mismatch(protocol: &str, client: u64, server: u64) -> Self {
        let message = format!("Protocol {protocol} version mismatch. (client = {client}, server = {server})");
        Self { detail: RpcErrorCodeProto::ErrorRpcVersionMismatch, ..Self::new(class::VERSION_MISMATCH, message) }
    }

    /// Bytes that are not the message that they should be.
    pub fn invalid_protobuf(message: impl Into<String>) -> Self {
        Self::new(class::INVALID_PROTOBUF, message)
    }

    /// The real user may not act for the effective one.
    pub fn impersonation_refused(real_user: &str, user: &str) -> Self {
        let message = format!("User: {real_user} is not allowed to impersonate {user}");
        Self::unauthorized(class::AUTHORIZATION, message)
    }

    /// The connection is refused for who makes it (`FATAL_UNAUTHORIZED`).
    pub fn unauthorized(class: &'static str, message: impl Into<String>) -> Self {
        Self { detail: RpcErrorCodeProto::FatalUnauthorized, ..Self::new(class, message) }
    }

    /// The exception with which an authorisation refused, made into one that refuses the connection.
    pub(crate) fn unauthorized_by(refusal: Self) -> Self {
        Self { detail: RpcErrorCodeProto::FatalUnauthorized, ..refusal }
    }

    /// The client broke the protocol (`FATAL_INVALID_RPC_HEADER`).
    pub fn invalid_header(message: impl Into<String>) -> Self {
        Self { detail: RpcErrorCodeProto::FatalInvalidRpcHeader, ..Self::new(class::RPC_SERVER, message) }
    }

    /// A header could not be read (`FATAL_DESERIALIZING_REQUEST`).
    pub fn undecodable(message: impl Into<String>) -> Self {
        Self { detail: RpcErrorCodeProto::FatalDeserializingRequest, ..Self::new(class::RPC_SERVER, message) }
    }

    /// The client speaks another version of Hadoop RPC.
    pub fn rpc_version_mismatch(client: i8) -> Self {
        let server = crate::header::VERSION;
        let message = format!("Server IPC version {server} cannot communicate with client version {client}");
        Self { detail: RpcErrorCodeProto::FatalVersionMismatch, ..Self::new(class::VERSION_MISMATCH, message) }
    }

    /// The message without a stack trace that may follow.
    pub fn first_line(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
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
        ASSERTION = "java.lang.AssertionError";
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
        INVALID_REQUEST = "org.apache.hadoop.fs.InvalidRequestException";
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
        QUOTA_BY_STORAGE_TYPE_EXCEEDED = "org.apache.hadoop.hdfs.protocol.QuotaByStorageTypeExceededException";
        PATH_COMPONENT_TOO_LONG = "org.apache.hadoop.hdfs.protocol.FSLimitException$PathComponentTooLongException";
        MAX_DIRECTORY_ITEMS = "org.apache.hadoop.hdfs.protocol.FSLimitException$MaxDirectoryItemsExceededException";
        SNAPSHOT = "org.apache.hadoop.hdfs.protocol.SnapshotException";
        NO_LOCATION = "org.apache.hadoop.hdfs.server.federation.router.NoLocationException";
        ROUTER_RESOLVE = "org.apache.hadoop.hdfs.server.federation.resolver.RouterResolveException";
        STATE_STORE_UNAVAILABLE = "org.apache.hadoop.hdfs.server.federation.store.StateStoreUnavailableException";
        HADOOP_ILLEGAL_ARGUMENT = "org.apache.hadoop.HadoopIllegalArgumentException";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_what_java_calls_the_message() {
        for (message, first) in [("no\n\tat a.B", "no"), ("no", "no"), ("", "")] {
            assert_eq!(Exception::new(class::IO, message).first_line(), first);
        }
    }
}
