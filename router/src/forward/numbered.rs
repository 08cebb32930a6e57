//! Lists that come page by page in the order of numbers: open files, encryption zones, re-encryptions. Clients ask for what
//! is behind the last number that they saw, and so each subcluster can be asked: the router keeps nothing.

use anabranch_hrpc::wire::Malformed;
use bytes::Bytes;
use futures_util::future::join_all;

use super::{Forward, Leg, cluster, worst};
use crate::merge::Answer;
use crate::merge::numbered::{Numbered, join, number, renumbered};
use crate::plan::Shown;
use crate::respond::Stop;
use crate::upstream::Failure;

impl Forward<'_> {
    /// What all mounts at and below the path show; for a method without paths, below the root. A subcluster that does not
    /// answer fails the call: nobody would see that a part is missing.
    pub(super) async fn numbered(&self) -> Result<Bytes, Stop> {
        let shown = Shown::new(self.table, self.path(), &self.caller);
        // What nobody has ever heard of has no files.
        let known = shown.nameservices().filter(|(nameservice, _)| self.directory.get(nameservice.as_str()).is_some());
        let (legs, below): (Vec<Leg<'_>>, Vec<&str>) =
            known.map(|(nameservice, below)| (Leg::to(nameservice), below)).unzip();
        if legs.is_empty() {
            // Says why there is none.
            self.resolve()?;
        }
        let field = self.row.paths.first().and_then(|place| place.first());
        let ask = |from| {
            let request = |below: &&str| renumbered(self.call.message(), from, field.map(|field| (*field, *below)));
            legs.iter().zip(&below).map(|(leg, below)| Ok((leg, request(below)?))).collect()
        };
        let from = number(self.call.message())?.unwrap_or_default();
        let same = |_: &str, number| Some(number);
        self.pages(from, ask, |answers| {
            join(answers, &[], same, |nameservice, path| shown.by_clients(nameservice, path))
        })
        .await
    }

    /// Asks for what is behind `from`, and goes on until there is something that clients see: they take an empty page for
    /// the last one.
    pub(super) async fn pages<'l, 'p: 'l>(
        &self,
        mut from: i64,
        ask: impl Fn(i64) -> Result<Vec<(&'l Leg<'p>, Bytes)>, Malformed>,
        join: impl Fn(&[Answer<'_>]) -> Result<Numbered, Failure>,
    ) -> Result<Bytes, Stop> {
        loop {
            let asked = ask(from)?;
            self.count_fan_out(asked.len());
            let answers = join_all(asked.iter().map(|(leg, request)| self.send_payload(leg, request.clone()))).await;
            let (answers, failures) = cluster::split(asked.iter().map(|(leg, _)| *leg), answers);
            if let Some(failure) = worst(failures) {
                return Err(failure.into());
            }
            let page = join(&answers)?;
            match page.more_after {
                Some(after) if page.is_empty() && after > from => from = after,
                _ => return Ok(page.reply()),
            }
        }
    }
}
