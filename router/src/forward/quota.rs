//! `getQuotaUsage` and `setQuota`: of a path, and of all that is mounted below it.

use anabranch_federation::{Locations, MountTable};
use bytes::Bytes;

use super::{Forward, Leg, is_absent, legs, worst};
use crate::merge;
use crate::merge::Answer;
use crate::merge::quota::quota_usages;
use crate::plan::{self, Caller, Refusal};
use crate::respond::Stop;

/// Where a path and all below it live.
type Gather<'t> = fn(&'t MountTable, &'t str, &Caller<'t>) -> Locations<'t>;

impl<'a> Forward<'a> {
    /// The limits of a mount point are those of the mount table. A sum without one part would be wrong, and so every part
    /// that is in service must answer, even if it is only that there is nothing. A disabled subcluster counts for nothing
    /// where another one shares its mount.
    pub(super) async fn quota_usage(&self) -> Result<Bytes, Stop> {
        let path = self.path();
        let fixed = self.table.is_mount_point(path).then(|| self.table.limits_over(path));
        let locations = self.tree(plan::subtree)?;
        if let ([only], None) = (locations.as_slice(), fixed) {
            return Ok(self.send(&Leg::of(only)).await?);
        }
        let legs = legs(&locations);
        let answers = self.wherever_it_is(&legs).await?;
        let joined = quota_usages(&answers, fixed);
        joined.map_err(|malformed| super::unreadable(answers[0].nameservice, &malformed).into())
    }

    /// Sets the quota of every directory that is there.
    pub(super) async fn set_quota(&self) -> Result<Bytes, Stop> {
        let path = self.path();
        if self.table.is_mount_point(path) {
            let (user, path) = (self.call.peer.identity.to_string(), path.to_owned());
            return Err(Refusal::QuotaOfMount { user, path }.into());
        }
        let mut locations = self.tree(plan::everything)?;
        // Several mounts may lead to one directory.
        locations.sort();
        locations.dedup();
        if let Some(entry) = self.table.entries_below(path).find(|entry| entry.read_only) {
            return Err(Refusal::ReadOnly { path: entry.source.to_string() }.into());
        }
        let legs = legs(&locations);
        self.wherever_it_is(&legs).await?;
        Ok(merge::empty())
    }

    /// Never empty. A path that lives nowhere may have mounts below it; of those, none may be out of service with all its
    /// subclusters.
    fn tree(&self, gather: Gather<'a>) -> Result<Locations<'a>, Refusal> {
        let path = self.path();
        let own = self.resolve();
        // Everything would be below a path that is none.
        if !path.starts_with('/') {
            return Ok(own?.locations);
        }
        let all = gather(self.table, path, &self.caller);
        if let Some(path) = plan::out_of_service(self.table, path, &self.caller) {
            return Err(Refusal::NoLocation { path: path.to_owned() });
        }
        match own {
            Err(Refusal::NoDefaultNameservice { .. }) if !all.is_empty() => Ok(all),
            own => own.map(|_| all),
        }
    }

    /// The answers of all parts of a tree that exist; one at least.
    async fn wherever_it_is<'l>(&self, legs: &'l [Leg<'_>]) -> Result<Vec<Answer<'l>>, Stop> {
        let (answers, failures) = self.ask_all(legs).await;
        let (absent, failed): (Vec<_>, Vec<_>) = failures.into_iter().partition(is_absent);
        match worst(failed).or_else(|| worst(absent).filter(|_| answers.is_empty())) {
            Some(failure) => Err(failure.into()),
            None => Ok(answers),
        }
    }
}
