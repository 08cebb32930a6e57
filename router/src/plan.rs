//! Decides where a call goes. Plain functions of a mount table and what the call says; nothing is asked of anyone.

mod refusal;
mod rename;

use anabranch_federation::{Locations, MountTable, Placement, ResolveError, Resolved};

pub use refusal::Refusal;
pub use rename::{Pair, Renames, concat_nameservice, rename};

use crate::method::{Category, Row, Spread};

/// Who calls, as far as the choice of a location depends on it.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// Short name of the effective user; owns a trash.
    pub user: &'a str,
    /// What the orders of mounts need.
    pub placement: Placement<'a>,
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
    let resolved = table.resolve_for_user(path, caller.user, &caller.placement).map_err(|error| match error {
        ResolveError::NoDefaultNameservice { path } => Refusal::NoDefaultNameservice { path },
    })?;
    if category == Category::Write && resolved.is_read_only() {
        return Err(Refusal::ReadOnly { path: path.to_owned() });
    }
    Ok(resolved)
}

fn refuse_mount_points(table: &MountTable, path: &str) -> Result<(), Refusal> {
    if table.is_mount_point(path) {
        return Err(Refusal::MountPoint { path: path.to_owned() });
    }
    if table.has_mounts_below(path) {
        let children = table.children(path).join(",");
        return Err(Refusal::MountsBelow { path: path.to_owned(), children });
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
    let mut outermost = Locations::new();
    for (at, location) in found.iter().enumerate() {
        let nested = found.iter().enumerate().any(|(other_at, other)| {
            other.nameservice == location.nameservice
                && match below(&location.path, &other.path) {
                    Some(true) => true,
                    Some(false) => other_at < at,
                    None => false,
                }
        });
        if !nested {
            outermost.push(location.clone());
        }
    }
    outermost
}

/// Whether `path` is strictly below `above`; `Some(false)` if they are equal, `None` if it is elsewhere.
fn below(path: &str, above: &str) -> Option<bool> {
    let rest = path.strip_prefix(above.strip_suffix('/').unwrap_or(above))?;
    match rest {
        "" | "/" => Some(path.len() > above.len()),
        _ => rest.starts_with('/').then_some(true),
    }
}

#[cfg(test)]
mod tests;
