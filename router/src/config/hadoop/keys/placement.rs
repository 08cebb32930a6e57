//! The keys of what the orders LOCAL and SPACE go by.

use super::{Key, Set, Unit};

/// Every one of them.
pub const KEYS: &[Key] = &[
    Key {
        name: "dfs.federation.router.router-resolver.update-period",
        default: "10s",
        about: "While a mount has the order LOCAL, how often subclusters are asked for their DataNodes; while one has the order SPACE, after how long at the latest free space is looked up again.",
        set: Set::Positive(Unit::Milliseconds, |draft, time| draft.config.placement.update_period = time),
    },
    Key {
        name: "dfs.federation.router.available-space-resolver.balanced-space-preference-fraction",
        default: "0.6",
        about: "How likely the order SPACE takes the subcluster with most free space; else it takes that with most of the others, as likely, and so on.",
        set: Set::Fraction(|draft, fraction| draft.config.placement.preference = fraction),
    },
];
