//! The keys of what `/jmx` shows of DataNodes.

use super::{Key, Set, Unit};

/// Every one of them.
pub const KEYS: &[Key] = &[
    Key {
        name: "dfs.federation.router.dn-report.time-out",
        default: "1000",
        about: "How long a subcluster may take to report its DataNodes for `/jmx`; it is left out if it takes longer.",
        set: Set::Positive(Unit::Milliseconds, |draft, time| draft.config.datanodes.patience = time),
    },
    Key {
        name: "dfs.federation.router.dn-report.cache-expire",
        default: "10s",
        about: "How long `/jmx` shows the same reports of DataNodes before subclusters are asked again.",
        set: Set::Time(Unit::Milliseconds, |draft, time| draft.config.datanodes.cache = time),
    },
    Key {
        name: "dfs.federation.router.enable.get.dn.usage",
        default: "true",
        about: "Whether `NodeUsage` in `/jmx` tells how full DataNodes are.",
        set: Set::Flag(|draft, flag| draft.config.datanodes.usage = flag),
    },
];
