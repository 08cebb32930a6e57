//! Which of several locations have something.

use std::borrow::Cow;

use anabranch_federation::{Location, MountTable, Placement};
use anabranch_hrpc::Call;
use futures_util::future::join_all;

use super::Forward;
use crate::core::Core;
use crate::merge::status;
use crate::method;
use crate::plan::Caller;

/// Whether each location has its path, as the user of a call sees it. One that does not answer has not.
pub async fn holders(core: &Core, call: &Call, table: &MountTable, locations: &[Location<'_>]) -> Vec<bool> {
    let Some((_, row)) = method::find("getFileInfo") else { return vec![false; locations.len()] };
    let paths: [Cow<'_, str>; 0] = [];
    let user = call.peer.identity.short_name();
    let caller = Caller { user, placement: Placement::default(), disabled: &[], usages: None };
    let (directory, deadline) = (&*core.upstream.directory(), core.upstream.deadline());
    let presented = &core.presented(&call.peer.identity);
    let forward = Forward { core, call, presented, row, table, directory, paths: &paths, caller, deadline };
    let answers = join_all(locations.iter().map(|location| forward.probe(location, forward.deadline))).await;
    let holds = |reply: &bytes::Bytes| status::status_of(reply).is_ok_and(|status| status.is_some());
    answers.iter().map(|answer| answer.as_ref().is_ok_and(holds)).collect()
}
