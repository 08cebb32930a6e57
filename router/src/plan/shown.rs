//! The way back: what clients call that which nameservices have.

use std::collections::BTreeMap;

use anabranch_federation::{MountTable, NameserviceId};
use smallvec::SmallVec;

use super::Caller;

/// What is shown at and below a path, by nameservice.
pub struct Shown<'t> {
    table: &'t MountTable,
    nameservices: BTreeMap<&'t str, (&'t NameserviceId, Roots<'t>)>,
}

/// Where trees begin in a nameservice, and where clients see them.
type Roots<'t> = BTreeMap<String, SmallVec<[Root<'t>; 1]>>;

struct Root<'t> {
    /// What clients call it.
    shown: &'t str,
    /// The source of the mount that shows it; none for the default nameservice.
    mount: Option<&'t str>,
}

impl<'t> Shown<'t> {
    /// All that `path` leads to, and the mounts below it; without what is out of service. Costs as much as there are mounts
    /// below.
    pub fn new(table: &'t MountTable, path: &'t str, caller: &Caller<'_>) -> Self {
        let mut shown = Self { table, nameservices: BTreeMap::new() };
        let sources = table.entries_below(path).map(|entry| entry.source.as_str()).filter(|source| *source != path);
        for from in std::iter::once(path).chain(sources) {
            let Ok(resolved) = table.resolve(from) else { continue };
            let mount = resolved.entry.map(|entry| entry.source.as_str());
            for location in resolved.locations.into_iter().filter(|one| caller.may_use(one.nameservice)) {
                let new = || (location.nameservice, Roots::new());
                let (_, roots) = shown.nameservices.entry(location.nameservice.as_str()).or_insert_with(new);
                roots.entry(location.path.into_owned()).or_default().push(Root { shown: from, mount });
            }
        }
        shown
    }

    /// The nameservices, with the deepest directory of each that has all that is shown.
    pub fn nameservices(&self) -> impl Iterator<Item = (&'t NameserviceId, &str)> {
        self.nameservices.values().map(|(nameservice, roots)| {
            let mut all = roots.keys();
            let first = all.next().map_or("/", String::as_str);
            (*nameservice, all.fold(first, |common, other| shared(common, other)))
        })
    }

    /// A path by which clients see what a nameservice has; none if they do not. Of several, that by the deepest directory
    /// that is mounted.
    pub fn by_clients(&self, nameservice: &str, path: &str) -> Option<String> {
        let (_, roots) = self.nameservices.get(nameservice)?;
        let mut above = Some(path);
        while let Some(root) = above {
            for Root { shown, mount } in roots.get(root).into_iter().flatten() {
                let rest = path[root.trim_end_matches('/').len()..].trim_end_matches('/');
                let seen = match format!("{}{rest}", shown.trim_end_matches('/')) {
                    empty if empty.is_empty() => "/".to_owned(),
                    seen => seen,
                };
                // A deeper mount may hide it.
                if self.table.covering(&seen).map(|entry| entry.source.as_str()) == *mount {
                    return Some(seen);
                }
            }
            above = parent(root);
        }
        None
    }
}

fn parent(path: &str) -> Option<&str> {
    let (above, name) = path.rsplit_once('/')?;
    match (above, name) {
        ("", "") => None,
        ("", _) => Some("/"),
        _ => Some(above),
    }
}

/// The deepest directory above both, or one of them.
fn shared<'p>(a: &'p str, b: &str) -> &'p str {
    let mut above = Some(a);
    while let Some(directory) = above {
        let stem = directory.trim_end_matches('/');
        if b.strip_prefix(stem).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
            return directory;
        }
        above = parent(directory);
    }
    "/"
}

#[cfg(test)]
mod tests {
    use anabranch_federation::explain::POSSIBLE;
    use anabranch_federation::{MountEntry, Order};

    use super::*;

    fn id(name: &str) -> NameserviceId {
        NameserviceId::parse(name).unwrap()
    }

    fn table(default: Option<&str>) -> MountTable {
        let entry = |source: &str, destinations: &[(&str, &str)]| MountEntry {
            order: Order::HashAll,
            ..MountEntry::parse(source, destinations.iter().copied()).unwrap()
        };
        MountTable::build(
            [
                entry("/data", &[("ns1", "/warehouse/data")]),
                entry("/data/hot", &[("ns2", "/hot"), ("ns1", "/warehouse/hot")]),
                entry("/again", &[("ns2", "/hot/again")]),
                entry("/all", &[("ns2", "/")]),
                entry("/off", &[("off", "/off")]),
            ],
            default.map(id),
        )
    }

    #[test]
    fn paths_of_nameservices_are_shown_as_clients_see_them() {
        let (table, disabled) = (table(Some("ns1")), [id("off")]);
        let caller = Caller { user: "ann", placement: POSSIBLE, disabled: &disabled, usages: None };
        let rows: [(&str, &str, &str, Option<&str>); 17] = [
            ("/", "ns1", "/warehouse/data/x", Some("/data/x")),
            ("/", "ns1", "/warehouse/data", Some("/data")),
            ("/", "ns1", "/warehouse/database", Some("/warehouse/database")),
            ("/", "ns1", "/", Some("/")),
            // Behind the mount of that name.
            ("/", "ns1", "/warehouse/data/hot/x", Some("/warehouse/data/hot/x")),
            ("/", "ns1", "/data/x", None),
            ("/", "ns1", "/warehouse/hot/x", Some("/data/hot/x")),
            ("/", "ns2", "/hot/x", Some("/data/hot/x")),
            ("/", "ns2", "/hot/again/x", Some("/again/x")),
            ("/", "ns2", "/else", Some("/all/else")),
            ("/", "ns2", "/", Some("/all")),
            ("/", "off", "/off/x", None),
            ("/", "ns9", "/x", None),
            ("/data/hot/sub", "ns2", "/hot/sub/x", Some("/data/hot/sub/x")),
            ("/data/hot/sub", "ns2", "/hot/submarine", None),
            ("/data", "ns2", "/hot/again", Some("/data/hot/again")),
            ("/data", "ns2", "/else", None),
        ];
        for (below, nameservice, path, expected) in rows {
            let shown = Shown::new(&table, below, &caller);
            assert_eq!(shown.by_clients(nameservice, path).as_deref(), expected, "{below}: {nameservice}:{path}");
        }
    }

    #[test]
    fn each_nameservice_is_asked_for_no_more_than_is_shown() {
        let disabled = [id("off")];
        let caller = Caller { user: "ann", placement: POSSIBLE, disabled: &disabled, usages: None };
        /// A path, the default nameservice, and what is asked where.
        type Row<'r> = (&'r str, Option<&'r str>, &'r [(&'r str, &'r str)]);
        let rows: [Row<'_>; 6] = [
            ("/", Some("ns1"), &[("ns1", "/"), ("ns2", "/")]),
            ("/", None, &[("ns1", "/warehouse"), ("ns2", "/")]),
            ("/data", None, &[("ns1", "/warehouse"), ("ns2", "/hot")]),
            ("/data/x", None, &[("ns1", "/warehouse/data/x")]),
            ("/else", None, &[]),
            ("/off", None, &[]),
        ];
        for (path, default, expected) in rows {
            let table = table(default);
            let shown = Shown::new(&table, path, &caller);
            let asked: Vec<_> = shown.nameservices().map(|(nameservice, path)| (nameservice.as_str(), path)).collect();
            assert_eq!(asked, expected, "{path}");
        }
    }
}
