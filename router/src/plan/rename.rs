//! Calls about several paths, which must share a subcluster: the router cannot move data between NameNodes.

use std::borrow::Cow;

use anabranch_federation::{Location, MountTable, NameserviceId};
use smallvec::SmallVec;

use super::{Caller, Refusal, place, resolve};
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
    /// All locations of the source are in `pairs`.
    pub complete: bool,
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
    let spread = from.is_all();
    let all = from.locations.len();
    let pairs: SmallVec<[Pair<'t>; 1]> = from
        .locations
        .into_iter()
        .filter_map(|location| {
            let partner = to.locations.iter().find(|partner| partner.nameservice == location.nameservice)?;
            Some(Pair { nameservice: location.nameservice, src: location.path, dst: partner.path.clone() })
        })
        .collect();
    if pairs.is_empty() {
        return Err(Refusal::RenameAcross { src: src.to_owned(), dst: dst.to_owned() });
    }
    let complete = pairs.len() == all;
    Ok(Renames { pairs, spread, complete })
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
