//! Why a path lives where it lives: all that decides it, as one value for people and programs. Nothing is decided here:
//! the answers are those of [`MountTable::resolve_for_user`] and [`Authority`], which calls are planned by.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::resolve::{Pick, deciding, distinct, pick, roomiest};
use crate::table;
use crate::{
    Allowed, Authority, Limit, MountEntry, MountPath, MountTable, NameserviceId, Order, Placement, Quota, Resolved,
    Rule, Usages,
};

/// What is asked, and what the answer depends on beside the table.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The path.
    pub path: &'a MountPath,
    /// Who would call: the short name, and groups; none for anybody.
    pub user: Option<(&'a str, &'a [String])>,
    /// What the orders of mounts need. [`POSSIBLE`] where there is no call.
    pub placement: Placement<'a>,
    /// Nameservices that are out of service.
    pub disabled: &'a [NameserviceId],
    /// Who stands above the permissions of entries.
    pub authority: &'a Authority,
    /// What is used of mounts; none where nobody counts.
    pub used: Option<&'a Usages>,
}

/// The placement of a call that might be: lots fall on the first nameservice, and nothing is known of clients and space.
pub const POSSIBLE: Placement<'static> =
    Placement { random: Some(0), local: &[], available: &[], preference: 0.0, all: &[] };

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The path in the form in which it is looked up.
    pub path: String,
    /// Who would call; none: anybody.
    pub user: Option<String>,
    /// The path that decides, when it is another one.
    pub stands_for: Option<StandsFor>,
    /// The entry that covers the deciding path: the deepest of those that do.
    pub mount: Option<Mount>,
    /// The sources of the others that cover it, the deepest first.
    pub shorter: Vec<String>,
    /// Where paths go that no entry covers.
    pub default_nameservice: Option<String>,
    /// Why the first destination is the first.
    pub choice: Choice,
    /// Where it lives, in the order in which a router asks.
    pub destinations: Vec<Destination>,
    /// Whether writes are refused.
    pub read_only: bool,
    /// Why no nameservice is asked; none when one is.
    pub nowhere: Option<Nowhere>,
    /// Whether the path is exactly the source of an entry: it can't be renamed or deleted.
    pub mount_point: bool,
    /// The next components of entries below the path: they are in its listing, whatever NameNodes say.
    pub children: Vec<String>,
}

/// A path that another one stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandsFor {
    /// The other path.
    pub path: String,
    /// Why.
    pub rule: Rule,
}

/// The entry that covers a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mount {
    /// Its source.
    pub path: String,
    /// Its order.
    pub order: Order,
    /// Whether a file may be created in another destination when the first one is away.
    pub fault_tolerant: bool,
    /// Its owner; none: the router's superuser, of whom nothing is known here.
    pub owner: Option<String>,
    /// Its group; none: the router's supergroup, of which nothing is known here.
    pub group: Option<String>,
    /// Its permission bits in octal, such as `0755`.
    pub mode: String,
    /// What the user may do with the entry itself, by `dfsrouteradmin`; none without a user. Files have permissions of
    /// their own.
    pub allowed: Option<Allowed>,
    /// Its quotas by what they limit: `files`, `space`, or a type of storage; those that are set or used.
    pub quotas: BTreeMap<String, Limit>,
}

/// Why the first destination is the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "camelCase")]
pub enum Choice {
    /// There is no other.
    Single,
    /// None is: the path is a directory of the user's trash, of which each nameservice has its own.
    Everywhere,
    /// The entry lists it first, and its order has nothing to say, or lacks what it needs.
    Listed,
    /// The ring of the entry's nameservices has it next to the hash of a key.
    Hash {
        /// What was hashed.
        key: String,
        /// The owner.
        nameservice: String,
    },
    /// It is next to the client.
    Local {
        /// The nameservice.
        nameservice: String,
    },
    /// Each call draws lots.
    Lots {
        /// The nameservices that may come first.
        among: Vec<String>,
        /// The one that comes first here.
        drawn: String,
    },
    /// Each call draws lots, which fall on nameservices the likelier the more space they have.
    Space {
        /// The nameservices that may come first, the one with most space first.
        among: Vec<Room>,
        /// The one that comes first here.
        drawn: String,
    },
}

/// How much space there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// In which nameservice.
    pub nameservice: String,
    /// Bytes.
    pub available: u64,
}

/// A place where a path lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// The nameservice.
    pub nameservice: String,
    /// The path there.
    pub path: String,
    /// Whether the nameservice is out of service: then it is not asked.
    pub disabled: bool,
}

/// Why no nameservice is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Nowhere {
    /// No entry covers the path, and there is no default nameservice.
    NoDefaultNameservice,
    /// All its nameservices are out of service.
    AllDisabled,
}

