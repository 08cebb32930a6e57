//! Lets connections go when routers are added, so that clients find the new ones.

use std::collections::BTreeSet;
use std::time::Duration;

use anabranch_hrpc::Drain;
use anabranch_store::{RouterState, RouterStatus};
use tokio::sync::watch;

use crate::federation_view::Known;

/// How long it may take from a router that serves until the Service in front of the fleet leads there.
const REACHABLE: Duration = Duration::from_secs(3);

/// Who serves, as far as the router `me` has heard.
struct Peers<'a> {
    me: &'a str,
    serving: BTreeSet<String>,
}

impl Peers<'_> {
    /// Takes what has changed of the records of routers, `None` where one was deleted; whether others have begun to serve.
    /// One in safe mode, which it shares with the others as a rule, has neither begun nor ended.
    fn joined<'r>(&mut self, changes: impl Iterator<Item = (&'r str, Option<RouterStatus>)>) -> bool {
        let others = changes.filter(|(key, _)| *key != self.me);
        others.fold(false, |joined, (key, status)| match status {
            Some(RouterStatus::Running) => self.serving.insert(key.to_owned()) || joined,
            Some(RouterStatus::SafeMode) => joined,
            _ => {
                self.serving.remove(key);
                joined
            }
        })
    }
}

/// Sheds connections within that time whenever another router has joined. Those that join together count once, and those
/// that were there at first have not joined.
pub async fn rebalance(me: &str, mut routers: watch::Receiver<Known<RouterState>>, drain: Drain, within: Duration) {
    let mut peers = Peers { me, serving: BTreeSet::new() };
    let mut taken = Known::default();
    let mut joined = |known: &Known<RouterState>| {
        let joined = peers.joined(known.since(&taken).map(|(key, record)| (key, record.map(RouterState::status))));
        std::mem::replace(&mut taken, known.clone()).is_loaded() && joined
    };
    routers.mark_changed();
    while routers.changed().await.is_ok() {
        let known = routers.borrow_and_update().clone();
        if joined(&known) {
            tokio::time::sleep(REACHABLE).await;
            joined(&routers.borrow_and_update());
            tracing::info!(?within, "routers joined the fleet; letting connections go, so that clients find them");
            drain.shed(within);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_that_begin_to_serve_have_joined() {
        use RouterStatus::{Expired, Initializing, Running, SafeMode, Shutdown};
        let mut peers = Peers { me: "me", serving: BTreeSet::new() };
        let steps: [(&[(&str, RouterStatus)], bool); 11] = [
            (&[("me", Initializing), ("a", Running), ("old", Expired)], true),
            (&[("me", Running), ("a", Running)], false),
            (&[("me", Running), ("a", Running), ("b", Initializing)], false),
            (&[("me", Running), ("a", Running), ("b", SafeMode)], false),
            (&[("me", Running), ("a", Running), ("b", Running)], true),
            (&[("me", Running), ("a", Running), ("b", Running)], false),
            (&[("me", SafeMode), ("a", SafeMode), ("b", SafeMode)], false),
            (&[("me", Running), ("a", Running), ("b", Running)], false),
            (&[("me", Running), ("a", Shutdown), ("b", Running)], false),
            (&[("me", Running), ("b", Running)], false),
            (&[("me", Running), ("a", Running), ("b", Running)], true),
        ];
        for (step, (records, expected)) in steps.into_iter().enumerate() {
            let gone = ["a", "b", "old"].into_iter().filter(|name| records.iter().all(|(key, _)| key != name));
            let there = records.iter().map(|(key, status)| (*key, Some(*status)));
            assert_eq!(peers.joined(there.chain(gone.map(|key| (key, None)))), expected, "step {step}");
        }
    }
}
