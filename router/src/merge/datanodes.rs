//! Reports about DataNodes. A DataNode that serves several subclusters is in the report of each and is shown once.

use anabranch_hdfs_proto::hdfs::{
    DatanodeInfoProto, DatanodeStorageReportProto, GetDatanodeReportResponseProto,
    GetDatanodeStorageReportResponseProto,
};
use anabranch_hrpc::wire::Malformed;
use bytes::{Bytes, BytesMut};
use hashbrown::HashMap;
use prost::Message;

use super::{Answer, UNREADABLE};

/// `getDatanodeReport` and `getSlowDatanodeReport`: the subcluster becomes the first part of the network location.
pub fn datanodes(answers: &[Answer<'_>]) -> Result<Bytes, Malformed> {
    let mut all = Vec::new();
    for answer in answers {
        let report = GetDatanodeReportResponseProto::decode(answer.message()).map_err(|_| UNREADABLE)?;
        all.extend(report.di.into_iter().map(|node| located(node, answer.nameservice)));
    }
    let di = newest(all, |node| node);
    Ok(encoded(&GetDatanodeReportResponseProto { di }))
}

/// `getDatanodeStorageReport`: locations stay as they are, since balancers compare them with block locations.
pub fn storage_reports(answers: &[Answer<'_>]) -> Result<Bytes, Malformed> {
    let mut all = Vec::new();
    for answer in answers {
        let report = GetDatanodeStorageReportResponseProto::decode(answer.message()).map_err(|_| UNREADABLE)?;
        all.extend(report.datanode_storage_reports);
    }
    let datanode_storage_reports = newest_reports(all);
    Ok(encoded(&GetDatanodeStorageReportResponseProto { datanode_storage_reports }))
}

/// One report for each DataNode.
pub fn newest_reports(all: Vec<DatanodeStorageReportProto>) -> Vec<DatanodeStorageReportProto> {
    newest(all, |report| &report.datanode_info)
}

fn located(mut node: DatanodeInfoProto, nameservice: &str) -> DatanodeInfoProto {
    node.location = Some(format!("/{nameservice}{}", node.location.unwrap_or_default()));
    node
}

/// One per transfer address: the one that was heard of last. In the order of their first appearance.
fn newest<T>(all: Vec<T>, info: impl Fn(&T) -> &DatanodeInfoProto) -> Vec<T> {
    let mut places: HashMap<(String, u32), usize> = HashMap::new();
    let mut kept: Vec<T> = Vec::with_capacity(all.len());
    for item in all {
        let node = info(&item);
        let place = *places.entry((node.id.ip_addr.clone(), node.id.xfer_port)).or_insert(kept.len());
        match kept.get_mut(place) {
            None => kept.push(item),
            Some(known) if info(known).last_update() < node.last_update() => *known = item,
            Some(_) => {}
        }
    }
    kept
}

fn encoded(message: &impl Message) -> Bytes {
    let mut out = BytesMut::with_capacity(message.encoded_len() + 5);
    // The buffer grows as needed, so encoding cannot fail.
    let _ = message.encode_length_delimited(&mut out);
    out.freeze()
}
