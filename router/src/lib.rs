//! The data plane: forwards Hadoop RPC to the subcluster that owns the path of a call.

pub mod config;

pub use config::RouterConfig;
