use std::sync::Arc;
use std::time::Duration;

use anabranch_federation::{Limits, MountPath};
use futures_util::stream::{FuturesUnordered, StreamExt};
use imbl::OrdMap;
use rand::Rng;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::Round;
use crate::core::Core;

/// Within which time quotas are set on NameNodes that have changed in the mount table. All routers of a fleet see the change
/// at the same moment; the first one sets them, and the others find that done.
const SETTLE: Duration = Duration::from_secs(2);

/// How long a count is left alone at least, however many calls are refused by it. It also takes no more than a tenth of the
/// time, but for one that waits for a subcluster that hangs.
const REST: Duration = Duration::from_secs(1);

/// Counts what is used of mounts, and keeps their quotas on NameNodes what the mount table says, until `stop`.
pub async fn keep(core: Arc<Core>, data: Handle, stop: CancellationToken) {
    stop.run_until_cancelled(rounds(&core, &data)).await;
}

async fn rounds(core: &Arc<Core>, data: &Handle) {
    let mut revisions = core.revision.subscribe();
    // A round ends when the slowest subcluster has answered, or has not in time. What is due meanwhile does not wait for it.
    let mut running = FuturesUnordered::new();
    let round = async |only| {
        let began = Instant::now();
        Round::run(core, data, only, false).await;
        Instant::now() - began
    };
    let interval = core.config.quota.interval;
    let rest = |took: Duration| REST.max((took * 9).min(interval));
    loop {
        revisions.mark_unchanged();
        let limited = limited(core);
        let began = Instant::now();
        running.push(round(None));
        // Not in step with others.
        let mut due = Instant::now() + interval.mul_f64(rand::rng().random_range(0.9..1.1));
        let mut rested = Instant::now() + REST;
        loop {
            tokio::select! {
                Some(took) = running.next() => rested = rested.max(Instant::now() + rest(took)),
                () = sleep_until(due) => break,
                // The sender lives in the state that this holds.
                _ = revisions.changed() => {
                    if self::limited(core) != limited {
                        due = due.min(Instant::now() + SETTLE.mul_f64(rand::rng().random_range(0.0..1.0)));
                    }
                }
                () = core.quotas.freed.notified() => due = due.min(Instant::now() + rest(began.elapsed())),
                doubts = doubts(core, rested) => {
                    rested = Instant::now() + REST;
                    running.push(round(Some(doubts)));
                }
            }
        }
    }
}

/// The mounts for whose quotas calls were refused, when there are some and it is time.
async fn doubts(core: &Core, rested: Instant) -> Vec<MountPath> {
    while core.quotas.doubts.lock().is_empty() {
        core.quotas.doubted.notified().await;
    }
    sleep_until(rested).await;
    std::mem::take(&mut *core.quotas.doubts.lock()).into_iter().collect()
}

fn limited(core: &Core) -> OrdMap<MountPath, Limits> {
    core.mounts.load().as_ref().map(|table| table.limited().clone()).unwrap_or_default()
}
