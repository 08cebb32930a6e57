//! Whether the store behind a server answers.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::Health;
use crate::{DisabledNameservice, Reader, StateStore};

/// Asks the store again and again; never ends. The kind that is read is the one with the fewest records.
pub(super) async fn run(store: &dyn StateStore, every: Duration, health: &watch::Sender<Health>) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let answer = timeout(every, Reader::<DisabledNameservice>::list(store)).await;
        let now = match answer {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("no answer in {every:?}")),
        };
        health.send_if_modified(|known| {
            match (&*known, &now) {
                (Ok(()), Err(reason)) => tracing::warn!(reason, "the store does not answer"),
                (Err(_), Ok(())) => tracing::info!("the store answers again"),
                _ => {}
            }
            let differs = known.is_ok() != now.is_ok();
            *known = now;
            differs
        });
    }
}
