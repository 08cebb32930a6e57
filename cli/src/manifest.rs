//! Objects in files: what `kubectl apply -f DIR` would send to a cluster, read and checked without one.

mod check;
mod object;
mod problem;
mod source;
mod watch;
mod yaml;

pub use check::{Federation, Scope};
pub use problem::{Problem, Problems};
pub use source::{ReadError, Source, SourceFile};
pub use watch::{Change, Watch};
