use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::{MountPath, Order, Placement, fnv1a};

fn id(name: &str) -> NameserviceId {
    NameserviceId::parse(name).unwrap()
}

fn entry(source: &str, tag: u16) -> MountEntry {
    let destinations = [("ns1", format!("/{tag}")), ("ns2", format!("/{tag}"))];
    MountEntry::parse(source, destinations.iter().map(|(ns, path)| (*ns, path.as_str()))).unwrap()
}

/// The same answers from a list of (source, destination path, order) and nothing clever.
#[derive(Debug, Default, Clone)]
struct Model {
    entries: BTreeMap<String, (String, Order)>,
    default: bool,
}

impl Model {
    fn below<'p>(path: &'p str, parent: &str) -> Option<&'p str> {
        let rest = path.strip_prefix(parent.trim_end_matches('/'))?;
        (rest.is_empty() || rest.starts_with('/')).then_some(rest)
    }

    fn covering(&self, path: &str) -> Option<(&str, &str, Order)> {
        let covering = self.entries.iter().filter(|(source, _)| Self::below(path, source).is_some());
        covering.max_by_key(|(source, _)| source.len()).map(|(source, (to, order))| (&**source, &**to, *order))
    }

    /// Where ann finds a path.
    fn resolve(&self, path: &str) -> Option<String> {
        let asked = Self::before_trash(path);
        let found = self.covering(asked.unwrap_or(path));
        if found.is_none() && !self.default {
            return None;
        }
        let there = found.map(|(source, to, _)| {
            let rest = Self::below(path, source).unwrap_or_default();
            format!("{to}{}", if rest == "/" { "" } else { rest })
        });
        Some(there.filter(|_| asked.is_none()).unwrap_or_else(|| path.to_owned()))
    }

    /// What ann's file was before she deleted it.
    fn before_trash(path: &str) -> Option<&str> {
        let names: Vec<&str> = path.splitn(6, '/').collect();
        let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        match names[..] {
            ["", "user", "ann", ".Trash", checkpoint, rest] if !rest.is_empty() => {
                let is_one = checkpoint == "Current" || checkpoint.splitn(2, '-').all(digits);
                is_one.then(|| &path[path.len() - rest.len() - 1..])
            }
            _ => None,
        }
    }

    fn children(&self, path: &str) -> Vec<String> {
        let below = self.entries.keys().filter_map(|source| Self::below(source, path));
        let names = below.filter_map(|rest| rest.split('/').nth(1)).filter(|name| !name.is_empty());
        names.map(str::to_owned).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

fn agrees(table: &MountTable, model: &Model, path: &str) {
    let resolved = table.resolve_for_user(path, "ann", &Placement::default());
    let found = resolved.as_ref().ok().map(|resolved| {
        let mut found: Vec<&str> = resolved.locations.iter().map(|location| &*location.path).collect();
        found.dedup();
        assert_eq!(found.len(), 1, "{path}");
        found[0].to_owned()
    });
    assert_eq!(found, model.resolve(path), "{path}");
    let asked = Model::before_trash(path);
    if let Ok(resolved) = resolved {
        assert_eq!(resolved.entry, table.covering(asked.unwrap_or(path)), "{path}");
        assert_eq!(resolved.in_trash, asked.is_some(), "{path}");
    }
    let covering = model.covering(path);
    assert_eq!(table.covering(path).map(|entry| entry.source.as_str()), covering.map(|(source, ..)| source));
    assert_eq!(table.is_path_all(path), covering.is_some_and(|(.., order)| order.is_all()), "{path}");
    assert_eq!(table.children(path), model.children(path), "{path}");
    assert_eq!(table.has_mounts_below(path), !model.children(path).is_empty());
    assert_eq!(table.is_mount_point(path), model.entries.contains_key(path));
    let below = model.entries.keys().filter(|source| Model::below(source, path).is_some()).collect::<BTreeSet<_>>();
    let listed = table.entries_below(path).map(|entry| entry.source.to_string()).collect::<BTreeSet<_>>();
    assert!(listed.iter().eq(below), "{path}");
}

fn names(most: usize) -> impl Strategy<Value = String> {
    vec(prop_oneof!["a", "b", "c", "ab"], 0..most).prop_map(|names| format!("/{}", names.join("/")))
}

/// Mostly plain ones; some in a trash, of ann or another, and some that only look so.
fn path() -> impl Strategy<Value = String> {
    let trash = prop::sample::select(vec![
        "/user/ann/.Trash/Current",
        "/user/ann/.Trash/241123",
        "/user/ann/.Trash/241123-1",
        "/user/ann/.Trash/1-2-3",
        "/user/ann/.Trash/x",
        "/user/bob/.Trash/Current",
        "/user/ann",
    ]);
    let trashed = (trash, names(4)).prop_map(|(trash, path)| format!("{trash}{}", path.trim_end_matches('/')));
    prop_oneof![4 => names(5), 1 => trashed]
}

/// Some adds the entry, None removes it.
fn edits() -> impl Strategy<Value = Vec<(String, Option<u16>)>> {
    let source = prop_oneof![8 => names(5), 1 => Just("/user".to_owned()), 1 => Just("/user/ann".to_owned())];
    vec((source, prop_oneof![3 => any::<u16>().prop_map(Some), 1 => Just(None)]), 0..40)
}

proptest! {
    #[test]
    fn answers_are_those_of_the_model_after_each_edit(
        edits in edits(),
        asked in vec(path(), 1..10),
        default in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let default_nameservice = default.then(|| id("ns0"));
        let mut table = MountTable::build([], default_nameservice.clone());
        let mut model = Model { default, ..Model::default() };
        let mut history = Vec::new();
        for (source, tag) in edits {
            history.push((table.clone(), model.clone()));
            table = match tag {
                Some(tag) => {
                    let order = Order::NAMES[usize::from(tag) % Order::NAMES.len()].0;
                    model.entries.insert(source.clone(), (format!("/{tag}"), order));
                    // Few dates, so that many entries share theirs.
                    table.with(MountEntry { order, modified_ms: u64::from(tag % 8), ..entry(&source, tag) })
                }
                None => {
                    model.entries.remove(&source);
                    table.without(&source)
                }
            };
            assert_eq!(table.modified_ms(), table.entries().map(|entry| entry.modified_ms).max().unwrap_or_default());
            for (order, _) in Order::NAMES {
                assert_eq!(table.uses(order), table.entries().any(|entry| entry.order == order), "{order}");
            }
        }
        // A table that came about by edits is the table built at once, in whatever order.
        let mut entries: Vec<_> = table.entries().cloned().collect();
        entries.sort_by_key(|entry| fnv1a(seed.to_le_bytes().into_iter().chain(entry.source.as_str().bytes())));
        let rebuilt = MountTable::build(entries, default_nameservice);
        assert!(rebuilt.entries().eq(table.entries()));
        history.push((rebuilt, model.clone()));
        let sources: Vec<&str> = model.entries.keys().map(String::as_str).collect();
        let mut found: Vec<&str> = table.entries().map(|entry| entry.source.as_str()).collect();
        found.sort_unstable();
        assert_eq!(found, sources);
        history.push((table, model));
        // An older table is as it was, however often its successors changed.
        for (table, model) in &history {
            asked.iter().for_each(|path| agrees(table, model, path));
            assert_eq!(table.len(), model.entries.len());
        }
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
