//! For tests only: real Hadoop, the project's own programs as processes, and a runner for suites that share them.

pub mod certificates;
pub mod control_plane;
pub mod fake_namenode;
pub mod fake_web;
pub mod fault_proxy;
pub mod hadoop;
pub mod http;
pub mod kdc;
pub mod net;
pub mod pid;
pub mod process;
pub mod scratch;
pub mod suite;
pub mod volume;
pub mod zookeeper;
