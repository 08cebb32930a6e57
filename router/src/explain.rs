//! Where a path lives, and by what this router would look for it there.

use std::net::IpAddr;

use anabranch_federation::explain::{Explanation, POSSIBLE, Question, explain};
use anabranch_federation::{MountPath, Placement};
use serde::{Deserialize, Serialize};

use crate::core::Core;
use crate::upstream::{Directory, Member};

/// What `/explain` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// What follows from the mount table.
    #[serde(flatten)]
    pub explanation: Explanation,
    /// The nameservices of the destinations, each once, in the order in which they are asked.
    #[serde(default)]
    pub nameservices: Vec<SeenNameservice>,
    /// What only a router knows; none when files were asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub router: Option<Seen>,
}

impl Answer {
    /// An explanation with what is known of the nameservices of its destinations.
    pub fn new(
        explanation: Explanation,
        router: Option<Seen>,
        mut nameservice: impl FnMut(&str) -> SeenNameservice,
    ) -> Self {
        let mut nameservices: Vec<SeenNameservice> = Vec::new();
        for destination in &explanation.destinations {
            if nameservices.iter().all(|known| known.id != destination.nameservice) {
                nameservices.push(nameservice(&destination.nameservice));
            }
        }
        Self { explanation, nameservices, router }
    }
}

/// What a router knows beside the mount table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// The router.
    pub id: String,
    /// The revision of its mount table.
    pub revision: u64,
    /// Why it refuses changes; none while it does not.
    pub safe_mode: Option<String>,
}

/// A nameservice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenNameservice {
    /// Its id.
    pub id: String,
    /// Its NameNodes in the order in which a call tries them, or as files list them; none if the nameservice is not known.
    pub namenodes: Vec<SeenNamenode>,
    /// Whether files say that Anabranch runs it, so that its address comes about later.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub embedded: bool,
}

/// A NameNode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenNamenode {
    /// Its id; none without high availability.
    pub id: Option<String>,
    /// `host:port` for clients.
    pub address: String,
    /// What the fleet last heard of it, such as `ACTIVE`; none if nobody has reported it.
    pub state: Option<String>,
    /// Whether it gets calls at all.
    pub called: bool,
}

/// Explains a path by the tables in use, for a client at an address; none while there is no mount table. `user` is a short
/// name with its groups.
pub(crate) fn answer(
    core: &Core,
    path: &MountPath,
    user: Option<(&str, &[String])>,
    client: Option<IpAddr>,
) -> Option<Answer> {
    let table = core.mounts.load_full()?;
    let directory = core.upstream.directory();
    let authority = core.config.authority();
    let disabled = directory.disabled();
    let known = core.whereabouts.of(&table);
    let placement = known.as_ref().map_or(POSSIBLE, |known| known.placement(client));
    let placement = Placement { random: POSSIBLE.random, all: directory.ids(), ..placement };
    let usages = core.quotas.usages();
    let used = usages.as_deref();
    let question = Question { path, user, placement, disabled, authority: &authority, used };
    let explanation = explain(&table, &question);
    let router = Some(Seen {
        id: core.config.router_id.clone(),
        revision: table.revision(),
        safe_mode: core.safe_mode.watch().borrow().cause().map(|cause| cause.to_string()),
    });
    Some(Answer::new(explanation, router, |id| nameservice(id, &directory)))
}

fn nameservice(id: &str, directory: &Directory) -> SeenNameservice {
    let namenodes = directory.get(id).into_iter().flat_map(|known| known.in_order()).map(namenode).collect();
    SeenNameservice { id: id.to_owned(), namenodes, embedded: false }
}

fn namenode(member: &Member) -> SeenNamenode {
    SeenNamenode {
        id: member.id.clone(),
        address: member.address.clone(),
        state: member.state.map(|state| state.name().to_owned()),
        called: member.is_callable(),
    }
}
