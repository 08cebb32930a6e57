//! What runs where, which paths lead where, and what to type next.

use std::net::SocketAddr;
use std::path::PathBuf;

use anabranch_federation::MountEntry;
use serde_json::{Value, json};

use super::boot::Running;
use crate::{BUILD, table};

/// A running federation, for people and for programs.
pub(super) struct Overview {
    manifests: PathBuf,
    data: PathBuf,
    rpc: SocketAddr,
    admin: Option<SocketAddr>,
    http: Option<SocketAddr>,
    subclusters: Vec<SubclusterLine>,
    mounts: Vec<MountEntry>,
    default_nameservice: Option<String>,
}

struct SubclusterLine {
    id: String,
    kind: &'static str,
    rpc: Vec<String>,
    transfer: Option<SocketAddr>,
}

impl Overview {
    pub(super) fn of(running: &Running, manifests: PathBuf, data: PathBuf) -> Self {
        let embedded = running.subclusters.iter().map(|subcluster| SubclusterLine {
            id: subcluster.nameservice.to_string(),
            kind: "embedded",
            rpc: vec![subcluster.rpc_addr.to_string()],
            transfer: Some(subcluster.transfer_addr),
        });
        let external = running.setup.external.iter().map(|nameservice| SubclusterLine {
            id: nameservice.id.clone(),
            kind: "external",
            rpc: nameservice.namenodes.iter().map(|namenode| namenode.rpc_address.clone()).collect(),
            transfer: None,
        });
        let disabled = running.setup.disabled.iter().map(|id| SubclusterLine {
            id: id.to_string(),
            kind: "disabled",
            rpc: Vec::new(),
            transfer: None,
        });
        Self {
            manifests,
            data,
            rpc: running.router.rpc_addr,
            admin: running.router.admin_addr,
            http: running.router.http_addr,
            subclusters: embedded.chain(external).chain(disabled).collect(),
            mounts: running.mounts.clone(),
            default_nameservice: running.setup.default_nameservice.as_ref().map(ToString::to_string),
        }
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let places = table::render(&["WHAT", "WHERE", "NOTES"], &self.places());
        let mounts = table::render(&["PATH", "LEADS TO", "NOTES"], &self.routes());
        format!("\nAnabranch {BUILD}\n\n{places}\n\n{mounts}\n\n{}\n\nReady. Ctrl-C stops.", self.next_steps())
    }

    fn places(&self) -> Vec<Vec<String>> {
        let mut rows = vec![vec!["router".into(), self.url(), "for Hadoop clients".into()]];
        let note = "hdfs dfsrouteradmin; the manifests own the mounts: an edit or a restart undoes its changes";
        rows.extend(self.admin.map(|admin| vec!["router".into(), admin.to_string(), note.into()]));
        rows.extend(
            self.http.map(|http| vec!["router".into(), format!("http://{http}"), "/isActive, /metrics".into()]),
        );
        rows.extend(self.subclusters.iter().map(|subcluster| {
            let blocks = subcluster.transfer.map(|at| format!(", blocks at {at}")).unwrap_or_default();
            let note = format!("{}{blocks}", subcluster.kind);
            vec![format!("subcluster {}", subcluster.id), subcluster.rpc.join(", "), note]
        }));
        let store = self.data.join("store");
        rows.push(vec!["state store".into(), store.display().to_string(), "embedded".into()]);
        rows
    }

    fn routes(&self) -> Vec<Vec<String>> {
        let route = |mount: &MountEntry| {
            let to = mount.destinations.iter().map(|to| format!("{}:{}", to.nameservice, to.path));
            let mut notes = Vec::new();
            if mount.destinations.len() > 1 {
                notes.push(format!("order {}", mount.order));
            }
            let marks = [(mount.read_only, "read only"), (mount.fault_tolerant, "fault tolerant")];
            notes.extend(marks.into_iter().filter(|(set, _)| *set).map(|(_, mark)| mark.to_owned()));
            vec![mount.source.to_string(), to.collect::<Vec<_>>().join(", "), notes.join(", ")]
        };
        let rest =
            self.default_nameservice.iter().map(|id| vec!["(all else)".into(), format!("{id}:/"), "default".into()]);
        self.mounts.iter().map(route).chain(rest).collect()
    }

    fn next_steps(&self) -> String {
        let url = self.url();
        let option = if self.rpc.to_string() == "127.0.0.1:8888" { String::new() } else { format!(" --fs {url}") };
        let path = self.mounts.iter().map(|mount| mount.source.as_str()).find(|path| *path != "/").unwrap_or("/");
        format!(
            "Next, in another terminal:\n  \
             anabranch dfs{option} put README.md {path}\n  \
             anabranch dfs{option} ls -R /\n  \
             hdfs dfs -fs {url} -ls /\n\
             Edit the mounts in {}: changes count at once.",
            self.manifests.display()
        )
    }

    fn url(&self) -> String {
        // A client on this machine reaches a router that listens on all addresses by the loopback one.
        match self.rpc.ip().is_unspecified() {
            true => format!("hdfs://127.0.0.1:{}", self.rpc.port()),
            false => format!("hdfs://{}", self.rpc),
        }
    }

    /// For programs.
    pub(super) fn json(&self) -> String {
        let subclusters: Vec<Value> = self
            .subclusters
            .iter()
            .map(|s| json!({ "nameservice": s.id, "type": s.kind, "rpc": s.rpc, "transfer": s.transfer }))
            .collect();
        let mounts: Vec<Value> = self.mounts.iter().map(mount).collect();
        json!({
            "ready": true,
            "version": BUILD.version,
            "data": self.data,
            "manifests": self.manifests,
            "fs": self.url(),
            "rpc": self.rpc,
            "admin": self.admin,
            "http": self.http,
            "subclusters": subclusters,
            "mounts": mounts,
            "defaultNameservice": self.default_nameservice,
        })
        .to_string()
    }
}

fn mount(mount: &MountEntry) -> Value {
    let to = |to: &anabranch_federation::Destination| json!({ "nameservice": to.nameservice.as_str(), "path": to.path.as_str() });
    json!({
        "path": mount.source.as_str(),
        "destinations": mount.destinations.iter().map(to).collect::<Vec<_>>(),
        "order": mount.order.name(),
        "readOnly": mount.read_only,
        "faultTolerant": mount.fault_tolerant,
    })
}
