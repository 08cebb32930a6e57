//! The keys of quotas.

use super::{Key, Set, Unit};

/// Every one of them.
pub const KEYS: &[Key] = &[
    Key {
        name: "dfs.federation.router.quota.enable",
        default: "false",
        about: "Whether quotas of mounts are heeded: set on their NameNodes, and checked here over all of them.",
        set: Set::Flag(|draft, flag| draft.config.quota.enabled = flag),
    },
    Key {
        name: "dfs.federation.router.quota-cache.update.interval",
        default: "60s",
        about: "How often the router counts what is used of mounts with quotas, and sets quotas right that were changed on a NameNode.",
        set: Set::Positive(Unit::Milliseconds, |draft, time| draft.config.quota.interval = time),
    },
];
