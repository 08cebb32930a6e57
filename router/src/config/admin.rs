//! Administration: who may, where, and what is checked.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// `dfs.federation.router.admin.*`.
#[derive(Debug, Clone)]
pub struct AdminConfig {
    /// Where RouterAdminProtocol is served; none for no administration.
    pub address: Option<SocketAddr>,
    /// Whether a mount is refused whose destinations do not exist.
    pub check_mounts: bool,
    /// The longest component of a destination, in letters; 0 for any.
    pub max_component_length: usize,
    /// Whether permissions are checked.
    pub permissions: bool,
}

impl Default for AdminConfig {
    fn default() -> Self {
        Self {
            address: Some((Ipv4Addr::UNSPECIFIED, 8111).into()),
            check_mounts: false,
            max_component_length: 0,
            permissions: true,
        }
    }
}

/// `dfs.federation.router.safemode.*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SafeModeConfig {
    /// Whether there is a safe mode at all.
    pub enabled: bool,
    /// How long it lasts at least after the start.
    pub extension: Duration,
    /// How long the state store may be away before it begins.
    pub expiration: Duration,
}

impl SafeModeConfig {
    /// How old a mount table may be to be trusted.
    pub fn staleness(&self) -> Duration {
        if self.enabled { self.expiration } else { Duration::MAX }
    }
}

impl Default for SafeModeConfig {
    fn default() -> Self {
        Self { enabled: true, extension: Duration::ZERO, expiration: Duration::from_secs(180) }
    }
}
