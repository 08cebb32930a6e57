//! The subclusters, and the two routers before them.

use std::path::Path;

use anabranch_testkit::hadoop::{Jars, Quorum, Shell};
use anabranch_testkit::process::user;
use anabranch_testkit::scratch::Scratch;
use anyhow::Result;
use parking_lot::Mutex;

use crate::routers::Routers;

/// Of directories in the subclusters: one in `ns0`, one in two subclusters, one in two places of `ns0`.
const MOUNTS: &[&[&str]] = &[
    &["/data", "ns0", "/data"],
    &["/spread", "ns0,ns1", "/spread", "-order", "HASH_ALL"],
    &["/twice", "ns0", "/twice1", "-order", "HASH_ALL"],
    &["/twice", "ns0", "/twice2", "-order", "HASH_ALL"],
];

/// NameNodes of `ns0`.
const NAMENODES: usize = 3;

/// What all cases share.
pub struct Site {
    pub rig: Mutex<Rig>,
    pub jars: Jars,
    pub scratch: Scratch,
}

impl Site {
    pub fn start() -> Result<Self> {
        let scratch = Scratch::new("failover")?;
        let jars = Jars::get()?;
        let rig = Rig::start(&jars, scratch.path())?;
        Ok(Self { rig: Mutex::new(rig), jars, scratch })
    }
}

/// What fails.
pub struct Rig {
    pub quorum: Quorum,
    pub routers: Routers,
    pub shell: Shell,
}

impl Rig {
    fn start(jars: &Jars, dir: &Path) -> Result<Self> {
        let shell = Shell::start(jars, dir)?;
        let user = user();
        let settings = [
            // Whose word counts about who calls: the retry cache and the audit log have to know the client.
            ("dfs.namenode.ip-proxy-users", user.as_str()),
            // A standby that lags behind waits in safe mode for blocks that are long deleted.
            ("dfs.ha.tail-edits.in-progress", "true"),
            ("dfs.ha.tail-edits.period", "500ms"),
        ];
        let quorum = Quorum::start(jars, dir, &shell, NAMENODES, &settings)?;
        for ns in ["ns0", "ns1", "ns2"] {
            let dirs = ["/data", "/spread", "/twice1", "/twice2"];
            shell.at(&format!("hdfs://{}", quorum.rpc(ns))).dfs(&[&["-mkdir"][..], &dirs].concat()).ok();
        }
        let often = [("dfs.federation.router.heartbeat.interval", "1s")];
        let routers = Routers::start(&dir.join("routers"), &shell, quorum.properties(), &often, MOUNTS)?;
        Ok(Self { quorum, routers, shell })
    }

    /// Makes the NameNode active that is so many places after the one that is.
    pub fn fail_over(&mut self, places: usize) {
        let to = self.quorum.after_active(places);
        self.quorum.fail_over(&self.shell, to).unwrap();
    }

    /// All NameNodes and routers run again.
    pub fn mend(&mut self) {
        self.routers.restart();
        self.quorum.restart().unwrap();
    }
}
