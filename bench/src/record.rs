//! What one run measured: one line of JSON.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::histogram::Latency;

/// How much is under way at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Shape {
    /// TCP connections.
    pub connections: usize,
    /// Calls in flight on each.
    pub pipelined: usize,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pipelined {
            1 => f.pad(&self.connections.to_string()),
            pipelined => f.pad(&format!("{}x{pipelined}", self.connections)),
        }
    }
}

impl FromStr for Shape {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (connections, pipelined) = text.split_once('x').unwrap_or((text, "1"));
        match (connections.parse(), pipelined.parse()) {
            (Ok(connections @ 1..), Ok(pipelined @ 1..)) => Ok(Self { connections, pipelined }),
            _ => Err(format!("`{text}` is not CONNECTIONS or CONNECTIONSxCALLS, as 64 or 4x16")),
        }
    }
}

/// What a process used during a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// User and system time.
    pub cpu_seconds: f64,
    /// The same for one operation, in microseconds; equally milliseconds for 1,000 operations.
    pub cpu_us_per_op: f64,
    /// Memory in RAM at the end.
    pub rss_kib: u64,
    /// The most memory in RAM since the process started.
    pub peak_rss_kib: u64,
    /// Threads at the end.
    pub threads: u64,
}

/// What one run under one load brought.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Length of the measurement.
    pub seconds: f64,
    /// Operations that ended well in that time.
    pub operations: u64,
    /// The same for a second.
    pub ops_per_s: f64,
    /// Of these operations, in microseconds.
    pub latency_us: Latency,
    /// Mean size of the last answer of an operation, in bytes.
    pub answer_bytes: f64,
    /// Operations and connections that failed, by Java exception class or reason.
    pub failures: BTreeMap<String, u64>,
    /// By the part a process has: `router`, `namenode`, `generator`.
    pub processes: BTreeMap<String, Usage>,
}

/// One run: what was asked of whom, and what came out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Name of the server.
    pub server: String,
    /// Name of the operation.
    pub op: String,
    /// Under way at once.
    pub shape: Shape,
    /// Distinct users of the connections.
    pub users: usize,
    /// From 1; runs of one round follow each other closely.
    pub round: usize,
    /// The measurement.
    #[serde(flatten)]
    pub outcome: Outcome,
}

impl Record {
    /// CPU of a process for one operation, in microseconds; none when the process was not watched.
    pub fn cpu_us(&self, role: &str) -> Option<f64> {
        self.outcome.processes.get(role).map(|usage| usage.cpu_us_per_op)
    }

    /// Failures of all kinds.
    pub fn failed(&self) -> u64 {
        self.outcome.failures.values().sum()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A run of `stat` at 64 in flight.
    pub(crate) fn record(server: &str, round: usize, ops_per_s: f64, router_us: Option<f64>) -> Record {
        let usage = |us| Usage { cpu_seconds: 1.0, cpu_us_per_op: us, rss_kib: 2048, peak_rss_kib: 4096, threads: 2 };
        Record {
            server: server.to_owned(),
            op: "stat".to_owned(),
            shape: Shape { connections: 64, pipelined: 1 },
            users: 1,
            round,
            outcome: Outcome {
                seconds: 1.0,
                operations: ops_per_s as u64,
                ops_per_s,
                latency_us: Latency::default(),
                answer_bytes: 70.0,
                failures: BTreeMap::new(),
                processes: router_us.into_iter().map(|us| ("router".to_owned(), usage(us))).collect(),
            },
        }
    }

    #[test]
    fn shapes_are_written_as_they_are_read() {
        for text in ["1", "64", "4x16"] {
            assert_eq!(text.parse::<Shape>().unwrap().to_string(), text);
        }
        for text in ["", "0", "x", "4x0", "-1", "4x16x2"] {
            assert!(text.parse::<Shape>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_record_survives_its_line() {
        let record = record("ours", 2, 1000.0, Some(12.5));
        let line = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<Record>(&line).unwrap(), record);
    }
}
