//! Decides where a call goes. Plain functions of a mount table and what the call says; nothing is asked of anyone.

mod refusal;
mod rename;
mod shown;

use anabranch_federation::{Locations, MountTable, NameserviceId, Placement, ResolveError, Resolved, raw};

pub use refusal::Refusal;
pub use rename::{Pair, Renames, concat_nameservice, rename};
pub use shown::Shown;

use crate::method::{Category, Row, Spread};

/// Below this a NameNode finds a file by its number, wherever it lies.
const BY_NUMBER: &str = "/.reserved/.inodes/";

/// Who calls and what is in service, as far as the choice of a location depends on it.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// Short name of the effective user; owns a trash.
    pub user: &'a str,
    /// What the orders of mounts need.
    pub placement: Placement<'a>,
    /// Subclusters that are out of service; nearly always none.
    pub disabled: &'a [NameserviceId],
}

impl Caller<'_> {
    /// Whether a subcluster is in service.
    pub fn may_use(&self, nameservice: &NameserviceId) -> bool {
        !self.disabled.contains(nameservice)
    }
}

/// Where a path lives, when the call may go there. `path` is normalised.
pub fn resolve<'t>(
    table: &'t MountTable,
    path: &'t str,
    row: &Row,
    caller: &Caller<'_>,
) -> Result<Resolved<'t>, Refusal> {
    if row.locked {
        refuse_mount_points(table, path)?;
    }
    place(table, path, row.category, caller)
}

/// The same for a path that is not what the call is about, such as the destination of a rename.
pub fn place<'t>(
    table: &'t MountTable,
    path: &'t str,
    category: Category,
    caller: &Caller<'_>,
) -> Result<Resolved<'t>, Refusal> {
    if category == Category::Write && path.starts_with(BY_NUMBER) && !table.is_empty() {
        return Err(Refusal::ByNumber { path: path.to_owned() });
    }
    let mut resolved = table.resolve_for_user(path, caller.user, &caller.placement).map_err(|error| match error {
        ResolveError::NoDefaultNameservice { path } => Refusal::NoDefaultNameservice { path },
    })?;
    if category == Category::Write && resolved.is_read_only() {
        return Err(Refusal::ReadOnly { path: path.to_owned() });
    }
    resolved.locations.retain(|location| caller.may_use(location.nameservice));
    if resolved.locations.is_empty() {
        return Err(Refusal::NoLocation { path: path.to_owned() });
    }
    Ok(resolved)
}

fn refuse_mount_points(table: &MountTable, path: &str) -> Result<(), Refusal> {
    let shown = raw::shown(path).unwrap_or(path);
    if table.has_mounts_below(shown) {
        let children = table.children(shown).join(",");
        return Err(Refusal::MountsBelow { path: path.to_owned(), children });
    }
    if table.is_mount_point(shown) {
        return Err(Refusal::MountPoint { path: path.to_owned() });
    }
    Ok(())
}

/// Whether all locations of a path are asked at once, in place of one after the other.
pub fn at_once(table: &MountTable, path: &str, resolved: &Resolved<'_>, spread: Spread) -> bool {
    match spread {
        Spread::Never => false,
        Spread::EveryDestination => resolved.is_all(),
        Spread::MountPoints => resolved.is_all() || table.is_mount_point(path) || table.has_mounts_below(path),
    }
}

/// Whether the mount table makes a directory of this path, whatever NameNodes have there.
pub fn is_virtual(table: &MountTable, path: &str) -> bool {
    table.is_mount_point(path) || table.has_mounts_below(path)
}

/// The locations whose content counts for a path: its own, and those of all mounts below. One that lies inside another
/// is left out, so that nothing counts twice.
pub fn subtree<'t>(table: &'t MountTable, path: &'t str, caller: &Caller<'_>) -> Locations<'t> {
    let mut found = Locations::new();
    if let Ok(own) = table.resolve_for_user(path, caller.user, &caller.placement) {
        found.extend(own.locations);
    }
    for entry in table.entries_below(path) {
        if let Ok(resolved) = table.resolve(entry.source.as_str()) {
            found.extend(resolved.locations);
        }
    }
    found.retain(|location| caller.may_use(location.nameservice));
    outermost(found)
}

/// The locations that do not lie inside another one; of equal ones the first. Sorted by components, what is inside
/// another comes right behind it, so that a table of many thousand mounts is no matter.
fn outermost(locations: Locations<'_>) -> Locations<'_> {
    let mut order: Vec<usize> = (0..locations.len()).collect();
    let components = |at: usize| locations[at].path.split('/').filter(|name| !name.is_empty());
    order.sort_by(|&a, &b| {
        let by_path = || components(a).cmp(components(b));
        locations[a].nameservice.cmp(locations[b].nameservice).then_with(by_path)
    });
    let mut kept = vec![false; locations.len()];
    let mut above: Option<usize> = None;
    for at in order {
        let inside = above.is_some_and(|above| {
            let names = components(above);
            let count = names.clone().count();
            locations[above].nameservice == locations[at].nameservice && names.eq(components(at).take(count))
        });
        if !inside {
            above = Some(at);
            kept[at] = true;
        }
    }
    locations.into_iter().zip(kept).filter_map(|(location, kept)| kept.then_some(location)).collect()
}

#[cfg(test)]
mod tests;
