//! DataNodes, and how full they are: the JSON in texts of `NameNodeInfo` and `FederationState`.

use anabranch_hdfs_proto::hdfs::datanode_info_proto::AdminState;
use anabranch_hdfs_proto::hdfs::{DatanodeStorageReportProto, StorageReportProto};
use anabranch_telemetry::jmx::float;
use serde_json::{Map, Value, json};

use super::Sources;

/// DataNodes by host and port.
pub(super) fn nodes(reports: &[DatanodeStorageReportProto], now_ms: u64) -> Value {
    Value::Object(reports.iter().map(|report| node(report, now_ms)).collect::<Map<_, _>>())
}

fn node(report: &DatanodeStorageReportProto, now_ms: u64) -> (String, Value) {
    let (info, id) = (&report.datanode_info, &report.datanode_info.id);
    let port = |port: u32| format!("{}:{port}", id.ip_addr);
    let unused = info.capacity().saturating_sub(info.dfs_used()).saturating_sub(info.remaining());
    let shown = json!({
        "infoAddr": port(id.info_port),
        "infoSecureAddr": port(id.info_secure_port()),
        "xferaddr": port(id.xfer_port),
        "location": info.location(),
        "lastContact": now_ms.saturating_sub(info.last_update()) / 1000,
        "usedSpace": info.dfs_used(),
        "adminState": words(info.admin_state()),
        "nonDfsUsedSpace": info.non_dfs_used.unwrap_or(unused),
        "capacity": info.capacity(),
        // Reports do not tell these; -1 and UNKNOWN are what a Java router shows for that.
        "numBlocks": -1,
        "version": "UNKNOWN",
        "blockScheduled": -1,
        "volfails": -1,
        "used": info.dfs_used(),
        "remaining": info.remaining(),
        "blockPoolUsed": info.block_pool_used(),
        "blockPoolUsedPercent": float(percent(info.block_pool_used(), info.capacity(), 100.0)),
        "blockPoolUsedPercentStdDev": float(unevenness(&report.storage_reports)),
    });
    (format!("{}:{}", id.host_name, id.xfer_port), shown)
}

fn words(state: AdminState) -> &'static str {
    match state {
        AdminState::Normal => "In Service",
        AdminState::DecommissionInprogress => "Decommission In Progress",
        AdminState::Decommissioned => "Decommissioned",
        AdminState::EnteringMaintenance => "Entering Maintenance",
        AdminState::InMaintenance => "In Maintenance",
    }
}

#[expect(clippy::cast_precision_loss, reason = "it is shown with seven digits")]
fn percent(part: u64, whole: u64, of_nothing: f32) -> f32 {
    if whole == 0 { of_nothing } else { part as f32 * 100.0 / whole as f32 }
}

/// The standard deviation of how full the storages of one DataNode are.
#[expect(clippy::cast_precision_loss, reason = "a DataNode has some dozens of storages")]
fn unevenness(storages: &[StorageReportProto]) -> f32 {
    let full = || storages.iter().map(|storage| percent(storage.block_pool_used(), storage.capacity(), 0.0));
    let count = storages.len().max(1) as f32;
    let mean = full().sum::<f32>() / count;
    // The sum of nothing is -0.
    (full().map(|one| (one - mean).powi(2)).sum::<f32>().abs() / count).sqrt()
}

/// How full live DataNodes are; zeros if nobody wants to know.
pub(super) fn usage(sources: &Sources) -> Value {
    if sources.core.config.datanodes.usage { usage_of(&sources.datanodes.read().live) } else { usage_of(&[]) }
}

