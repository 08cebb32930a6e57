//! Tests with real clients: Hadoop's command line, Hadoop's contract suite, the hdfs-native crate, and raw sockets.

pub mod client;
pub mod commands;
pub mod dfs;
pub mod files;
pub mod json;
pub mod kube;
pub mod metadata;
pub mod native;
pub mod servers;
pub mod wire;
