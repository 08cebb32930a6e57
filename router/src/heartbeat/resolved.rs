//! Several NameNodes behind one host name: each is watched on its own.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::Watcher;
use crate::config::MonitoredNamenode;

/// How often the name is looked up. A NameNode that moved is then known under another name; the report of the old one
/// grows old.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Watches whatever NameNodes are behind a name.
pub struct Resolved<F> {
    namenode: MonitoredNamenode,
    watcher: F,
}

impl<F: Fn(MonitoredNamenode) -> Watcher> Resolved<F> {
    /// `watcher` makes the one that watches a single NameNode.
    pub fn new(namenode: MonitoredNamenode, watcher: F) -> Self {
        Self { namenode, watcher }
    }

    /// Looks the name up again and again until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut watched: BTreeMap<String, CancellationToken> = BTreeMap::new();
        let mut tasks = JoinSet::new();
        let mut known = true;
        let rounds = async {
            loop {
                match hosts(host(&self.namenode.rpc_address)).await {
                    Ok(found) => {
                        known = true;
                        watched.retain(|host, watching| {
                            let stays = found.contains(host);
                            if !stays {
                                watching.cancel();
                            }
                            stays
                        });
                        for host in found {
                            watched.entry(host).or_insert_with_key(|host| {
                                let watching = CancellationToken::new();
                                tracing::info!(host, name = self.namenode.rpc_address, "a NameNode is watched");
                                tasks.spawn((self.watcher)(behind(&self.namenode, host)).run(watching.clone()));
                                watching
                            });
                        }
                        while tasks.try_join_next().is_some() {}
                    }
                    Err(error) if known => {
                        known = false;
                        tracing::warn!(name = self.namenode.rpc_address, %error, "a name of NameNodes cannot be looked up");
                    }
                    Err(_) => {}
                }
                sleep(LOOK_AGAIN).await;
            }
        };
        stop.run_until_cancelled(rounds).await;
    }
}

/// The one of them on a host, with the ports that they all have.
fn behind(namenode: &MonitoredNamenode, on: &str) -> MonitoredNamenode {
    let at = |address: &str| match address.rsplit_once(':') {
        Some((_, port)) if on.contains(':') => format!("[{on}]:{port}"),
        Some((_, port)) => format!("{on}:{port}"),
        None => on.to_owned(),
    };
    MonitoredNamenode {
        nameservice: namenode.nameservice.clone(),
        namenode: Some(format!("{}-{on}", namenode.namenode.as_deref().unwrap_or_default())),
        rpc_address: at(&namenode.rpc_address),
        service_address: at(&namenode.service_address),
        lifeline_address: at(&namenode.lifeline_address),
        web_address: at(&namenode.web_address),
        web_scheme: namenode.web_scheme,
    }
}

fn host(address: &str) -> &str {
    address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']'])
}

/// The machines behind a name.
async fn hosts(name: &str) -> io::Result<BTreeSet<String>> {
    let mut hosts = BTreeSet::new();
    for address in lookup_host((name, 0)).await? {
        hosts.insert(name_of(address.ip()).await);
    }
    Ok(hosts)
}

/// What a machine is called, if that leads back to it; otherwise its address.
async fn name_of(ip: IpAddr) -> String {
    let found = spawn_blocking(move || dns_lookup::lookup_addr(&ip)).await;
    let Ok(Ok(name)) = found else { return ip.to_string() };
    let back = lookup_host((name.as_str(), 0)).await;
    match back.is_ok_and(|mut addresses| addresses.any(|address| address.ip() == ip)) {
        true => name.trim_end_matches('.').to_owned(),
        false => ip.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_several_has_the_ports_of_all_and_its_own_name() {
        let all = MonitoredNamenode {
            service_address: "nn.example.com:8021".into(),
            ..MonitoredNamenode::at("ns0", Some("nn1"), "nn.example.com:8020", None)
        };
        let one = behind(&all, "a.example.com");
        assert_eq!(one.namenode.as_deref(), Some("nn1-a.example.com"));
        let addresses = [one.rpc_address, one.service_address, one.lifeline_address, one.web_address];
        assert_eq!(addresses, [8020, 8021, 8020, 9870].map(|port| format!("a.example.com:{port}")));
        assert_eq!(behind(&all, "fd00::1").rpc_address, "[fd00::1]:8020");
        assert_eq!((host("a:1"), host("[::1]:8020")), ("a", "::1"));
    }

    #[tokio::test]
    async fn a_name_stands_for_the_machines_that_have_its_addresses() {
        let found = hosts("127.0.0.1").await.unwrap();
        assert_eq!(found.len(), 1);
        // Whatever the loopback is called here, that is what it is called there.
        assert!(hosts("localhost").await.unwrap().is_superset(&found), "{found:?}");
        hosts("no.such.host.invalid").await.unwrap_err();
    }
}
