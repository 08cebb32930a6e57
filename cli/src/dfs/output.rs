//! Results on standard output, errors on standard error.

use std::io::{self, BufWriter, Write};

use parking_lot::Mutex;

use super::remote::Error;

/// Where results go, and in which form.
pub(super) struct Output {
    json: bool,
    stdout: Mutex<BufWriter<io::Stdout>>,
}

impl Output {
    pub(super) fn new(json: bool) -> Self {
        Self { json, stdout: Mutex::new(BufWriter::with_capacity(1 << 16, io::stdout())) }
    }

    /// Prints a result: its JSON, or the text that is made of it.
    pub(super) fn print(
        &self,
        json: impl FnOnce() -> serde_json::Value,
        text: impl FnOnce() -> String,
    ) -> Result<(), Error> {
        let line = if self.json { json().to_string() } else { text() };
        self.write(line.as_bytes())?;
        self.write(b"\n")
    }

    /// Writes bytes as they are.
    pub(super) fn write(&self, bytes: &[u8]) -> Result<(), Error> {
        self.stdout.lock().write_all(bytes).map_err(|error| Error::output(&error))
    }

    pub(super) fn flush(&self) -> Result<(), Error> {
        self.stdout.lock().flush().map_err(|error| Error::output(&error))
    }

    /// Prints an error. What was printed before comes first.
    pub(super) fn error(&self, error: &Error) {
        let text = if self.json { error.json().to_string() } else { format!("anabranch dfs: {error}") };
        // If neither stream can be written to, the exit code still tells.
        let _ = self.flush();
        let _ = writeln!(io::stderr(), "{text}");
    }

    pub(super) fn is_json(&self) -> bool {
        self.json
    }
}

/// Milliseconds since 1970 as `2026-11-23 04:05` in UTC; `-` for 0, which means that it is not known.
pub(super) fn time(ms: u64) -> String {
    if ms == 0 {
        return "-".to_owned();
    }
    let (days, minutes) = (ms / 86_400_000, ms / 60_000 % 1440);
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}", minutes / 60, minutes % 60)
}

/// The date of a day since 1970-01-01, by counting years that begin in March, so that the leap day comes last.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + carry, month, day)
}

/// `drwxr-xr-x`; a sticky bit is the last letter's `t`.
pub(super) fn mode(directory: bool, permission: u16) -> String {
    let mut text = String::from(if directory { "d" } else { "-" });
    for (i, letter) in "rwxrwxrwx".chars().enumerate() {
        text.push(if permission & (0o400 >> i) != 0 { letter } else { '-' });
    }
    if permission & 0o1000 != 0 {
        let last = text.pop();
        text.push(if last == Some('x') { 't' } else { 'T' });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_dates() {
        for (ms, text) in [
            (0, "-"),
            (1, "1970-01-01 00:00"),
            (951_782_400_000, "2000-02-29 00:00"),
            (1_795_400_000_000, "2026-11-23 02:13"),
        ] {
            assert_eq!(time(ms), text);
        }
    }

    #[test]
    fn modes_read_as_in_a_listing() {
        assert_eq!(mode(true, 0o755), "drwxr-xr-x");
        assert_eq!(mode(false, 0o640), "-rw-r-----");
        assert_eq!(mode(true, 0o1777), "drwxrwxrwt");
        assert_eq!(mode(true, 0o1776), "drwxrwxrwT");
    }
}
