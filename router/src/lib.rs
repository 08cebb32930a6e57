//! The data plane: forwards Hadoop RPC to the subcluster that owns the path of a call.
//!
//! A call's way: [`session`] finds the row of its method in the [`method`] table and its paths ([`facts`]); [`plan`]
//! decides where it goes; [`forward`] carries the plan out, with [`rewrite`] for the paths in its bytes, [`upstream`] for
//! the NameNodes, and [`merge`] for what several of them answer; [`respond`] turns what went wrong into a Java exception.
//! Administrators have a port of their own ([`admin`]).

mod admin;
mod block_pools;
pub mod config;
mod core;
mod datanodes;
pub mod explain;
mod facts;
mod federation_view;
mod fleet;
mod forward;
pub mod fuzz;
mod groups;
mod heartbeat;
mod http;
pub mod jmx;
pub mod merge;
pub mod method;
mod metrics;
pub mod plan;
mod quotas;
mod respond;
pub mod rewrite;
mod router;
mod safe_mode;
mod session;
mod staleness;
mod upstream;
mod whereabouts;

pub use admin::ReadProxyUsers;
pub use config::RouterConfig;
pub use router::{Mounts, Router, RunningRouter, Runtimes, Sources, StartError};
pub use safe_mode::{Cause, State as SafeModeState};
pub use staleness::trusted;
