use anabranch_federation::{Growth, Limited, MountTable, Usages};
use prometheus::{IntCounter, IntGauge, Registry};

/// Quotas of mounts. Mounts are no labels: there may be a million.
pub struct QuotaMetrics {
    refused: [IntCounter; 3],
    set: IntCounter,
    failed: IntCounter,
    mounts: IntGauge,
    exceeded: IntGauge,
}

impl QuotaMetrics {
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let counters = |name: &str, help: &str, label: &str| super::counters(registry, name, help, &[label]);
        let gauge = |name: &str, help: &str| super::gauge(registry, name, help);
        let refused = counters(
            "anabranch_quota_refused_total",
            "Calls refused because more is used of a mount than its quota allows, by what the quota limits.",
            "limits",
        )?;
        let set =
            counters("anabranch_quota_set_total", "Quotas that were set right on NameNodes, by outcome.", "outcome")?;
        Ok(Self {
            refused: ["files", "space", "storage_type"].map(|label| refused.with_label_values(&[label])),
            set: set.with_label_values(&["ok"]),
            failed: set.with_label_values(&["failed"]),
            mounts: gauge("anabranch_quota_mounts", "Mounts that have quotas.")?,
            exceeded: gauge(
                "anabranch_quota_mounts_exceeded",
                "Mounts of which more is used than their quotas allow.",
            )?,
        })
    }

    /// A call was refused.
    pub fn refused(&self, what: Limited) {
        let at = match what {
            Limited::Files => 0,
            Limited::Space => 1,
            Limited::Type(_) => 2,
        };
        self.refused[at].inc();
    }

    /// Quotas of a directory were set by so many calls, or not.
    pub fn set<E>(&self, calls: &Result<u64, E>) {
        match calls {
            Ok(calls) => self.set.inc_by(*calls),
            Err(_) => self.failed.inc(),
        }
    }

    /// This is used.
    pub fn counted(&self, table: &MountTable, usages: &Usages) {
        let mounts = table.limited().keys();
        let entries = mounts.filter_map(|source| table.entry(source.as_str()));
        let exceeded = entries.filter(|entry| usages.exceeded_by(entry, Growth::NamesAndSpace).is_some()).count();
        self.mounts.set(i64::try_from(table.limited().len()).unwrap_or(i64::MAX));
        self.exceeded.set(i64::try_from(exceeded).unwrap_or(i64::MAX));
    }
}
