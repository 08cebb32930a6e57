//! `create` and `mkdirs` on mounts with one destination, and with several.

use anabranch_federation::{Location, Resolved};
use anabranch_hdfs_proto::hdfs::{CreateRequestProto, FsPermissionProto, MkdirsRequestProto};
use anabranch_hrpc::Payload;
use bytes::Bytes;
use futures_util::future::{join, join_all};
use prost::Message;
use tokio::time::Instant;

use super::leg::shown;
use super::probe::{Found, existing, parent};
use super::{Forward, Leg, legs, worst};
use crate::merge;
use crate::method::Accept;
use crate::plan;
use crate::plan::Refusal;
use crate::respond::Stop;
use crate::rewrite::delimited;
use crate::upstream::{CLIENT_PROTOCOL, Failure};

/// So far above a path is looked for files, a round of calls for each missing level. Nobody makes deeper trees at once.
const DEEPEST: usize = 64;

/// What is above a path in its locations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Above {
    /// Its parent directory, in each.
    Directories,
    /// A file, in the location at this position.
    File(usize),
    /// Something is missing, or was not told.
    Unknown,
}

impl<'a> Forward<'a> {
    pub(super) async fn create(&self) -> Result<Bytes, Stop> {
        let resolved = self.resolve()?;
        if let [only] = resolved.locations.as_slice() {
            return Ok(self.send(&Leg::of(only)).await?);
        }
        let looks = self.patient(&resolved);
        let (found, above) = join(looks.look(&resolved.locations), looks.above(&resolved)).await;
        // Of those that a tolerant mount does without, none is chosen: it may hang.
        let lives = found.iter().position(Result::is_ok).unwrap_or(0);
        let chosen = match (existing(found), above) {
            (Ok(Some((at, _))), _) | (Ok(None) | Err(_), Above::File(at)) => at,
            (Err(failure), _) if !(failure.is_away() && is_fault_tolerant(&resolved)) => {
                return Err(failure.into());
            }
            (Ok(None) | Err(_), above) => {
                if resolved.is_all() && above != Above::Directories {
                    looks.make_parents().await?;
                }
                lives
            }
        };
        self.first_that_lives(&resolved, chosen, Accept::Any).await
    }

    pub(super) async fn mkdirs(&self) -> Result<Bytes, Stop> {
        let resolved = self.resolve()?;
        if let [only] = resolved.locations.as_slice() {
            return Ok(self.send(&Leg::of(only)).await?);
        }
        let looks = self.patient(&resolved);
        match join(looks.existing(&resolved.locations), looks.above(&resolved)).await {
            // It is there already, wherever that is; or a file is in the way, and no directory must come beside it.
            (Ok(Some((at, found))), _) if found != Found::Directory || !resolved.is_all() => {
                Ok(self.send(&Leg::of(&resolved.locations[at])).await?)
            }
            (Ok(None) | Err(_), Above::File(at)) => Ok(self.send(&Leg::of(&resolved.locations[at])).await?),
            _ if resolved.is_all() => {
                // Where it was not made, no file of that subcluster could be renamed into it.
                let strict = !(is_fault_tolerant(&resolved) || resolved.everywhere);
                self.at_once(&legs(&resolved.locations), Accept::True, merge::any_true, strict).await
            }
            // A NameNode that does not let the caller look does not let them make it either, and says why.
            (Ok(_) | Err(Failure::Remote(_)), _) => self.first_that_lives(&resolved, 0, Accept::True).await,
            (Err(failure), _) if failure.is_away() && is_fault_tolerant(&resolved) => {
                self.first_that_lives(&resolved, 0, Accept::True).await
            }
            (Err(failure), _) => Err(failure.into()),
        }
    }

    /// For looks at locations: a tolerant mount does not wait until the call's time is over for a subcluster that hangs.
    fn patient(&self, resolved: &Resolved<'_>) -> Self {
        let soon = Instant::now() + self.core.config.upstream.report_timeout;
        Forward { deadline: if is_fault_tolerant(resolved) { self.deadline.min(soon) } else { self.deadline }, ..*self }
    }

