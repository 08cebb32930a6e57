//! The wall clock. This is its only reader, so that every time that is written to disk or wire has one source.

use std::time::UNIX_EPOCH;

/// Milliseconds since 1970-01-01 UTC; 0 if the machine's clock stands before that.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
pub fn wall_ms() -> u64 {
    let since_epoch = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_clock_counts_milliseconds_of_this_century() {
        let now = super::wall_ms();
        assert!((1_700_000_000_000..4_102_444_800_000).contains(&now), "{now}");
    }
}
