//! The real Apache Hadoop, unmodified, from Maven Central.

mod cluster;
mod contract;
mod jars;
mod jvm;
mod quorum;
mod shell;

pub use cluster::{Cluster, Plan};
pub use contract::{ContractRun, Outcome};
pub use jars::Jars;
pub(crate) use jars::workspace;
pub use jvm::{Jvm, Tuning};
pub use quorum::Quorum;
pub use shell::{Output, Session, Shell};
