//! `create` and `mkdirs` on mounts with one destination, and with several.

use anabranch_federation::{Location, Resolved};
use anabranch_hdfs_proto::hdfs::{CreateRequestProto, FsPermissionProto, MkdirsRequestProto};
use anabranch_hrpc::Payload;
use bytes::Bytes;
use futures_util::future::join_all;
use prost::Message;

use super::{Forward, Leg, legs, worst};
use crate::merge;
use crate::method::Accept;
use crate::plan;
use crate::plan::Refusal;
use crate::respond::Stop;
use crate::rewrite::delimited;
use crate::upstream::{CLIENT_PROTOCOL, Failure};

impl<'a> Forward<'a> {
    pub(super) async fn create(&self) -> Result<Bytes, Stop> {
        let resolved = self.resolve()?;
        if let [only] = resolved.locations.as_slice() {
            return Ok(self.send(&Leg::of(only)).await?);
        }
        if resolved.is_all() {
            self.make_parents().await?;
        }
        let chosen = match self.existing(&resolved.locations).await {
            Ok(found) => found.unwrap_or(0),
            Err(failure) if failure.is_unavailable() && is_fault_tolerant(&resolved) => 0,
            Err(failure) => return Err(failure.into()),
        };
        self.first_that_lives(&resolved, chosen, Accept::Any).await
    }

    pub(super) async fn mkdirs(&self) -> Result<Bytes, Stop> {
        let resolved = self.resolve()?;
        if let [only] = resolved.locations.as_slice() {
            return Ok(self.send(&Leg::of(only)).await?);
        }
        if resolved.is_all() {
            // Where it was not made, no file of that subcluster could be renamed into it.
            let strict = !is_fault_tolerant(&resolved);
            return self.at_once(&legs(&resolved.locations), Accept::True, merge::any_true, strict).await;
        }
        match self.existing(&resolved.locations).await {
            // It is there already, wherever that is.
            Ok(Some(at)) => Ok(self.send(&Leg::of(&resolved.locations[at])).await?),
            // A NameNode that does not let the caller look does not let them make it either, and says why.
            Ok(None) | Err(Failure::Remote(_)) => self.first_that_lives(&resolved, 0, Accept::True).await,
            Err(failure) if failure.is_unavailable() && is_fault_tolerant(&resolved) => {
                self.first_that_lives(&resolved, 0, Accept::True).await
            }
            Err(failure) => Err(failure.into()),
        }
    }

    /// Sends to the chosen location; if its subcluster is away and the mount is fault tolerant, to the others in order.
    async fn first_that_lives(&self, resolved: &Resolved<'a>, chosen: usize, accept: Accept) -> Result<Bytes, Stop> {
        let legs = legs(&resolved.locations);
        match self.send(&legs[chosen]).await {
            Err(failure) if failure.is_unavailable() && is_fault_tolerant(resolved) => {
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
        let made = join_all(resolved.locations.iter().map(|location| self.make_directory(location, &request))).await;
        let failures: Vec<Failure> = made.iter().filter_map(|result| result.clone().err()).collect();
        if failures.len() == resolved.locations.len()
            && let Some(failure) = worst(failures)
        {
            return Err(failure.into());
        }
        Ok(())
    }

    async fn make_directory(&self, location: &Location<'_>, file: &CreateRequestProto) -> Result<Bytes, Failure> {
        // The owner must be able to use the directory, whatever the file's permissions are.
        let for_directory = |permission: FsPermissionProto| FsPermissionProto { perm: permission.perm | 0o300 };
        let request = MkdirsRequestProto {
            src: location.path.to_string(),
            masked: for_directory(file.masked),
            create_parent: true,
            unmasked: file.unmasked.map(for_directory),
        };
        let payload = Payload(vec![delimited(&request.encode_to_vec())]);
        self.ask(location.nameservice, CLIENT_PROTOCOL, "mkdirs", payload, self.deadline).await
    }
}

/// Whether calls go on without the subclusters that are away.
pub(super) fn is_fault_tolerant(resolved: &Resolved<'_>) -> bool {
    resolved.entry.is_some_and(|entry| entry.fault_tolerant)
}
