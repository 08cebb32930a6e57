use std::borrow::Cow;
use std::cmp::Reverse;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::table::Mount;
use crate::temporary::finished_name;
use crate::{Destination, MountEntry, MountTable, NameserviceId, Order, raw, trash};

/// Where a path lives in one nameservice.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location<'a> {
    /// The nameservice.
    pub nameservice: &'a NameserviceId,
    /// The path there; borrowed where it is the path that was asked for, or a destination as it stands.
    pub path: Cow<'a, str>,
}

/// The places where a path lives, the first one to be asked first. Never empty.
pub type Locations<'a> = SmallVec<[Location<'a>; 1]>;

/// What a path resolves to.
#[derive(Debug, Clone)]
pub struct Resolved<'a> {
    /// The deepest entry that covers the path; `None` when the default nameservice has it. For a path in the trash, the
    /// entry that covered what was deleted.
    pub entry: Option<&'a MountEntry>,
    /// Where it lives.
    pub locations: Locations<'a>,
    /// Whether the path lies in the caller's trash.
    pub in_trash: bool,
    /// Whether it is a directory of the caller's trash, of which each nameservice has its own.
    pub everywhere: bool,
}

impl Resolved<'_> {
    /// Whether writes are refused. The trash of a read-only mount can be emptied: it is not in the mount.
    pub fn is_read_only(&self) -> bool {
        !self.in_trash && self.entry.is_some_and(|entry| entry.read_only)
    }

    /// Whether directories at the path exist in all locations.
    pub fn is_all(&self) -> bool {
        self.everywhere || self.entry.is_some_and(|entry| entry.order.is_all())
    }
}

/// Why a path has no location.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// No entry covers it, and there is no default nameservice.
    #[error("Cannot find locations for {path}, because the default nameservice is disabled to read or write")]
    NoDefaultNameservice {
        /// The path that was asked for.
        path: String,
    },
}

/// What the orders need to know beside the path. With nothing known (the default) the orders that need it leave the
/// destinations as they are listed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Placement<'p> {
    /// A fresh, uniformly random number; for [`Order::Random`] and [`Order::Space`].
    pub random: Option<u64>,
    /// The nameservices with a DataNode or NameNode on the client's host; for [`Order::Local`].
    pub local: &'p [NameserviceId],
    /// Available bytes of nameservices, each at most once; for [`Order::Space`].
    pub available: &'p [(NameserviceId, u64)],
    /// All nameservices: the caller's trash directory is in each. Where none are known it is an ordinary path.
    pub all: &'p [NameserviceId],
    /// How likely [`Order::Space`] takes the nameservice with most space, from 0 to 1; else that with most of the others,
    /// as likely, and so on.
    pub preference: f64,
}

/// Why a path lives where another one does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Rule {
    /// It is in the caller's own trash, and was the other before it was deleted.
    Trash,
    /// It shows the other with the bytes of encrypted files as they are stored.
    Raw,
}

/// The path whose place is that of `path`, and the rule by which it is another one.
pub(crate) fn deciding<'a>(path: &'a str, short_user: &str) -> (Option<Rule>, &'a str) {
    if let Some(shown) = raw::shown(path) {
        return (Some(Rule::Raw), shown);
    }
    match trash::original(path, short_user) {
        Some(original) => (Some(Rule::Trash), original),
        None => (None, path),
    }
}

impl MountTable {
    /// Where a normalised path lives, for a caller of whom nothing is known.
    pub fn resolve<'a>(&'a self, path: &'a str) -> Result<Resolved<'a>, ResolveError> {
        self.place(path, path, &Placement::default())
    }

    /// Where a normalised path lives for the user with this short name: a path in the user's own trash lives where it
    /// lived before it was deleted, under its name in the trash; a raw path (`/.reserved/raw/data`) where `/data` lives.
    pub fn resolve_for_user<'a>(
        &'a self,
        path: &'a str,
        short_user: &str,
        placement: &Placement<'a>,
    ) -> Result<Resolved<'a>, ResolveError> {
        if !placement.all.is_empty() && trash::is_directory(path, short_user) {
            let here = |nameservice| Location { nameservice, path: Cow::Borrowed(path) };
            let locations = placement.all.iter().map(here).collect();
            return Ok(Resolved { entry: None, locations, in_trash: true, everywhere: true });
        }
        let (rule, deciding) = deciding(path, short_user);
        let mut resolved = self.place(deciding, path, placement)?;
        for location in &mut resolved.locations {
            match rule {
                None => {}
                Some(Rule::Raw) => location.path = raw::of(&location.path),
                Some(Rule::Trash) => location.path = Cow::Borrowed(path),
            }
        }
        resolved.in_trash = rule == Some(Rule::Trash);
        Ok(resolved)
    }

    /// Locates `path`; errors name `asked`.
    fn place<'a>(
        &'a self,
        path: &'a str,
        asked: &str,
        placement: &Placement<'_>,
    ) -> Result<Resolved<'a>, ResolveError> {
        let Some((mount, covered)) = self.deepest(path) else {
            let nameservice = self
                .default_nameservice()
                .ok_or_else(|| ResolveError::NoDefaultNameservice { path: asked.to_owned() })?;
            let locations = SmallVec::from_buf([Location { nameservice, path: Cow::Borrowed(path) }]);
            return Ok(Resolved { entry: None, locations, in_trash: false, everywhere: false });
        };
        let entry = &mount.entry;
        let place = |destination| locate(destination, path, covered);
        let locations = match pick(mount, path, placement).nameservice() {
            None => entry.destinations.iter().map(place).collect(),
            // Hadoop's router pushes each destination of the chosen nameservice to the head, which reverses them.
            Some(first) => {
                let (chosen, others): (SmallVec<[&Destination; 4]>, SmallVec<[&Destination; 4]>) =
                    entry.destinations.iter().partition(|destination| destination.nameservice == *first);
                chosen.into_iter().rev().chain(others).map(place).collect()
            }
        };
        Ok(Resolved { entry: Some(entry), locations, in_trash: false, everywhere: false })
    }
}

