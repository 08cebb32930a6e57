use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::{MountPath, Order};

fn id(name: &str) -> NameserviceId {
    NameserviceId::parse(name).unwrap()
}

fn entry(source: &str, tag: u16) -> MountEntry {
    let destinations = [("ns1", format!("/{tag}")), ("ns2", format!("/{tag}"))];
    MountEntry::parse(source, destinations.iter().map(|(ns, path)| (*ns, path.as_str()))).unwrap()
}

/// The same answers from a list of (source, destination path) and nothing clever.
#[derive(Debug, Default, Clone)]
struct Model(BTreeMap<String, String>);

impl Model {
    fn below<'p>(path: &'p str, parent: &str) -> Option<&'p str> {
        let rest = path.strip_prefix(parent.trim_end_matches('/'))?;
        (rest.is_empty() || rest.starts_with('/')).then_some(rest)
    }

    fn resolve(&self, path: &str) -> String {
        let covering = self.0.iter().filter_map(|(source, to)| Some((source, to, Self::below(path, source)?)));
        let Some((_, to, rest)) = covering.max_by_key(|(source, ..)| source.len()) else { return path.to_owned() };
        format!("{to}{}", if rest == "/" { "" } else { rest })
    }

    fn children(&self, path: &str) -> Vec<String> {
        let below = self.0.keys().filter_map(|source| Self::below(source, path));
        let names = below.filter_map(|rest| rest.split('/').nth(1)).filter(|name| !name.is_empty());
        names.map(str::to_owned).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

fn agrees(table: &MountTable, model: &Model, path: &str) {
    let resolved = table.resolve(path).unwrap();
    let mut found: Vec<&str> = resolved.locations.iter().map(|location| &*location.path).collect();
    found.dedup();
    assert_eq!(found, [model.resolve(path)], "{path}");
    assert_eq!(resolved.entry, table.covering(path));
    assert_eq!(table.children(path), model.children(path), "{path}");
    assert_eq!(table.has_mounts_below(path), !model.children(path).is_empty());
    assert_eq!(table.is_mount_point(path), model.0.contains_key(path));
}

fn path() -> impl Strategy<Value = String> {
    vec(prop_oneof!["a", "b", "c", "ab"], 0..5).prop_map(|names| format!("/{}", names.join("/")))
}

/// Some adds the entry, None removes it.
fn edits() -> impl Strategy<Value = Vec<(String, Option<u16>)>> {
    vec((path(), prop_oneof![3 => any::<u16>().prop_map(Some), 1 => Just(None)]), 0..40)
}

proptest! {
    #[test]
    fn answers_are_those_of_the_model_after_each_edit(edits in edits(), asked in vec(path(), 1..10)) {
        let (mut table, mut model) = (MountTable::build([], Some(id("ns0"))), Model::default());
        let mut history = Vec::new();
        for (source, tag) in edits {
            history.push((table.clone(), model.clone()));
            table = match tag {
                Some(tag) => {
                    model.0.insert(source.clone(), format!("/{tag}"));
                    // Few dates, so that many entries share theirs.
                    table.with(MountEntry { modified_ms: u64::from(tag % 8), ..entry(&source, tag) })
                }
                None => {
                    model.0.remove(&source);
                    table.without(&source)
                }
            };
            assert_eq!(table.modified_ms(), table.entries().map(|entry| entry.modified_ms).max().unwrap_or_default());
        }
        history.push((table.clone(), model.clone()));
        // An older table is as it was, however often its successors changed.
        for (table, model) in &history {
            asked.iter().for_each(|path| agrees(table, model, path));
            assert_eq!(table.len(), model.0.len());
        }
        // A table that came about by edits is the table built at once, in whatever order.
        let mut entries: Vec<_> = table.entries().cloned().collect();
        entries.reverse();
        let rebuilt = MountTable::build(entries, Some(id("ns0")));
        assert!(rebuilt.entries().eq(table.entries()));
        let sources: Vec<&str> = model.0.keys().map(String::as_str).collect();
        let mut found: Vec<&str> = table.entries().map(|entry| entry.source.as_str()).collect();
        found.sort_unstable();
        assert_eq!(found, sources);
    }
}

#[test]
fn the_last_of_several_entries_with_one_source_counts() {
    let table = MountTable::build([entry("/a", 1), entry("/a", 2)], None);
    assert_eq!(table.len(), 1);
    assert_eq!(table.entry("/a").unwrap().destinations[0].path, "/2");
}

#[test]
fn entries_below_a_path_include_it() {
    let table = MountTable::build(["/a/b", "/a-", "/a", "/a/a", "/b"].map(|source| entry(source, 0)), None);
    let sources = |path| table.entries_below(path).map(|entry| entry.source.to_string()).collect::<Vec<_>>();
    assert_eq!(sources("/a"), ["/a", "/a/a", "/a/b"]);
    assert_eq!(sources("/"), ["/a", "/a/a", "/a/b", "/a-", "/b"]);
    assert!(sources("/nowhere").is_empty());
}

#[test]
fn the_order_of_the_deepest_entry_decides_about_directories() {
    let all = MountEntry { order: Order::HashAll, ..entry("/a", 0) };
    let table = MountTable::build([all, entry("/a/b", 0)], None);
    let cases = [("/a", true), ("/a/x", true), ("/a/b", false), ("/a/b/x", false), ("/", false)];
    for (path, expected) in cases {
        assert_eq!(table.is_path_all(path), expected, "{path}");
    }
}

#[test]
fn rings_are_shared_and_forgotten() {
    let many = (0..100).map(|i| entry(&format!("/m{i}"), i));
    let mut table = MountTable::build(many, None);
    assert_eq!(table.rings.len(), 1);
    for i in 0..100 {
        table.remove(&format!("/m{i}"));
    }
    table.insert(MountEntry::parse("/a", [("ns3", "/"), ("ns4", "/")]).unwrap());
    assert_eq!(table.rings.len(), 1);
}

#[test]
fn the_deepest_path_can_be_mounted_and_dropped() {
    let deep = "/a".repeat(MountPath::MAX_DEPTH);
    let table = MountTable::build([entry(&deep, 0)], None);
    assert!(table.covering(&format!("{deep}/x")).is_some());
    assert!(table.without(&deep).is_empty());
}

#[test]
fn a_table_keeps_its_settings_through_edits() {
    let table = MountTable::default().with_revision(7).with_default_nameservice(Some(id("ns1")));
    let table = table.with(entry("/a", 0)).without("/a");
    assert_eq!((table.revision(), table.default_nameservice().unwrap().as_str()), (7, "ns1"));
    assert!(table.is_empty() && table.children("/").is_empty());
}
