use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::{Jars, Jvm, Tuning};

/// The slowest single test (lease recovery) waits for some seconds.
const PATIENCE: Duration = Duration::from_secs(180);

/// How one test of the contract suite ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It passed.
    Passed,
    /// It does not apply to this file system.
    Skipped,
    /// It failed, with the first line of the reason.
    Failed(String),
}

/// A run of Hadoop's FileSystem contract suite, or of jobs: `Suite.test` and what came of it.
#[derive(Debug, Clone)]
pub struct ContractRun {
    /// By name of the test.
    pub outcomes: BTreeMap<String, Outcome>,
}

impl ContractRun {
    /// Runs all suites, or those in `suites`, below the directory `root` of the file system `uri`.
    pub fn execute(jars: &Jars, dir: &Path, uri: &str, root: &str, suites: &[&str]) -> Result<Self> {
        let name = format!("contract{}.log", root.replace('/', "-"));
        let args = [uri, root].into_iter().chain(suites.iter().copied());
        Self::follow(Jvm::start(jars, Tuning::Start, "Contract", args, "WARN", &dir.join(name))?)
    }

    /// Runs what `e2e/hadoop/src/Jobs.java` does in each of the directories `roots`: `root.test` and what came of it.
    pub fn jobs(jars: &Jars, dir: &Path, uri: &str, elsewhere: &str, roots: &[&str]) -> Result<Self> {
        let args = [uri, elsewhere].into_iter().chain(roots.iter().copied());
        Self::follow(Jvm::start(jars, Tuning::Start, "Jobs", args, "WARN", &dir.join("jobs.log"))?)
    }

    fn follow(mut jvm: Jvm) -> Result<Self> {
        let mut outcomes = BTreeMap::new();
        loop {
            let event = jvm.receive(PATIENCE)?;
            if event["done"].as_bool() == Some(true) {
                return Ok(Self { outcomes });
            }
            let test = event["test"].as_str().context("an event without a test")?.to_owned();
            let reason = event["reason"].as_str().unwrap_or_default().to_owned();
            let outcome = match event["outcome"].as_str() {
                Some("passed") => Outcome::Passed,
                Some("skipped") => Outcome::Skipped,
                Some("failed") => Outcome::Failed(reason),
                other => bail!("unknown outcome {other:?}"),
            };
            outcomes.insert(test, outcome);
        }
    }

    /// Names and reasons of the tests that failed.
    pub fn failures(&self) -> BTreeMap<&str, &str> {
        let mut failures = BTreeMap::new();
        for (test, outcome) in &self.outcomes {
            if let Outcome::Failed(reason) = outcome {
                failures.insert(test.as_str(), reason.as_str());
            }
        }
        failures
    }

    /// The number of tests with this outcome.
    pub fn count(&self, outcome: &Outcome) -> usize {
        self.outcomes.values().filter(|found| *found == outcome).count()
    }
}
