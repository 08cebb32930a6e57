//! `concat`: several files that become one.

use std::borrow::Cow;

use anabranch_federation::Location;
use bytes::Bytes;
use smallvec::SmallVec;

use super::{Forward, Leg};
use crate::plan::{self, Refusal};
use crate::respond::Stop;

impl<'a> Forward<'a> {
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
