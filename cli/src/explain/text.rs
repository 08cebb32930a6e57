//! An answer for people.

use anabranch_federation::explain::{Choice, Explanation, Mount, Nowhere, Room};
use anabranch_federation::{Allowed, Limit, Order, Rule};
use anabranch_router::explain::{Answer, Seen, SeenNamenode};

use crate::{human, table};

/// Mounts below a path that are named; a directory may have thousands.
const CHILDREN: usize = 12;

/// The path, what decides where it lives, and the table of where that is.
pub(super) fn of(answer: &Answer) -> String {
    let (explanation, router) = (&answer.explanation, answer.router.as_ref());
    let mount = explanation.mount.as_ref();
    let lines = [
        ("stands for", explanation.stands_for.as_ref().map(|other| stands_for(&other.path, other.rule))),
        ("mount", Some(covering(explanation))),
        ("order", mount.and_then(|mount| order(mount, &explanation.choice))),
        ("access", explanation.nowhere.is_none().then(|| access(explanation))),
        ("entry", mount.map(|mount| entry(mount, explanation.user.as_deref()))),
        ("quota", mount.and_then(quota)),
        ("directory", directory(explanation)),
        ("router", router.map(seen)),
        ("asked", explanation.nowhere.map(|why| nowhere(explanation, why))),
    ];
    let told = lines.into_iter().filter_map(|(what, text)| Some(format!("{what:<12}{}", text?)));
    let mut text = [vec![explanation.path.clone()], told.collect()].concat().join("\n");
    if !explanation.destinations.is_empty() {
        text = format!("{text}\n\n{}", destinations(answer));
    }
    text
}

fn stands_for(path: &str, rule: Rule) -> String {
    match rule {
        Rule::Trash => format!("{path}, which it was before it was deleted"),
        Rule::Raw => format!("{path}, whose stored bytes it shows"),
    }
}

fn covering(explanation: &Explanation) -> String {
    match (&explanation.mount, &explanation.default_nameservice) {
        _ if explanation.choice == Choice::Everywhere => {
            "none; a directory of the user's trash, of which each nameservice has its own: all are asked".to_owned()
        }
        (Some(mount), _) if explanation.shorter.is_empty() => mount.path.clone(),
        (Some(mount), _) => format!("{}, the longest match; shorter: {}", mount.path, explanation.shorter.join(", ")),
        (None, Some(nameservice)) => format!("none; what no mount covers is in the default nameservice, {nameservice}"),
        (None, None) => "none; and there is no default nameservice".to_owned(),
    }
}

fn order(mount: &Mount, choice: &Choice) -> Option<String> {
    let why = match choice {
        Choice::Single | Choice::Everywhere => return None,
        Choice::Hash { key, nameservice } => format!("{key} belongs to {nameservice} by its hash"),
        Choice::Local { nameservice } => format!("the client is next to {nameservice}"),
        Choice::Lots { among, .. } => format!("each call draws one of {} to be asked first", among.join(", ")),
        Choice::Space { among, .. } => {
            let room = |room: &Room| format!("{} with {} free", room.nameservice, human::bytes(room.available));
            let rooms: Vec<String> = among.iter().map(room).collect();
            format!("each call draws one of {} to be asked first, the first one most likely", rooms.join(", "))
        }
        Choice::Listed => match mount.order {
            Order::LeaderFollower => "as listed, the first leads",
            Order::Local => "as listed, since no client is named that is next to one of them",
            Order::Space => "as listed, since nothing is known of free space",
            Order::Hash | Order::HashAll | Order::Random => "as listed",
        }
        .to_owned(),
    };
    let everywhere = if mount.order.is_all() { "; directories are in all of them" } else { "" };
    Some(format!("{}: {why}{everywhere}", mount.order))
}

fn access(explanation: &Explanation) -> String {
    let tolerant = explanation.mount.as_ref().is_some_and(|mount| mount.fault_tolerant);
    match (explanation.read_only, tolerant) {
        (true, _) => "read only: writes are refused".to_owned(),
        (false, true) => {
            "read and write; fault tolerant: a file is made in another nameservice when the first is away".to_owned()
        }
        (false, false) => "read and write".to_owned(),
    }
}

