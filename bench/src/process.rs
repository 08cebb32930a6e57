//! What processes cost, as Linux accounts it in `/proc`.

use std::path::PathBuf;
use std::time::Duration;
use std::{fs, io};

use anabranch_testkit::pid::cpu_in;
use thiserror::Error;

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
            cpu: cpu_in(&stat).ok_or_else(|| self.missing("stat", "utime and stime"))?,
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

fn number(status: &str, key: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

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
