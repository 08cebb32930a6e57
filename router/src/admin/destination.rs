//! Where a path lives.

use std::sync::Arc;

use anabranch_federation::{Location, MountEntry, MountTable, Placement, normalise};
use anabranch_hdfs_proto::hdfs::{GetDestinationRequestProto, GetDestinationResponseProto};
use anabranch_hrpc::Call;

use super::problem::Problem;
use super::{Admin, Answer, answer};
use crate::forward::holders;
use crate::method::Category;
use crate::plan::{self, Refusal};
use crate::respond::Stop;

/// The subclusters that have a path, as the caller sees it; the one where it would be made when none has.
pub(super) fn of<'a>(admin: &'a Admin, call: &'a Call) -> Answer<'a> {
    Box::pin(async move {
        let request: GetDestinationRequestProto = call.decode()?;
        let path = normalise(request.src_path()).into_owned();
        let (core, call) = (admin.core.clone(), call.clone());
        // Connections to NameNodes belong to the runtime of the data plane.
        let found = admin.data.spawn(async move {
            let category = Category::Read;
            let table = core.mounts.load_full().ok_or_else(|| Refusal::SafeMode {
                router: core.config.router_id.clone(),
                category: category.word(),
            })?;
            let known = core.whereabouts.of(&table);
            let known = known.as_ref().map(|known| known.placement(Some(call.peer.address.ip())));
            let placement = Placement { random: Some(rand::random()), ..known.unwrap_or_default() };
            let directory = core.upstream.directory();
            let disabled = directory.disabled();
            let caller = plan::Caller { user: call.peer.identity.short_name(), placement, disabled, usages: None };
            let resolved = plan::place(&table, &path, category, &caller)?;
            let holds = holders(&core, &call, &table, &resolved.locations).await;
            Ok::<_, Stop>(named(&resolved.locations, &holds))
        });
        let destinations = found.await?.map_err(Problem::Stop)?;
        answer(&GetDestinationResponseProto { destinations })
    })
}

/// Refuses an entry whose destinations the caller does not find.
pub(super) async fn verify(admin: &Admin, call: &Call, entry: &MountEntry) -> Result<(), Problem> {
    let (core, call, entry) = (admin.core.clone(), call.clone(), entry.clone());
    let missing = admin.data.spawn(async move {
        let to = entry.destinations.iter();
        let locations: Vec<Location<'_>> =
            to.map(|to| Location { nameservice: &to.nameservice, path: to.path.as_str().into() }).collect();
        let table = core.mounts.load_full().unwrap_or_else(|| Arc::new(MountTable::default()));
        let holds = holders(&core, &call, &table, &locations).await;
        let missing = locations.iter().zip(holds).filter(|(_, holds)| !holds);
        missing.map(|(location, _)| location.nameservice.to_string()).collect::<Vec<_>>()
    });
    let missing = missing.await?;
    if missing.is_empty() { Ok(()) } else { Err(Problem::NoDestination(missing.join(","))) }
}

fn named(locations: &[Location<'_>], holds: &[bool]) -> Vec<String> {
    let having = locations.iter().zip(holds).filter(|(_, holds)| **holds).map(|(location, _)| location);
    let mut names: Vec<String> = having.map(|location| location.nameservice.to_string()).collect();
    if names.is_empty() {
        names.extend(locations.first().map(|first| first.nameservice.to_string()));
    }
    names
}
