//! The answer that manifests give.

use std::path::PathBuf;

use anabranch_api::{NamenodeSpec, SubclusterKind, SubclusterSettings};
use anabranch_federation::explain::{POSSIBLE, Question, explain};
use anabranch_federation::{Authority, MountPath, MountTable, NameserviceId, Placement};
use anabranch_router::explain::{Answer, SeenNamenode, SeenNameservice};

use super::Who;
use crate::failure::Failure;
use crate::manifest::{Federation, Scope, Source};

/// As a router would answer that had read the manifests. Who its superuser will be, they do not say.
pub(super) fn answers(directory: PathBuf, paths: &[MountPath], who: &Who) -> Result<Vec<Answer>, Failure> {
    let files = Source::new(directory).read().map_err(Failure::usage)?;
    let federation = Federation::parse(&files, &Scope::Federation).map_err(Failure::usage)?;
    let default = federation.fleet.and_then(|fleet| fleet.default_nameservice);
    let table = MountTable::build(federation.mounts, default);
    let off = federation.subclusters.iter().filter(|subcluster| subcluster.disabled);
    let disabled: Vec<NameserviceId> = off.map(|subcluster| subcluster.nameservice.clone()).collect();
    let authority = Authority { superuser: None, supergroup: None, enforced: true };
    let user = Some((who.user.as_str(), who.groups.as_slice()));
    let all: Vec<NameserviceId> = federation.subclusters.iter().map(|known| known.nameservice.clone()).collect();
    let placement = Placement { all: &all, ..POSSIBLE };
    let answer = |path| {
        let question = Question { path, user, placement, disabled: &disabled, authority: &authority, used: None };
        Answer::new(explain(&table, &question), None, |id| nameservice(id, &federation.subclusters))
    };
    Ok(paths.iter().map(answer).collect())
}

fn nameservice(id: &str, subclusters: &[SubclusterSettings]) -> SeenNameservice {
    let kind = subclusters.iter().find(|known| known.nameservice == id).map(|known| &known.kind);
    let listed = match kind {
        Some(SubclusterKind::External { namenodes }) => namenodes.as_slice(),
        Some(SubclusterKind::Embedded { .. }) | None => &[],
    };
    let namenode = |it: &NamenodeSpec| SeenNamenode {
        id: Some(it.id.clone()),
        address: it.rpc_address.clone(),
        state: None,
        called: true,
    };
    SeenNameservice {
        id: id.to_owned(),
        namenodes: listed.iter().map(namenode).collect(),
        embedded: matches!(kind, Some(SubclusterKind::Embedded { .. })),
    }
}
