use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How the destinations of a mount are ordered for a path. All but [`Order::LeaderFollower`] choose one nameservice to
/// come first; the others follow as listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Order {
    /// Consistent hash of the path down to the first component below the mount: a directory stays in one nameservice.
    #[default]
    Hash,
    /// The nameservice next to the client.
    Local,
    /// A random nameservice for each call.
    Random,
    /// Consistent hash of the whole path: files spread, directories exist everywhere.
    HashAll,
    /// A random nameservice for each call, weighted by available space.
    Space,
    /// As listed: the first leads, the others are asked when it fails.
    LeaderFollower,
}

/// A word that names no order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("order {0:?}: expected HASH, LOCAL, RANDOM, HASH_ALL, SPACE or LEADER_FOLLOWER")]
pub struct UnknownOrder(pub String);

impl Order {
    /// Every order with its name.
    pub const NAMES: [(Self, &'static str); 6] = [
        (Self::Hash, "HASH"),
        (Self::Local, "LOCAL"),
        (Self::Random, "RANDOM"),
        (Self::HashAll, "HASH_ALL"),
        (Self::Space, "SPACE"),
        (Self::LeaderFollower, "LEADER_FOLLOWER"),
    ];

    /// The name, such as `HASH_ALL`.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize].1
    }

    /// Whether a directory exists in all destinations, so that operations on it go to all of them.
    pub fn is_all(self) -> bool {
        matches!(self, Self::HashAll | Self::Random | Self::Space)
    }

    /// Whether the first nameservice follows from the path alone.
    pub(crate) fn is_hashed(self) -> bool {
        matches!(self, Self::Hash | Self::HashAll)
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Order {
    type Err = UnknownOrder;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::NAMES.into_iter().find(|(_, known)| known.eq_ignore_ascii_case(name));
        found.map(|(order, _)| order).ok_or_else(|| UnknownOrder(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways() {
        for (order, name) in Order::NAMES {
            assert_eq!(order.to_string(), name);
            assert_eq!(name.parse(), Ok(order));
            assert_eq!(name.to_lowercase().parse(), Ok(order));
            assert_eq!(serde_json::to_value(order).unwrap(), name);
        }
        assert_eq!("ALL".parse::<Order>(), Err(UnknownOrder("ALL".into())));
    }
}
