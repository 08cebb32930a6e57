//! The programs `anabranch` and `anabranch-router`.

pub mod dfs;
