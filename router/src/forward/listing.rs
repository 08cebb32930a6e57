//! `getListing`: what NameNodes have in a directory, and the mount points in it.

use anabranch_hrpc::class;
use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use tokio::time::{Instant, timeout_at};

use super::{Forward, accepts, legs, unreadable, worst};
use crate::merge::listing::{Outline, Page, outline, page};
use crate::merge::status::{is_directory, renamed, status_of, statuses};
use crate::merge::{self, Answer};
use crate::method::Accept;
use crate::plan::{self, Refusal};
use crate::respond::Stop;
use crate::rewrite::find;
use crate::upstream::Failure;

/// Mount points of one page whose attributes are asked for at the same time.
const PROBES: usize = 32;

impl Forward<'_> {
    pub(super) async fn listing(&self) -> Result<Bytes, Stop> {
        let path = self.path();
        let locations = match self.resolve() {
            Ok(resolved) => resolved.locations,
            Err(Refusal::NoDefaultNameservice { .. } | Refusal::NoLocation { .. })
                if plan::is_virtual(self.table, path) =>
            {
                Default::default()
            }
            // Nothing is there, and there is nobody who could have it.
            Err(Refusal::NoDefaultNameservice { .. }) => return Ok(merge::empty()),
            Err(refusal) => return Err(refusal.into()),
        };
        let children = self.table.children(path);
        let legs = legs(&locations);
        let (answers, failures) = self.ask_all(&legs).await;
        let failure = self.failure(&answers, failures, !children.is_empty());
        if let Some(failure) = failure {
            return Err(failure.into());
        }
        if let ([only], true) = (answers.as_slice(), children.is_empty())
            && (accepts(Accept::Present, &only.reply) || !self.table.is_mount_point(path))
        {
            return Ok(only.reply.clone());
        }
        self.joined(path, &answers, &children).await
    }

    /// The failure that the client has to hear of; none if what answered will do.
    fn failure(&self, answers: &[Answer<'_>], failures: Vec<Failure>, has_children: bool) -> Option<Failure> {
        let missing = |failure: &Failure| matches!(failure, Failure::Remote(e) if e.is(class::FILE_NOT_FOUND));
        // Of what is left out by chance, nobody would know.
        if let Some(shed) = failures.iter().find(|failure| failure.is_shed()) {
            return Some(shed.clone());
        }
        if self.core.config.allow_partial_listing {
            // Where somebody did not answer and no other has the directory, nobody knows whether it exists.
            let found = answers.iter().any(|answer| accepts(Accept::Present, &answer.reply));
            let known = found || (!answers.is_empty() && failures.iter().all(missing));
            let something = known || (has_children && failures.iter().all(Failure::is_unavailable));
            return if something { None } else { worst(failures) };
        }
        let all_missing = answers.is_empty() && failures.iter().all(missing);
        if all_missing { worst(failures) } else { worst(failures.into_iter().filter(|one| !missing(one)).collect()) }
    }

    async fn joined(&self, path: &str, answers: &[Answer<'_>], children: &[&str]) -> Result<Bytes, Stop> {
        let mut pages: Vec<Page<'_>> = Vec::new();
        for answer in answers {
            let page = page(&answer.reply).map_err(|malformed| unreadable(answer.nameservice, &malformed))?;
            pages.extend(page);
        }
        if pages.is_empty() && !plan::is_virtual(self.table, path) {
            return Ok(merge::empty());
        }
        let start_after = find(self.call.message(), &[2]).ok().flatten().unwrap_or_default();
        let outline = outline(&pages, children, start_after);
        let deadline = self.deadline.min(Instant::now() + self.core.config.mount_status_timeout);
        let probes = outline.children.iter().map(|child| -> futures_util::future::BoxFuture<'_, Vec<u8>> {
            Box::pin(self.child(path, child, &outline, deadline))
        });
        let found: Vec<Vec<u8>> = stream::iter(probes.collect::<Vec<_>>()).buffered(PROBES).collect().await;
        Ok(outline.reply(&found))
    }

    /// The status of a mount point in a listing.
    async fn child(&self, parent: &str, name: &str, outline: &Outline<'_>, deadline: Instant) -> Vec<u8> {
        let path = format!("{}/{name}", parent.trim_end_matches('/'));
        let status = if self.table.is_mount_point(&path) {
            self.mounted(&path, deadline).await
        } else {
            // Above other mount points: the directory of that name, if there is one.
            outline.entry(name).filter(|status| is_directory(status).unwrap_or(false)).map(<[u8]>::to_vec)
        };
        status
            .and_then(|status| renamed(&status, name.as_bytes()).ok())
            .unwrap_or_else(|| self.described(&path).status(name.as_bytes()))
    }

    /// What the destinations of a mount point say of it; none if they have nothing, or do not say so in time.
    async fn mounted(&self, path: &str, deadline: Instant) -> Option<Vec<u8>> {
        let mut resolved = self.table.resolve(path).ok()?;
        resolved.locations.retain(|location| self.caller.may_use(location.nameservice));
        let probes =
            join_all(resolved.locations.iter().map(|one| timeout_at(deadline, self.probe(one, deadline)))).await;
        let answers: Vec<Answer<'_>> = resolved
            .locations
            .iter()
            .zip(probes)
            .filter_map(|(location, probe)| {
                let reply = probe.ok()?.ok()?;
                Some(Answer { nameservice: location.nameservice.as_str(), reply })
            })
            .collect();
        let joined = statuses(&answers).ok()?;
        let status = status_of(&joined).ok()??;
        Some(status.to_vec())
    }
}