/// The location of `path`, of which the first `covered` bytes are the mount's source.
fn locate<'a>(destination: &'a Destination, path: &'a str, covered: usize) -> Location<'a> {
    let (source, rest) = path.split_at(covered);
    let prefix = destination.path.prefix();
    let rest = if rest == "/" { "" } else { rest };
    let path = if prefix == source {
        Cow::Borrowed(path)
    } else if rest.is_empty() {
        Cow::Borrowed(destination.path.as_str())
    } else if prefix.is_empty() {
        Cow::Borrowed(rest)
    } else {
        Cow::Owned([prefix, rest].concat())
    };
    Location { nameservice: &destination.nameservice, path }
}

/// Which nameservice an entry puts first for a path, and by what.
pub(crate) enum Pick<'a> {
    /// None: the destinations are taken as they are listed.
    Listed,
    /// The owner of a key on the ring.
    Hashed { key: Cow<'a, str>, owner: &'a NameserviceId },
    /// The one next to the client.
    Local(&'a NameserviceId),
    /// One by chance.
    Drawn(&'a NameserviceId),
}

impl<'a> Pick<'a> {
    fn nameservice(&self) -> Option<&'a NameserviceId> {
        match self {
            Self::Listed => None,
            Self::Hashed { owner: first, .. } | Self::Local(first) | Self::Drawn(first) => Some(first),
        }
    }
}

/// Asks the entry's order.
pub(crate) fn pick<'a>(mount: &'a Mount, path: &'a str, placement: &Placement<'a>) -> Pick<'a> {
    let entry = &mount.entry;
    if entry.destinations.len() < 2 {
        return Pick::Listed;
    }
    let hashed = |key: Cow<'a, str>| {
        // One nameservice owns everything.
        let owner = match &mount.ring {
            Some(ring) => ring.owner(&key)?,
            None => &entry.destinations.first()?.nameservice,
        };
        Some(Pick::Hashed { key, owner })
    };
    let picked = match entry.order {
        Order::Hash => hashed(finished_name(first_below(path, entry.source.prefix()))),
        Order::HashAll => hashed(finished_name(path)),
        Order::Random => at_random(&distinct(&entry.destinations), placement).map(Pick::Drawn),
        Order::Space => by_space(&entry.destinations, placement).map(Pick::Drawn),
        Order::Local => {
            // A host may serve several: the mount's own list tells which one is meant.
            let mut listed = entry.destinations.iter().map(|destination| &destination.nameservice);
            listed.find(|nameservice| placement.local.contains(nameservice)).map(Pick::Local)
        }
        Order::LeaderFollower => None,
    };
    picked.unwrap_or(Pick::Listed)
}

/// The path down to the first component below a mount.
fn first_below<'p>(path: &'p str, mount: &str) -> &'p str {
    let below = mount.len() + 1;
    let end = path.get(below..).and_then(|rest| rest.find('/')).map_or(path.len(), |at| below + at);
    &path[..end]
}

/// The nameservices of destinations, each once.
pub(crate) fn distinct(destinations: &[Destination]) -> SmallVec<[&NameserviceId; 4]> {
    let mut found = SmallVec::new();
    for destination in destinations {
        if !found.contains(&&destination.nameservice) {
            found.push(&destination.nameservice);
        }
    }
    found
}

fn at_random<'a>(nameservices: &[&'a NameserviceId], placement: &Placement<'_>) -> Option<&'a NameserviceId> {
    let chosen = scale(placement.random?, nameservices.len() as u64);
    nameservices.get(usize::try_from(chosen).ok()?).copied()
}

/// Maps a random number evenly to `0..bound`.
fn scale(random: u64, bound: u64) -> u64 {
    ((u128::from(random) * u128::from(bound)) >> 64) as u64
}

/// The nameservices of destinations whose available space is known, with it; the one with most comes first.
pub(crate) fn roomiest<'a>(
    destinations: &'a [Destination],
    available: &[(NameserviceId, u64)],
) -> SmallVec<[(&'a NameserviceId, u64); 4]> {
    let space = |nameservice| available.iter().find(|(known, _)| known == nameservice).map(|&(_, bytes)| bytes);
    let known = distinct(destinations).into_iter().filter_map(|nameservice| Some((nameservice, space(nameservice)?)));
    let mut known: SmallVec<_> = known.collect();
    known.sort_by_key(|&(_, bytes)| Reverse(bytes));
    known
}

/// Offers the nameservices one after the other, the one with most space first, to a lot with the chance of the preference;
/// the last one takes what is left. Of two, the roomier is chosen as often as Hadoop's router chooses it.
fn by_space<'a>(destinations: &'a [Destination], placement: &Placement<'_>) -> Option<&'a NameserviceId> {
    let known = roomiest(destinations, placement.available);
    let (&(last, _), others) = known.split_last()?;
    let chance = placement.preference;
    // 53 bits are what a float holds exactly.
    let mut point = (placement.random? >> 11) as f64 / (1u64 << 53) as f64;
    for &(nameservice, _) in others {
        if point < chance {
            return Some(nameservice);
        }
        point = (point - chance) / (1.0 - chance);
    }
    Some(last)
}

#[cfg(test)]
mod tests;
