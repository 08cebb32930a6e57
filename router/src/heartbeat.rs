//! What this router tells its fleet: of the NameNodes that it watches, and of itself.

mod jmx;
mod keeper;
mod line;
mod namenode;
mod ongoing;
mod pace;
mod record;
mod resolved;
mod router;
mod statistics;
mod web;

pub use namenode::Watcher;
pub use resolved::Resolved;
pub use router::{Announcer, Myself};
pub use web::{TrustError, WebClient};

/// Protocols and methods that the probes use.
mod protocol {
    use anabranch_hrpc::Protocol;

    /// High availability state.
    pub(super) const HA_SERVICE: Protocol = Protocol { name: "org.apache.hadoop.ha.HAServiceProtocol", version: 1 };
}
