use std::sync::Arc;
use std::time::Duration;

use anabranch_hdfs_proto::common::{GetServiceStatusRequestProto, GetServiceStatusResponseProto, HaServiceStateProto};
use anabranch_hdfs_proto::hdfs::{
    NamenodeMembershipStatsRecordProto, SafeModeActionProto, SetSafeModeRequestProto, SetSafeModeResponseProto,
    VersionRequestProto, VersionResponseProto,
};
use anabranch_hrpc::{ConnectOptions, Identity};
use anabranch_store::{Membership, NamenodeState, Writer};
use anabranch_telemetry::clock::wall_ms;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::jmx::{self, JmxError};
use super::keeper::Keeper;
use super::line::Line;
use super::ongoing::Ongoing;
use super::protocol::HA_SERVICE;
use super::record::{self, Found};
use super::web::WebClient;
use crate::config::{HeartbeatConfig, MonitoredNamenode};
use crate::upstream::{CLIENT_PROTOCOL, NAMENODE_PROTOCOL, Trouble};

/// How long a NameNode may take to say which block pool it has, and whether it is in safe mode.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a report waits for what it can do without: safe mode and statistics.
const ALLOWANCE: Duration = Duration::from_secs(1);

/// What NameNodes without high availability say of their state begins so.
const NO_HA: &str = "HA for namenode is not enabled";

/// Watches one NameNode, and reports what it finds.
pub struct Watcher {
    router: String,
    namenode: MonitoredNamenode,
    service: Arc<Line>,
    lifeline: Arc<Line>,
    web: WebClient,
    interval: Duration,
    statistics_interval: Option<Duration>,
    health_timeout: Duration,
    probes: Probes,
    known: Known,
    keeper: Keeper<Membership>,
    created_ms: u64,
}

/// What is being asked.
#[derive(Default)]
struct Probes {
    version: Ongoing<Result<VersionResponseProto, Trouble>>,
    safe_mode: Ongoing<Result<SetSafeModeResponseProto, Trouble>>,
    statistics: Ongoing<Result<NamenodeMembershipStatsRecordProto, JmxError>>,
    state: Ongoing<Result<GetServiceStatusResponseProto, Trouble>>,
}

/// What was answered last.
#[derive(Default)]
struct Known {
    state: Option<NamenodeState>,
    safe_mode: bool,
    statistics: Option<NamenodeMembershipStatsRecordProto>,
    /// When statistics were asked for.
    asked: Option<Instant>,
}

impl Watcher {
    /// Watches for the router of this id, as `user`.
    pub fn new(
        router: &str,
        user: &str,
        namenode: MonitoredNamenode,
        config: &HeartbeatConfig,
        options: &ConnectOptions,
        web: WebClient,
        store: Arc<dyn Writer<Membership>>,
    ) -> Self {
        let line = |address: &str| Arc::new(Line::new(address, Identity::simple(user), options.clone()));
        Self {
            router: router.to_owned(),
            service: line(&namenode.service_address),
            lifeline: line(&namenode.lifeline_address),
            namenode,
            web,
            interval: config.interval,
            statistics_interval: config.statistics_interval,
            health_timeout: config.health_timeout,
            probes: Probes::default(),
            known: Known::default(),
            keeper: Keeper::new(store),
            created_ms: wall_ms(),
        }
    }

