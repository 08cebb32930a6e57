use std::time::Duration;

/// Quotas of mounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaConfig {
    /// Whether they are heeded (`dfs.federation.router.quota.enable`).
    pub enabled: bool,
    /// How often use is counted anew (`dfs.federation.router.quota-cache.update.interval`).
    pub interval: Duration,
}

impl Default for QuotaConfig {
    fn default() -> Self {
        Self { enabled: false, interval: Duration::from_secs(60) }
    }
}
