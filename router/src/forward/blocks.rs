//! Calls about blocks, which go to the subcluster that owns the block's pool: a file that is being written stays where it
//! is, wherever the order of its mount would put it now.

use anabranch_federation::NameserviceId;
use anabranch_hrpc::{Payload, wire::Malformed};
use bytes::{Bytes, BytesMut};
use futures_util::future::join_all;
use tokio::time::{Duration, Instant};

use super::{Forward, Leg, Legs, legs};
use crate::merge::{self, body};
use crate::method::{Accept, FieldPath};
use crate::plan::{self, Caller, Refusal};
use crate::respond::Stop;
use crate::rewrite::{delimited, find, find_all, put_field};
use crate::upstream::NAMENODE_PROTOCOL;

/// How long subclusters may take to say which block pool they have.
const ASK_TIMEOUT: Duration = Duration::from_secs(5);

impl Forward<'_> {
    pub(super) async fn block_pool(&self, block: FieldPath, accept: Accept) -> Result<Bytes, Stop> {
        let pool = find(self.call.message(), block)
            .and_then(|block| block.map_or(Ok(None), |block| find(block, &[1])))
            .map_err(unreadable)?;
        let Some(pool) = pool.and_then(|pool| std::str::from_utf8(pool).ok()) else {
            if self.paths.is_empty() {
                return Err(Refusal::Missing { field: "block" }.into());
            }
            return Ok(self.in_order(&legs(&self.resolve()?.locations), accept).await?);
        };
        // Who has a block is writing already, and may end that in a subcluster that is out of service.
        let caller = Caller { disabled: &[], ..self.caller };
        let resolved = match self.paths {
            [] => None,
            _ => Some(plan::resolve(self.table, self.path(), self.row, &caller)?),
        };
        // A mount with one destination is right whoever owns the pool; the NameNode checks it.
        if let Some([only]) = resolved.as_ref().map(|resolved| resolved.locations.as_slice())
            && self.core.pools.owner(pool).is_none_or(|owner| owner == *only.nameservice)
        {
            return Ok(self.send(&Leg::of(only)).await?);
        }
        let owner = self.core.pools.find(pool, || self.ask_pools()).await;
        let Some(owner) = owner else {
            return self.without_owner(pool, resolved.map(|one| legs(&one.locations))).await;
        };
        let locations = resolved.as_ref().map(|resolved| resolved.locations.as_slice()).unwrap_or_default();
        let location = locations.iter().find(|location| *location.nameservice == owner).or(locations.first());
        let paths = location.map(|location| location.path.clone()).into_iter().collect();
        Ok(self.send(&Leg { nameservice: &owner, paths, repeated: false }).await?)
    }

    /// Tries those whose pools are not known; a NameNode refuses blocks of other pools.
    async fn without_owner(&self, pool: &str, legs: Option<Legs<'_>>) -> Result<Bytes, Stop> {
        if let Some(legs) = legs {
            return Ok(self.in_order(&legs, Accept::Any).await?);
        }
        let all = self.directory.every().iter().map(|nameservice| nameservice.id());
        let silent: Vec<Leg<'_>> = all.filter(|id| self.core.pools.pool_of(id).is_none()).map(Leg::to).collect();
        if silent.is_empty() {
            let router = self.core.config.router_id.clone();
            return Err(Refusal::NoNamenode { wanted: pool.to_owned(), router }.into());
        }
        Ok(self.in_order(&silent, Accept::Any).await?)
    }

    /// Each block is reported to the owner of its pool.
    pub(super) async fn bad_blocks(&self) -> Result<Bytes, Stop> {
        let mut by_owner: Vec<(NameserviceId, BytesMut)> = Vec::new();
        for block in find_all(self.call.message(), 1).map_err(unreadable)? {
            let pool = find(block, &[1, 1]).map_err(unreadable)?.and_then(|pool| std::str::from_utf8(pool).ok());
            let Some(pool) = pool else { return Err(Refusal::Missing { field: "poolId" }.into()) };
            let Some(owner) = self.core.pools.find(pool, || self.ask_pools()).await else {
                let router = self.core.config.router_id.clone();
                return Err(Refusal::NoNamenode { wanted: pool.to_owned(), router }.into());
            };
            let at = by_owner.iter().position(|(known, _)| *known == owner).unwrap_or_else(|| {
                by_owner.push((owner, BytesMut::new()));
                by_owner.len() - 1
            });
            put_field(&mut by_owner[at].1, 1, block);
        }
        let mut last = merge::empty();
        for (owner, message) in &by_owner {
            last = self.send_payload(&Leg::to(owner), delimited(message)).await?;
        }
        Ok(last)
    }

    /// Learns the pools of all subclusters, if it was not done a moment ago.
    pub(super) async fn learn_pools(&self) {
        let all = self.directory.every();
        if all.iter().any(|nameservice| self.core.pools.pool_of(nameservice.id()).is_none()) {
            self.ask_pools().await;
        }
    }

    async fn ask_pools(&self) {
        let deadline = self.deadline.min(Instant::now() + ASK_TIMEOUT);
        join_all(self.directory.every().iter().map(|nameservice| async move {
            let request = Payload::raw(merge::empty());
            let id = nameservice.id();
            match self.ask(id, NAMENODE_PROTOCOL, "versionRequest", request, deadline).await {
                Ok(reply) => {
                    let pool = find(body(&reply), BLOCK_POOL).ok().flatten();
                    if let Some(pool) = pool.and_then(|pool| std::str::from_utf8(pool).ok()) {
                        self.core.pools.learn(pool, id);
                    }
                }
                Err(failure) => tracing::debug!(nameservice = %id, %failure, "the block pool is not known"),
            }
        }))
        .await;
    }
}

/// `info.blockPoolID` of `VersionResponseProto`.
const BLOCK_POOL: FieldPath = &[1, 3];

fn unreadable(malformed: Malformed) -> Refusal {
    Refusal::Unreadable(malformed.to_string())
}
