//! The programs of Anabranch as a library: `anabranch` and `anabranch-router` are thin around it.

pub mod dfs;
pub mod manifest;
