//! `renewLease`: to the subclusters that the client has files open in.

use std::collections::BTreeSet;

use anabranch_federation::NameserviceId;
use bytes::Bytes;
use tokio::time::{Duration, Instant};

use super::{Forward, Leg};
use crate::merge;
use crate::plan::Refusal;
use crate::respond::Stop;
use crate::rewrite::{Edit, edit, find_all};

/// For a renewal in all subclusters.
const RENEW_TIMEOUT: Duration = Duration::from_secs(10);

impl Forward<'_> {
    /// Clients name the subclusters that `create` and `append` told them; older ones do not, and are renewed everywhere.
    /// NameNodes do not know the field.
    pub(super) async fn renew_lease(&self) -> Result<Bytes, Stop> {
        let unreadable = |malformed: anabranch_hrpc::wire::Malformed| Refusal::Unreadable(malformed.to_string());
        let message = self.call.message();
        let named = find_all(message, 2).map_err(unreadable)?;
        // A set: a client that repeats a name must not make many calls out of one.
        let known: Option<BTreeSet<&NameserviceId>> = named
            .iter()
            .map(|name| std::str::from_utf8(name).ok().and_then(|name| Some(self.directory.get(name)?.id())))
            .collect();
        let chosen = match known {
            Some(known) if !known.is_empty() => known.into_iter().collect::<Vec<_>>(),
            _ => self.directory.all().iter().map(|nameservice| nameservice.id()).collect(),
        };
        let stripped = edit(message, &[&[2]], &mut |_, _| Edit::Drop).map_err(unreadable)?;
        let payload = stripped.unwrap_or_else(|| self.call.payload.clone());
        let legs: Vec<Leg<'_>> = chosen.into_iter().map(Leg::to).collect();
        // A lease expires after a minute: one subcluster that hangs must not keep the client from renewing again.
        let soon = Forward { deadline: self.deadline.min(Instant::now() + RENEW_TIMEOUT), ..*self };
        let (answers, failures) = soon.payload_to_all(&legs, &payload).await;
        if legs.is_empty() {
            return Err(Refusal::NoNamespace.into());
        }
        if let Some(shed) = failures.iter().find(|failure| failure.is_shed()) {
            return Err(shed.clone().into());
        }
        self.join(answers, failures, merge::first)
    }
}
