//! Whether one router costs little enough, compared with another.

use std::fmt;

use crate::record::Record;
use crate::table::median;

/// A limit on the CPU of a router for one operation, as a share of what another router uses for it.
#[derive(Debug, Clone, Copy)]
pub struct Limit<'a> {
    /// The router that is judged.
    pub server: &'a str,
    /// The router that it is compared with.
    pub baseline: &'a str,
    /// The largest share that is good.
    pub share: f64,
}

/// What a limit came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// Medians of the CPU for one operation in microseconds: of the judged router and of the other one.
    pub cpu_us: (f64, f64),
    /// The first over the second.
    pub share: f64,
    /// What speaks against the judged router; nothing when it is good.
    pub objections: Vec<String>,
}

impl Verdict {
    /// Judges runs of one operation and shape. None when one of the two routers has no runs.
    pub fn reach(limit: &Limit<'_>, records: &[Record]) -> Option<Self> {
        let cpu = |server| median(of(records, server).filter_map(|record| record.cpu_us("router")));
        let cpu_us = (cpu(limit.server)?, cpu(limit.baseline)?);
        let share = cpu_us.0 / cpu_us.1;
        let mut objections = Vec::new();
        if share > limit.share {
            objections.push(format!("its share is {share:.3}, more than {:.3}", limit.share));
        }
        // A router that fails fast would look cheap.
        for record in of(records, limit.server).filter(|record| record.failed() > 0 || record.outcome.operations == 0) {
            let Record { round, outcome, .. } = record;
            objections
                .push(format!("round {round}: {} operations, failures {:?}", outcome.operations, outcome.failures));
        }
        Some(Self { cpu_us, share, objections })
    }

    /// Whether nothing speaks against it.
    pub fn good(&self) -> bool {
        self.objections.is_empty()
    }
}

fn of<'a>(records: &'a [Record], server: &str) -> impl Iterator<Item = &'a Record> {
    records.iter().filter(move |record| record.server == server)
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (judged, baseline) = self.cpu_us;
        write!(f, "{judged:.1} µs of CPU for an operation against {baseline:.1} µs: 1/{:.1}", 1.0 / self.share)?;
        self.objections.iter().try_for_each(|objection| write!(f, "\n  {objection}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::record;

    const LIMIT: Limit<'_> = Limit { server: "ours", baseline: "java", share: 0.2 };

    fn runs(ours: [f64; 3]) -> Vec<Record> {
        let java = [100.0, 90.0, 400.0].map(|us| record("java", 1, 1000.0, Some(us)));
        java.into_iter().chain(ours.map(|us| record("ours", 1, 1000.0, Some(us)))).collect()
    }

    #[test]
    fn medians_are_compared() {
        for (ours, good) in [([20.0, 1.0, 90.0], true), ([20.1, 20.2, 1.0], false)] {
            assert_eq!(Verdict::reach(&LIMIT, &runs(ours)).unwrap().good(), good, "{ours:?}");
        }
    }

    #[test]
    fn failures_are_never_good() {
        let mut runs = runs([1.0; 3]);
        runs[4].outcome.failures.insert("java.io.IOException".to_owned(), 1);
        let verdict = Verdict::reach(&LIMIT, &runs).unwrap();
        assert!(verdict.to_string().contains("java.io.IOException"), "{verdict}");
        assert!(!verdict.good());
    }

    #[test]
    fn nothing_is_said_of_what_did_not_run() {
        assert_eq!(Verdict::reach(&LIMIT, &[record("ours", 1, 1.0, Some(1.0))]), None);
        assert_eq!(Verdict::reach(&LIMIT, &[record("ours", 1, 1.0, None), record("java", 1, 1.0, None)]), None);
    }
}
