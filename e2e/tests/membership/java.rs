//! The files of the Java router's state store.

use std::path::Path;

use anabranch_hdfs_proto::hdfs::{NamenodeMembershipRecordProto, RouterRecordProto};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::Message;

/// What it says of NameNodes.
pub fn memberships(store: &Path) -> Vec<NamenodeMembershipRecordProto> {
    records(&store.join("MembershipState"))
}

/// What it says of routers.
pub fn routers(store: &Path) -> Vec<RouterRecordProto> {
    records(&store.join("RouterState"))
}

fn records<M: Message + Default>(dir: &Path) -> Vec<M> {
    let files = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let whole = files.filter(|path| path.extension().is_none_or(|extension| extension != "tmp"));
    // A file that is being replaced may be gone by now; its successor is read the next time.
    whole.filter_map(|path| std::fs::read_to_string(path).ok()).filter_map(|text| decode(&text)).collect()
}

fn decode<M: Message + Default>(text: &str) -> Option<M> {
    let line = text.lines().find(|line| !line.starts_with('#'))?;
    M::decode(&*STANDARD.decode(line).ok()?).ok()
}
