//! `ProtocolMetaInfoPB`: every Hadoop RPC port tells which protocols it serves.

use anabranch_hdfs_proto::common::{
    GetProtocolSignatureRequestProto, GetProtocolSignatureResponseProto, GetProtocolVersionsRequestProto,
    GetProtocolVersionsResponseProto, ProtocolVersionProto,
};

use super::Protocol;
use crate::{Call, Exception, Payload, Reply};

pub(super) const PROTOCOL: Protocol = Protocol { name: "org.apache.hadoop.ipc.ProtocolMetaInfoPB", version: 1 };

pub(super) fn answer(call: &Call, served: &[Protocol]) -> Reply {
    match call.method.as_str() {
        "getProtocolVersions" => {
            let asked: GetProtocolVersionsRequestProto = call.decode()?;
            let found = served.iter().chain([&PROTOCOL]).filter(|protocol| protocol.name == asked.protocol);
            let versions: Vec<u64> = found.map(|protocol| protocol.version).collect();
            if versions.is_empty() {
                return Err(Exception::new("java.lang.ClassNotFoundException", asked.protocol));
            }
            let protobuf = ProtocolVersionProto { rpc_kind: "RPC_PROTOCOL_BUFFER".to_owned(), versions };
            Ok(Payload::message(&GetProtocolVersionsResponseProto { protocol_versions: vec![protobuf] }))
        }
        // Signatures are hashes of Java methods, of which there are none here. Java answers so for a protocol that it
        // does not serve in the kind that is asked for.
        "getProtocolSignature" => {
            call.decode::<GetProtocolSignatureRequestProto>()?;
            Ok(Payload::message(&GetProtocolSignatureResponseProto::default()))
        }
        other => Err(Exception::no_such_method(other, PROTOCOL.name)),
    }
}
