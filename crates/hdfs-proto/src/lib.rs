//! The messages of Hadoop's protocols, as Rust types. No logic.
//!
//! `proto/` holds the definitions: names, numbers, types and defaults are Hadoop 3.4.2's, since they are the interface.
//! `src/gen` is made from them by `cargo xtask proto` and committed, so that a build needs no protobuf compiler; the test
//! run fails when the two differ, or when a definition differs from the descriptors in Hadoop's jars.
//!
//! Decoding a message drops the fields that it does not know. What is passed on is therefore never decoded and encoded
//! again, but spliced (see the router's `rewrite`).

/// A method of a protocol: its name and the full names of its two messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Method {
    /// The name on the wire, such as `getFileInfo`.
    pub name: &'static str,
    /// Full name of the parameter message.
    pub request: &'static str,
    /// Full name of the result message.
    pub response: &'static str,
}

/// Package `hadoop.common`: RPC headers, handshake, tokens, side protocols, high availability.
#[allow(missing_docs, unreachable_pub, clippy::all)]
pub mod common {
    include!("gen/hadoop.common.rs");
}

/// Package `hadoop.hdfs`: ClientProtocol, data transfer, records of the state store.
#[allow(missing_docs, unreachable_pub, clippy::all)]
pub mod hdfs {
    include!("gen/hadoop.hdfs.rs");

    /// Package `hadoop.hdfs.namenode`: NamenodeProtocol.
    pub mod namenode {
        include!("gen/hadoop.hdfs.namenode.rs");
    }

    /// Package `hadoop.hdfs.router`: RouterAdminProtocol.
    pub mod router {
        include!("gen/hadoop.hdfs.router.rs");
    }
}
