//! One subcluster: its NameNodes, which of them was active last, and how much is asked of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anabranch_federation::NameserviceId;
use anabranch_federation::membership::NamenodeState;
use tokio::sync::watch;

use super::compose::{Member, carried};
use super::room::{Excess, Place, Share};
use super::{Failure, Namenode};
use crate::metrics::NameserviceMetrics;

/// A subcluster with the NameNodes that it has for now.
pub struct Nameservice {
    id: NameserviceId,
    members: Vec<Member>,
    namenodes: Vec<Arc<Namenode>>,
    /// How many of them get calls; the others follow.
    callable: usize,
    preferred: AtomicUsize,
    /// As [`Load::active`], of which what this subcluster is made of has been seen.
    active: watch::Receiver<Option<String>>,
    load: Arc<Load>,
}

/// What is in flight, whatever NameNodes there are.
struct Load {
    share: Share,
    /// Address of the NameNode that the records call active, or did last.
    active: watch::Sender<Option<String>>,
    metrics: NameserviceMetrics,
}

impl Nameservice {
    /// A subcluster that was not known before.
    pub(super) fn new(
        id: NameserviceId,
        members: Vec<Member>,
        share: Share,
        max_connections: usize,
        metrics: NameserviceMetrics,
    ) -> Self {
        let load = Arc::new(Load { share, active: watch::Sender::new(None), metrics });
        Self::made_of(id, members, max_connections, &[], 0, load)
    }

    /// The same subcluster with other members. NameNodes that stay keep their connections.
    pub(super) fn with_members(&self, members: Vec<Member>, max_connections: usize) -> Self {
        let preferred = carried(&self.members, self.preferred(), &members);
        Self::made_of(self.id.clone(), members, max_connections, &self.namenodes, preferred, self.load.clone())
    }

    fn made_of(
        id: NameserviceId,
        members: Vec<Member>,
        max_connections: usize,
        last: &[Arc<Namenode>],
        preferred: usize,
        load: Arc<Load>,
    ) -> Self {
        let namenode = |member: &Member| {
            let stays = last.iter().find(|namenode| namenode.address() == member.address).cloned();
            stays.unwrap_or_else(|| Arc::new(Namenode::new(&member.address, max_connections)))
        };
        let namenodes = members.iter().map(namenode).collect();
        let callable = members.iter().filter(|member| member.is_callable()).count();
        if let Some(first) = members.first().filter(|first| first.state == Some(NamenodeState::Active)) {
            let active = Some(first.address.clone());
            load.active.send_if_modified(|last| std::mem::replace(last, active.clone()) != active);
        }
        let active = load.active.subscribe();
        Self { id, members, namenodes, callable, preferred: AtomicUsize::new(preferred), active, load }
    }

    /// Its id.
    pub fn id(&self) -> &NameserviceId {
        &self.id
    }

    /// Its NameNodes as they were put together.
    pub(super) fn members(&self) -> &[Member] {
        &self.members
    }

    /// Its NameNodes; those that get calls first.
    pub fn namenodes(&self) -> &[Arc<Namenode>] {
        &self.namenodes
    }

    /// Its NameNodes in the order in which a call that begins now tries them; then those that get no calls.
    pub fn in_order(&self) -> impl Iterator<Item = &Member> {
        let (callable, others) = self.members.split_at(self.callable);
        let (last, first) = callable.split_at(self.preferred().min(self.callable));
        first.iter().chain(last).chain(others)
    }

    /// What is counted about it.
    pub fn metrics(&self) -> &NameserviceMetrics {
        &self.load.metrics
    }

    /// How many of its NameNodes get calls.
    pub(super) fn callable(&self) -> usize {
        self.callable
    }

    /// Index of the NameNode that is asked first: the one that answered last.
    pub fn preferred(&self) -> usize {
        self.preferred.load(Ordering::Relaxed)
    }

    pub(super) fn prefer(&self, namenode: usize) {
        if self.preferred() != namenode {
            self.preferred.store(namenode, Ordering::Relaxed);
            self.load.metrics.failovers.inc();
            let address = self.namenodes[namenode].address();
            tracing::info!(nameservice = %self.id, active = address, "another NameNode answers now");
        }
    }

    /// Asks another NameNode first from now on, if this one is asked first: it did not answer in time. It may hang while
    /// another has become active; if not, that one says so at once, and this one is found again.
    pub(super) fn doubt(&self, namenode: usize) {
        let next = (namenode + 1) % self.callable.max(1);
        if next != namenode
            && self.preferred.compare_exchange(namenode, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        {
            let (silent, next) = (self.namenodes[namenode].address(), self.namenodes[next].address());
            tracing::info!(nameservice = %self.id, silent, next, "a NameNode did not answer in time; another is asked first");
        }
    }

    /// Ends when the records say that another NameNode has become active: this one may hang, and a call that waits for it
    /// would do so until its time is over.
    pub(super) async fn superseded(&self, namenode: &Namenode) {
        let mut active = self.active.clone();
        while active.changed().await.is_ok() {
            if active.borrow().as_ref().is_some_and(|active| active != namenode.address()) {
                return;
            }
        }
        std::future::pending().await
    }

    /// Takes a place among the calls in flight for a request of so many bytes.
    pub(super) fn admit(&self, user: &Arc<str>, request: usize) -> Result<Flight<'_>, Failure> {
        let load = &*self.load;
        let place = load.share.admit(user, request).map_err(|excess| {
            load.metrics.shed.inc();
            let user = (excess == Excess::User).then(|| user.to_string());
            Failure::Overloaded { nameservice: self.id.to_string(), user }
        })?;
        load.metrics.in_flight.inc();
        Ok(Flight { load, _place: place, started: Instant::now() })
    }
}

/// A place among the calls in flight; given back when dropped.
pub(super) struct Flight<'a> {
    load: &'a Load,
    _place: Place<'a>,
    started: Instant,
}

impl Flight<'_> {
    /// Counts the time until now as the latency of an answer.
    pub(super) fn answered(&self) {
        self.load.metrics.latency.observe(self.started.elapsed().as_secs_f64());
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.load.metrics.in_flight.dec();
    }
}