#[expect(clippy::cast_precision_loss, reason = "no cluster has that many DataNodes")]
fn usage_of(live: &[DatanodeStorageReportProto]) -> Value {
    let full = |report: &DatanodeStorageReportProto| {
        f64::from(percent(report.datanode_info.dfs_used(), report.datanode_info.capacity(), 100.0))
    };
    let mut all: Vec<f64> = live.iter().map(full).collect();
    all.sort_by(f64::total_cmp);
    let at = |place: usize| all.get(place).copied().unwrap_or_default();
    let mean = all.iter().sum::<f64>() / all.len().max(1) as f64;
    // Of a sample, as Java counts.
    let others = all.len().saturating_sub(1).max(1) as f64;
    let deviation = (all.iter().map(|one| (one - mean).powi(2)).sum::<f64>().abs() / others).sqrt();
    let text = |share: f64| format!("{share:.2}%");
    json!({ "nodeUsage": {
        "min": text(at(0)),
        "median": text(at(all.len() / 2)),
        "max": text(at(all.len().saturating_sub(1))),
        "stdDev": text(deviation),
    }})
}

#[cfg(test)]
mod tests {
    use anabranch_hdfs_proto::hdfs::{DatanodeIdProto, DatanodeInfoProto};

    use super::*;

    fn report(capacity: u64, used: u64, storages: &[(u64, u64)]) -> DatanodeStorageReportProto {
        let id = DatanodeIdProto {
            ip_addr: "10.0.0.1".into(),
            host_name: "dn1".into(),
            xfer_port: 9866,
            info_port: 9864,
            ..Default::default()
        };
        let datanode_info = DatanodeInfoProto {
            id,
            capacity: Some(capacity),
            dfs_used: Some(used),
            remaining: Some(100),
            block_pool_used: Some(used),
            last_update: Some(5_000),
            admin_state: Some(AdminState::DecommissionInprogress.into()),
            location: Some("/rack".into()),
            ..Default::default()
        };
        let storage = |(capacity, used): &(u64, u64)| StorageReportProto {
            capacity: Some(*capacity),
            block_pool_used: Some(*used),
            ..Default::default()
        };
        DatanodeStorageReportProto { datanode_info, storage_reports: storages.iter().map(storage).collect() }
    }

    #[test]
    fn a_datanode_is_shown_as_a_java_router_shows_it() {
        let shown = nodes(&[report(1000, 300, &[(100, 20), (0, 5)])], 7_999);
        let expected = json!({ "dn1:9866": {
            "infoAddr": "10.0.0.1:9864", "infoSecureAddr": "10.0.0.1:0", "xferaddr": "10.0.0.1:9866",
            "location": "/rack", "lastContact": 2, "usedSpace": 300, "used": 300, "remaining": 100, "capacity": 1000,
            "nonDfsUsedSpace": 600, "adminState": "Decommission In Progress", "numBlocks": -1, "version": "UNKNOWN",
            "blockScheduled": -1, "volfails": -1, "blockPoolUsed": 300, "blockPoolUsedPercent": 30.0,
            "blockPoolUsedPercentStdDev": 10.0
        }});
        assert_eq!(shown, expected);
    }

    #[test]
    fn usage_is_of_a_sample_and_of_nothing_zero() {
        type Row<'a> = (&'a [(u64, u64)], [&'a str; 4]);
        let rows: [Row<'_>; 4] = [
            (&[], ["0.00%", "0.00%", "0.00%", "0.00%"]),
            (&[(200, 50)], ["25.00%", "25.00%", "25.00%", "0.00%"]),
            (&[(100, 40), (100, 20)], ["20.00%", "40.00%", "40.00%", "14.14%"]),
            (&[(100, 10), (0, 0), (100, 30)], ["10.00%", "30.00%", "100.00%", "47.26%"]),
        ];
        for (nodes, [min, median, max, deviation]) in rows {
            let live: Vec<_> = nodes.iter().map(|(capacity, used)| report(*capacity, *used, &[])).collect();
            let expected = json!({ "min": min, "median": median, "max": max, "stdDev": deviation });
            assert_eq!(usage_of(&live)["nodeUsage"], expected, "{nodes:?}");
        }
    }
}
