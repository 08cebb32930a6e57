//! The router's administration, called as `hdfs dfsrouteradmin` calls it.
#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
#[path = "../forwarding/rig.rs"]
mod forwarding;
mod mounts;
mod quotas;
mod refresh;
mod rig;
mod safe_mode;
mod subclusters;
mod watches;
