//! What processes cost, as Linux accounts it in `/proc`.

use std::path::PathBuf;
use std::time::Duration;
use std::{fs, io};

use thiserror::Error;

/// The unit of times in `/proc/PID/stat`: USER_HZ, which is 100 on every architecture that HDFS runs on.
const TICK: Duration = Duration::from_millis(10);

/// A process could not be measured.
#[derive(Debug, Error)]
pub enum ProcessError {
    /// Mostly: it has ended.
    #[error("{path}: {source}")]
    Unreadable {
        /// The file under `/proc`.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The kernel speaks otherwise than proc(5).
    #[error("{path} has no {field}")]
    Missing {
        /// The file under `/proc`.
        path: PathBuf,
        /// What was looked for.
        field: &'static str,
    },
}

/// A process to measure.
#[derive(Debug, Clone)]
pub struct Process {
    /// Its part in the measurement: `router`, `namenode`, `generator`.
    pub role: String,
    dir: PathBuf,
}

/// A process at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// User and system time of all its threads so far, in steps of 10 ms.
    pub cpu: Duration,
    /// Memory in RAM now, in KiB.
    pub rss_kib: u64,
    /// The most memory it ever had in RAM, in KiB.
    pub peak_rss_kib: u64,
    /// Threads now.
    pub threads: u64,
}

impl Process {
    /// The process with that id.
    pub fn new(role: &str, pid: u32) -> Self {
        Self { role: role.to_owned(), dir: PathBuf::from(format!("/proc/{pid}")) }
    }

    /// The process that asks.
    pub fn own(role: &str) -> Self {
        Self { role: role.to_owned(), dir: PathBuf::from("/proc/self") }
    }

    /// Reads its accounts.
    pub fn sample(&self) -> Result<Sample, ProcessError> {
        let stat = self.read("stat")?;
        let status = self.read("status")?;
        Ok(Sample {
            cpu: cpu(&stat).ok_or_else(|| self.missing("stat", "utime and stime"))?,
            rss_kib: number(&status, "VmRSS:").ok_or_else(|| self.missing("status", "VmRSS"))?,
            peak_rss_kib: number(&status, "VmHWM:").ok_or_else(|| self.missing("status", "VmHWM"))?,
            threads: number(&status, "Threads:").ok_or_else(|| self.missing("status", "Threads"))?,
        })
    }

    fn read(&self, file: &str) -> Result<String, ProcessError> {
        let path = self.dir.join(file);
        fs::read_to_string(&path).map_err(|source| ProcessError::Unreadable { path, source })
    }

    fn missing(&self, file: &str, field: &'static str) -> ProcessError {
        ProcessError::Missing { path: self.dir.join(file), field }
    }
}

/// The command's name, in parentheses, may hold anything: fields are counted after it. See proc(5).
fn cpu(stat: &str) -> Option<Duration> {
    let fields = stat.rsplit_once(')')?.1;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u32>);
    let ticks = ticks.collect::<Result<Vec<_>, _>>().ok()?;
    let [user, system] = ticks[..] else { return None };
    Some(TICK * (user + system))
}

fn number(status: &str, key: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_is_user_and_system_time_whatever_the_command_is_called() {
        let stat = "7 (a) (b c) S 1 7 7 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 9 0 100 1 1";
        assert_eq!(cpu(stat), Some(Duration::from_secs(3)));
        assert_eq!(cpu("7 (short) S 1"), None);
    }

    #[test]
    fn own_accounts_can_be_read() {
        let sample = Process::own("test").sample().unwrap();
        assert!(sample.rss_kib > 0 && sample.peak_rss_kib >= sample.rss_kib && sample.threads > 0);
    }

    #[test]
    fn an_absent_process_is_named() {
        let error = Process::new("router", u32::MAX).sample().unwrap_err();
        assert!(error.to_string().starts_with("/proc/4294967295/stat"), "{error}");
    }
}
