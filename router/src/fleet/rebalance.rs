//! Lets connections go when routers are added, so that clients find the new ones.

use std::collections::BTreeSet;
use std::time::Duration;

use anabranch_hrpc::Drain;
use anabranch_store::{RouterState, RouterStatus};
use tokio::sync::watch;

use crate::federation_view::Known;

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
    serving: BTreeSet<String>,
    /// Those of them that have their share of the load.
    settled: BTreeSet<String>,
}

impl<'a> Peers<'a> {
    fn of(me: &'a str) -> Self {
        Self { me, serving: BTreeSet::new(), settled: BTreeSet::new() }
    }

    /// Takes what has changed of the records of routers, `None` where one was deleted. One in safe mode, which it shares with
    /// the others as a rule, has neither joined nor left.
    fn take<'r>(&mut self, changes: impl Iterator<Item = (&'r str, Option<RouterStatus>)>) {
        for (key, status) in changes.filter(|(key, _)| *key != self.me) {
            match status {
                Some(RouterStatus::Running) => drop(self.serving.insert(key.to_owned())),
                Some(RouterStatus::SafeMode) => {}
                // The connections of one that left have come to all others alike.
                _ => {
                    self.serving.remove(key);
                    self.settled.remove(key);
                }
            }
        }
    }

    /// How many have joined since the load was even.
    fn joined(&self) -> usize {
        self.serving.len() - self.settled.len()
    }

    /// Whether this router has too much since others joined: beside `s` that have their share, it has `joined / (s + 1)`
    /// more than an even one.
    fn is_uneven(&self) -> bool {
        self.joined() * TOLERATED > self.settled.len() + 1
    }

    /// The load is even.
    fn settle(&mut self) {
        self.settled.clone_from(&self.serving);
    }
}

/// Sheds connections within that time when so many routers have joined that the load is uneven. Those that were there at
/// first have not joined.
pub async fn rebalance(me: &str, mut routers: watch::Receiver<Known<RouterState>>, drain: Drain, within: Duration) {
    let mut peers = Peers::of(me);
    let mut taken = Known::default();
    let mut take = |peers: &mut Peers<'_>, known: &Known<RouterState>| {
        peers.take(known.since(&taken).map(|(key, record)| (key, record.map(RouterState::status))));
        if !std::mem::replace(&mut taken, known.clone()).is_loaded() {
            peers.settle();
        }
        peers.joined()
    };
    routers.mark_changed();
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