impl Explanation {
    /// Whether a router answers for the path: by asking a nameservice, or from the table alone.
    pub fn is_found(&self) -> bool {
        self.nowhere.is_none() || self.mount_point || !self.children.is_empty()
    }

    /// The destination that is asked first.
    pub fn first(&self) -> Option<&Destination> {
        self.destinations.iter().find(|destination| !destination.disabled)
    }
}

/// Explains where a path lives.
pub fn explain(table: &MountTable, question: &Question<'_>) -> Explanation {
    let path = question.path.as_str();
    let user = question.user.map_or("", |(name, _)| name);
    let (rule, decides) = deciding(path, user);
    let resolved = table.resolve_for_user(path, user, &question.placement).ok();
    let everywhere = resolved.as_ref().is_some_and(|resolved| resolved.everywhere);
    let covering = table.mounts_over(decides).map(|(mount, _)| mount);
    let mut over: Vec<&table::Mount> = if everywhere { Vec::new() } else { covering.collect() };
    let mount = over.pop();
    let destinations = resolved.as_ref().map(|resolved| destinations(resolved, question)).unwrap_or_default();
    Explanation {
        path: path.to_owned(),
        user: question.user.map(|(name, _)| name.to_owned()),
        stands_for: rule.map(|rule| StandsFor { path: decides.to_owned(), rule }),
        mount: mount.map(|mount| described(&mount.entry, question)),
        shorter: over.iter().rev().map(|mount| mount.entry.source.to_string()).collect(),
        default_nameservice: table.default_nameservice().map(ToString::to_string),
        choice: match mount {
            Some(mount) => choice(mount, decides, &question.placement),
            None if everywhere => Choice::Everywhere,
            None => Choice::Single,
        },
        read_only: resolved.as_ref().is_some_and(Resolved::is_read_only),
        nowhere: match destinations.iter().all(|destination| destination.disabled) {
            true if resolved.is_none() => Some(Nowhere::NoDefaultNameservice),
            true => Some(Nowhere::AllDisabled),
            false => None,
        },
        destinations,
        mount_point: table.is_mount_point(path),
        children: table.children(path).into_iter().map(str::to_owned).collect(),
    }
}

fn destinations(resolved: &Resolved<'_>, question: &Question<'_>) -> Vec<Destination> {
    let each = resolved.locations.iter().map(|location| Destination {
        nameservice: location.nameservice.to_string(),
        path: location.path.to_string(),
        disabled: question.disabled.contains(location.nameservice),
    });
    each.collect()
}

fn described(entry: &MountEntry, question: &Question<'_>) -> Mount {
    let authority = question.authority;
    Mount {
        path: entry.source.to_string(),
        order: entry.order,
        fault_tolerant: entry.fault_tolerant,
        owner: authority.owner(entry).map(str::to_owned),
        group: authority.group(entry).map(str::to_owned),
        mode: format!("{:04o}", entry.mode),
        allowed: question.user.map(|(name, groups)| authority.allowed(name, groups, entry)),
        quotas: match question.used {
            Some(used) => quotas(&entry.quota.with_usage(used.get(entry.source.as_str()).unwrap_or_default())),
            None => quotas(&entry.quota),
        },
    }
}

fn quotas(quota: &Quota) -> BTreeMap<String, Limit> {
    let by_type = quota.by_type.iter().map(|(kind, limit)| (kind.name(), *limit));
    let all = [("files", quota.files), ("space", quota.space)].into_iter().chain(by_type);
    all.filter(|(_, limit)| *limit != Limit::default()).map(|(of, limit)| (of.to_owned(), limit)).collect()
}

fn choice(mount: &table::Mount, path: &str, placement: &Placement<'_>) -> Choice {
    let destinations = &mount.entry.destinations;
    match pick(mount, path, placement) {
        Pick::Listed if destinations.len() < 2 => Choice::Single,
        Pick::Listed => Choice::Listed,
        Pick::Hashed { key, owner } => Choice::Hash { key: key.into_owned(), nameservice: owner.to_string() },
        Pick::Local(nameservice) => Choice::Local { nameservice: nameservice.to_string() },
        Pick::Drawn(drawn) if mount.entry.order == Order::Space => {
            let rooms = roomiest(destinations, placement.available).into_iter();
            let room = |(nameservice, available): (&NameserviceId, _)| Room {
                nameservice: nameservice.to_string(),
                available,
            };
            Choice::Space { among: rooms.map(room).collect(), drawn: drawn.to_string() }
        }
        Pick::Drawn(drawn) => {
            let among = distinct(destinations).into_iter().map(ToString::to_string).collect();
            Choice::Lots { among, drawn: drawn.to_string() }
        }
    }
}

#[cfg(test)]
mod tests;
