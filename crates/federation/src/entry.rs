use std::collections::HashMap;
use std::fmt;

use smallvec::SmallVec;

use crate::{Limit, MountPath, NameserviceError, NameserviceId, Order, PathError, Quota, fnv1a};

/// A place that a mount leads to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Destination {
    /// The nameservice.
    pub nameservice: NameserviceId,
    /// The path in it.
    pub path: MountPath,
}

/// Where a mount leads to, in order. Nearly all mounts lead to one place, which needs no memory of its own.
pub type Destinations = SmallVec<[Destination; 1]>;

/// One entry of a mount table: the tree at `source` lives at `destinations`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountEntry {
    /// Where clients see the tree. The key of the entry.
    pub source: MountPath,
    /// Where it lives; the order matters.
    pub destinations: Destinations,
    /// Which destination comes first for a path.
    pub order: Order,
    /// Whether writes below it are refused.
    pub read_only: bool,
    /// Whether a file may be created in another destination when the first one is away.
    pub fault_tolerant: bool,
    /// The owner that the mount point shows when its destination does not exist; empty: the router's superuser.
    pub owner: String,
    /// The group that it shows; empty: the router's supergroup.
    pub group: String,
    /// The permission bits that it shows, such as `0o755`.
    pub mode: u16,
    /// Its quotas.
    pub quota: Quota,
    /// When it was created, in milliseconds since 1970; 0: not known yet.
    pub created_ms: u64,
    /// When it was last changed, in milliseconds since 1970; 0: not known yet.
    pub modified_ms: u64,
    /// Who declared it, if not an administrator by hand.
    pub declared: Option<Box<Declared>>,
    /// Which of its flags are off by name. Says nothing else than a flag that is not named; Java's router keeps the two
    /// apart in records, and so they must be kept apart here.
    pub off_by_name: OffByName,
    /// What a newer program has written into the record and this release does not know, encoded: it is written back.
    pub unknown: Box<[u8]>,
}

/// Who keeps an entry as it is, and what it was when they wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// Whoever declared the entry.
    pub by: String,
    /// [`MountEntry::digest`] of what was declared: an entry with another digest was changed by someone else since.
    pub digest: u64,
}

/// See [`MountEntry::off_by_name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OffByName {
    /// [`MountEntry::read_only`].
    pub read_only: bool,
    /// [`MountEntry::fault_tolerant`].
    pub fault_tolerant: bool,
}

impl MountEntry {
    /// The permission bits of an entry that names none.
    pub const DEFAULT_MODE: u16 = 0o755;

    /// An entry with defaults for all but its source and its destinations.
    pub fn new(source: MountPath, destinations: impl Into<Destinations>) -> Self {
        Self {
            source,
            destinations: destinations.into(),
            order: Order::default(),
            read_only: false,
            fault_tolerant: false,
            owner: String::new(),
            group: String::new(),
            mode: Self::DEFAULT_MODE,
            quota: Quota::default(),
            created_ms: 0,
            modified_ms: 0,
            declared: None,
            off_by_name: OffByName::default(),
            unknown: Box::default(),
        }
    }

    /// This entry where another one was stored: was created when that was, and keeps of it what this release does not know.
    #[must_use]
    pub fn in_place_of(self, stored: &Self) -> Self {
        Self { created_ms: stored.created_ms, unknown: stored.unknown.clone(), ..self }
    }

    /// As [`MountEntry::new`], from the words of a request or a record: source, and pairs of nameservice and path.
    pub fn parse<'a>(
        source: &str,
        destinations: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, EntryError> {
        let destinations: Vec<_> = destinations.into_iter().collect();
        let refused = |problem| EntryError { problem, entry: shown(source, destinations.iter().copied()) };
        let source = MountPath::parse(source).map_err(|error| refused(EntryProblem::Source(error)))?;
        let mut parsed = Destinations::with_capacity(destinations.len());
        for &(nameservice, path) in &destinations {
            let nameservice =
                NameserviceId::parse(nameservice).map_err(|error| refused(EntryProblem::Nameservice(error)))?;
            let path = MountPath::parse(path).map_err(|error| refused(EntryProblem::Destination(error)))?;
            parsed.push(Destination { nameservice, path });
        }
        if parsed.is_empty() {
            return Err(refused(EntryProblem::NoDestination));
        }
        Ok(Self::new(source, parsed))
    }

    /// Checks what the types do not hold: that there is a destination, and that fault tolerance has where to go.
    pub fn validate(&self) -> Result<(), EntryError> {
        let problem = if self.destinations.is_empty() {
            EntryProblem::NoDestination
        } else if self.fault_tolerant && self.destinations.len() < 2 {
            EntryProblem::FaultTolerantAlone
        } else if self.fault_tolerant && !self.order.is_all() {
            EntryProblem::FaultTolerantOrder
        } else {
            return Ok(());
        };
        Err(EntryError { problem, entry: self.to_string() })
    }

    /// The permission bits as letters: `rwxr-xr-x`.
    pub fn mode_letters(&self) -> String {
        Permission(self.mode).to_string()
    }

