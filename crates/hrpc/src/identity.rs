//! Who calls.

use std::fmt;
use std::sync::Arc;

/// The user of a connection: the effective user, and the real one when it impersonates.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity {
    /// Whose permissions apply. The full name as it came; see [`Identity::short_name`].
    pub user: Arc<str>,
    /// Who authenticated, when that is someone else (`alice via oozie`).
    pub real_user: Option<Arc<str>>,
}

impl Identity {
    /// A user who acts for himself.
    pub fn simple(user: impl Into<Arc<str>>) -> Self {
        Self { user: user.into(), real_user: None }
    }

    /// The effective user without host and realm: `hdfs` of `hdfs/host@REALM`.
    pub fn short_name(&self) -> &str {
        let end = self.user.find(['/', '@']).unwrap_or(self.user.len());
        &self.user[..end]
    }
}

impl fmt::Display for Identity {
    /// As Java prints a user: `alice (auth:PROXY) via root (auth:SIMPLE)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.real_user {
            None => write!(f, "{} (auth:SIMPLE)", self.user),
            Some(real) => write!(f, "{} (auth:PROXY) via {real} (auth:SIMPLE)", self.user),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_name_has_neither_host_nor_realm() {
        for full in ["hdfs", "hdfs@EXAMPLE.COM", "hdfs/node1@EXAMPLE.COM"] {
            assert_eq!(Identity::simple(full).short_name(), "hdfs");
        }
    }
}
