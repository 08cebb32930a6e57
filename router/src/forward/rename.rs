//! `rename` and `rename2`, which must stay in one subcluster, and must not leave two things of one name.

use anabranch_federation::Location;
use anabranch_hdfs_proto::hdfs::{DeleteRequestProto, FsPermissionProto, MkdirsRequestProto, RenameResponseProto};
use anabranch_hrpc::{Payload, class};
use bytes::Bytes;
use futures_util::future::join;
use prost::Message;
use smallvec::SmallVec;

use super::leg::shown;
use super::probe::Found;
use super::{Forward, Leg, Legs};
use crate::merge;
use crate::method::Accept;
use crate::plan::{self, Pair, Refusal, Renames};
use crate::respond::Stop;
use crate::rewrite::find_varint;
use crate::upstream::{CLIENT_PROTOCOL, Failure};

/// `overwriteDest` of `Rename2RequestProto`.
const OVERWRITE: u32 = 3;

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
        if let ([only], true, true) = (legs.as_slice(), complete, renames.targets.is_empty()) {
            return Ok(self.send(only).await?);
        }
        let sources: Vec<Location<'_>> =
            legs.iter().map(|leg| Location { nameservice: leg.nameservice, path: leg.paths[0].clone() }).collect();
        let overwrite = accept == Accept::Any && find_varint(self.call.message(), OVERWRITE) == Ok(Some(1));
        let (from, to) = join(self.look(&sources), self.look(&renames.targets)).await;
        if renames.spread && from.contains(&Ok(Some(Found::Directory))) {
            // A directory of which one part moved and another did not is worse than an error.
            if let Some(failure) = from.iter().find_map(|found| found.as_ref().err()) {
                return Err(failure.clone().into());
            }
            if !complete {
                let (src, dst) = (src.to_string(), dst.to_string());
                return Err(Refusal::RenamePartly { src, dst }.into());
            }
            let legs: Legs<'_> = legs
                .into_iter()
                .zip(from)
                .filter_map(|(leg, found)| (found == Ok(Some(Found::Directory))).then_some(leg))
                .collect();
            return self.rename_directory(&renames, legs, &to, accept, overwrite).await;
        }
        let Some(at) = from.iter().position(|found| matches!(found, Ok(Some(found)) if *found != Found::BelowFile))
        else {
            if let Some(shed) = from.iter().find_map(|found| found.as_ref().err().filter(|failure| failure.is_shed())) {
                return Err(shed.clone().into());
            }
            return self.vanished(&renames, &legs, &to, accept, overwrite).await;
        };
        let leg = &legs[at..=at];
        let others = beside(&renames, &to, leg, overwrite)?;
        let replaces = overwrite && from[at] == Ok(Some(Found::File));
        if others.iter().any(|(_, found)| !replaces || *found != Found::File) {
            return refused(accept, dst);
        }
        let reply = self.send(&leg[0]).await?;
        self.delete_files(&others).await?;
        Ok(reply)
    }

    /// Renames a directory wherever it is: everywhere or nowhere, and so that its parts stay one directory.
    async fn rename_directory(
        &self,
        renames: &Renames<'a>,
        legs: Legs<'_>,
        to: &[Result<Option<Found>, Failure>],
        accept: Accept,
        overwrite: bool,
    ) -> Result<Bytes, Stop> {
        let dst = &self.paths[1];
        let finds = |leg: &Leg<'_>, what| {
            renames.targets.iter().zip(to).any(|(target, found)| is_of(target, leg) && *found == Ok(Some(what)))
        };
        // Where the directory of that name is, this one may have come to at an earlier try.
        if beside(renames, to, &legs, overwrite)?.iter().any(|(_, found)| *found == Found::File) {
            return refused(accept, dst);
        }
        if let Some(refusing) = legs.iter().find(|leg| finds(leg, Found::File)) {
            return Ok(self.send(refusing).await?);
        }
        let merge = if accept == Accept::True { merge::any_true } else { merge::first };
        let (taken, free): (Legs<'_>, Legs<'_>) = legs.iter().cloned().partition(|leg| finds(leg, Found::Directory));
        if taken.is_empty() || free.is_empty() {
            return self.at_once(&legs, accept, merge, true).await;
        }
        if accept == Accept::True {
            // It goes into the directory of that name, and so it must everywhere.
            for leg in &free {
                self.make_target(leg, dst).await?;
            }
            return self.at_once(&legs, accept, merge, true).await;
        }
        // Replaces the directory of that name, or is refused.
        self.at_once(&taken, accept, merge, true).await?;
        self.at_once(&free, accept, merge, true).await
    }

    /// Makes the directory that a leg is to rename something into.
    async fn make_target(&self, leg: &Leg<'_>, dst: &str) -> Result<(), Failure> {
        let Some(path) = leg.paths.last() else { return Ok(()) };
        let masked = FsPermissionProto { perm: 0o755 };
        let request = MkdirsRequestProto { src: path.to_string(), masked, create_parent: true, ..Default::default() };
        let made = self.ask(leg.nameservice, CLIENT_PROTOCOL, "mkdirs", Payload::message(&request), self.deadline);
        made.await.map(|_| ()).map_err(|failure| shown(failure, path, dst))
    }

    /// A source that is nowhere may have been renamed by the same call already, of which a NameNode's retry cache knows; or be
    /// where the destination has no location.
    async fn vanished(
        &self,
        renames: &Renames<'a>,
        legs: &[Leg<'_>],
        to: &[Result<Option<Found>, Failure>],
        accept: Accept,
        overwrite: bool,
    ) -> Result<Bytes, Stop> {
        let renamed = self.first_of(legs, accept).await;
        let found = match &renamed {
            Ok((_, reply)) => super::accepts(accept, reply),
            Err(Failure::Remote(exception)) => !exception.is(class::FILE_NOT_FOUND),
            Err(_) => true,
        };
        if !found && self.existing(&renames.elsewhere).await?.is_some_and(|(_, found)| found != Found::BelowFile) {
            let [src, dst] = [0, 1].map(|at| self.paths[at].to_string());
            return Err(Refusal::RenameAcross { src, dst }.into());
        }
        let (at, reply) = renamed?;
        let leg = &legs[at];
        let arrived =
            renames.targets.iter().zip(to).any(|(target, found)| is_of(target, leg) && *found == Ok(Some(Found::File)));
        if overwrite && arrived {
            // What the call that has renamed it may not have come to.
            self.delete_files(&beside(renames, to, &legs[at..=at], true)?).await?;
        }
        Ok(reply)
    }

    /// Deletes files that were to be overwritten, and are not where the new one is.
    async fn delete_files(&self, others: &[(&Location<'_>, Found)]) -> Result<(), Failure> {
        for (file, _) in others.iter().filter(|(_, found)| *found == Found::File) {
            let request = Payload::message(&DeleteRequestProto { src: file.path.to_string(), recursive: false });
            self.ask(file.nameservice, CLIENT_PROTOCOL, "delete", request, self.deadline).await?;
        }
        Ok(())
    }
}

fn is_of(target: &Location<'_>, leg: &Leg<'_>) -> bool {
    leg.nameservice == target.nameservice && leg.paths.last() == Some(&target.path)
}

/// What has the destination's name already, where none of these legs would find it in its way: files, and directories that
/// are not where the legs lead.
///
/// # Errors
/// Why it is not known of a location. What is away does not count on fault-tolerant mounts, and where it would be hidden by what
/// is renamed.
fn beside<'r>(
    renames: &'r Renames<'_>,
    to: &[Result<Option<Found>, Failure>],
    legs: &[Leg<'_>],
    overwrite: bool,
) -> Result<Vec<(&'r Location<'r>, Found)>, Failure> {
    let targets = || renames.targets.iter().zip(to);
    let is_own = |target: &Location<'_>| legs.iter().any(|leg| is_of(target, leg));
    let own = |what| targets().any(|(target, found)| is_own(target) && *found == Ok(Some(what)));
    // Then the NameNode itself refuses.
    if !overwrite && own(Found::File) {
        return Ok(Vec::new());
    }
    let into_directory = own(Found::Directory);
    let mut there = Vec::new();
    let mut hidden = false;
    for (target, found) in targets() {
        if is_own(target) {
            hidden |= renames.stable;
            continue;
        }
        match found {
            Ok(Some(Found::File)) => there.push((target, Found::File)),
            Ok(Some(Found::Directory)) if !into_directory => there.push((target, Found::Directory)),
            Err(failure) if !failure.is_away() || !(renames.tolerant || hidden) => return Err(failure.clone()),
            Ok(_) | Err(_) => {}
        }
    }
    Ok(there)
}

/// What a NameNode says where a file has the name already.
fn refused(accept: Accept, dst: &str) -> Result<Bytes, Stop> {
    match accept {
        Accept::True => Ok(RenameResponseProto { result: false }.encode_length_delimited_to_vec().into()),
        Accept::Any | Accept::Present => Err(Refusal::RenameOnto { dst: dst.to_owned() }.into()),
    }
}
