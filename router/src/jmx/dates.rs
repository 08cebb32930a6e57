//! Points in time as Java prints them, in UTC.

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY_MS: u64 = 86_400_000;

struct Civil {
    year: u64,
    month: u64,
    day: u64,
    time: (u64, u64, u64),
    weekday: &'static str,
}

/// The Gregorian calendar, by years that begin in March so that leap days come last.
fn civil(ms: u64) -> Civil {
    let (days, seconds) = (ms / DAY_MS, ms % DAY_MS / 1000);
    let since_era = days + 719_468;
    let (era, day_of_era) = (since_era / 146_097, since_era % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    Civil {
        year: era * 400 + year_of_era + u64::from(month <= 2),
        month,
        day: day_of_year - (153 * shifted + 2) / 5 + 1,
        time: (seconds / 3600, seconds / 60 % 60, seconds % 60),
        weekday: DAYS[usize::try_from(days % 7).unwrap_or(0)],
    }
}

/// `2026/11/26 03:12:26`; `-` for never.
pub(super) fn slashed(ms: i64) -> String {
    let Some(ms) = u64::try_from(ms).ok().filter(|ms| *ms > 0) else { return "-".to_owned() };
    let Civil { year, month, day, time: (hours, minutes, seconds), .. } = civil(ms);
    format!("{year:04}/{month:02}/{day:02} {hours:02}:{minutes:02}:{seconds:02}")
}

/// `Thu Nov 26 03:12:21 UTC 2026`
pub(super) fn spoken(ms: u64) -> String {
    let Civil { year, month, day, time: (hours, minutes, seconds), weekday } = civil(ms);
    let month = MONTHS[usize::try_from(month - 1).unwrap_or(0)];
    format!("{weekday} {month} {day:02} {hours:02}:{minutes:02}:{seconds:02} UTC {year}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_java() {
        let rows = [
            (1_795_662_746_611, "2026/11/26 03:12:26", "Thu Nov 26 03:12:26 UTC 2026"),
            (951_782_400_000, "2000/02/29 00:00:00", "Tue Feb 29 00:00:00 UTC 2000"),
            (1_735_689_599_999, "2024/12/31 23:59:59", "Tue Dec 31 23:59:59 UTC 2024"),
            (4_107_542_400_000, "2100/03/01 00:00:00", "Mon Mar 01 00:00:00 UTC 2100"),
            (1, "1970/01/01 00:00:00", "Thu Jan 01 00:00:00 UTC 1970"),
        ];
        for (ms, short, long) in rows {
            assert_eq!((slashed(ms).as_str(), spoken(ms.unsigned_abs()).as_str()), (short, long));
        }
        assert_eq!((slashed(0).as_str(), slashed(-1).as_str()), ("-", "-"));
    }
}
