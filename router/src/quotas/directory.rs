//! A directory of a NameNode, as far as quotas are concerned. Calls are the router's own, by its own user, who must be a
//! superuser there: whoever changes a mount table need not be.

use std::sync::Arc;

use anabranch_federation::{Destination, Limits, StorageType, Usage};
use anabranch_hdfs_proto::hdfs::{GetQuotaUsageRequestProto, SetQuotaRequestProto};
use anabranch_hrpc::{Identity, Payload, class};
use bytes::Bytes;
use prost::Message;
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::core::Core;
use crate::merge::quota::{NO_QUOTA, read};
use crate::method::Repeat;
use crate::upstream::{CLIENT_PROTOCOL, Failure, Nameservice, Outgoing};

/// How "as it is" is written.
const UNCHANGED: u64 = i64::MAX as u64;

/// See the module.
pub struct Directory<'a> {
    pub core: &'a Arc<Core>,
    /// The runtime of the data plane, which has the connections to NameNodes.
    pub data: &'a Handle,
    pub nameservice: Arc<Nameservice>,
    pub place: Destination,
    /// When each call must have ended.
    pub deadline: Instant,
}

impl Directory<'_> {
    /// Its limits and its use; none if it is not there.
    pub async fn look(&self) -> Result<Option<(Limits, Usage)>, Failure> {
        let request = GetQuotaUsageRequestProto { path: self.place.path.to_string() };
        match self.call("getQuotaUsage", &request).await {
            Ok(reply) => read(&reply).map(Some).map_err(|malformed| Failure::Unreadable {
                nameservice: self.place.nameservice.to_string(),
                reason: malformed.to_string(),
            }),
            Err(Failure::Remote(exception)) if exception.is(class::FILE_NOT_FOUND) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Makes its limits the wanted ones; how many calls that took. A subcluster without quotas of its own is no failure:
    /// routers check calls all the same.
    pub async fn set(&self, actual: &Limits, wanted: &Limits) -> Result<u64, Failure> {
        let mut calls = 0;
        for request in requests(self.place.path.as_str(), actual, wanted) {
            match self.call("setQuota", &request).await {
                Ok(_) => calls += 1,
                Err(Failure::Remote(e)) if e.is(class::UNSUPPORTED_OPERATION) || e.is(class::NO_SUCH_METHOD) => break,
                Err(failure) => return Err(failure),
            }
        }
        Ok(calls)
    }

    async fn call(&self, method: &'static str, request: &impl Message) -> Result<Bytes, Failure> {
        let (core, nameservice, deadline) = (self.core.clone(), self.nameservice.clone(), self.deadline);
        let payload = Payload::message(request).0.into_iter().next().unwrap_or_default();
        let call = self.data.spawn(async move {
            let identity = Identity::simple(&*core.config.superuser);
            let outgoing = Outgoing {
                method,
                protocol: CLIENT_PROTOCOL,
                identity: &identity,
                id: core.upstream.own_call(),
                context: &|| None,
                payload,
                repeat: Repeat::Idempotent,
                deadline,
            };
            core.upstream.call(&nameservice, &outgoing).await
        });
        // The runtime ends, or the call has panicked.
        let ended = |error: tokio::task::JoinError| Failure::Lost {
            nameservice: self.place.nameservice.to_string(),
            method: method.to_owned(),
            reason: error.to_string(),
        };
        call.await.map_err(ended)?
    }
}

/// The calls that make limits of a directory what they should be. The root of a NameNode can't be without a quota of files,
/// and so what is right is left as it is.
fn requests(path: &str, actual: &Limits, wanted: &Limits) -> Vec<SetQuotaRequestProto> {
    let wire = |is: Option<u64>, should: Option<u64>| if is == should { UNCHANGED } else { should.unwrap_or(NO_QUOTA) };
    let request = |namespace_quota, storagespace_quota, storage_type| SetQuotaRequestProto {
        path: path.to_owned(),
        namespace_quota,
        storagespace_quota,
        storage_type,
    };
    let (files, space) = (wire(actual.files, wanted.files), wire(actual.space, wanted.space));
    let both = (files != UNCHANGED || space != UNCHANGED).then(|| request(files, space, None));
    let types = StorageType::ALL.into_iter().filter_map(|(kind, _, number)| {
        let quota = wire(actual.by_type[kind as usize], wanted.by_type[kind as usize]);
        (quota != UNCHANGED).then(|| request(UNCHANGED, quota, Some(number)))
    });
    both.into_iter().chain(types).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_set() {
        let limits = |files, space, ssd| {
            let mut limits = Limits { files, space, ..Limits::default() };
            limits.by_type[StorageType::Ssd as usize] = ssd;
            limits
        };
        let set = |actual, wanted| {
            let calls = requests("/d", &actual, &wanted).into_iter();
            calls.map(|call| (call.namespace_quota, call.storagespace_quota, call.storage_type)).collect::<Vec<_>>()
        };
        let none = limits(None, None, None);
        assert_eq!(set(none, none), []);
        assert_eq!(set(none, limits(Some(3), None, None)), [(3, UNCHANGED, None)]);
        assert_eq!(set(limits(Some(3), Some(9), None), limits(Some(3), None, None)), [(UNCHANGED, NO_QUOTA, None)]);
        let all = [(4, 5, None), (UNCHANGED, 6, Some(2))];
        assert_eq!(set(limits(Some(3), None, Some(7)), limits(Some(4), Some(5), Some(6))), all);
        assert_eq!(set(limits(None, None, Some(7)), none), [(UNCHANGED, NO_QUOTA, Some(2))]);
    }
}
