//! The operations that change the namespace, one file per group. Each is a function of the state and its arguments.

mod append;
mod attributes;
mod block;
mod concat;
mod create;
mod delete;
mod format;
mod mkdirs;
mod open;
mod pipeline;
mod reap;
mod recover;
mod rename;
mod rename2;
mod truncate;

pub use append::{Appended, append};
pub use attributes::{set_access_time, set_owner, set_permission, set_replication, set_times};
pub use block::{Added, abandon_block, add_block, check_placement, complete, fsync};
pub use concat::concat;
pub use create::{Create, create};
pub use delete::{check_delete, delete};
pub use format::{Format, format};
pub use mkdirs::mkdirs;
pub use open::{Named, find_writer, lease_description};
pub use pipeline::{update_block_for_pipeline, update_pipeline};
pub use reap::{Place, collect_garbage, forget_answers, garbage, reap};
pub use recover::{Recovery, Takeover, begin_recovery, finish_recovery, take_over};
pub use rename::rename;
pub use rename2::{Rename2, rename2};
pub use truncate::{Truncated, truncate};
