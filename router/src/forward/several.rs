//! Calls about several paths.

use std::borrow::Cow;

use anabranch_federation::Location;
use anabranch_hrpc::class;
use bytes::Bytes;
use futures_util::future::join_all;
use smallvec::SmallVec;

use super::probe::Found;
use super::{Forward, Leg, Legs};
use crate::merge;
use crate::merge::status::{is_directory, status_of};
use crate::method::Accept;
use crate::plan::{self, Pair, Refusal};
use crate::respond::Stop;
use crate::upstream::Failure;

impl<'a> Forward<'a> {
    pub(super) async fn rename(&self, accept: Accept) -> Result<Bytes, Stop> {
        let [src, dst] = self.paths else { return Err(Refusal::Missing { field: "dst" }.into()) };
        let renames = plan::rename(self.table, src, dst, self.row, &self.caller)?;
        let mut legs = Legs::new();
        for Pair { nameservice, src, dst } in &renames.pairs {
            let repeated = renames.pairs.iter().filter(|pair| pair.nameservice == *nameservice).count() > 1;
            legs.push(Leg { nameservice, paths: SmallVec::from_vec(vec![src.clone(), dst.clone()]), repeated });
        }
        let complete = renames.elsewhere.is_empty();
        if let [only] = legs.as_slice()
            && complete
        {
            return Ok(self.send(only).await?);
        }
        let directories = if renames.spread { self.directories(&legs).await? } else { Legs::new() };
        if !directories.is_empty() {
            if !complete {
                let (src, dst) = (src.to_string(), dst.to_string());
                return Err(Refusal::RenamePartly { src, dst }.into());
            }
            let merge = if accept == Accept::True { merge::any_true } else { merge::first };
            // A directory of which one part moved and another did not is worse than an error.
            return self.at_once(&directories, accept, merge, true).await;
        }
        let renamed = self.in_order(&legs, accept).await;
        let found = match &renamed {
            Ok(reply) => super::accepts(accept, reply),
            Err(Failure::Remote(exception)) => !exception.is(class::FILE_NOT_FOUND),
            Err(_) => true,
        };
        let is_there = |found| matches!(found, Some((_, Found::Directory | Found::File)));
        if !found && is_there(self.existing(&renames.elsewhere).await?) {
            return Err(Refusal::RenameAcross { src: src.to_string(), dst: dst.to_string() }.into());
        }
        Ok(renamed?)
    }

    /// The legs of a rename whose source is a directory where they lead to. One that is nowhere may have been renamed by the
    /// same call already, of which the NameNodes' retry caches know.
    async fn directories<'l>(&self, legs: &[Leg<'l>]) -> Result<Legs<'l>, Stop> {
        let sources = legs.iter().map(|leg| Location { nameservice: leg.nameservice, path: leg.paths[0].clone() });
        let sources: Vec<Location<'_>> = sources.collect();
        let replies = join_all(sources.iter().map(|source| self.probe(source, self.deadline))).await;
        let mut directories = Legs::new();
        for (leg, reply) in legs.iter().zip(replies) {
            let found = status_of(&reply?).and_then(|status| status.map(is_directory).transpose());
            if found.map_err(|malformed| super::unreadable(leg.nameservice.as_str(), &malformed))? == Some(true) {
                directories.push(leg.clone());
            }
        }
        Ok(directories)
    }

    /// All files must lie in one subcluster; a NameNode moves blocks between its own files only. A source that is nowhere may
    /// have been moved by the same call already, of which the retry cache of the target's NameNode knows.
    pub(super) async fn concat(&self) -> Result<Bytes, Stop> {
        let mut found: Vec<Location<'a>> = Vec::with_capacity(self.paths.len());
        for path in self.paths {
            let resolved = plan::resolve(self.table, path, self.row, &self.caller)?;
            let at = match resolved.locations.as_slice() {
                [_] => 0,
                several => self.existing(several).await?.map_or_else(
                    || {
                        let target = found.first().map(|target| target.nameservice);
                        several.iter().position(|location| Some(location.nameservice) == target).unwrap_or(0)
                    },
                    |(at, _)| at,
                ),
            };
            found.push(resolved.locations[at].clone());
        }
        let nameservice = match plan::concat_nameservice(&found) {
            Ok(Some(nameservice)) => nameservice,
            Ok(None) => return Err(Refusal::Missing { field: "trg" }.into()),
            Err(elsewhere) => return Err(self.concat_across(&found, elsewhere).await.into()),
        };
        let paths = found.iter().map(|location| location.path.clone()).collect::<SmallVec<[Cow<'_, str>; 1]>>();
        Ok(self.send(&Leg { nameservice, paths, repeated: false }).await?)
    }

    async fn concat_across(&self, found: &[Location<'a>], elsewhere: usize) -> Refusal {
        self.learn_pools().await;
        let pool = |location: &Location<'_>| {
            self.core.pools.pool_of(location.nameservice).unwrap_or_else(|| location.nameservice.to_string())
        };
        Refusal::ConcatAcross {
            src: self.paths[elsewhere].to_string(),
            src_pool: pool(&found[elsewhere]),
            target_pool: pool(&found[0]),
        }
    }
}
