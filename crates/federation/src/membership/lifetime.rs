/// How long a record counts after it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// Milliseconds until it is expired; 0: it never is.
    pub expiration_ms: u64,
    /// Milliseconds from then on until it is deleted; none: it stays.
    pub deletion_ms: Option<u64>,
}

/// What a record's age makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// It counts.
    Fresh,
    /// Its writer has been silent for too long.
    Expired,
    /// It has been expired for so long that nobody needs it.
    Deleted,
}

impl Lifetime {
    /// What a record that was written at `modified_ms` is at `now_ms`. `marked`: somebody has found it expired already,
    /// which stays so until its writer writes again. A record without a date counts.
    pub fn age(&self, modified_ms: u64, marked: bool, now_ms: u64) -> Age {
        let expires = self.expires(modified_ms);
        if !marked && expires.is_none_or(|expires| now_ms <= expires) {
            return Age::Fresh;
        }
        match self.deletes(modified_ms) {
            Some(deletes) if now_ms > deletes => Age::Deleted,
            _ => Age::Expired,
        }
    }

    /// The next moment at which a record is another thing than it is at `now_ms`.
    pub fn next_change(&self, modified_ms: u64, marked: bool, now_ms: u64) -> Option<u64> {
        match self.age(modified_ms, marked, now_ms) {
            Age::Fresh => self.expires(modified_ms).map(|last| last + 1),
            Age::Expired => self.deletes(modified_ms).map(|last| last + 1),
            Age::Deleted => None,
        }
    }

    /// The last moment at which it is fresh.
    fn expires(&self, modified_ms: u64) -> Option<u64> {
        let ends = self.expiration_ms > 0 && modified_ms > 0;
        ends.then(|| modified_ms.saturating_add(self.expiration_ms).min(u64::MAX - 1))
    }

    /// The last moment at which it is there.
    fn deletes(&self, modified_ms: u64) -> Option<u64> {
        let after = self.deletion_ms?;
        Some(modified_ms.saturating_add(self.expiration_ms).saturating_add(after).min(u64::MAX - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_age() {
        let keeps = Lifetime { expiration_ms: 100, deletion_ms: None };
        let deletes = Lifetime { expiration_ms: 100, deletion_ms: Some(50) };
        let never = Lifetime { expiration_ms: 0, deletion_ms: Some(50) };
        let rows = [
            ("at its last moment", keeps, 1000, false, 1100, Age::Fresh, Some(1101)),
            ("past it", keeps, 1000, false, 1101, Age::Expired, None),
            ("from the future", keeps, 5000, false, 1000, Age::Fresh, Some(5101)),
            ("without a date", keeps, 0, false, u64::MAX, Age::Fresh, None),
            ("marked by another router, whose clock is ahead", keeps, 1000, true, 1000, Age::Expired, None),
            ("before it is deleted", deletes, 1000, true, 1150, Age::Expired, Some(1151)),
            ("to be deleted", deletes, 1000, true, 1151, Age::Deleted, None),
            ("expired for long, and nobody had marked it", deletes, 1000, false, 2000, Age::Deleted, None),
            ("never expires", never, 1, false, u64::MAX, Age::Fresh, None),
            ("as old as can be", keeps, u64::MAX, false, u64::MAX - 1, Age::Fresh, Some(u64::MAX)),
        ];
        for (name, lifetime, modified, marked, now, age, next) in rows {
            assert_eq!(lifetime.age(modified, marked, now), age, "{name}");
            assert_eq!(lifetime.next_change(modified, marked, now), next, "{name}");
        }
    }

    #[test]
    fn the_next_change_is_the_first_moment_of_another_age() {
        let lifetime = Lifetime { expiration_ms: 7, deletion_ms: Some(5) };
        for (now, marked) in [(10, false), (17, false), (18, false), (18, true), (22, true)] {
            let before = lifetime.age(10, marked, now);
            let next = lifetime.next_change(10, marked, now).unwrap();
            assert!((now..next).all(|at| lifetime.age(10, marked, at) == before), "{now}");
            assert_ne!(lifetime.age(10, marked, next), before, "{now}");
        }
    }
}
