//! Quotas of mounts. The mount table says what they are; here is what is used of them.
//!
//! Two places hold them: each NameNode has the quotas of the directories that mounts lead to, set by [`keep`] and by
//! administrators' changes; and each router checks calls that add something against what all NameNodes together had used
//! when it counted last.

mod directory;
mod keep;
mod known;
mod round;
mod wanted;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anabranch_federation::{MountPath, NameserviceId, Usages};
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::sync::Notify;

pub use keep::keep;
pub use round::Round;

use crate::config::QuotaConfig;
use known::Known;

/// What a router knows of the use of mounts. Calls read one snapshot; who counts puts another one in its place.
pub struct Quotas {
    enabled: bool,
    usages: ArcSwap<Usages>,
    known: Mutex<Known>,
    /// Mounts for whose quotas calls were refused since they were counted.
    doubts: Mutex<BTreeSet<MountPath>>,
    doubted: Notify,
    /// Subclusters that rounds wait for, and whether another round has left one out meanwhile.
    busy: Mutex<BTreeMap<NameserviceId, bool>>,
    /// One that was left out is free.
    freed: Notify,
}

impl Quotas {
    /// Nothing is counted yet.
    pub fn new(config: &QuotaConfig) -> Self {
        Self {
            enabled: config.enabled,
            usages: ArcSwap::default(),
            known: Mutex::default(),
            doubts: Mutex::default(),
            doubted: Notify::new(),
            busy: Mutex::default(),
            freed: Notify::new(),
        }
    }

    /// Whether quotas of mounts mean anything to this router.
    pub fn are_heeded(&self) -> bool {
        self.enabled
    }

    /// What is used of mounts; none where quotas are not heeded.
    pub fn usages(&self) -> Option<Arc<Usages>> {
        self.enabled.then(|| self.usages.load_full())
    }

    /// A call was refused for the quota of this mount, by a count that may be old: so it is counted again soon.
    pub fn doubt(&self, source: &MountPath) {
        self.doubts.lock().insert(source.clone());
        self.doubted.notify_one();
    }
}
