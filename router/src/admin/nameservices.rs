//! Subclusters in and out of service.

use anabranch_hdfs_proto::hdfs::{
    DisableNameserviceRequestProto, DisableNameserviceResponseProto, EnableNameserviceRequestProto,
    EnableNameserviceResponseProto, GetDisabledNameservicesResponseProto,
};
use anabranch_hrpc::Call;
use anabranch_store::{DisabledNameservice, Record, Version};
use anabranch_telemetry::clock;

use super::problem::Problem;
use super::store::{ATTEMPTS, was_made};
use super::{Admin, Answer, answer};

/// Takes a subcluster out of service; false if there is none of this name, or it is out already.
pub(super) fn disable<'a>(admin: &'a Admin, call: &'a Call) -> Answer<'a> {
    Box::pin(async move {
        admin.caller(call).await.check_super()?;
        let request: DisableNameserviceRequestProto = call.decode()?;
        let status = Some(admin.disable(request.name_service_id()).await?);
        answer(&DisableNameserviceResponseProto { status })
    })
}

/// Puts a subcluster back into service; false if it is.
pub(super) fn enable<'a>(admin: &'a Admin, call: &'a Call) -> Answer<'a> {
    Box::pin(async move {
        admin.caller(call).await.check_super()?;
        let request: EnableNameserviceRequestProto = call.decode()?;
        let status = Some(admin.enable(request.name_service_id()).await?);
        answer(&EnableNameserviceResponseProto { status })
    })
}

/// The subclusters that are out of service.
pub(super) fn disabled<'a>(admin: &'a Admin, _: &'a Call) -> Answer<'a> {
    Box::pin(async move {
        let stored = admin.disabled()?.list().await?;
        let broken = stored.broken.iter().map(|broken| broken.key.clone());
        let names = stored.records.iter().map(|stored| stored.record.nameservice().to_owned());
        let mut name_service_ids: Vec<String> = names.chain(broken).collect();
        name_service_ids.sort_unstable();
        answer(&GetDisabledNameservicesResponseProto { name_service_ids })
    })
}

impl Admin {
    async fn disable(&self, nameservice: &str) -> Result<bool, Problem> {
        let store = self.disabled()?;
        if self.core.upstream.directory().get(nameservice).is_none() {
            tracing::info!(nameservice, "no subcluster of this name can be disabled");
            return Ok(false);
        }
        let record = DisabledNameservice::since(nameservice, clock::wall_ms());
        let record = record.map_err(|error| Problem::Invalid(error.to_string()))?;
        // Where there is one, others were faster, or it was done before.
        was_made(store.put(record, Version::ABSENT).await)
    }

    async fn enable(&self, nameservice: &str) -> Result<bool, Problem> {
        let store = self.disabled()?;
        for _ in 0..ATTEMPTS {
            let stored = store.list().await?;
            let records = stored.records.iter().map(|stored| (stored.record.key(), stored.version));
            let broken = stored.broken.iter().map(|broken| (broken.key.as_str(), broken.version));
            let Some((key, version)) = records.chain(broken).find(|(key, _)| *key == nameservice) else {
                return Ok(false);
            };
            if was_made(store.delete(key.to_owned(), version).await)? {
                return Ok(true);
            }
        }
        Err(Problem::Contended(ATTEMPTS))
    }
}
