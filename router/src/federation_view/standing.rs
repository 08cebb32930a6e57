//! Which record speaks for a NameNode, and which NameNode for a nameservice.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use anabranch_federation::membership::{Age, Lifetime, speaker};
use anabranch_hdfs_proto::hdfs::{NamenodeMembershipRecordProto, NamenodeMembershipStatsRecordProto};
use anabranch_store::{Membership, NamenodeState};

/// A NameNode as the federation sees it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Namenode {
    /// `<nameservice>-<namenode>`.
    pub(crate) key: String,
    pub(crate) state: NamenodeState,
    pub(crate) record: NamenodeMembershipRecordProto,
}

impl Namenode {
    pub(crate) fn nameservice(&self) -> &str {
        self.record.nameservice_id()
    }

    /// What it holds; zeros if it has not said.
    pub(crate) fn stats(&self) -> NamenodeMembershipStatsRecordProto {
        self.record.stats.unwrap_or_default()
    }
}

/// The NameNodes of a federation.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Standing {
    /// All that were heard of lately, by key.
    pub(crate) namenodes: Vec<Namenode>,
    /// The best one of each nameservice, by key.
    pub(crate) nameservices: Vec<Namenode>,
    /// Records of NameNodes that nobody has heard of lately.
    pub(crate) expired: usize,
    /// Nameservices in service.
    pub(crate) in_service: usize,
}

impl Standing {
    /// Several routers may have recorded different things of a NameNode: what more than half of them say counts, else what
    /// was said last.
    pub(crate) fn of<'a>(
        records: impl IntoIterator<Item = &'a Membership>,
        disabled: &[&str],
        lifetime: Lifetime,
        now_ms: u64,
    ) -> Self {
        let mut standing = Self::default();
        let mut by_namenode: BTreeMap<String, Vec<&Membership>> = BTreeMap::new();
        for record in records {
            let message = record.message();
            let marked = record.state() == NamenodeState::Expired;
            if lifetime.age(message.date_modified(), marked, now_ms) != Age::Fresh {
                standing.expired += 1;
                continue;
            }
            let id = message.namenode_id.as_deref().unwrap_or("null");
            by_namenode.entry(format!("{}-{id}", message.nameservice_id())).or_default().push(record);
        }
        for (key, records) in by_namenode {
            let Some(chosen) = speaker(records.iter().copied()) else { continue };
            let off = disabled.contains(&chosen.message().nameservice_id());
            let state = if off { NamenodeState::Disabled } else { chosen.state() };
            standing.namenodes.push(Namenode { key, state, record: chosen.message().clone() });
        }
        let mut best: BTreeMap<&str, &Namenode> = BTreeMap::new();
        for namenode in &standing.namenodes {
            let rank = |namenode: &Namenode| (namenode.state, Reverse(namenode.record.date_modified()));
            let known = best.entry(namenode.nameservice()).or_insert(namenode);
            if rank(namenode) < rank(known) {
                *known = namenode;
            }
        }
        standing.in_service = best.keys().filter(|nameservice| !disabled.contains(nameservice)).count();
        let mut nameservices: Vec<Namenode> = best.into_values().cloned().collect();
        nameservices.sort_by(|a, b| a.key.cmp(&b.key));
        standing.nameservices = nameservices;
        standing
    }

    /// The sum of a number over the nameservices.
    pub(crate) fn sum<N: Into<u64>>(&self, number: impl Fn(&NamenodeMembershipStatsRecordProto) -> N) -> u64 {
        self.nameservices.iter().map(|namenode| number(&namenode.stats()).into()).fold(0, u64::saturating_add)
    }

    /// The distinct values of a field that NameNodes have told, as Java prints a list.
    pub(crate) fn distinct<'a>(&'a self, field: impl Fn(&'a Namenode) -> &'a str) -> String {
        let mut values: Vec<&str> = self.namenodes.iter().map(field).filter(|value| !value.is_empty()).collect();
        values.sort_unstable();
        values.dedup();
        format!("[{}]", values.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_000_000;
    const LIFETIME: Lifetime = Lifetime { expiration_ms: 300_000, deletion_ms: None };

    fn record(ns: &str, nn: &str, router: &str, state: NamenodeState, age_ms: u64, space: u64) -> Membership {
        let text = |text: &str| Some(text.to_owned());
        let stats = NamenodeMembershipStatsRecordProto { total_space: Some(space), ..Default::default() };
        let message = NamenodeMembershipRecordProto {
            nameservice_id: text(ns),
            namenode_id: Some(nn.to_owned()).filter(|nn| !nn.is_empty()),
            router_id: text(router),
            cluster_id: text("c"),
            block_pool_id: Some(format!("BP-{ns}")),
            web_address: text("w:1"),
            rpc_address: text("r:1"),
            state: text(state.name()),
            date_modified: Some(NOW - age_ms),
            stats: Some(stats),
            ..NamenodeMembershipRecordProto::default()
        };
        Membership::new(message).unwrap()
    }

    use NamenodeState::{Active, Disabled, Standby, Unavailable};

    #[test]
    fn the_best_namenode_speaks_for_its_nameservice() {
        let records = [
            record("b", "nn1", "r1", Standby, 10, 1),
            record("b", "nn2", "r1", Active, 20, 2),
            record("a", "", "r1", Unavailable, 10, 4),
            record("c", "nn1", "r1", Active, 400_000, 8),
            record("d", "nn1", "r1", Active, 10, 16),
        ];
        let standing = Standing::of(&records, &["d"], LIFETIME, NOW);
        let keys = |list: &[Namenode]| list.iter().map(|nn| (nn.key.clone(), nn.state)).collect::<Vec<_>>();
        let all = [("a-null", Unavailable), ("b-nn1", Standby), ("b-nn2", Active), ("d-nn1", Disabled)];
        let best = [("a-null", Unavailable), ("b-nn2", Active), ("d-nn1", Disabled)];
        assert_eq!(keys(&standing.namenodes), all.map(|(key, state)| (key.to_owned(), state)));
        assert_eq!(keys(&standing.nameservices), best.map(|(key, state)| (key.to_owned(), state)));
        assert_eq!((standing.expired, standing.in_service), (1, 2));
        assert_eq!(standing.sum(|stats| stats.total_space()), 22);
        assert_eq!(standing.distinct(|nn| nn.record.block_pool_id()), "[BP-a, BP-b, BP-d]");
        assert_eq!(standing.distinct(|nn| nn.record.cluster_id()), "[c]");
    }

    #[test]
    fn routers_vote_and_without_majority_the_newest_record_counts() {
        let cases = [
            (vec![(Active, 5), (Standby, 1), (Active, 9)], Active, 5),
            (vec![(Active, 5), (Standby, 1)], Standby, 1),
            (vec![(Active, 5), (Standby, 1), (Unavailable, 3)], Standby, 1),
        ];
        for (votes, state, age) in cases {
            let records: Vec<_> = votes
                .iter()
                .enumerate()
                .map(|(at, (state, age))| record("a", "nn1", &format!("r{at}"), *state, *age, 0))
                .collect();
            let standing = Standing::of(&records, &[], LIFETIME, NOW);
            let shown = (standing.namenodes[0].state, standing.namenodes[0].record.date_modified());
            assert_eq!(shown, (state, NOW - age), "{votes:?}");
            assert_eq!(standing.namenodes.len(), 1);
        }
    }

    #[test]
    fn nothing_is_known_without_records() {
        let standing = Standing::of([], &[], LIFETIME, NOW);
        assert_eq!(standing, Standing::default());
        assert_eq!(standing.distinct(|nn| nn.record.cluster_id()), "[]");
    }
}
