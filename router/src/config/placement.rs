use std::time::Duration;

/// What the orders LOCAL and SPACE go by.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacementConfig {
    /// How long what is known of hosts and of space is used before it is looked at again
    /// (`dfs.federation.router.router-resolver.update-period`).
    pub update_period: Duration,
    /// How likely the roomiest nameservice is chosen, from 0 to 1
    /// (`dfs.federation.router.available-space-resolver.balanced-space-preference-fraction`).
    pub preference: f64,
}

impl Default for PlacementConfig {
    fn default() -> Self {
        Self { update_period: Duration::from_secs(10), preference: 0.6 }
    }
}
