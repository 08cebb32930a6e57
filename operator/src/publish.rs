//! Mounts from MountTables to the state store: who may have which path, and what has to be written for it.

pub mod claims;
pub mod plan;
