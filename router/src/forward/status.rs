//! `getFileInfo`, and what the mount table knows of a path.

use bytes::Bytes;

use super::{Forward, Leg, accepts, legs, worst};
use crate::merge;
use crate::merge::status::{self, Virtual, statuses};
use crate::method::Accept;
use crate::plan::{self, Refusal};
use crate::respond::Stop;

/// Permissions of a directory that exists because there are mounts below it.
const VIRTUAL_MODE: u16 = 0o777;

impl<'a> Forward<'a> {
    pub(super) async fn status(&self) -> Result<Bytes, Stop> {
        let path = self.path();
        let resolved = match self.resolve() {
            Ok(resolved) => resolved,
            Err(Refusal::NoDefaultNameservice { .. } | Refusal::NoLocation { .. })
                if plan::is_virtual(self.table, path) =>
            {
                return Ok(self.virtual_status(path));
            }
            Err(refusal) => return Err(refusal.into()),
        };
        let found = match resolved.locations.as_slice() {
            [only] => self.send(&Leg::of(only)).await,
            _ if resolved.is_all() => Box::pin(self.everywhere(&legs(&resolved.locations))).await,
            _ => {
                let legs = legs(&resolved.locations);
                Box::pin(self.in_order(&legs, Accept::Present)).await
            }
        };
        match found {
            Ok(reply) if accepts(Accept::Present, &reply) || !plan::is_virtual(self.table, path) => Ok(reply),
            Ok(_) => Ok(self.virtual_status(path)),
            // A directory that exists for the mounts below it does not depend on the subcluster that owns the rest.
            Err(failure) if failure.is_unavailable() && self.is_only_virtual(path) => Ok(self.virtual_status(path)),
            Err(failure) => Err(failure.into()),
        }
    }

    /// The status in all destinations joined. Where a destination failed and no other has the path, nobody knows whether
    /// it exists.
    async fn everywhere(&self, legs: &[Leg<'_>]) -> Result<Bytes, crate::upstream::Failure> {
        let (answers, failures) = self.ask_all(legs).await;
        let joined = match answers.first() {
            None => merge::empty(),
            Some(first) => statuses(&answers).map_err(|malformed| super::unreadable(first.nameservice, &malformed))?,
        };
        if accepts(Accept::Present, &joined) {
            return Ok(joined);
        }
        worst(failures).map_or(Ok(joined), Err)
    }

    fn is_only_virtual(&self, path: &str) -> bool {
        self.table.has_mounts_below(path) && !self.table.is_mount_point(path)
    }

    fn virtual_status(&self, path: &str) -> Bytes {
        status::reply(&self.described(path).status(b""))
    }

    /// What the mount table says of a mount point, or of a directory above mount points.
    pub(super) fn described(&self, path: &str) -> Virtual<'a> {
        let config = &self.core.config;
        let or = |name: &'a str, default: &'a str| if name.is_empty() { default } else { name };
        let children = self.table.child_count(path);
        match self.table.entry(path) {
            Some(entry) => Virtual {
                owner: or(&entry.owner, &config.superuser),
                group: or(&entry.group, &config.supergroup),
                mode: entry.mode,
                modified_ms: entry.modified_ms,
                children,
            },
            None => Virtual {
                owner: &config.superuser,
                group: &config.supergroup,
                mode: VIRTUAL_MODE,
                modified_ms: self.table.modified_below(path),
                children,
            },
        }
    }
}
