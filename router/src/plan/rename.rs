//! Calls about several paths, which must share a subcluster: the router cannot move data between NameNodes.

use std::borrow::Cow;

use anabranch_federation::{Location, Locations, MountEntry, MountTable, NameserviceId, Order, raw};
use smallvec::SmallVec;

use super::{Caller, Refusal, heed_quotas, place, resolve};
use crate::method::Row;

/// A rename inside one subcluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair<'t> {
    /// Which.
    pub nameservice: &'t NameserviceId,
    /// Source path there.
    pub src: Cow<'t, str>,
    /// Destination path there.
    pub dst: Cow<'t, str>,
}

/// What a rename comes to.
#[derive(Debug, PartialEq, Eq)]
pub struct Renames<'t> {
    /// One per location of the source that the destination shares a subcluster with. Never empty.
    pub pairs: SmallVec<[Pair<'t>; 1]>,
    /// The source, if it is a directory, lies in all of its locations and has to move in each.
    pub spread: bool,
    /// The locations of the source that no pair is of.
    pub elsewhere: Locations<'t>,
    /// The locations of the destination, if there are several: what is renamed comes to one of them, or to some.
    pub targets: Locations<'t>,
    /// Whether the destination's mount does without subclusters that are away.
    pub tolerant: bool,
    /// Whether the destination's locations are always read in this order, so that what a later one has does not show.
    pub stable: bool,
}

/// Pairs the locations of source and destination.
pub fn rename<'t>(
    table: &'t MountTable,
    src: &'t str,
    dst: &'t str,
    row: &Row,
    caller: &Caller<'t>,
) -> Result<Renames<'t>, Refusal> {
    let from = resolve(table, src, row, caller)?;
    let to = place(table, dst, row.category, caller)?;
    heed_quotas(table, dst, &to, row.growth, Some(raw::shown(src).unwrap_or(src)), caller)?;
    let spread = from.is_all();
    // Within a mount that has several destinations in one subcluster, each keeps what it has.
    let mount = from.entry.filter(|entry| to.entry.is_some_and(|other| std::ptr::eq(*entry, other)));
    let (mut pairs, mut elsewhere) = (SmallVec::new(), Locations::new());
    for location in from.locations {
        let here = || to.locations.iter().filter(|partner| partner.nameservice == location.nameservice);
        let root = mount.and_then(|entry| destination(entry, src, &location.path));
        let twin = |to: &&Location<'_>| root.is_some() && mount.and_then(|e| destination(e, dst, &to.path)) == root;
        // The same one at each try, whatever the order of the destinations is then.
        match here().find(twin).or_else(|| here().min_by(|one, other| one.path.cmp(&other.path))) {
            Some(partner) => {
                let (src, dst) = (location.path, partner.path.clone());
                pairs.push(Pair { nameservice: location.nameservice, src, dst });
            }
            None => elsewhere.push(location),
        }
    }
    if pairs.is_empty() {
        return Err(Refusal::RenameAcross { src: src.to_owned(), dst: dst.to_owned() });
    }
    let tolerant = to.entry.is_some_and(|entry| entry.fault_tolerant);
    let stable = [Order::Hash, Order::HashAll, Order::LeaderFollower];
    let stable = to.entry.is_some_and(|entry| stable.contains(&entry.order));
    let targets = if to.locations.len() > 1 { to.locations } else { Locations::new() };
    Ok(Renames { pairs, spread, elsewhere, targets, tolerant, stable })
}

/// The path of the mount's destination in which a path of the mount is `remote`.
fn destination<'l>(mount: &MountEntry, path: &str, remote: &'l str) -> Option<&'l str> {
    remote.strip_suffix(path.strip_prefix(mount.source.as_str().trim_end_matches('/'))?)
}

/// The subcluster that has all files of a concat, of which each was found at one location; else the index of the first
/// file that lies elsewhere than the first one.
pub fn concat_nameservice<'t>(found: &[Location<'t>]) -> Result<Option<&'t NameserviceId>, usize> {
    let Some(target) = found.first() else { return Ok(None) };
    match found.iter().position(|location| location.nameservice != target.nameservice) {
        None => Ok(Some(target.nameservice)),
        Some(elsewhere) => Err(elsewhere),
    }
}