    /// Looks at it again and again until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut ticks = interval(self.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let rounds = async {
            loop {
                ticks.tick().await;
                let started = Instant::now();
                if let Some(found) = self.look(started).await {
                    self.report(&found).await;
                }
            }
        };
        stop.run_until_cancelled(rounds).await;
    }

    /// One look. None if it answers but its state is not known: the last report then grows old.
    ///
    /// The probes run side by side. None of them holds up what can be said without it, and one that hangs is not asked
    /// again until its own time is over.
    async fn look(&mut self, started: Instant) -> Option<Found> {
        self.ask(started);
        // Answers within its own time, which is a little shorter.
        let version = self.probes.version.until(started + 2 * PATIENCE).await;
        let info = match version {
            Some(Ok(version)) => version.info,
            Some(Err(trouble)) => return Some(self.unavailable(&trouble.to_string())),
            None => return Some(self.unavailable("no answer")),
        };
        let state = self.state(started + self.interval).await?;
        let allowed = started + self.interval.min(ALLOWANCE);
        match self.probes.safe_mode.until(allowed).await {
            Some(Ok(answer)) => self.known.safe_mode = answer.result,
            Some(Err(_)) => self.known.safe_mode = false,
            None => {}
        }
        match self.probes.statistics.until(allowed).await {
            Some(Ok(statistics)) => self.known.statistics = Some(statistics),
            Some(Err(error)) => {
                tracing::debug!(namenode = %self.shown(), %error, "a NameNode's web server gives no statistics");
            }
            None => {}
        }
        self.tell(state);
        Some(Found {
            state,
            block_pool: info.block_pool_id,
            cluster: info.storage_info.cluster_id,
            safe_mode: self.known.safe_mode,
            statistics: self.known.statistics,
        })
    }

    /// Starts all probes that are not under way.
    fn ask(&mut self, now: Instant) {
        let service = &self.service;
        self.probes.version.start(|| {
            let line = service.clone();
            async move { line.ask(NAMENODE_PROTOCOL, "versionRequest", &VersionRequestProto {}, PATIENCE).await }
        });
        self.probes.safe_mode.start(|| {
            let line = service.clone();
            let action = SafeModeActionProto::SafemodeGet.into();
            let request = SetSafeModeRequestProto { action, checked: Some(false) };
            async move { line.ask(CLIENT_PROTOCOL, "setSafeMode", &request, PATIENCE).await }
        });
        self.probes.state.start(|| {
            let (line, patience) = (self.lifeline.clone(), self.health_timeout);
            async move { line.ask(HA_SERVICE, "getServiceStatus", &GetServiceStatusRequestProto {}, patience).await }
        });
        let due = self
            .statistics_interval
            .is_some_and(|every| self.known.asked.is_none_or(|last| now.saturating_duration_since(last) >= every));
        if due {
            self.known.asked = Some(now);
            self.probes.statistics.start(|| jmx::ask(self.web.clone(), self.namenode.clone()));
        }
    }

    async fn state(&mut self, until: Instant) -> Option<NamenodeState> {
        match self.probes.state.until(until).await? {
            Ok(status) => Some(match status.state() {
                HaServiceStateProto::Active => NamenodeState::Active,
                HaServiceStateProto::Standby => NamenodeState::Standby,
                HaServiceStateProto::Observer => NamenodeState::Observer,
                HaServiceStateProto::Initializing => NamenodeState::Unavailable,
            }),
            Err(Trouble::Exception(exception)) if exception.message.starts_with(NO_HA) => Some(NamenodeState::Active),
            Err(trouble) => {
                let reason = trouble.to_string();
                if self.known.state.take().is_some() {
                    tracing::warn!(namenode = %self.shown(), reason, "a NameNode does not tell its state");
                }
                None
            }
        }
    }

    fn unavailable(&mut self, reason: &str) -> Found {
        // They hang at the same NameNode, and must not keep it from being known when it is back.
        self.probes = Probes::default();
        self.known = Known { state: self.known.state, ..Known::default() };
        if self.known.state.replace(NamenodeState::Unavailable) != Some(NamenodeState::Unavailable) {
            tracing::warn!(namenode = %self.shown(), reason, "a watched NameNode does not answer");
        }
        Found::unavailable()
    }

    fn tell(&mut self, state: NamenodeState) {
        if self.known.state.replace(state) != Some(state) {
            tracing::info!(namenode = %self.shown(), state = state.name(), "a watched NameNode has another state");
        }
    }

    async fn report(&mut self, found: &Found) {
        let message = record::membership(&self.router, &self.namenode, found, self.created_ms, wall_ms());
        match Membership::new(message) {
            Ok(record) => self.keeper.put(record).await,
            Err(error) => tracing::debug!(namenode = %self.shown(), %error, "a NameNode cannot be reported"),
        }
    }

    fn shown(&self) -> String {
        match &self.namenode.namenode {
            Some(id) => format!("{}-{id}:{}", self.namenode.nameservice, self.namenode.rpc_address),
            None => format!("{}:{}", self.namenode.nameservice, self.namenode.rpc_address),
        }
    }
}
