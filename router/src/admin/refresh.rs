//! Reading things anew.

use std::sync::Arc;

use anabranch_hdfs_proto::common::{
    GenericRefreshRequestProto, GenericRefreshResponseCollectionProto, GenericRefreshResponseProto,
    RefreshCallQueueResponseProto,
};
use anabranch_hdfs_proto::hdfs::{
    RefreshMountTableEntriesResponseProto, RefreshSuperUserGroupsConfigurationResponseProto,
};
use anabranch_hrpc::Call;

use super::problem::Problem;
use super::{Admin, Answer, answer};
use crate::session::Impersonation;

/// What can be refreshed by its name, and what comes of it.
const REFRESHED: &[(&str, &str)] =
    &[("RefreshFairnessPolicyController", "limits of users and subclusters are those of the router's start")];

/// Answers when this router has in use what the store has at this moment. The router follows the store by itself, and so
/// there is nothing else to do.
pub(super) fn mounts<'a>(admin: &'a Admin, _: &'a Call) -> Answer<'a> {
    Box::pin(async move {
        if let Ok(store) = admin.mounts() {
            admin.in_use(store.list().await?.revision).await;
        }
        answer(&RefreshMountTableEntriesResponseProto { result: Some(true) })
    })
}

/// Reads who may act for whom, and whose groups are listed.
pub(super) fn proxy_users<'a>(admin: &'a Admin, _: &'a Call) -> Answer<'a> {
    Box::pin(async move {
        if let Some(read) = admin.proxy_users.clone() {
            let read = tokio::task::spawn_blocking(move || read()).await?;
            let read = read.map_err(Problem::Configuration)?;
            admin.core.impersonation.store(Arc::new(Impersonation::new(&read).await));
            admin.core.groups.list(&read.groups);
        }
        answer(&RefreshSuperUserGroupsConfigurationResponseProto { status: Some(true) })
    })
}

/// Refreshes something by its name.
pub(super) fn generic<'a>(admin: &'a Admin, call: &'a Call) -> Answer<'a> {
    Box::pin(async move {
        let request: GenericRefreshRequestProto = call.decode()?;
        let Some((_, message)) = REFRESHED.iter().find(|(name, _)| *name == request.identifier()) else {
            let known: Vec<&str> = REFRESHED.iter().map(|(name, _)| *name).collect();
            return Err(Problem::Invalid(format!(
                "Identifier '{}' does not exist in RefreshRegistry. Valid options are: {}",
                request.identifier(),
                known.join(", ")
            )));
        };
        let response = GenericRefreshResponseProto {
            exit_status: Some(0),
            user_message: Some((*message).to_owned()),
            sender_name: Some(admin.core.config.router_id.clone()),
        };
        answer(&GenericRefreshResponseCollectionProto { responses: vec![response] })
    })
}

/// There is no call queue: calls are taken as they come.
pub(super) fn call_queue<'a>(_: &'a Admin, _: &'a Call) -> Answer<'a> {
    Box::pin(async { answer(&RefreshCallQueueResponseProto {}) })
}
