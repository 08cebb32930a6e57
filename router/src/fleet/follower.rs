use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anabranch_federation::NameserviceId;
use anabranch_federation::membership::{NamenodeName, Report, Roster};
use anabranch_store::{Change, DisabledNameservice, Event, Membership, Reader, Record, StateStore};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::subscription::Subscription;
use super::sweeper::period;
use crate::core::Core;

/// Follows what the fleet reports of NameNodes, and which nameservices are disabled, and puts it in use.
pub struct Follower {
    core: Arc<Core>,
    members: Subscription<Membership>,
    disabled: Subscription<DisabledNameservice>,
    roster: Roster,
    out_of_service: BTreeSet<String>,
    /// Where this router serves clients.
    rpc_address: String,
    /// Reports that take this router for a NameNode, each of which was told once.
    circles: BTreeSet<String>,
    /// Date of the newest report.
    newest: Arc<AtomicU64>,
}

impl Follower {
    /// Over a store.
    pub fn new(core: Arc<Core>, store: &Arc<dyn StateStore>, rpc_address: String, newest: Arc<AtomicU64>) -> Self {
        let members: Arc<dyn Reader<Membership>> = store.clone();
        let disabled: Arc<dyn Reader<DisabledNameservice>> = store.clone();
        Self {
            members: Subscription::new(&*members),
            disabled: Subscription::new(&*disabled),
            roster: Roster::new(core.config.heartbeat.membership_lifetime),
            out_of_service: BTreeSet::new(),
            rpc_address,
            circles: BTreeSet::new(),
            newest,
            core,
        }
    }

    /// Follows until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut ticks = interval(period(self.core.config.heartbeat.membership_lifetime));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let work = async {
            loop {
                let changed = tokio::select! {
                    event = self.members.next() => self.reported(event),
                    event = self.disabled.next() => self.disabled(event),
                    _ = ticks.tick() => self.roster.tick(self.members.now_ms()),
                };
                if changed {
                    self.put_in_use();
                }
            }
        };
        stop.run_until_cancelled(work).await;
    }

    fn reported(&mut self, event: Event<Membership>) -> bool {
        let now = self.members.now_ms();
        match event {
            Event::Snapshot(snapshot) => {
                self.roster.clear();
                for stored in &snapshot.records {
                    self.put(&stored.record, now);
                }
                // What the last snapshot had and this one has not.
                self.roster.tick(now);
                true
            }
            Event::Changed { changes, .. } => changes.iter().fold(false, |changed, change| {
                let this = match change {
                    Change::Put { record, .. } => self.put(record, now),
                    Change::Delete(key) => self.roster.remove(key, now),
                };
                changed || this
            }),
            Event::FellBehind => false,
        }
    }

    fn put(&mut self, record: &Membership, now: u64) -> bool {
        self.newest.fetch_max(record.message().date_modified(), Ordering::Relaxed);
        match report(record) {
            // Calls to it would come back here, again and again.
            Some(report) if report.rpc_address == self.rpc_address => {
                if self.circles.insert(record.key().to_owned()) {
                    tracing::warn!(record = record.key(), "left out a report that takes this router for a NameNode");
                }
                self.roster.remove(record.key(), now)
            }
            Some(report) => self.roster.put(record.key(), report, now),
            None => {
                tracing::debug!(record = record.key(), "left out a report of a nameservice with an impossible name");
                self.roster.remove(record.key(), now)
            }
        }
    }

    fn disabled(&mut self, event: Event<DisabledNameservice>) -> bool {
        match event {
            Event::Snapshot(snapshot) => {
                // Somebody closed it; that the record cannot be read does not open it.
                for broken in &snapshot.broken {
                    let nameservice = &broken.key;
                    tracing::warn!(nameservice, "a record that cannot be read keeps a nameservice disabled");
                }
                let broken = snapshot.broken.iter().map(|broken| broken.key.clone());
                let names = snapshot.records.iter().map(|stored| stored.record.nameservice().to_owned());
                let names = names.chain(broken).collect();
                std::mem::replace(&mut self.out_of_service, names) != self.out_of_service
            }
            Event::Changed { changes, .. } => changes.iter().fold(false, |changed, change| {
                let this = match change {
                    Change::Put { record, .. } => self.out_of_service.insert(record.nameservice().to_owned()),
                    Change::Delete(key) => self.out_of_service.remove(key),
                };
                changed || this
            }),
            Event::FellBehind => false,
        }
    }

    fn put_in_use(&self) {
        let registrations = self.roster.registrations();
        for registration in registrations.iter().filter(|one| !one.block_pool.is_empty()) {
            self.core.pools.learn(&registration.block_pool, &registration.namenode.nameservice);
        }
        let disabled = self.out_of_service.iter().filter_map(|name| NameserviceId::parse(name).ok()).collect();
        self.core.upstream.update(&registrations, disabled);
    }
}

/// What a record says; none if it is of a nameservice that cannot be.
fn report(record: &Membership) -> Option<Report> {
    let message = record.message();
    Some(Report {
        namenode: NamenodeName {
            nameservice: NameserviceId::parse(message.nameservice_id()).ok()?,
            namenode: message.namenode_id.clone().filter(|id| !id.is_empty()),
        },
        router: message.router_id().to_owned(),
        state: record.state(),
        modified_ms: message.date_modified(),
        rpc_address: message.rpc_address().to_owned(),
        service_address: message.service_address().to_owned(),
        block_pool: message.block_pool_id().to_owned(),
    })
}