fn entry(mount: &Mount, user: Option<&str>) -> String {
    let or = |name: &Option<String>, default: &str| name.clone().unwrap_or_else(|| default.to_owned());
    let (owner, group) = (or(&mount.owner, "(superuser)"), or(&mount.group, "(supergroup)"));
    let may = user.zip(mount.allowed).map(|(user, allowed)| format!("; {user} {}", may(allowed))).unwrap_or_default();
    format!("owner {owner}, group {group}, mode {}{may}", mount.mode)
}

/// What somebody may do with the entry itself.
fn may(allowed: Allowed) -> String {
    let words = [(allowed.read, "see it"), (allowed.write, "change it"), (allowed.execute, "pass to mounts below")];
    let granted: Vec<&str> = words.into_iter().filter_map(|(granted, word)| granted.then_some(word)).collect();
    if granted.is_empty() { "may do nothing with it".to_owned() } else { format!("may {}", granted.join(", ")) }
}

fn quota(mount: &Mount) -> Option<String> {
    let limit = |(of, limit): (&String, &Limit)| {
        let number = |number| if of == "files" { format!("{number}") } else { human::bytes(number) };
        let over = if limit.is_exceeded() { " (exceeded)" } else { "" };
        let most = limit.quota.map_or("no limit".to_owned(), |quota| format!("of {}", number(quota)));
        format!("{of} {} {most}{over}", number(limit.used))
    };
    let limits: Vec<String> = mount.quotas.iter().map(limit).collect();
    (!limits.is_empty()).then(|| limits.join(", "))
}

fn directory(explanation: &Explanation) -> Option<String> {
    let children = &explanation.children;
    let point = explanation.mount_point.then(|| "a mount point: not to be renamed or deleted".to_owned());
    let named = children.iter().take(CHILDREN).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = children.len().saturating_sub(CHILDREN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let below = (!children.is_empty()).then(|| format!("mounts below: {named}{more}"));
    let told: Vec<String> = point.into_iter().chain(below).collect();
    (!told.is_empty()).then(|| told.join("; "))
}

fn seen(router: &Seen) -> String {
    let safe_mode = router.safe_mode.as_ref().map(|cause| format!("; in safe mode, which refuses changes: {cause}"));
    format!("{}, mount table at revision {}{}", router.id, router.revision, safe_mode.unwrap_or_default())
}

fn nowhere(explanation: &Explanation, why: Nowhere) -> String {
    let advice = match why {
        Nowhere::NoDefaultNameservice => "mount the path, or set the default nameservice",
        Nowhere::AllDisabled => "all its nameservices are disabled",
    };
    match explanation.is_found() {
        true => format!("no nameservice ({advice}); the mount table alone makes the directory"),
        false => format!("no nameservice: calls fail; {advice}"),
    }
}

fn destinations(answer: &Answer) -> String {
    let mut turn = 0;
    let rows = answer.explanation.destinations.iter().map(|destination| {
        let (at, notes) = if destination.disabled {
            ("-".to_owned(), "disabled".to_owned())
        } else {
            turn += 1;
            (turn.to_string(), namenodes(answer, &destination.nameservice))
        };
        vec![at, destination.nameservice.clone(), destination.path.clone(), notes]
    });
    table::render(&["ASKED", "NAMESERVICE", "PATH THERE", "NAMENODES"], &rows.collect::<Vec<_>>())
}

/// In the order in which they are tried.
fn namenodes(answer: &Answer, nameservice: &str) -> String {
    match answer.nameservices.iter().find(|known| known.id == nameservice) {
        Some(known) if known.embedded => "embedded".to_owned(),
        Some(known) if !known.namenodes.is_empty() => {
            known.namenodes.iter().map(namenode).collect::<Vec<_>>().join(", ")
        }
        _ if answer.router.is_some() => "unknown to the router".to_owned(),
        _ => "no Subcluster has it".to_owned(),
    }
}

fn namenode(namenode: &SeenNamenode) -> String {
    let id = namenode.id.as_ref().map(|id| format!("{id} ")).unwrap_or_default();
    let state = namenode.state.as_ref().map(|state| format!(" {}", state.to_lowercase())).unwrap_or_default();
    let skipped = if namenode.called { "" } else { " (not called)" };
    format!("{id}{}{state}{skipped}", namenode.address)
}

#[cfg(test)]
mod tests;
