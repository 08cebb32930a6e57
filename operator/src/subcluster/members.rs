//! What routers report of a subcluster's NameNodes.

use std::collections::BTreeMap;
use std::sync::Arc;

use anabranch_api::SubclusterSettings;
use anabranch_store::NamenodeState;

use crate::link::Link;

/// What all reports come to.
#[derive(Debug, Default, PartialEq)]
pub struct Members {
    /// NameNodes by id (or address, where there is no id), each with the state that its newest report gives.
    pub states: BTreeMap<String, NamenodeState>,
    /// The active one, as `id (host:port)`.
    pub active: Option<String>,
    /// Room in all, in bytes.
    pub capacity: Option<u64>,
    /// Room taken, in bytes.
    pub used: Option<u64>,
    /// Files and directories.
    pub files: Option<i64>,
    /// Blocks.
    pub blocks: Option<i64>,
    /// Whether the store of some fleet takes the nameservice for disabled.
    pub disabled: bool,
}

/// Merges the reports in the stores of the fleets: for each NameNode the newest counts, and statistics are those of the
/// active one.
pub fn members(settings: &SubclusterSettings, links: &[Arc<Link>]) -> Members {
    let mut members = Members::default();
    let mut newest: BTreeMap<String, u64> = BTreeMap::new();
    for link in links {
        members.disabled |= link.disabled.read().get(settings.nameservice.as_str()).is_some();
        let reports = link.members.read();
        for seen in reports.of(settings.nameservice.as_str()) {
            let report = seen.record.message();
            let id = match report.namenode_id() {
                "" => report.rpc_address().to_owned(),
                id => id.to_owned(),
            };
            let date = report.date_modified();
            if newest.get(&id).is_some_and(|known| *known >= date) {
                continue;
            }
            newest.insert(id.clone(), date);
            members.states.insert(id.clone(), seen.record.state());
            if seen.record.state() != NamenodeState::Active {
                continue;
            }
            let address = report.rpc_address();
            members.active = Some(if id == address { id } else { format!("{id} ({address})") });
            let Some(statistics) = &report.stats else { continue };
            let total = statistics.total_space();
            members.capacity = Some(total);
            members.used = Some(total.saturating_sub(statistics.available_space()));
            members.files = i64::try_from(statistics.num_of_files()).ok();
            members.blocks = i64::try_from(statistics.num_of_blocks()).ok();
        }
    }
    members
}
