use std::net::SocketAddr;
use std::sync::Arc;

use anabranch_federation::MountTable;
use anabranch_hrpc::ServerStats;
use anabranch_store::{Record, RouterStatus};
use anabranch_telemetry::http::Statistics;
use anabranch_telemetry::{Build, Readiness, clock};

use crate::core::Core;
use crate::datanodes::DatanodeReports;
use crate::federation_view::{FederationView, Standing};

/// Everything that beans read.
pub struct Sources {
    /// The data plane.
    pub core: Arc<Core>,
    /// What the state store says.
    pub view: FederationView,
    /// What NameNodes report of their DataNodes.
    pub datanodes: DatanodeReports,
    /// The counts of the port that serves clients.
    pub rpc: Arc<ServerStats>,
    /// That port.
    pub rpc_address: SocketAddr,
    /// Administration, if it is served.
    pub admin: Option<AdminPort>,
    /// The web server, if there is one.
    pub web: Option<WebPort>,
    /// Which program this is.
    pub build: Build,
    /// Whether it ends.
    pub readiness: Readiness,
    /// The name of this machine.
    pub host: String,
    /// When this router started, in milliseconds since 1970.
    pub started_ms: u64,
}

/// The port that serves administrators.
pub struct AdminPort {
    /// Where.
    pub address: SocketAddr,
    /// Its counts.
    pub stats: Arc<ServerStats>,
}

/// The port that serves HTTP.
pub struct WebPort {
    /// Where.
    pub address: SocketAddr,
    /// Its counts.
    pub statistics: Statistics,
}

impl Sources {
    /// How far this router is.
    pub(super) fn status(&self) -> RouterStatus {
        if self.readiness.is_closed() {
            return RouterStatus::Stopping;
        }
        self.core.safe_mode.status_now()
    }

    /// The NameNodes of the federation, and what time it is.
    pub(super) fn standing(&self) -> (Standing, u64) {
        let now = clock::wall_ms();
        let memberships = self.view.memberships().borrow().clone();
        let disabled = self.view.disabled().borrow().clone();
        let disabled: Vec<&str> = disabled.records().map(Record::key).collect();
        let lifetime = self.core.config.heartbeat.membership_lifetime;
        (Standing::of(memberships.records(), &disabled, lifetime, now), now)
    }

    pub(super) fn mounts(&self) -> Arc<MountTable> {
        self.core.mounts.load_full().unwrap_or_default()
    }

    /// `host:port` of the port for clients.
    pub(super) fn host_and_port(&self) -> String {
        format!("{}:{}", self.host, self.rpc_address.port())
    }

    /// As Hadoop writes a version and its revision.
    pub(super) fn version(&self) -> String {
        format!("{}, r{}", self.build.version, self.build.revision)
    }

    /// Who made the build, in Hadoop's form.
    pub(super) fn compile_info(&self) -> String {
        format!("{COMPILED} by Unknown from {}", self.build.revision)
    }

    /// Why no change is accepted; empty while it is.
    pub(super) fn safe_mode(&self) -> &'static str {
        match self.status() {
            RouterStatus::SafeMode => {
                "Safe mode is ON. The mount table is not loaded, or was not renewed for too long."
            }
            _ => "",
        }
    }
}

/// Builds do not note when they were made: the same sources give the same program.
pub(super) const COMPILED: &str = "Unknown";