    /// What is above a path, up to its mount. Superusers have to ask: to them, a path below a file is just not there.
    async fn above(&self, resolved: &Resolved<'a>) -> Above {
        let mount = resolved.entry.map_or("", |entry| entry.source.as_str().trim_end_matches('/'));
        let Some(below) = self.path().strip_prefix(mount) else { return Above::Unknown };
        let mut looked: Vec<(usize, Location<'a>)> = resolved.locations.iter().cloned().enumerate().collect();
        let mut above = Above::Directories;
        for _ in below.matches('/').take(DEEPEST) {
            looked = looked.iter().map(|(at, location)| (*at, parent(location))).collect();
            let locations: Vec<Location<'_>> = looked.iter().map(|(_, location)| location.clone()).collect();
            let mut missing = Vec::new();
            for (one, found) in looked.into_iter().zip(self.look(&locations).await) {
                match found {
                    Ok(Some(Found::Directory)) => {}
                    Ok(Some(Found::File | Found::BelowFile)) => return Above::File(one.0),
                    Ok(None) => missing.push(one),
                    Err(_) => above = Above::Unknown,
                }
            }
            if missing.is_empty() {
                return above;
            }
            (looked, above) = (missing, Above::Unknown);
        }
        above
    }

    /// Sends to the chosen location; if its subcluster is away and the mount is fault tolerant, to the others in order.
    async fn first_that_lives(&self, resolved: &Resolved<'a>, chosen: usize, accept: Accept) -> Result<Bytes, Stop> {
        let legs = legs(&resolved.locations);
        match self.send(&legs[chosen]).await {
            Err(failure) if failure.is_away() && is_fault_tolerant(resolved) => {
                let others: Vec<Leg<'_>> =
                    legs.iter().enumerate().filter(|(at, _)| *at != chosen).map(|(_, leg)| leg.clone()).collect();
                Ok(self.in_order(&others, accept).await?)
            }
            result => Ok(result?),
        }
    }

    /// Makes the parent directory in every destination, as directories of such a mount are everywhere.
    async fn make_parents(&self) -> Result<(), Stop> {
        let request =
            CreateRequestProto::decode(self.call.message()).map_err(|error| Refusal::Unreadable(error.to_string()))?;
        let Some(parent) = self.path().rsplit_once('/').map(|(parent, _)| parent).filter(|parent| !parent.is_empty())
        else {
            return Ok(());
        };
        if !request.create_parent {
            return Ok(());
        }
        let resolved = plan::place(self.table, parent, self.row.category, &self.caller)?;
        let made =
            join_all(resolved.locations.iter().map(|location| self.make_directory(location, parent, &request))).await;
        let failures: Vec<Failure> = made.iter().filter_map(|result| result.clone().err()).collect();
        if failures.len() == resolved.locations.len()
            && let Some(failure) = worst(failures)
        {
            return Err(failure.into());
        }
        Ok(())
    }

    async fn make_directory(
        &self,
        location: &Location<'_>,
        parent: &str,
        file: &CreateRequestProto,
    ) -> Result<Bytes, Failure> {
        // The owner must be able to use the directory, whatever the file's permissions are.
        let for_directory = |permission: FsPermissionProto| FsPermissionProto { perm: permission.perm | 0o300 };
        let request = MkdirsRequestProto {
            src: location.path.to_string(),
            masked: for_directory(file.masked),
            create_parent: true,
            unmasked: file.unmasked.map(for_directory),
        };
        let payload = Payload(vec![delimited(&request.encode_to_vec())]);
        let made = self.ask(location.nameservice, CLIENT_PROTOCOL, "mkdirs", payload, self.deadline).await;
        made.map_err(|failure| shown(failure, &location.path, parent))
    }
}

/// Whether calls go on without the subclusters that are away.
pub(super) fn is_fault_tolerant(resolved: &Resolved<'_>) -> bool {
    resolved.entry.is_some_and(|entry| entry.fault_tolerant)
}
