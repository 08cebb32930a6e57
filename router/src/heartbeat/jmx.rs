//! A NameNode's statistics, asked of its web server.

use std::time::Duration;

use anabranch_hdfs_proto::hdfs::NamenodeMembershipStatsRecordProto;
use serde_json::Value;
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use super::statistics::{FILE_SYSTEM, NAMENODE, statistics};
use super::web::{WebClient, WebError};
use crate::config::MonitoredNamenode;

/// For both queries together.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why there are no statistics.
#[derive(Debug, thiserror::Error)]
pub(super) enum JmxError {
    #[error("not in time: {0}")]
    Late(#[from] Elapsed),
    #[error(transparent)]
    Web(#[from] WebError),
    #[error("the answer is no JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the answer has none of the beans")]
    NoBeans,
}

/// Asks for them.
pub(super) async fn ask(
    web: WebClient,
    namenode: MonitoredNamenode,
) -> Result<NamenodeMembershipStatsRecordProto, JmxError> {
    let query = |beans| query(&web, &namenode, beans);
    let both = async { tokio::try_join!(query(FILE_SYSTEM), query(NAMENODE)) };
    let (file_system, info) = timeout(PATIENCE, both).await??;
    statistics(&file_system, &info).ok_or(JmxError::NoBeans)
}

async fn query(web: &WebClient, namenode: &MonitoredNamenode, beans: &str) -> Result<Value, JmxError> {
    let body = web.get(namenode.web_scheme, &namenode.web_address, &format!("/jmx?qry={beans}")).await?;
    Ok(serde_json::from_slice(&body)?)
}
