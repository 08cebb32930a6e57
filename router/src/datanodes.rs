//! What NameNodes report of their DataNodes.

use std::sync::Arc;

use anabranch_hdfs_proto::hdfs::{
    DatanodeReportTypeProto, DatanodeStorageReportProto, GetDatanodeStorageReportRequestProto,
    GetDatanodeStorageReportResponseProto,
};
use anabranch_hrpc::Identity;
use futures_util::future::join_all;
use prost::Message;
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::time::{Duration, Instant, timeout};

use crate::core::Core;
use crate::merge;
use crate::method::Repeat;
use crate::upstream::{CLIENT_PROTOCOL, Nameservice, Outgoing};

/// The reports of all subclusters. However many ask, each subcluster is asked once at a time, and no more often than the
/// configuration says.
pub struct DatanodeReports {
    core: Arc<Core>,
    /// The runtime of the data plane, which has the connections to NameNodes.
    data: Handle,
    last: Mutex<Option<(Instant, Arc<Reports>)>>,
}

/// DataNodes by what they are; one that serves several subclusters once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reports {
    /// Those that were heard of lately.
    pub live: Vec<DatanodeStorageReportProto>,
    /// Those that were not.
    pub dead: Vec<DatanodeStorageReportProto>,
    /// Those whose blocks are being moved elsewhere for good.
    pub decommissioning: Vec<DatanodeStorageReportProto>,
    /// Those whose blocks are being moved elsewhere for a time.
    pub entering_maintenance: Vec<DatanodeStorageReportProto>,
}

impl DatanodeReports {
    /// Nothing is asked yet.
    pub fn new(core: Arc<Core>, data: Handle) -> Self {
        Self { core, data, last: Mutex::default() }
    }

    /// The reports, new ones if the last are too old. Blocks, for as long as a subcluster may take to answer: not for
    /// threads that run tasks.
    pub fn read(&self) -> Arc<Reports> {
        self.data.block_on(self.get())
    }

    async fn get(&self) -> Arc<Reports> {
        let mut last = self.last.lock().await;
        match &*last {
            Some((at, reports)) if at.elapsed() < self.core.config.datanodes.cache => reports.clone(),
            _ => {
                let reports = Arc::new(self.ask_all().await);
                *last = Some((Instant::now(), reports.clone()));
                reports
            }
        }
    }

    async fn ask_all(&self) -> Reports {
        use DatanodeReportTypeProto::{Dead, Decommissioning, EnteringMaintenance, Live};
        let directory = self.core.upstream.directory();
        let of = |kind| {
            let asked = directory.all().iter().map(move |nameservice| self.ask(nameservice, kind));
            async { merge::newest_reports(join_all(asked).await.into_iter().flatten().collect()) }
        };
        let (live, dead, decommissioning, entering_maintenance) =
            tokio::join!(of(Live), of(Dead), of(Decommissioning), of(EnteringMaintenance));
        Reports { live, dead, decommissioning, entering_maintenance }
    }

    /// What one subcluster reports; nothing if it does not answer in time.
    async fn ask(&self, nameservice: &Nameservice, kind: DatanodeReportTypeProto) -> Vec<DatanodeStorageReportProto> {
        let request = GetDatanodeStorageReportRequestProto { r#type: kind.into() };
        let patience = self.core.config.datanodes.patience;
        let answer: Option<GetDatanodeStorageReportResponseProto> =
            report(&self.core, nameservice, "getDatanodeStorageReport", &request, patience).await;
        answer.map(|answer| answer.datanode_storage_reports).unwrap_or_default()
    }
}

/// What one subcluster answers the router itself; none if it does not in time. To be called on the runtime of the data
/// plane.
pub(crate) async fn report<Answer: Message + Default>(
    core: &Core,
    nameservice: &Nameservice,
    method: &'static str,
    request: &impl Message,
    patience: Duration,
) -> Option<Answer> {
    let upstream = &core.upstream;
    let identity = Identity::simple(&*core.config.superuser);
    let outgoing = Outgoing {
        method,
        protocol: CLIENT_PROTOCOL,
        identity: &identity,
        id: upstream.own_call(),
        context: &|| None,
        payload: request.encode_length_delimited_to_vec().into(),
        repeat: Repeat::Idempotent,
        deadline: upstream.deadline(),
    };
    // From outside: that somebody looks at a page must not decide which NameNode is asked first.
    let reason = match timeout(patience, upstream.call(nameservice, &outgoing)).await {
        Ok(Ok(reply)) => match Answer::decode(merge::body(&reply)) {
            Ok(answer) => return Some(answer),
            Err(error) => error.to_string(),
        },
        Ok(Err(failure)) => failure.to_string(),
        Err(elapsed) => elapsed.to_string(),
    };
    tracing::debug!(nameservice = %nameservice.id(), method, reason, "a subcluster does not report its DataNodes");
    None
}
