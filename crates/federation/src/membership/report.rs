use std::cmp::Reverse;

use super::NamenodeState;
use crate::NameserviceId;

/// What a NameNode is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamenodeName {
    /// Its nameservice.
    pub nameservice: NameserviceId,
    /// Its id there; none without high availability.
    pub namenode: Option<String>,
}

/// What one router says of one NameNode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The NameNode.
    pub namenode: NamenodeName,
    /// Who reports.
    pub router: String,
    /// What it is, or was when it was reported last.
    pub state: NamenodeState,
    /// When that was.
    pub modified_ms: u64,
    /// `host:port` for clients.
    pub rpc_address: String,
    /// `host:port` for other servers; often the same.
    pub service_address: String,
    /// Its block pool; empty if it did not say.
    pub block_pool: String,
}

/// What all routers together say of one NameNode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The NameNode.
    pub namenode: NamenodeName,
    /// What it is.
    pub state: NamenodeState,
    /// When it was reported last as that.
    pub modified_ms: u64,
    /// `host:port` for clients.
    pub rpc_address: String,
    /// Every address by which those who agree on its state know it, sorted: routers may write one place differently.
    pub known_as: Vec<String>,
    /// Its block pool; empty if that is not known.
    pub block_pool: String,
}

impl Registration {
    /// Whether nothing has changed but the time.
    pub fn same_but_for_time(&self, other: &Self) -> bool {
        *self == Self { modified_ms: self.modified_ms, ..other.clone() }
    }
}

/// What of a report decides whether it speaks for its NameNode.
pub trait Vote {
    /// The state that it tells.
    fn state(&self) -> NamenodeState;

    /// When it was made, in milliseconds since 1970.
    fn modified_ms(&self) -> u64;

    /// Who made it.
    fn router(&self) -> &str;
}

impl Vote for Report {
    fn state(&self) -> NamenodeState {
        self.state
    }

    fn modified_ms(&self) -> u64 {
        self.modified_ms
    }

    fn router(&self) -> &str {
        &self.router
    }
}

/// The report that speaks for a NameNode: the newest of those that more than half of them agree with, else the newest of
/// all.
pub fn speaker<'r, V: Vote + 'r>(reports: impl Iterator<Item = &'r V> + Clone) -> Option<&'r V> {
    let votes = |state| reports.clone().filter(|report| report.state() == state).count();
    let majority = NamenodeState::ALL.into_iter().find(|state| votes(*state) * 2 > reports.clone().count());
    let heard = reports.filter(|report| majority.is_none_or(|state| report.state() == state));
    heard.min_by_key(|report| (Reverse(report.modified_ms()), report.router()))
}

/// Merges the reports of one NameNode: what more than half of the routers say counts, in the words of the one that said
/// it last; if there is no such majority, what was said last. Of reports of one moment, that of the first router by name.
pub fn merge<'r>(reports: impl Iterator<Item = &'r Report> + Clone) -> Option<Registration> {
    let newest = speaker(reports.clone())?;
    let agreeing = reports.filter(|report| report.state == newest.state);
    let addresses = agreeing.flat_map(|report| [&report.rpc_address, &report.service_address]);
    let mut known_as: Vec<String> = addresses.filter(|address| !address.is_empty()).cloned().collect();
    known_as.sort_unstable();
    known_as.dedup();
    Some(Registration {
        namenode: newest.namenode.clone(),
        state: newest.state,
        modified_ms: newest.modified_ms,
        rpc_address: newest.rpc_address.clone(),
        known_as,
        block_pool: newest.block_pool.clone(),
    })
}

/// Sorts the NameNodes of a nameservice into the order in which they are asked: by state, then the one that was reported
/// last, then by name.
pub fn order(registrations: &mut [Registration]) {
    registrations.sort_by(|a, b| {
        let key = |one: &Registration| (one.state, Reverse(one.modified_ms));
        key(a).cmp(&key(b)).then_with(|| a.namenode.cmp(&b.namenode))
    });
}
