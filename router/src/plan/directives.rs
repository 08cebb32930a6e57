//! Ids of cache directives. Each subcluster counts its own from 1; those that clients see tell which one counts.

use std::collections::BTreeMap;

use anabranch_federation::{NameserviceId, fnv1a};

/// A directive's id in its subcluster takes so many bits of the id that clients see; its subcluster's mark stands above.
const OWN_BITS: u32 = 32;
/// The largest mark: ids stay below 2^53, which every language can count to.
const LARGEST: i64 = (1 << 21) - 1;

/// The marks of subclusters: of the default one 0, so that its ids stay as they are, of each other one a digest of its name.
/// Every router that knows the same subclusters and has the same default one comes to the same marks. Another default one
/// changes them, and so may another subcluster of the same digest.
pub struct DirectiveIds<'d>(BTreeMap<i64, &'d NameserviceId>);

impl<'d> DirectiveIds<'d> {
    /// Of two names with one digest, the later in the alphabet has the next mark that is free.
    pub fn new(default: Option<&NameserviceId>, known: impl Iterator<Item = &'d NameserviceId>) -> Self {
        let mut names: Vec<_> = known.collect();
        names.sort();
        let mut marks = BTreeMap::new();
        for name in names {
            let mut mark = if Some(name) == default { 0 } else { digest(name) };
            while marks.contains_key(&mark) {
                mark = mark % LARGEST + 1;
            }
            marks.insert(mark, name);
        }
        Self(marks)
    }

    /// Whose directive it is, and its id there. What can't be an id is left to the default subcluster, which says so.
    pub fn owner(&self, id: i64) -> Option<(&'d NameserviceId, i64)> {
        let (mark, own) = if id < 0 { (0, id) } else { (id >> OWN_BITS, id & i64::from(u32::MAX)) };
        self.0.get(&mark).map(|name| (*name, own))
    }

    /// What clients call the directive that a subcluster calls `own`; none when that is no number of 32 bits.
    pub fn shown(&self, nameservice: &str, own: i64) -> Option<i64> {
        let own = u32::try_from(own).ok()?;
        Some(self.mark(nameservice)? << OWN_BITS | i64::from(own))
    }

    /// Behind which of its own ids a subcluster has what is behind `id`; none when nothing of it is.
    pub fn after(&self, nameservice: &str, id: i64) -> Option<i64> {
        let first = self.mark(nameservice)? << OWN_BITS;
        let own = id.max(0) - first;
        (own <= i64::from(u32::MAX)).then_some(own.max(0))
    }

    fn mark(&self, nameservice: &str) -> Option<i64> {
        self.0.iter().find(|(_, name)| name.as_str() == nameservice).map(|(mark, _)| *mark)
    }
}

/// From 1 to [`LARGEST`].
fn digest(name: &NameserviceId) -> i64 {
    (fnv1a(name.as_str().bytes()) % LARGEST.unsigned_abs()).cast_signed() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<NameserviceId> {
        names.iter().map(|name| NameserviceId::parse(name).unwrap()).collect()
    }

    #[test]
    fn an_id_tells_its_subcluster() {
        let known = names(&["b", "default", "a", "c"]);
        let ids = DirectiveIds::new(Some(&known[1]), known.iter());
        for name in &known {
            for own in [1, 2, 1 << 31, i64::from(u32::MAX)] {
                let id = ids.shown(name.as_str(), own).unwrap();
                assert!((1..1 << 53).contains(&id), "{id}");
                assert_eq!(ids.owner(id), Some((name, own)), "{id}");
                assert_eq!(id == own, name.as_str() == "default", "{id}");
            }
            assert_eq!([-1, 1 << 32, i64::MAX].map(|own| ids.shown(name.as_str(), own)), [None; 3]);
        }
        assert_eq!((ids.owner(-4), ids.owner(0)), (Some((&known[1], -4)), Some((&known[1], 0))));
        let away = names(&["away"]);
        let theirs = DirectiveIds::new(None, away.iter()).shown("away", 5).unwrap();
        assert_eq!([theirs, i64::MAX].map(|id| ids.owner(id)), [None; 2]);
        assert_eq!((ids.shown("away", 1), ids.after("away", 1)), (None, None));
        assert_eq!(DirectiveIds::new(None, known.iter()).owner(7), None, "no subcluster is the default one");
    }

    #[test]
    fn marks_are_the_same_for_ever_and_in_any_order() {
        let mut known = names(&["ns0", "ns1", "ns2", "warehouse.east"]);
        let of = |known: &[NameserviceId]| {
            let ids = DirectiveIds::new(known.iter().find(|name| name.as_str() == "ns0"), known.iter());
            ["ns0", "ns1", "ns2", "warehouse.east"].map(|name| ids.shown(name, 1))
        };
        let first = of(&known);
        assert_eq!(first, MARKED.map(Some));
        known.reverse();
        assert_eq!(of(&known), first);
    }

    /// Ids that somebody may have written down.
    const MARKED: [i64; 4] = [1, 8_845_579_635_392_513, 2_084_575_262_015_489, 5_681_683_386_859_521];

    #[test]
    fn two_subclusters_have_two_marks() {
        let known = names(&["ns6701", "other", "ns258"]);
        assert_eq!(digest(&known[0]), digest(&known[2]), "there is something to settle");
        let mark = |name: &NameserviceId, ids: &DirectiveIds<'_>| ids.mark(name.as_str()).unwrap();
        for ids in [DirectiveIds::new(None, known.iter()), DirectiveIds::new(None, known.iter().rev())] {
            assert_eq!(mark(&known[2], &ids), digest(&known[2]));
            assert_eq!(mark(&known[0], &ids), digest(&known[2]) + 1);
        }
        let ids = DirectiveIds::new(Some(&known[2]), known.iter());
        assert_eq!([&known[2], &known[0]].map(|name| mark(name, &ids)), [0, digest(&known[0])]);
    }

    #[test]
    fn a_cursor_tells_where_each_subcluster_goes_on() {
        let known = names(&["ns0", "ns1", "ns2"]);
        let ids = DirectiveIds::new(Some(&known[0]), known.iter());
        let mut order = ["ns1", "ns2"];
        order.sort_by_key(|name| ids.shown(name, 1));
        let [second, third] = order;
        let all = |id| ["ns0", second, third].map(|name| ids.after(name, id));
        assert_eq!(all(-1), [Some(0), Some(0), Some(0)]);
        assert_eq!(all(0), [Some(0), Some(0), Some(0)]);
        assert_eq!(all(7), [Some(7), Some(0), Some(0)]);
        assert_eq!(all(ids.shown(second, 7).unwrap()), [None, Some(7), Some(0)]);
        assert_eq!(all(ids.shown(third, 7).unwrap()), [None, None, Some(7)]);
        assert_eq!(all(i64::MAX), [None; 3]);
    }
}
