//! What every program of the project tells the world about itself: logs, metrics, readiness, its build, and the clock.

pub mod build;
pub mod clock;
pub mod http;
pub mod jmx;
pub mod logging;
pub mod metrics;
pub mod process;
pub mod readiness;

pub use build::Build;
pub use metrics::Metrics;
pub use readiness::{Condition, Readiness};
