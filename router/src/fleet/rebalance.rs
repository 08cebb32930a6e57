//! Lets connections go when routers are added, so that clients find the new ones.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anabranch_hrpc::Drain;
use anabranch_store::{Record, RouterState, RouterStatus};
use tokio::sync::watch;

/// How long it may take from a router that serves until the Service in front of the fleet leads there.
const REACHABLE: Duration = Duration::from_secs(3);

/// How often that long is waited while further routers join: those that come together, as when a fleet rolls or its
/// autoscaler acts, cost a client one connection and not one each.
const ROUNDS: usize = 4;

/// A router may have a tenth more than its even share. Clients that connect again come to all routers alike, the old ones
/// too: so letting a few connections go evens nothing out, letting all go does, and this tells when it is worth that.
const TOLERATED: usize = 10;

/// Who serves beside the router `me`, as far as it has heard.
struct Peers<'a> {
    me: &'a str,
    known: Option<Known>,
}

struct Known {
    serving: BTreeSet<String>,
    /// Those of them that have their share of the load.
    settled: BTreeSet<String>,
}

impl Known {
    fn joined(&self) -> usize {
        self.serving.len() - self.settled.len()
    }
}

impl Peers<'_> {
    /// Takes the records of all routers; how many have joined since the load was even. Those that were there at first have
    /// not; one in safe mode, which it shares with the others as a rule, has not left.
    fn take<'r>(&mut self, records: impl Iterator<Item = (&'r str, RouterStatus)>) -> usize {
        let before = self.known.take();
        let counts = |key: &str, status| match status {
            RouterStatus::Running => true,
            RouterStatus::SafeMode => before.as_ref().is_some_and(|before| before.serving.contains(key)),
            _ => false,
        };
        let others = records.filter(|(key, status)| *key != self.me && counts(key, *status));
        let serving: BTreeSet<String> = others.map(|(key, _)| key.to_owned()).collect();
        // The connections of one that left have come to all others alike.
        let settled = before.map_or_else(|| serving.clone(), |before| &before.settled & &serving);
        self.known.insert(Known { serving, settled }).joined()
    }

    /// Whether this router has too much since others joined: beside `s` that have their share, it has `joined / (s + 1)`
    /// more than an even one.
    fn is_uneven(&self) -> bool {
        self.known.as_ref().is_some_and(|known| known.joined() * TOLERATED > known.settled.len() + 1)
    }

    /// The load is even.
    fn settle(&mut self) {
        if let Some(Known { serving, settled }) = &mut self.known {
            settled.clone_from(serving);
        }
    }
}

/// Sheds connections within that time when so many routers have joined that the load is uneven.
pub async fn rebalance(
    me: &str,
    mut routers: watch::Receiver<Arc<Vec<Arc<RouterState>>>>,
    drain: Drain,
    within: Duration,
) {
    let mut peers = Peers { me, known: None };
    let take =
        |peers: &mut Peers<'_>, known: &[Arc<RouterState>]| peers.take(known.iter().map(|it| (it.key(), it.status())));
    while routers.changed().await.is_ok() {
        let mut joined = take(&mut peers, &routers.borrow_and_update());
        if !peers.is_uneven() {
            continue;
        }
        for _ in 0..ROUNDS {
            tokio::time::sleep(REACHABLE).await;
            let before = std::mem::replace(&mut joined, take(&mut peers, &routers.borrow_and_update()));
            if joined <= before {
                break;
            }
        }
        peers.settle();
        tracing::info!(joined, ?within, "routers joined the fleet; letting connections go, so that clients find them");
        drain.shed(within);
    }
}

#[cfg(test)]
mod tests;
