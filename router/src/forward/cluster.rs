//! Calls about the cluster as a whole.

use std::cell::LazyCell;
use std::sync::atomic::Ordering;

use anabranch_hdfs_proto::common::{GetGroupsForUserRequestProto, GetGroupsForUserResponseProto};
use anabranch_hdfs_proto::hdfs::SafeModeActionProto;
use anabranch_hrpc::wire::Malformed;
use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt};
use prost::Message;
use tokio::time::{Duration, Instant, timeout_at};

use super::leg::noted;
use super::{Forward, Leg, accepts, worst};
use crate::merge::{self, Answer};
use crate::method::{Accept, Scope};
use crate::plan::{Refusal, Shown};
use crate::respond::Stop;
use crate::rewrite::find_varint;
use crate::upstream::Failure;

/// How long one subcluster is waited for before another is asked what any can answer.
const ASK_ANOTHER: Duration = Duration::from_secs(1);

impl Forward<'_> {
    /// What any subcluster can answer: clients ask such things before they write a file anywhere.
    pub(super) async fn any_namespace(&self) -> Result<Bytes, Stop> {
        self.first_to(None, |result| !matches!(result, Err(failure) if failure.is_unavailable())).await
    }

    /// What not every subcluster can answer; the refusal of one that does not know what is asked for counts only if nobody
    /// does. It is meant for the DataNodes to which the client goes now, if it has asked for some.
    pub(super) async fn first_namespace(&self, accept: Accept) -> Result<Bytes, Stop> {
        let note = self.call.peer.note.load(Ordering::Relaxed);
        self.first_to(Some(note), |result| matches!(result, Ok(reply) if accepts(accept, reply))).await
    }

    /// The noted subcluster first, then the default one; another one as well when it has no such answer, or takes long. What
    /// others say is no answer while the noted one may still give its own.
    async fn first_to(
        &self,
        note: Option<u64>,
        answers: impl Fn(&Result<Bytes, Failure>) -> bool,
    ) -> Result<Bytes, Stop> {
        let default = self.table.default_nameservice();
        let mut all: Vec<_> = self.directory.all().iter().map(|nameservice| nameservice.id()).collect();
        all.sort_by_key(|id| (note != Some(noted(id)), Some(*id) != default));
        let mut until = match all.first() {
            Some(first) if note == Some(noted(first)) => self.deadline,
            _ => Instant::now() + ASK_ANOTHER,
        };
        let mut waiting = all.into_iter();
        let mut asked = FuturesUnordered::new();
        let (mut other, mut failures) = (None, Vec::new());
        loop {
            if let Some(nameservice) = waiting.next() {
                asked.push(async { self.send(&Leg::to(nameservice)).await });
            }
            match timeout_at(until, asked.next()).await {
                Ok(Some(result)) if answers(&result) => return Ok(result?),
                Ok(Some(Ok(reply))) => {
                    other.get_or_insert(reply);
                }
                Ok(Some(Err(failure))) => failures.push(failure),
                Ok(None) => break,
                // It takes long, and there may be another to ask.
                Err(_) => {}
            }
            until = Instant::now() + ASK_ANOTHER;
        }
        match (worst(failures), other) {
            (Some(failure), _) => Err(failure.into()),
            (None, Some(reply)) => Ok(reply),
            (None, None) => Err(Refusal::NoNamespace.into()),
        }
    }

    /// The groups that any subcluster sees a user in; the machine's own while there is no subcluster, as in Java.
    pub(super) async fn groups(&self) -> Result<Bytes, Stop> {
        if !self.directory.all().is_empty() {
            return self.every_namespace(merge::union, false, Scope::Active).await;
        }
        let request: GetGroupsForUserRequestProto =
            self.call.decode().map_err(|error| Refusal::Unreadable(error.message))?;
        let groups = self.core.groups.of(&request.user).await;
        Ok(GetGroupsForUserResponseProto { groups }.encode_length_delimited_to_vec().into())
    }

    /// Whom users are grouped with is looked up anew, here as in all subclusters.
    pub(super) async fn refresh_groups(&self) -> Result<Bytes, Stop> {
        self.core.groups.forget();
        match self.directory.all().is_empty() {
            true => Ok(merge::empty()),
            false => self.every_namespace(merge::first, false, Scope::Active).await,
        }
    }

    /// Every subcluster.
    fn all(&self) -> Vec<Leg<'_>> {
        self.directory.all().iter().map(|nameservice| Leg::to(nameservice.id())).collect()
    }

    /// What all snapshottable directories are, by the paths of clients.
    pub(super) async fn snapshottable(&self) -> Result<Bytes, Stop> {
        let merge = |answers: &[Answer<'_>]| {
            let shown = LazyCell::new(|| Shown::new(self.table, "/", &self.caller));
            merge::snapshottable(answers, |answer, path| shown.by_clients(answer.nameservice, path))
        };
        self.every_namespace(merge, false, Scope::Active).await
    }

    pub(super) async fn every_namespace(
        &self,
        merge: impl FnOnce(&[Answer<'_>]) -> Result<Bytes, Malformed>,
        strict: bool,
        scope: Scope,
    ) -> Result<Bytes, Stop> {
        let all = self.all();
        if all.is_empty() {
            return Err(Refusal::NoNamespace.into());
        }
        let patience = if strict {
            self.deadline
        } else {
            self.deadline.min(Instant::now() + self.core.config.upstream.report_timeout)
        };
        let soon = Forward { deadline: patience, ..*self };
        let (answers, failures) = match scope {
            Scope::Active => soon.ask_all(&all).await,
            Scope::EveryNamenode => soon.ask_every_namenode(&all).await,
        };
        // A report leaves out what is away; what was refused, or had no room here, the caller hears of.
        let left_out = |failure: &Failure| !strict && failure.is_unavailable() && !failure.is_shed();
        let heard: Vec<Failure> = failures.iter().filter(|failure| !left_out(failure)).cloned().collect();
        if let Some(failure) = worst(heard) {
            return Err(failure.into());
        }
        self.join(answers, failures, merge)
    }

    /// Looking is answered by the active NameNodes; entering and leaving concerns each, unless the client says otherwise.
    pub(super) async fn safe_mode(&self) -> Result<Bytes, Stop> {
        let action = find_varint(self.call.message(), 1)?;
        let checked = find_varint(self.call.message(), 2)? == Some(1);
        let looks = action == Some(SafeModeActionProto::SafemodeGet as u64);
        let scope = if looks || checked { Scope::Active } else { Scope::EveryNamenode };
        self.every_namespace(merge::all_true, true, scope).await
    }

    async fn ask_every_namenode<'l>(&self, legs: &'l [Leg<'_>]) -> (Vec<Answer<'l>>, Vec<Failure>) {
        self.count_fan_out(legs.len());
        let results = join_all(legs.iter().map(|leg| self.send_to_each(leg))).await;
        split(legs, results)
    }

    /// Sends the same message to all.
    pub(super) async fn payload_to_all<'l>(
        &self,
        legs: &'l [Leg<'_>],
        payload: &Bytes,
    ) -> (Vec<Answer<'l>>, Vec<Failure>) {
        self.count_fan_out(legs.len());
        let results = join_all(legs.iter().map(|leg| self.send_payload(leg, payload.clone()))).await;
        split(legs, results)
    }
}

/// What answered, and what failed.
pub(super) fn split<'l, 'p: 'l>(
    legs: impl IntoIterator<Item = &'l Leg<'p>>,
    results: Vec<Result<Bytes, Failure>>,
) -> (Vec<Answer<'l>>, Vec<Failure>) {
    let mut answers = Vec::with_capacity(results.len());
    let mut failures = Vec::new();
    for (leg, result) in legs.into_iter().zip(results) {
        match result {
            Ok(reply) => answers.push(Answer { nameservice: leg.nameservice.as_str(), reply }),
            Err(failure) => failures.push(failure),
        }
    }
    (answers, failures)
}
