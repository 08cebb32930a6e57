//! The same calls to a Java router and to ours, before the same NameNodes and with the same mounts: answers are decoded and
//! compared field by field, and so is what the calls left on the NameNodes.

#![allow(clippy::unwrap_used, reason = "what fails here is the test")]

mod answers;
mod calls;
mod difference;
mod differences;
mod namenodes;
mod pair;
mod places;
mod recognised;
mod sequences;
mod site;

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use anabranch_e2e::json::{self, Answer};
use anabranch_testkit::suite;

use calls::Call;
use differences::KNOWN;
use pair::Pair;
use site::Site;

fn main() -> ExitCode {
    suite::run(
        Site::start,
        &[
            ("every_method_is_called", every_method),
            ("what_looks_is_answered_alike", |site| compare(site, site.usual(), &calls::reads(), 1_000)),
            ("what_changes_does_the_same", |site| compare(site, site.usual(), &calls::writes(), 800)),
            ("what_concerns_the_cluster_is_answered_alike", |site| compare(site, site.usual(), &calls::cluster(), 50)),
            ("snapshots_look_alike", |site| {
                site.snapshots();
                compare(site, site.usual(), &calls::snapshots(), 200);
                site.anew();
            }),
            ("others_may_do_the_same", |site| compare(site, site.usual(), &calls::by_others(), 500)),
            ("long_listings_are_the_same_to_the_end", long_listings),
            ("sequences_end_alike", sequences::end_alike),
            ("without_a_subcluster_the_others_serve_alike", |site| {
                site.away("enable");
                compare(site, site.usual(), &calls::away(), 300);
            }),
            ("what_a_namenode_in_safe_mode_refuses_is_told_alike", |site| {
                site.held(|| compare(site, site.usual(), &calls::held(), 200));
            }),
            ("without_a_default_nameservice_only_mounts_lead_anywhere", |site| {
                compare(site, site.strict(), &calls::nowhere(), 300)
            }),
            ("mounts_in_and_over_each_other_are_taken_alike", |site| {
                compare(site, site.strict(), &calls::tangled(), 300)
            }),
            ("without_a_nameservice_in_service_the_others_serve_alike", |site| {
                let commands = ["-nameservice disable ns1", "-nameservice enable ns1"];
                let refused = |said: &Answer| matches!(said, Answer::Exception(..));
                site.administered(commands, &calls::probe("/one/nested/f"), refused, || {
                    compare(site, site.strict(), &calls::disabled(), 300)
                });
            }),
            ("in_safe_mode_the_same_is_refused", |site| {
                let commands = ["-safemode enter", "-safemode leave"];
                let standby = |said: &Answer| said.to_string().contains("STANDBY");
                site.administered(commands, &calls::service_state(), standby, || {
                    compare(site, site.strict(), &calls::safe_mode(), 200)
                });
            }),
            ("beyond_quotas_the_same_is_refused", |site| {
                site.quotas();
                compare(site, site.strict(), &calls::beyond_quotas(), 30);
            }),
            ("what_differs_is_what_the_document_lists", documented),
        ],
    )
}

fn every_method(_: &Site) {
    let called: BTreeSet<_> = [calls::reads(), calls::writes(), calls::cluster()]
        .concat()
        .into_iter()
        .map(|call| call.method.to_owned())
        .collect();
    let missing: Vec<_> = json::methods().into_iter().filter(|method| !called.contains(method)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// Each difference has its row, and if all calls were made, each was there.
fn documented(site: &Site) {
    let document = include_str!("../../../docs/differences.md");
    let rows = KNOWN.iter().map(|known| known.row).filter(|row| !row.starts_with('('));
    let missing: Vec<_> = rows.clone().filter(|row| !document.contains(&format!("\n| {row}"))).collect();
    assert!(missing.is_empty(), "without a row: {missing:?}");
    if let Some(seen) = site.seen(COMPARED) {
        let gone: Vec<_> = rows.filter(|row| !seen.contains(row)).collect();
        assert!(gone.is_empty(), "nothing differs so: {gone:?}");
    }
}

/// Mounts lead to directories of other names, which no client must see.
fn leaks(call: &Call, ours: &Answer) -> bool {
    let asked = call.parameters.to_string().contains("/d/");
    matches!(ours, Answer::Exception(_, message) if message.contains("/d/")) && !asked
}

/// Directories of several pages have the same entries in the same order, each once, and mount points among them.
fn long_listings(site: &Site) {
    let letters = ('a'..='z').chain(['B', 'é', '漢']);
    let names: Vec<String> =
        letters.flat_map(|one| ["0", "m e", "o", "u%+"].map(|rest| format!("{one}{rest}"))).collect();
    site.fill(&["", "/d/one", "/d/two", "/d/all"], &names);
    let directories = [("/", "led"), ("/one", "nested"), ("/two", "mm e"), ("/all", "mo"), ("/virtual", "deep")];
    for (directory, among) in directories {
        let [java, ours] = site.usual().clients(false).map(|mut client| {
            let entries = client.entries(directory).unwrap_or_else(|answer| panic!("{directory}: {answer}"));
            entries.iter().map(|entry| (json::name(entry), entry["fileType"].clone())).collect::<Vec<_>>()
        });
        assert_eq!(java, ours, "{directory}");
        let once: BTreeSet<_> = ours.iter().map(|(name, _)| name).collect();
        assert_eq!(once.len(), ours.len(), "{directory}: {ours:?}");
        assert!(ours.iter().any(|(name, _)| name == among), "{directory}: {ours:?}");
    }
}

/// How many cases compare.
const COMPARED: usize = 13;

/// Makes calls at both routers and tells how they differ.
#[allow(clippy::print_stdout, reason = "figures for whoever runs the test")]
fn compare(site: &Site, pair: &Pair, calls: &[Call], least: usize) {
    assert!(calls.len() >= least, "only {} calls", calls.len());
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for call in calls {
        let [java, ours] = site.both(pair, call);
        if leaks(call, &ours.answer) {
            wrong.push(format!("{call} tells where the file really is: {ours}"));
        }
        if java == ours {
            continue;
        }
        match KNOWN.iter().find(|known| known.is(call, &java, &ours)) {
            Some(known) => *seen.entry(known.row).or_default() += 1,
            None => wrong.push(format!("{call}\n    Java: {java}\n    ours: {ours}")),
        }
    }
    println!("  {} calls; differences: {seen:?}", calls.len());
    site.saw(seen.into_keys());
    let shown = wrong.iter().take(400).cloned().collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{} calls are answered otherwise:\n{shown}", wrong.len());
}
