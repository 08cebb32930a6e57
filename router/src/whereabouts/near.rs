//! Which nameservices have a DataNode or a NameNode on a host.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use anabranch_federation::{NameserviceId, Order};
use anabranch_hdfs_proto::hdfs::{
    DatanodeReportTypeProto, GetDatanodeReportRequestProto, GetDatanodeReportResponseProto,
};
use anabranch_telemetry::process;
use futures_util::future::join_all;
use hashbrown::HashMap;
use tokio::net::lookup_host;
use tokio::runtime::Handle;
use tokio::time::{Duration, sleep, timeout};

use super::used;
use crate::core::Core;
use crate::datanodes;
use crate::upstream::Nameservice;

/// The nameservices of each host.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Near(HashMap<IpAddr, Vec<NameserviceId>>);

/// What one nameservice has where. What it did not tell is none.
#[derive(Debug, Clone, Default)]
struct Places {
    datanodes: Option<Vec<IpAddr>>,
    namenodes: Option<Vec<IpAddr>>,
}

impl Near {
    /// The nameservices on a client's host.
    pub fn of(&self, client: IpAddr) -> &[NameserviceId] {
        self.0.get(&client.to_canonical()).map_or(&[], Vec::as_slice)
    }

    /// From what nameservices have, on a machine with the addresses `here`.
    fn new(places: &BTreeMap<NameserviceId, Places>, here: &[IpAddr]) -> Self {
        let mut near = Self::default();
        for (nameservice, places) in places {
            for address in places.datanodes.iter().chain(&places.namenodes).flatten() {
                near.add(*address, nameservice);
            }
        }
        // Who calls from this very machine comes by its loopback.
        let neighbours: Vec<NameserviceId> = here.iter().flat_map(|address| near.of(*address)).cloned().collect();
        neighbours.iter().for_each(|nameservice| near.add(Ipv4Addr::LOCALHOST.into(), nameservice));
        near
    }

    fn add(&mut self, address: IpAddr, nameservice: &NameserviceId) {
        let there = self.0.entry(address.to_canonical()).or_default();
        if !there.contains(nameservice) {
            there.push(nameservice.clone());
        }
    }
}

/// Asks again and again, on the runtime of the data plane. A nameservice that does not answer keeps what it had.
pub(super) async fn follow(core: Arc<Core>, data: Handle) {
    let mut revision = core.revision.subscribe();
    let mut places: BTreeMap<NameserviceId, Places> = BTreeMap::new();
    let period = core.config.placement.update_period;
    loop {
        used(&core, &mut revision, Order::Local).await;
        let asked = core.clone();
        let found = data.spawn(async move {
            let directory = asked.upstream.directory();
            join_all(directory.all().iter().map(|nameservice| ask(&asked, nameservice, period))).await
        });
        // Only a runtime that ends lets it go.
        let Ok(found) = found.await else { return };
        for (nameservice, now) in found {
            let known = places.entry(nameservice).or_default();
            known.datanodes = now.datanodes.or(known.datanodes.take());
            known.namenodes = now.namenodes.or(known.namenodes.take());
        }
        let directory = core.upstream.directory();
        places.retain(|nameservice, _| directory.get(nameservice.as_str()).is_some());
        let here = here(&core, period).await;
        core.whereabouts.learn_near(Near::new(&places, &here));
        sleep(period).await;
    }
}

async fn ask(core: &Core, nameservice: &Nameservice, patience: Duration) -> (NameserviceId, Places) {
    let request = GetDatanodeReportRequestProto { r#type: DatanodeReportTypeProto::All.into() };
    let report = datanodes::report(core, nameservice, "getDatanodeReport", &request, patience);
    let namenodes = nameservice.namenodes().iter().map(|namenode| addresses(namenode.address(), patience));
    let (report, namenodes): (Option<GetDatanodeReportResponseProto>, _) = tokio::join!(report, join_all(namenodes));
    let datanodes = report.map(|report| report.di.iter().filter_map(|node| node.id.ip_addr.parse().ok()).collect());
    let namenodes: Vec<IpAddr> = namenodes.into_iter().flatten().collect();
    (nameservice.id().clone(), Places { datanodes, namenodes: Some(namenodes).filter(|found| !found.is_empty()) })
}

/// The addresses of this machine: those of its name, and where it serves.
async fn here(core: &Core, patience: Duration) -> Vec<IpAddr> {
    let mut here = addresses(&format!("{}:0", process::host()), patience).await;
    here.push(core.config.rpc_address.ip());
    here
}

/// The addresses of the host in `host:port`; none if it is not found in time.
async fn addresses(host: &str, patience: Duration) -> Vec<IpAddr> {
    let found = timeout(patience, lookup_host(host)).await.ok().and_then(Result::ok);
    found.into_iter().flatten().map(|address| address.ip()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> NameserviceId {
        NameserviceId::parse(name).unwrap()
    }

    fn ips(list: &[&str]) -> Vec<IpAddr> {
        list.iter().map(|ip| ip.parse().unwrap()).collect()
    }

    #[test]
    fn a_host_has_the_nameservices_of_its_datanodes_and_namenodes() {
        let places = [
            ("ns0", Some(ips(&["10.0.0.1", "10.0.0.2"])), Some(ips(&["10.0.0.9", "::1"]))),
            ("ns1", Some(ips(&["10.0.0.2", "::ffff:10.0.0.3"])), None),
            ("ns2", None, Some(ips(&["10.0.0.8"]))),
        ];
        let places = places.map(|(name, datanodes, namenodes)| (id(name), Places { datanodes, namenodes }));
        let near = Near::new(&BTreeMap::from(places), &ips(&["10.0.0.8", "10.0.0.2", "10.0.0.7"]));
        let rows: [(&str, &[&str]); 8] = [
            ("10.0.0.1", &["ns0"]),
            ("10.0.0.2", &["ns0", "ns1"]),
            ("::ffff:10.0.0.2", &["ns0", "ns1"]),
            ("10.0.0.3", &["ns1"]),
            ("10.0.0.9", &["ns0"]),
            ("::1", &["ns0"]),
            ("10.0.0.4", &[]),
            // This machine is 10.0.0.8 and 10.0.0.2.
            ("127.0.0.1", &["ns2", "ns0", "ns1"]),
        ];
        for (client, expected) in rows {
            assert_eq!(near.of(client.parse().unwrap()), expected, "{client}");
        }
    }
}
