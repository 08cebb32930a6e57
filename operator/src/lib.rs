//! The control plane: custom resources become records in state stores, and routers, stores and embedded subclusters that run
//! in a cluster. Speaks Kubernetes, never Hadoop RPC.
//!
//! Each kind has five verbs, one file each: `dereference` (look up what it refers to), `validate`, `build` (plain
//! functions), `apply` and `status`.

mod adopt;
mod child;
mod cluster;
mod conditions;
mod context;
mod control;
mod error;
mod fleet;
mod index;
mod leader;
mod link;
mod metrics;
mod mounts;
mod names;
mod options;
mod publish;
mod run;
mod status;
mod subcluster;
mod triggers;
mod watches;
mod webhook;

pub use link::{AddressError, Dial, StoreAddress};
pub use options::{Options, PullPolicy, WebhookOptions};
pub use run::{RunError, run};
