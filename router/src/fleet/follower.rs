use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anabranch_federation::NameserviceId;
use anabranch_federation::membership::{NamenodeName, Report, Roster};
use anabranch_store::{DisabledNameservice, Membership, Record};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::sweeper::period;
use crate::core::Core;
use crate::federation_view::{FederationView, Known};

/// Follows what the fleet reports of NameNodes, and which nameservices are disabled, and puts it in use.
pub struct Follower {
    core: Arc<Core>,
    members: watch::Receiver<Known<Membership>>,
    disabled: watch::Receiver<Known<DisabledNameservice>>,
    /// What of the members is in the roster.
    taken: Known<Membership>,
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
    /// Over what is known of the federation.
    pub fn new(core: Arc<Core>, view: &FederationView, rpc_address: String, newest: Arc<AtomicU64>) -> Self {
        let (mut members, mut disabled) = (view.memberships(), view.disabled());
        members.mark_changed();
        disabled.mark_changed();
        Self {
            members,
            disabled,
            taken: Known::default(),
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
                // The view lives as long as the router.
                let changed = tokio::select! {
                    Ok(()) = self.members.changed() => self.reported(),
                    Ok(()) = self.disabled.changed() => self.disabled(),
                    _ = ticks.tick() => self.roster.tick(self.taken.now_ms()),
                };
                if changed {
                    self.put_in_use();
                }
            }
        };
        stop.run_until_cancelled(work).await;
    }

    fn reported(&mut self) -> bool {
        let known = self.members.borrow_and_update().clone();
        let before = std::mem::replace(&mut self.taken, known.clone());
        let now = known.now_ms();
        known.since(&before).fold(false, |changed, (key, record)| {
            let this = match record {
                Some(record) => self.put(record, now),
                None => self.roster.remove(key, now),
            };
            changed || this
        })
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

    fn disabled(&mut self) -> bool {
        let known = self.disabled.borrow_and_update().clone();
        // Somebody closed it; that the record cannot be read does not open it.
        for nameservice in known.broken().difference(&self.out_of_service) {
            tracing::warn!(nameservice, "a record that cannot be read keeps a nameservice disabled");
        }
        let names = known.records().map(|record| record.nameservice().to_owned());
        let names = names.chain(known.broken().iter().cloned()).collect();
        std::mem::replace(&mut self.out_of_service, names) != self.out_of_service
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
