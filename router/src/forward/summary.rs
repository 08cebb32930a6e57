//! `getContentSummary`: of the path, and of all that is mounted below it.

use bytes::Bytes;

use super::{Forward, Leg, is_absent, legs, worst};
use crate::merge::summary::summaries;
use crate::plan::{self, Refusal};
use crate::respond::Stop;

impl Forward<'_> {
    pub(super) async fn summary(&self) -> Result<Bytes, Stop> {
        // Everything would be below a path that is none.
        let locations = match self.path().starts_with('/') {
            true => plan::subtree(self.table, self.path(), &self.caller),
            false => self.resolve()?.locations,
        };
        match locations.as_slice() {
            [] => Err(Refusal::NoLocation { path: self.path().to_owned() }.into()),
            [only] => Ok(self.send(&Leg::of(only)).await?),
            _ => {
                let legs = legs(&locations);
                let (answers, failures) = self.ask_all(&legs).await;
                let (absent, failed): (Vec<_>, Vec<_>) = failures.into_iter().partition(is_absent);
                let partial = self.core.config.allow_partial_listing;
                let heard = failed.iter().filter(|failure| !partial || failure.is_shed()).cloned().collect();
                if let Some(failure) = worst(heard) {
                    return Err(failure.into());
                }
                self.join(answers, if failed.is_empty() { absent } else { failed }, summaries)
            }
        }
    }
}
