use super::*;
use crate::Limit;

/// Source, destinations, and the words of the refusal.
type Refusal<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);

fn two() -> MountEntry {
    MountEntry::parse("/data", [("ns0", "/d0"), ("ns1", "/d1")]).unwrap()
}

#[test]
fn words_are_those_that_administrators_know() {
    let cases: [Refusal<'_>; 6] = [
        ("", &[("ns0", "/d")], "Invalid entry, no source path specified ->[ns0->/d]"),
        ("a", &[("ns0", "/d")], "Invalid entry, all mount points must start with / a->[ns0->/d]"),
        ("/a", &[], "Invalid entry, no destination paths specified /a->[]"),
        ("/a", &[("", "/d")], "Invalid entry, invalid destination nameservice /a->[->/d]"),
        ("/a", &[("ns0", "")], "Invalid entry, invalid destination path /a->[ns0->]"),
        ("/a", &[("ns0", "d")], "Invalid entry, all destination must start with / /a->[ns0->d]"),
    ];
    for (source, destinations, words) in cases {
        let error = MountEntry::parse(source, destinations.iter().copied()).unwrap_err();
        assert_eq!(error.to_string(), words);
    }
}

#[test]
fn dots_are_refused_at_both_ends() {
    let source = MountEntry::parse("/a/../b", [("ns0", "/d")]).unwrap_err();
    assert!(source.to_string().starts_with("Invalid entry, source path \"/a/../b\" has the component \"..\""));
    let destination = MountEntry::parse("/a", [("ns0", "/./d")]).unwrap_err();
    assert!(matches!(destination.problem, EntryProblem::Destination(PathError::Relative { component: ".", .. })));
}

#[test]
fn fault_tolerance_needs_somewhere_to_go() {
    let mut entry = MountEntry { fault_tolerant: true, ..two() };
    assert_eq!(entry.validate().unwrap_err().problem, EntryProblem::FaultTolerantOrder);
    for order in [Order::HashAll, Order::Random, Order::Space] {
        entry.order = order;
        assert_eq!(entry.validate(), Ok(()));
    }
    entry.destinations.pop();
    assert_eq!(entry.validate().unwrap_err().problem, EntryProblem::FaultTolerantAlone);
    entry.destinations.pop();
    assert_eq!(entry.validate().unwrap_err().problem, EntryProblem::NoDestination);
}

#[test]
fn one_line_shows_everything() {
    let entry = MountEntry {
        read_only: true,
        order: Order::HashAll,
        owner: "ann".into(),
        group: "staff".into(),
        mode: 0o1750,
        quota: Quota { files: Limit::of(3), ..Quota::default() },
        ..two()
    };
    assert_eq!(
        entry.to_string(),
        "/data->[ns0->/d0, ns1->/d1][HASH_ALL][RO][owner:ann][group:staff][mode:rwxr-x--T]\
         [quota:[NsQuota: 3/0, SsQuota: -/0]]"
    );
}

#[test]
fn intent_ignores_times_and_usage() {
    let mut later = MountEntry { modified_ms: 7, ..two() };
    later.quota.files.used = 9;
    assert!(later.same_intent(&two()));
    later.mode = 0o700;
    assert!(!later.same_intent(&two()));
}

#[test]
fn the_first_claim_to_a_source_stands() {
    let at = |source| MountEntry::parse(source, [("ns0", "/")]).unwrap();
    assert_eq!(duplicates(&[at("/a"), at("/b"), at("//a/"), at("/a")]), [(2, 0), (3, 0)]);
}
