//! Lists that come page by page in the order of inode numbers: open files, encryption zones, re-encryptions. Clients ask for
//! what is behind the last number that they saw, and so each subcluster can be asked: the router keeps nothing.

use bytes::Bytes;
use futures_util::future::join_all;

use super::{Forward, Leg, cluster, unreadable, worst};
use crate::merge::numbered::{after, join, request};
use crate::plan::{Refusal, Shown};
use crate::respond::Stop;

impl Forward<'_> {
    /// What all mounts at and below the path show; for a method without paths, below the root. A subcluster that does not
    /// answer fails the call: nobody would see that a part is missing.
    pub(super) async fn numbered(&self) -> Result<Bytes, Stop> {
        let malformed = |malformed: anabranch_hrpc::wire::Malformed| Refusal::Unreadable(malformed.to_string());
        let path = self.path();
        let shown = Shown::new(self.table, path, &self.caller);
        // What nobody has ever heard of has no files.
        let known = shown.nameservices().filter(|(nameservice, _)| self.directory.get(nameservice.as_str()).is_some());
        let (legs, below): (Vec<Leg<'_>>, Vec<&str>) =
            known.map(|(nameservice, below)| (Leg::to(nameservice), below)).unzip();
        if legs.is_empty() {
            // Says why there is none.
            self.resolve()?;
        }
        self.count_fan_out(&legs);
        let field = self.row.paths.first().and_then(|place| place.first());
        let mut from = after(self.call.message()).map_err(malformed)?;
        loop {
            let asked = legs.iter().zip(&below).map(|(leg, below)| async move {
                let request = request(self.call.message(), from, field.map(|field| (*field, *below)));
                let request = request.map_err(|malformed| unreadable("client", &malformed))?;
                self.send_payload(leg, request).await
            });
            let (answers, failures) = cluster::split(&legs, join_all(asked).await);
            if let Some(failure) = worst(failures) {
                return Err(failure.into());
            }
            let page = join(&answers, |answer, path| shown.by_clients(answer.nameservice, path));
            let page = page.map_err(|malformed| unreadable("several", &malformed))?;
            match page.more_after {
                // A client takes an empty page for the last one.
                Some(after) if page.is_empty() && after > from => from = after,
                _ => return Ok(page.reply()),
            }
        }
    }
}
