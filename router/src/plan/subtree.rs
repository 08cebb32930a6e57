//! A path with all that is mounted below it.

use anabranch_federation::{Locations, MountEntry, MountTable, NameserviceId};

use super::Caller;

/// The locations whose content counts for a path: its own, and those of all mounts below. One that lies inside another
/// is left out, so that nothing counts twice.
pub fn subtree<'t>(table: &'t MountTable, path: &'t str, caller: &Caller<'t>) -> Locations<'t> {
    let found = everything(table, path, caller);
    let places: Vec<_> = found.iter().map(|location| (location.nameservice, &*location.path)).collect();
    let kept = outermost(&places);
    found.into_iter().zip(kept).filter_map(|(location, kept)| kept.then_some(location)).collect()
}

/// The same with those that lie inside another.
pub fn everything<'t>(table: &'t MountTable, path: &'t str, caller: &Caller<'t>) -> Locations<'t> {
    let mut found = Locations::new();
    if let Ok(own) = table.resolve_for_user(path, caller.user, &caller.placement) {
        found.extend(own.locations);
    }
    for entry in table.entries_below(path).filter(|entry| entry.source != *path) {
        if let Ok(resolved) = table.resolve(entry.source.as_str()) {
            found.extend(resolved.locations);
        }
    }
    found.retain(|location| caller.may_use(location.nameservice));
    found
}

/// A mount below a path, or at it, of which every subcluster is out of service.
pub fn out_of_service<'t>(table: &'t MountTable, path: &str, caller: &Caller<'_>) -> Option<&'t str> {
    if caller.disabled.is_empty() {
        return None;
    }
    let mut below = table.entries_below(path);
    let usable = |entry: &MountEntry| entry.destinations.iter().any(|one| caller.may_use(&one.nameservice));
    below.find(|entry| !usable(entry)).map(|entry| entry.source.as_str())
}

/// Which of some places do not lie inside another one; of equal ones the first. Sorted by components, what is inside
/// another comes right behind it, so that a table of many thousand mounts is no matter.
pub fn outermost(places: &[(&NameserviceId, &str)]) -> Vec<bool> {
    let mut order: Vec<usize> = (0..places.len()).collect();
    let components = |at: usize| places[at].1.split('/').filter(|name| !name.is_empty());
    order.sort_by(|&a, &b| {
        let by_path = || components(a).cmp(components(b));
        places[a].0.cmp(places[b].0).then_with(by_path)
    });
    let mut kept = vec![false; places.len()];
    let mut above: Option<usize> = None;
    for at in order {
        let inside = above.is_some_and(|above| {
            let names = components(above);
            let count = names.clone().count();
            places[above].0 == places[at].0 && names.eq(components(at).take(count))
        });
        if !inside {
            above = Some(at);
            kept[at] = true;
        }
    }
    kept
}
