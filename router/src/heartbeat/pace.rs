use std::time::Duration;

use anabranch_store::{RouterState, RouterStatus};
use rand::Rng;
use tokio::time::Instant;

use crate::federation_view::Known;

/// How long changes of the mount table gather before a router says that it serves them: whoever declared them waits for
/// that, and many changes at once should not become as many records.
const SETTLE: Duration = Duration::from_millis(100);

/// How much longer they gather for each router of the fleet while they go on: a report costs the store a write to its disk
/// and is told to all routers, and so all of them together report at most twenty times a second, however many there are.
/// In a fleet of a hundred that is no more than they do anyway.
const SHARE: Duration = Duration::from_millis(50);

/// When a router tells which mount table it serves.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Until when it says nothing.
    rests: Option<Instant>,
}

impl Pace {
    /// When a change of this moment is told: soon, unless another was told lately.
    pub(super) fn due(&self, now: Instant) -> Instant {
        let settled = now + SETTLE;
        self.rests.map_or(settled, |rests| rests.max(settled))
    }

    /// One is told now. The others do so at the same moment the first time, and should not go on like that.
    pub(super) fn told(&mut self, now: Instant, fleet: &Known<RouterState>) {
        let rest = SHARE * live(fleet);
        self.rests = Some(now + rest.mul_f64(rand::rng().random_range(1.0..1.5)));
    }
}

/// How many routers there are that have not ended.
fn live(fleet: &Known<RouterState>) -> u32 {
    let ended = |status| matches!(status, RouterStatus::Stopping | RouterStatus::Shutdown | RouterStatus::Expired);
    fleet.records().filter(|router| !ended(router.status())).map(|_| 1).sum()
}

#[cfg(test)]
mod tests {
    use anabranch_hdfs_proto::hdfs::RouterRecordProto;
    use anabranch_store::{Event, Snapshot, Version, Versioned};

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    /// So many routers, and many more that have ended.
    fn fleet(routers: u32) -> Known<RouterState> {
        let router = |(n, status): (u32, RouterStatus)| {
            let (address, status) = (Some(format!("r{n}:1")), Some(status.name().to_owned()));
            let record = RouterState::new(RouterRecordProto { address, status, ..Default::default() }).unwrap();
            Versioned { version: Version(1), record }
        };
        let ended = (routers..routers + 1000).map(|n| (n, RouterStatus::Expired));
        let all = (0..routers).map(|n| (n, RouterStatus::Running)).chain(ended);
        let mut known = Known::default();
        known.take(Event::Snapshot(Snapshot { revision: 1, records: all.map(router).collect(), broken: Vec::new() }));
        known
    }

    #[test]
    fn a_lone_edit_is_told_soon_however_large_the_fleet_is() {
        let (fleet, mut pace, mut now) = (fleet(500), Pace::default(), Instant::now());
        for _ in 0..3 {
            assert_eq!(pace.due(now), now + SETTLE);
            pace.told(now + SETTLE, &fleet);
            now += MINUTE;
        }
    }

    /// How many reports tell of edits each 20 ms for a minute.
    fn reports(routers: u32) -> u32 {
        let (fleet, mut pace) = (fleet(routers), Pace::default());
        let (mut now, mut reports) = (Instant::now(), 0);
        let end = now + MINUTE;
        while now < end {
            // The next edit finds one that is due, or makes one so.
            now = pace.due(now);
            pace.told(now, &fleet);
            reports += 1;
            now += Duration::from_millis(20);
        }
        reports
    }

    #[test]
    fn steady_edits_are_told_the_less_often_the_larger_the_fleet_is() {
        assert!((380..=520).contains(&reports(2)), "each time they have settled: {}", reports(2));
        for routers in [50, 100, 1000] {
            let all = routers * reports(routers);
            assert!((600..=20 * 60 + 2 * routers).contains(&all), "{all} of {routers} routers");
        }
    }
}
