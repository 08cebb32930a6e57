//! The state machine: what each operation reads, decides and changes. Time comes in as a value, nothing is done but
//! through the tables, so the same operations on the same state give the same changes.

pub mod access;
pub mod audit;
mod fault;
pub mod leases;
pub mod ops;
mod overlay;
pub mod record;
pub mod resolve;
pub mod tables;
mod txn;
pub mod view;

pub use fault::{Fault, Kind};
#[cfg(test)]
mod tests;

pub use txn::{Limits, Moment, Txn};
