//! The domain of HDFS federation, as values and functions of them: paths, mount tables, the resolution of a path to the
//! places where it lives, the orders in which those places are asked, and quotas. No I/O, no clock, no randomness of its
//! own: what a decision needs is passed in.
//!
//! Behaviour that existing data depends on (consistent hashing, see [`Order`]) is that of Hadoop's router, bit for bit.

mod access;
mod entry;
pub mod explain;
mod fnv;
pub mod membership;
mod nameservice;
mod order;
mod path;
mod quota;
pub mod raw;
mod resolve;
mod ring;
mod table;
mod temporary;
mod trash;

pub use access::{Action, Allowed, Authority};
pub use entry::{Declared, Destination, Destinations, EntryError, EntryProblem, MountEntry, OffByName, duplicates};
pub use fnv::fnv1a;
pub use nameservice::{NameserviceError, NameserviceId};
pub use order::{Order, UnknownOrder};
pub use path::{MountPath, PathError, normalise};
pub use quota::{Exceeded, Growth, Limit, Limited, Limits, Quota, StorageType, Usage, Usages, binary};
pub use resolve::{Location, Locations, Placement, ResolveError, Resolved, Rule};
pub use table::MountTable;
