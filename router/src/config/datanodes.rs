use std::time::Duration;

/// How often NameNodes are asked for their DataNodes because somebody looks at `/jmx`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatanodesConfig {
    /// How long a subcluster may take to answer (`dfs.federation.router.dn-report.time-out`).
    pub patience: Duration,
    /// How long the answers are shown (`dfs.federation.router.dn-report.cache-expire`).
    pub cache: Duration,
    /// Whether their usage is summed up (`dfs.federation.router.enable.get.dn.usage`).
    pub usage: bool,
}

impl Default for DatanodesConfig {
    fn default() -> Self {
        Self { patience: Duration::from_secs(1), cache: Duration::from_secs(10), usage: true }
    }
}
