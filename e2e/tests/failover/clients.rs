//! Java clients that know what every answer must be.

use std::fmt;
use std::time::Duration;

use anabranch_testkit::hadoop::{Jvm, Tuning};
use anabranch_testkit::net::wait_until;
use serde::Deserialize;
use serde_json::json;

use crate::rig::{Rig, Site};

/// Calls that each client must have made since something happened before it is said to have come through.
const CALLS: u64 = 30;
/// Within this each makes another: less than a call may take (120 s), much more than a failover and an interval of heartbeats.
const SOON: Duration = Duration::from_secs(90);

/// See the module.
pub struct Clients(Jvm);

/// What they say of themselves.
#[derive(Debug, Default, Deserialize)]
pub struct Tally {
    calls: u64,
    /// Of the client that made the fewest.
    fewest: u64,
    slowest_ms: u64,
    errors: Vec<String>,
    files: Option<u64>,
    bytes: Option<u64>,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} calls, the slowest took {} ms", self.calls, self.slowest_ms)?;
        if let (Some(files), Some(bytes)) = (self.files, self.bytes) {
            write!(f, "; {files} files of {bytes} bytes are as they should be")?;
        }
        Ok(())
    }
}

impl Clients {
    /// Starts them and waits until all of them work.
    pub fn start(site: &Site, rig: &Rig) -> Self {
        let dirs = ["/data/a", "/data/b", "/data/c", "--", "/spread/a", "/spread/b", "/twice/a"].map(str::to_owned);
        let args: Vec<String> = rig.routers.client_arguments().into_iter().chain(dirs).collect();
        let log = site.scratch.path().join("clients.log");
        let mut clients = Self(Jvm::start(&site.jars, Tuning::Start, "Ledger", &args, "WARN", &log).unwrap());
        clients.go_on();
        clients
    }

    /// Does something and waits until each client has got over it; what they did meanwhile.
    pub fn come_through(&mut self, step: impl FnOnce()) -> Tally {
        let before = self.ask("tell");
        step();
        let after = self.go_on();
        Tally { calls: after.calls - before.calls, ..after }
    }

    /// Ends them, and compares all that there is with what they did.
    pub fn end(mut self) -> Tally {
        let tally = self.ask("end");
        assert!(tally.files > Some(0), "{tally:?}");
        tally
    }

    fn go_on(&mut self) -> Tally {
        let before = self.ask("tell");
        let mut last = self.ask("tell");
        while last.fewest < before.fewest + CALLS {
            let reached = last.fewest;
            let on = wait_until("each client makes another call", SOON, || {
                last = self.ask("tell");
                last.fewest > reached
            });
            on.unwrap_or_else(|e| panic!("{e:#}: {last:?} after {before:?}"));
        }
        last
    }

    /// An error of any of them fails the test.
    fn ask(&mut self, what: &str) -> Tally {
        self.0.send(&json!(what)).unwrap();
        let tally: Tally = serde_json::from_value(self.0.receive(2 * SOON).unwrap()).unwrap();
        assert!(tally.errors.is_empty(), "in {} calls: {:#?}", tally.calls, tally.errors);
        tally
    }
}