    /// Stands for what the entry says, whenever it was written and whatever its quotas are used: entries of the same intent
    /// have the same digest, in every release ([`fnv1a`] of the entry as administrators see it).
    pub fn digest(&self) -> u64 {
        let unused = |limit: Limit| Limit { used: 0, ..limit };
        let limited = self.quota.by_type.iter().filter(|(_, limit)| limit.quota.is_some());
        let quota = Quota {
            files: unused(self.quota.files),
            space: unused(self.quota.space),
            by_type: limited.map(|&(kind, limit)| (kind, unused(limit))).collect(),
        };
        fnv1a(Self { quota, ..self.clone() }.to_string().bytes())
    }

    /// Whether it is what its declarer wrote; not if nobody declared it, or someone else has changed it since.
    pub fn is_as_declared(&self) -> bool {
        self.declared.as_ref().is_some_and(|declared| declared.digest == self.digest())
    }

    /// Whether both say the same, whenever they were written and whatever their quotas are used.
    pub fn same_intent(&self, other: &Self) -> bool {
        let Self { source, destinations, order, read_only, fault_tolerant, owner, group, mode, .. } = self;
        *source == other.source
            && *destinations == other.destinations
            && *order == other.order
            && *read_only == other.read_only
            && *fault_tolerant == other.fault_tolerant
            && *owner == other.owner
            && *group == other.group
            && *mode == other.mode
            && self.quota.same_limits(&other.quota)
    }
}

fn shown<'a>(source: &str, destinations: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let list: Vec<String> = destinations.map(|(nameservice, path)| format!("{nameservice}->{path}")).collect();
    format!("{source}->[{}]", list.join(", "))
}

/// The one-line form that administrators know from Hadoop's messages.
impl fmt::Display for MountEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs = self.destinations.iter().map(|d| (d.nameservice.as_str(), d.path.as_str()));
        f.write_str(&shown(self.source.as_str(), pairs))?;
        if self.destinations.len() > 1 {
            write!(f, "[{}]", self.order)?;
        }
        for (set, mark) in [(self.read_only, "[RO]"), (self.fault_tolerant, "[FT]")] {
            f.write_str(if set { mark } else { "" })?;
        }
        write!(f, "[owner:{}][group:{}][mode:{}]", self.owner, self.group, Permission(self.mode))?;
        write!(f, "[quota:[{}]]", self.quota)
    }
}

/// Shows `0o755` as `rwxr-xr-x`, and a sticky bit as `t`.
struct Permission(u16);

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut letters: Vec<char> =
            (0..9).map(|bit| if self.0 & (0o400 >> bit) == 0 { '-' } else { ['r', 'w', 'x'][bit % 3] }).collect();
        if self.0 & 0o1000 != 0 {
            letters[8] = if letters[8] == 'x' { 't' } else { 'T' };
        }
        letters.into_iter().try_for_each(|letter| fmt::Write::write_char(f, letter))
    }
}

/// Why an entry is refused: the problem, then the entry. The words are those of Hadoop's router where it has any.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem} {entry}")]
pub struct EntryError {
    /// What is wrong.
    pub problem: EntryProblem,
    /// The entry in its one-line form.
    pub entry: String,
}

/// What can be wrong with an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryProblem {
    /// The source is no mount path.
    #[error("{}", source_words(.0))]
    Source(PathError),
    /// Nowhere to lead to.
    #[error("Invalid entry, no destination paths specified")]
    NoDestination,
    /// A destination's nameservice is no name.
    #[error("{}", nameservice_words(.0))]
    Nameservice(NameserviceError),
    /// A destination's path is no mount path.
    #[error("{}", destination_words(.0))]
    Destination(PathError),
    /// Fault tolerance with one destination.
    #[error("Invalid entry, fault tolerance requires multiple destinations")]
    FaultTolerantAlone,
    /// Fault tolerance with an order that keeps a directory in one place.
    #[error("Invalid entry, fault tolerance only supported for ALL order")]
    FaultTolerantOrder,
}

fn source_words(error: &PathError) -> String {
    match error {
        PathError::Empty => "Invalid entry, no source path specified".to_owned(),
        PathError::NotAbsolute(_) => "Invalid entry, all mount points must start with /".to_owned(),
        PathError::TooLong { .. } | PathError::Relative { .. } => format!("Invalid entry, source {error}"),
    }
}

fn nameservice_words(error: &NameserviceError) -> String {
    match error.0.as_str() {
        "" => "Invalid entry, invalid destination nameservice".to_owned(),
        _ => format!("Invalid entry, invalid destination {error}"),
    }
}

fn destination_words(error: &PathError) -> String {
    match error {
        PathError::Empty => "Invalid entry, invalid destination path".to_owned(),
        PathError::NotAbsolute(_) => "Invalid entry, all destination must start with /".to_owned(),
        PathError::TooLong { .. } | PathError::Relative { .. } => format!("Invalid entry, destination {error}"),
    }
}

/// Entries that claim a source which an earlier one has: pairs of (position of the later, position of the first).
pub fn duplicates<'a>(entries: impl IntoIterator<Item = &'a MountEntry>) -> Vec<(usize, usize)> {
    let mut first = HashMap::new();
    let claim = |(at, entry): (usize, &'a MountEntry)| {
        let holder = *first.entry(&entry.source).or_insert(at);
        (holder != at).then_some((at, holder))
    };
    entries.into_iter().enumerate().filter_map(claim).collect()
}

#[cfg(test)]
mod tests;
