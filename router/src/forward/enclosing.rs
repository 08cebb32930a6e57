//! `getEnclosingRoot`: the directory inside which a file can be renamed. A mount point bounds it, and so does an encryption
//! zone.

use anabranch_federation::Location;
use anabranch_hdfs_proto::hdfs::{GetEnclosingRootResponseProto, GetEzForPathRequestProto};
use anabranch_hrpc::{Payload, class};
use bytes::Bytes;
use prost::Message;

use super::leg::shown;
use super::{Forward, unreadable};
use crate::merge::body;
use crate::plan::Refusal;
use crate::respond::{Stop, restore};
use crate::rewrite::{delimited, find};
use crate::upstream::{CLIENT_PROTOCOL, Failure};

impl Forward<'_> {
    pub(super) async fn enclosing_root(&self) -> Result<Bytes, Stop> {
        let path = self.path();
        let resolved = self.resolve().map_err(|refusal| match refusal {
            Refusal::NoDefaultNameservice { path } => Refusal::NoMountPoint { path },
            other => other,
        })?;
        let mount = resolved.entry.map_or("/", |entry| entry.source.as_str());
        let mut root = mount.to_owned();
        for location in &resolved.locations {
            if let Some(zone) = self.encryption_zone(path, location).await?.filter(|zone| zone.len() > root.len()) {
                root = zone;
            }
        }
        let message = GetEnclosingRootResponseProto { enclosing_root_path: Some(root) };
        Ok(delimited(&message.encode_to_vec()))
    }

    /// The encryption zone of a path, as clients see it; none if there is none, or it begins above the mount.
    async fn encryption_zone(&self, path: &str, location: &Location<'_>) -> Result<Option<String>, Failure> {
        let request = Payload::message(&GetEzForPathRequestProto { src: location.path.to_string() });
        let answer = self.ask(location.nameservice, CLIENT_PROTOCOL, "getEZForPath", request, self.deadline).await;
        let reply = match answer {
            // A subcluster that knows no encryption has no zones.
            Err(Failure::Remote(e)) if e.is(class::NO_SUCH_METHOD) || e.is(class::UNSUPPORTED_OPERATION) => {
                return Ok(None);
            }
            answer => answer.map_err(|failure| shown(failure, &location.path, path))?,
        };
        let zone = find(body(&reply), &[1, 2])
            .map_err(|malformed| unreadable(location.nameservice.as_str(), &malformed))?
            .and_then(|zone| std::str::from_utf8(zone).ok());
        let Some(zone) = zone else { return Ok(None) };
        Ok(if location.path == path { Some(zone.to_owned()) } else { restore(zone, &location.path, path) })
    }
}
