//! Decides where a call goes. Plain functions of a mount table and what the call says; nothing is asked of anyone.

mod directives;
mod refusal;
mod rename;
mod shown;
mod subtree;

use anabranch_federation::{Growth, MountTable, NameserviceId, Placement, ResolveError, Resolved, Usages, raw};

pub use directives::DirectiveIds;
pub use refusal::Refusal;
pub use rename::{Pair, Renames, concat_nameservice, rename};
pub use shown::Shown;
pub use subtree::{everything, out_of_service, outermost, subtree};

use crate::method::{Category, Route, Row, Spread};

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
    /// What is used of mounts that have quotas; none where nobody heeds them.
    pub usages: Option<&'a Usages>,
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
    caller: &Caller<'t>,
) -> Result<Resolved<'t>, Refusal> {
    if row.locked {
        refuse_mount_points(table, path)?;
    }
    let resolved = place(table, path, row.category, caller)?;
    // What a rename takes away adds nothing.
    if !matches!(row.route, Route::Rename(_)) {
        heed_quotas(table, path, &resolved, row.growth, None, caller)?;
    }
    Ok(resolved)
}

/// Refuses a call that adds to a tree of which more is used than its quotas allow. The trash is in no mount's tree.
fn heed_quotas(
    table: &MountTable,
    path: &str,
    resolved: &Resolved<'_>,
    growth: Growth,
    from: Option<&str>,
    caller: &Caller<'_>,
) -> Result<(), Refusal> {
    let Some(usages) = caller.usages.filter(|_| !resolved.in_trash) else { return Ok(()) };
    match usages.exceeded(table, raw::shown(path).unwrap_or(path), growth, from) {
        None => Ok(()),
        Some(exceeded) => Err(Refusal::QuotaExceeded(exceeded)),
    }
}

/// The same for a path that is not what the call is about, such as the destination of a rename.
pub fn place<'t>(
    table: &'t MountTable,
    path: &'t str,
    category: Category,
    caller: &Caller<'t>,
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

#[cfg(test)]
mod tests;
