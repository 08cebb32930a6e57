//! `rename` and `rename2`, which must stay in one subcluster, and must not leave two things of one name.

use anabranch_federation::Location;
use anabranch_hdfs_proto::hdfs::{
    DeleteRequestProto, FsPermissionProto, GetListingRequestProto, MkdirsRequestProto, RenameResponseProto,
};
use anabranch_hrpc::{Payload, class};
use bytes::Bytes;
use futures_util::future::join;
use prost::Message;
use smallvec::SmallVec;

use super::leg::shown;
use super::probe::{Found, parent};
use super::{Forward, Leg, Legs, worst};
use crate::merge::{self, Answer};
use crate::method::Accept;
use crate::plan::{self, Pair, Refusal, Renames};
use crate::respond::Stop;
use crate::rewrite::{find, find_varint};
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
            // Where the directory of that name is, this one may have come to at an earlier try.
            if beside(&renames, &to, &legs, overwrite)?.iter().any(|(_, found)| *found == Found::File) {
                return refused(accept, dst);
            }
            return match self.level(&legs, accept, overwrite).await? {
                Some(refusing) => Ok(self.send(&legs[refusing]).await?),
                None => self.directories(&legs, accept).await,
            };
        }
        let Some(at) = from.iter().position(|found| matches!(found, Ok(Some(found)) if *found != Found::BelowFile))
        else {
            if let Some(shed) = from.iter().find_map(|found| found.as_ref().err().filter(|failure| failure.is_shed())) {
                return Err(shed.clone().into());
            }
            return self.vanished(&renames, &legs, &from, &to, accept, overwrite).await;
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

    /// Sees to it that all legs do the same with a directory: a NameNode renames into a directory that is there, and not to
    /// where no parent is. What another leg has there is made; what a leg would refuse, none does. The position of a leg whose
    /// NameNode says best why it refuses.
    async fn level(&self, legs: &[Leg<'_>], accept: Accept, overwrite: bool) -> Result<Option<usize>, Stop> {
        let targets: Vec<Location<'_>> =
            legs.iter().map(|leg| Location { nameservice: leg.nameservice, path: leg.paths[1].clone() }).collect();
        let parents: Vec<Location<'_>> = targets.iter().map(parent).collect();
        let (there, above) = join(self.look(&targets), self.look(&parents)).await;
        if let Some(failure) = there.iter().chain(&above).find_map(|found| found.as_ref().err()) {
            return Err(failure.clone().into());
        }
        let is_file = |found: &_| matches!(found, Ok(Some(Found::File | Found::BelowFile)));
        let refusing = there.iter().zip(&above).position(|(there, above)| is_file(there) || is_file(above));
        if refusing.is_some() {
            return Ok(refusing);
        }
        let is_directory = |found: &_| *found == Ok(Some(Found::Directory));
        if accept != Accept::True && there.iter().any(is_directory) {
            let dst = self.paths[1].to_string();
            if !overwrite {
                return Err(Refusal::RenameOnto { dst }.into());
            }
            for (target, _) in targets.iter().zip(&there).filter(|(_, found)| is_directory(found)) {
                if !self.is_empty(target).await? {
                    return Err(Refusal::RenameOntoFull { dst }.into());
                }
            }
        }
        self.make_where_missing(&parents, &above).await?;
        if accept == Accept::True {
            self.make_where_missing(&targets, &there).await?;
        }
        Ok(None)
    }

    /// Makes a directory in the locations that do not have it, if one has.
    async fn make_where_missing(
        &self,
        directories: &[Location<'_>],
        found: &[Result<Option<Found>, Failure>],
    ) -> Result<(), Failure> {
        if !found.contains(&Ok(Some(Found::Directory))) {
            return Ok(());
        }
        for (directory, _) in directories.iter().zip(found).filter(|(_, found)| **found == Ok(None)) {
            let masked = FsPermissionProto { perm: 0o755 };
            let src = directory.path.to_string();
            let request = Payload::message(&MkdirsRequestProto { src, masked, create_parent: true, unmasked: None });
            let made = self.ask(directory.nameservice, CLIENT_PROTOCOL, "mkdirs", request, self.deadline);
            made.await.map_err(|failure| shown(failure, &directory.path, self.asked(&directory.path)))?;
        }
        Ok(())
    }

    async fn is_empty(&self, directory: &Location<'_>) -> Result<bool, Failure> {
        let request = GetListingRequestProto { src: directory.path.to_string(), ..Default::default() };
        let request = Payload::message(&request);
        let reply = self.ask(directory.nameservice, CLIENT_PROTOCOL, "getListing", request, self.deadline).await?;
        let first = find(merge::body(&reply), &[1, 1]);
        Ok(first.map_err(|malformed| super::unreadable(directory.nameservice.as_str(), &malformed))?.is_none())
    }

    /// Renames a directory wherever it is: everywhere, or the client hears of it.
    async fn directories(&self, legs: &[Leg<'_>], accept: Accept) -> Result<Bytes, Stop> {
        let (answers, failures) = self.ask_all(legs).await;
        if let Some(failure) = worst(failures) {
            return Err(failure.into());
        }
        let undone = |answer: &&Answer<'_>| !super::accepts(accept, &answer.reply);
        match answers.iter().find(undone) {
            Some(undone) if answers.iter().any(|answer| super::accepts(accept, &answer.reply)) => {
                let [src, dst] = [0, 1].map(|at| self.paths[at].to_string());
                Err(Refusal::RenamedPartly { src, dst, rest: undone.nameservice.to_owned() }.into())
            }
            _ => self.join(answers, Vec::new(), merge::first),
        }
    }

    /// A source that is nowhere may have been renamed by the same call already, of which a NameNode's retry cache knows; or be
    /// where the destination has no location.
    async fn vanished(
        &self,
        renames: &Renames<'a>,
        legs: &[Leg<'_>],
        from: &[Result<Option<Found>, Failure>],
        to: &[Result<Option<Found>, Failure>],
        accept: Accept,
        overwrite: bool,
    ) -> Result<Bytes, Stop> {
        // Where it may be, it must not be renamed without a look at what has its name.
        let unheard = from.iter().find_map(|found| found.as_ref().err());
        let heard: Vec<Leg<'_>> =
            legs.iter().zip(from).filter(|(_, found)| found.is_ok()).map(|(leg, _)| leg.clone()).collect();
        let legs = &heard[..];
        if let Some(failure) = unheard.filter(|_| legs.is_empty()) {
            return Err(failure.clone().into());
        }
        let renamed = self.first_of(legs, accept).await;
        let found = match &renamed {
            Ok((_, reply)) => super::accepts(accept, reply),
            Err(Failure::Remote(exception)) => !exception.is(class::FILE_NOT_FOUND),
            Err(_) => true,
        };
        if let Some(failure) = unheard.filter(|_| !found) {
            return Err(failure.clone().into());
        }
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
