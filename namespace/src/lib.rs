//! The namespace service: a NameNode for those who have none, with its own block gateway.
//!
//! [`state`] decides, over the tables of a metadata journal, what each operation changes. The writer runs operations one
//! after the other and commits them in groups; reads are answered beside it from the committed state. [`service`] is
//! the RPC server in front, [`block`] keeps the bytes.

pub mod base;
pub mod block;
pub mod clock;
pub mod config;
pub mod groups;
pub mod metrics;
mod recovery;
pub mod service;
mod start;
pub mod state;
pub mod upkeep;
pub mod writer;

pub use config::{Defaults, NamespaceConfig};
pub use start::{NamespaceService, RunningNamespace, StartError};
