use std::collections::BTreeMap;

use proptest::prelude::*;

use super::NamenodeState::{self, *};
use super::*;
use crate::NameserviceId;

const LIFETIME: Lifetime = Lifetime { expiration_ms: 100, deletion_ms: None };

fn name(nameservice: &str, namenode: &str) -> NamenodeName {
    NamenodeName { nameservice: NameserviceId::parse(nameservice).unwrap(), namenode: Some(namenode.to_owned()) }
}

fn report(router: &str, state: NamenodeState, modified_ms: u64) -> Report {
    Report {
        namenode: name("ns0", "nn1"),
        router: router.to_owned(),
        state,
        modified_ms,
        rpc_address: format!("{router}-knows:8020"),
        service_address: "nn1:8020".to_owned(),
        block_pool: "BP-1".to_owned(),
    }
}

#[test]
fn routers_are_merged_by_majority_and_then_by_time() {
    type Row = (&'static str, &'static [(&'static str, NamenodeState, u64)], Option<(NamenodeState, &'static str)>);
    let rows: &[Row] = &[
        ("nobody reports", &[], None),
        ("one router decides", &[("a", Standby, 1)], Some((Standby, "a"))),
        (
            "two of three win, however old",
            &[("a", Active, 1), ("b", Active, 2), ("c", Standby, 9)],
            Some((Active, "b")),
        ),
        (
            "three of five win",
            &[("a", Active, 1), ("b", Active, 2), ("c", Active, 3), ("d", Standby, 8), ("e", Standby, 9)],
            Some((Active, "c")),
        ),
        (
            "two of five are no majority",
            &[("a", Active, 1), ("b", Active, 2), ("c", Standby, 3), ("d", Standby, 4), ("e", Unavailable, 5)],
            Some((Unavailable, "e")),
        ),
        ("half is no majority", &[("a", Active, 1), ("b", Standby, 2)], Some((Standby, "b"))),
        (
            "half of four is none either",
            &[("a", Active, 4), ("b", Active, 3), ("c", Standby, 2), ("d", Standby, 1)],
            Some((Active, "a")),
        ),
        ("of one moment, the first by name", &[("b", Standby, 5), ("a", Active, 5)], Some((Active, "a"))),
    ];
    for (case, reports, expected) in rows {
        let reports: Vec<Report> = reports.iter().map(|(router, state, at)| report(router, *state, *at)).collect();
        let merged = merge(reports.iter());
        let shown = merged.as_ref().map(|one| (one.state, one.rpc_address.trim_end_matches("-knows:8020")));
        assert_eq!(shown, *expected, "{case}");
    }
}

#[test]
fn addresses_are_those_of_who_agrees() {
    let reports = [report("a", Active, 1), report("b", Active, 2), report("c", Unavailable, 3)];
    let merged = merge(reports.iter()).unwrap();
    assert_eq!(merged.known_as, ["a-knows:8020", "b-knows:8020", "nn1:8020"]);
}

#[test]
fn namenodes_are_asked_by_state_then_newest() {
    let named = |namenode: &str, state, modified_ms| Registration {
        namenode: name("ns0", namenode),
        ..merge([report("a", state, modified_ms)].iter()).unwrap()
    };
    // Far apart: the difference of the dates does not fit into 32 bits, which Java's does have to.
    let month = 30 * 24 * 3_600_000;
    let mut all = [
        named("dead", Unavailable, 9),
        named("standby", Standby, month),
        named("old-active", Active, 1),
        named("new-active", Active, month),
        named("observer", Observer, 3),
        named("another-standby", Standby, month),
    ];
    order(&mut all);
    let names: Vec<&str> = all.iter().map(|one| one.namenode.namenode.as_deref().unwrap()).collect();
    assert_eq!(names, ["new-active", "old-active", "observer", "another-standby", "standby", "dead"]);
}

#[test]
fn a_roster_tells_changes_from_mere_renewals() {
    let mut roster = Roster::new(LIFETIME);
    assert!(roster.put("nn1-a", report("a", Active, 1000), 1000));
    assert!(!roster.put("nn1-a", report("a", Active, 1050), 1050), "the same a moment later is no news");
    assert_eq!(roster.registrations()[0].modified_ms, 1050);
    assert!(roster.put("nn1-a", report("a", Standby, 1060), 1060));
    assert!(!roster.tick(1160));
    assert!(roster.tick(1161), "it expires");
    assert!(roster.registrations().is_empty());
    assert!(roster.put("nn1-a", report("a", Active, 1200), 1200), "its writer is back");
    assert!(roster.put("nn1-a", report("a", Expired, 1200), 1200), "another router's clock is ahead");
    assert!(!roster.remove("nn1-a", 1200));
    assert!(!roster.remove("nn1-a", 1200));
}

/// One thing that happens to a roster.
#[derive(Debug, Clone)]
enum Step {
    Put { router: u8, nameservice: u8, namenode: u8, state: NamenodeState, age: u64 },
    Remove { router: u8, nameservice: u8, namenode: u8 },
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let state = prop::sample::select(&NamenodeState::ALL[..5]);
    let put = (0..4_u8, 0..2_u8, 0..2_u8, state, 0..120_u64).prop_map(|(router, nameservice, namenode, state, age)| {
        Step::Put { router, nameservice, namenode, state, age }
    });
    let remove = (0..4_u8, 0..2_u8, 0..2_u8).prop_map(|(router, nameservice, namenode)| Step::Remove {
        router,
        nameservice,
        namenode,
    });
    prop::collection::vec(prop_oneof![4 => put, 1 => remove, 1 => (1..80_u64).prop_map(Step::Wait)], 1..40)
}

/// The same from all reports at once, written down as the contract says it.
fn naive(reports: &BTreeMap<String, Report>, now: u64) -> Vec<(NamenodeName, NamenodeState, u64)> {
    let fresh = |one: &&Report| one.state != Expired && one.modified_ms + LIFETIME.expiration_ms >= now;
    let mut names: Vec<NamenodeName> = reports.values().map(|one| one.namenode.clone()).collect();
    names.sort();
    names.dedup();
    let mut all = Vec::new();
    for name in names {
        let mut group: Vec<&Report> = reports.values().filter(fresh).filter(|one| one.namenode == name).collect();
        group.sort_by(|a, b| b.modified_ms.cmp(&a.modified_ms).then(a.router.cmp(&b.router)));
        let of = |state| group.iter().filter(|one| one.state == state).collect::<Vec<_>>();
        let largest = NamenodeState::ALL.into_iter().map(of).max_by_key(Vec::len).unwrap_or_default();
        let chosen = if largest.len() > group.len() / 2 { largest.first().copied() } else { group.first() };
        all.extend(chosen.map(|one| (name, one.state, one.modified_ms)));
    }
    all.sort_by(|a, b| {
        let by_time = || a.1.cmp(&b.1).then(b.2.cmp(&a.2)).then(a.0.cmp(&b.0));
        a.0.nameservice.cmp(&b.0.nameservice).then_with(by_time)
    });
    all
}

proptest! {
    #[test]
    fn a_roster_is_what_its_reports_come_to(steps in steps()) {
        let (mut now, mut roster, mut all) = (1000, Roster::new(LIFETIME), BTreeMap::new());
        for step in steps {
            let before: Vec<_> = naive(&all, now);
            let mut changed = false;
            match step {
                Step::Wait(time) => now += time,
                Step::Put { router, nameservice, namenode, state, age } => {
                    let report = Report {
                        namenode: name(&format!("ns{nameservice}"), &format!("nn{namenode}")),
                        ..report(&format!("r{router}"), state, now - age)
                    };
                    let key = format!("nn{namenode}-ns{nameservice}-r{router}");
                    changed |= roster.put(&key, report.clone(), now);
                    all.insert(key, report);
                }
                Step::Remove { router, nameservice, namenode } => {
                    let key = format!("nn{namenode}-ns{nameservice}-r{router}");
                    changed |= roster.remove(&key, now);
                    all.remove(&key);
                }
            }
            changed |= roster.tick(now);
            let expected = naive(&all, now);
            let found: Vec<_> =
                roster.registrations().into_iter().map(|one| (one.namenode, one.state, one.modified_ms)).collect();
            prop_assert_eq!(&found, &expected);
            let states = |all: &[(NamenodeName, NamenodeState, u64)]| {
                all.iter().map(|one| (one.0.clone(), one.1)).collect::<BTreeMap<_, _>>()
            };
            prop_assert!(changed || states(&before) == states(&expected), "a change of state was not told");
        }
    }
}
