//! Lets connections go when routers are added, so that clients find the new ones.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anabranch_hrpc::Drain;
use anabranch_store::{Record, RouterState, RouterStatus};
use tokio::sync::watch;

/// How long it may take from a router that serves until the Service in front of the fleet leads there.
const REACHABLE: Duration = Duration::from_secs(3);

/// Who serves, as far as the router `me` has heard.
struct Peers<'a> {
    me: &'a str,
    serving: Option<BTreeSet<String>>,
}

impl Peers<'_> {
    /// Takes the records of all routers; whether others have joined. Those that were there at first have not; one in safe
    /// mode, which it shares with the others as a rule, has not left.
    fn joined<'r>(&mut self, records: impl Iterator<Item = (&'r str, RouterStatus)>) -> bool {
        let before = self.serving.take();
        let counts = |key: &str, status| match status {
            RouterStatus::Running => true,
            RouterStatus::SafeMode => before.as_ref().is_some_and(|before| before.contains(key)),
            _ => false,
        };
        let others = records.filter(|(key, status)| *key != self.me && counts(key, *status));
        let now: BTreeSet<String> = others.map(|(key, _)| key.to_owned()).collect();
        let joined = before.is_some_and(|before| !now.is_subset(&before));
        self.serving = Some(now);
        joined
    }
}

/// Sheds connections within that time whenever another router has joined. Those that join together count once.
pub async fn rebalance(
    me: &str,
    mut routers: watch::Receiver<Arc<Vec<Arc<RouterState>>>>,
    drain: Drain,
    within: Duration,
) {
    let mut peers = Peers { me, serving: None };
    let mut joined = |known: &[Arc<RouterState>]| peers.joined(known.iter().map(|it| (it.key(), it.status())));
    while routers.changed().await.is_ok() {
        if joined(&routers.borrow_and_update()) {
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
        let mut peers = Peers { me: "me", serving: None };
        let steps: [(&[(&str, RouterStatus)], bool); 10] = [
            (&[("me", Initializing), ("a", Running), ("old", Expired)], false),
            (&[("me", Running), ("a", Running)], false),
            (&[("me", Running), ("a", Running), ("b", Initializing)], false),
            (&[("me", Running), ("a", Running), ("b", SafeMode)], false),
            (&[("me", Running), ("a", Running), ("b", Running)], true),
            (&[("me", Running), ("a", Running), ("b", Running)], false),
            (&[("me", SafeMode), ("a", SafeMode), ("b", SafeMode)], false),
            (&[("me", Running), ("a", Running), ("b", Running)], false),
            (&[("me", Running), ("a", Shutdown), ("b", Running)], false),
            (&[("me", Running), ("a", Running), ("b", Running)], true),
        ];
        for (step, (records, expected)) in steps.into_iter().enumerate() {
            assert_eq!(peers.joined(records.iter().copied()), expected, "step {step}");
        }
    }
}
