//! Conditions of a status: a transition keeps its time until the status changes.

use anabranch_api::{Condition, ConditionStatus};
use anabranch_telemetry::clock;

/// Collects the conditions of an object at one generation.
pub struct Conditions<'a> {
    before: &'a [Condition],
    generation: Option<i64>,
    now: String,
    list: Vec<Condition>,
}

/// The API server takes no longer one.
const MAX_MESSAGE: usize = 4096;

impl<'a> Conditions<'a> {
    /// Those that follow `before`.
    pub fn after(before: &'a [Condition], generation: Option<i64>) -> Self {
        Self { before, generation, now: now(), list: Vec::new() }
    }

    /// Adds one.
    #[must_use]
    pub fn with(
        mut self,
        kind: &str,
        status: impl Into<ConditionStatus>,
        reason: &str,
        message: impl Into<String>,
    ) -> Self {
        let status = status.into();
        let earlier = self.before.iter().find(|condition| condition.kind == kind && condition.status == status);
        let since = earlier.map_or(&self.now, |condition| &condition.last_transition_time);
        let mut message = message.into();
        if message.len() > MAX_MESSAGE {
            message.truncate(message.floor_char_boundary(MAX_MESSAGE - 3));
            message.push_str("...");
        }
        self.list.push(Condition {
            kind: kind.to_owned(),
            status,
            observed_generation: self.generation,
            last_transition_time: since.clone(),
            reason: reason.to_owned(),
            message,
        });
        self
    }

    /// Adds one as it was, if it was there.
    #[must_use]
    pub fn unchanged(self, kind: &str) -> Self {
        match self.before.iter().find(|condition| condition.kind == kind) {
            Some(known) => self.with(kind, known.status, &known.reason, known.message.clone()),
            None => self,
        }
    }

    /// Sums them up for those who ask no more than whether an object is as it was declared: `Ready` holds if each of these
    /// conditions is as it should be, and says otherwise what the first one says that is not.
    #[must_use]
    pub fn ready(self, expected: &[(&str, ConditionStatus)]) -> Self {
        let off = expected.iter().find_map(|(kind, status)| {
            let found = self.list.iter().find(|condition| condition.kind == *kind);
            found.filter(|condition| condition.status != *status).cloned()
        });
        match off {
            None => self.with("Ready", true, "Ready", "everything is as it is declared"),
            Some(Condition { status: ConditionStatus::Unknown, reason, message, .. }) => {
                self.with("Ready", ConditionStatus::Unknown, &reason, message)
            }
            Some(Condition { reason, message, .. }) => self.with("Ready", false, &reason, message),
        }
    }

    /// All of them.
    pub fn done(self) -> Vec<Condition> {
        self.list
    }
}

/// The time, as RFC 3339 writes it, in seconds.
fn now() -> String {
    let seconds = i64::try_from(clock::wall_ms() / 1000).unwrap_or_default();
    jiff::Timestamp::from_second(seconds).unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_is_what_has_nothing_against_it() {
        use ConditionStatus::{False, True, Unknown};
        let summed = |degraded: ConditionStatus, available: ConditionStatus| {
            let conditions = Conditions::after(&[], Some(7))
                .with("Degraded", degraded, "StoreUnavailable", "no answer")
                .with("Available", available, "TooFewRouters", "1 of 3");
            let all = conditions.ready(&[("Available", True), ("Degraded", False), ("Progressing", False)]).done();
            let ready = all.into_iter().find(|condition| condition.kind == "Ready").unwrap();
            assert_eq!(ready.observed_generation, Some(7));
            (ready.status, ready.reason)
        };
        let said = |status, reason: &str| (status, reason.to_owned());
        assert_eq!(summed(False, True), said(True, "Ready"));
        assert_eq!(summed(True, True), said(False, "StoreUnavailable"));
        assert_eq!(summed(True, False), said(False, "TooFewRouters"));
        assert_eq!(summed(Unknown, True), said(Unknown, "StoreUnavailable"));
    }

    #[test]
    fn a_condition_keeps_its_time_until_its_status_changes() {
        let old = |status| Condition {
            kind: "Ready".to_owned(),
            status,
            observed_generation: Some(1),
            last_transition_time: "2020-01-01T00:00:00Z".to_owned(),
            reason: "Old".to_owned(),
            message: String::new(),
        };
        let next = |before| {
            let conditions = [old(before)];
            Conditions::after(&conditions, Some(2)).with("Ready", true, "New", "all well").done().remove(0)
        };
        let same = next(ConditionStatus::True);
        assert_eq!((same.last_transition_time.as_str(), same.reason.as_str()), ("2020-01-01T00:00:00Z", "New"));
        assert_eq!(same.observed_generation, Some(2));
        assert_ne!(next(ConditionStatus::False).last_transition_time, "2020-01-01T00:00:00Z");
    }
}
