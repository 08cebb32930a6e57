//! A Java router and ours that were told the same.

use std::cell::{RefCell, RefMut};
use std::time::Duration;

use anabranch_e2e::json::Client;
use anabranch_e2e::servers::Configured;
use anabranch_testkit::hadoop::{Cluster, Output, Shell};
use anabranch_testkit::net;
use anyhow::Result;

/// Much more than a router takes for what it does of itself.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// See the module.
pub struct Pair {
    /// Of Java's router, then of ours; each a superuser's and another's.
    clients: RefCell<[[Client; 2]; 2]>,
    admins: [String; 2],
}

impl Pair {
    /// Of the Java router of `java`, both with these mounts.
    pub fn new(shell: &Shell, java: &Cluster, ours: &Configured, user: &str, mounts: &[&str]) -> Result<Self> {
        let routers = [java.rpc("router").to_owned(), ours.router.rpc.to_string()];
        let clients = routers.map(|at| [user, "ann"].map(|user| Client::new(&at, user)));
        let pair = Self { clients: RefCell::new(clients), admins: [java.admin().to_owned(), ours.admin.to_string()] };
        for at in 0..2 {
            let listed = |mount: &str| pair.admin(shell, at, &format!("-ls {mount}")).stdout.contains(mount);
            for mount in mounts {
                pair.admin(shell, at, &format!("-add {mount}")).ok();
            }
            let last = mounts.last().and_then(|mount| mount.split(' ').next()).unwrap_or_default();
            net::wait_until("the mounts are there", PATIENCE, || listed(last))?;
        }
        Ok(pair)
    }

    /// `hdfs dfsrouteradmin` at Java's router (0) or ours (1).
    pub fn admin(&self, shell: &Shell, at: usize, command: &str) -> Output {
        let args: Vec<&str> = command.split(' ').collect();
        shell.at("hdfs://unused").set("dfs.federation.router.admin-address", &self.admins[at]).dfsrouteradmin(&args)
    }

    /// Of Java's router and of ours, a superuser's or another's.
    pub fn clients(&self, by_other: bool) -> [RefMut<'_, Client>; 2] {
        let (java, ours) = RefMut::map_split(self.clients.borrow_mut(), |[java, ours]| (java, ours));
        [java, ours].map(|users| RefMut::map(users, |users| &mut users[usize::from(by_other)]))
    }
}
