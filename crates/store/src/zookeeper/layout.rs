//! Where records are, and how they are written: as the Java router's `StateStoreZooKeeperImpl` does it.

use anabranch_federation::MountEntry;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::protocol::{Request, Stat, code};
use super::{Acl, Session, ZooKeeperError, ZooKeeperOptions};
use crate::record::{
    DecodeError, DisabledNameservice, Membership, NamenodeState, Record, RouterState, RouterStatus, check_size,
};

/// A kind of record that is kept in ZooKeeper.
pub(super) trait Kind: Record {
    /// The numbers of the fields `dateCreated` and `dateModified`.
    const DATES: (u8, u8);

    /// Whether the record says itself when it was modified.
    fn keeps_modified(&self) -> bool {
        false
    }
}

impl Kind for MountEntry {
    const DATES: (u8, u8) = (3, 4);
}

impl Kind for Membership {
    const DATES: (u8, u8) = (1, 2);

    fn keeps_modified(&self) -> bool {
        self.state() == NamenodeState::Expired
    }
}

impl Kind for RouterState {
    const DATES: (u8, u8) = (1, 2);

    fn keeps_modified(&self) -> bool {
        self.status() == RouterStatus::Expired
    }
}

impl Kind for DisabledNameservice {
    const DATES: (u8, u8) = (1, 2);
}

/// The node of a kind.
pub(super) fn directory<R: Kind>(options: &ZooKeeperOptions) -> String {
    format!("{}{}/{}", options.chroot, options.parent, R::KIND)
}

/// The name of the node of a record.
pub(super) fn name(key: &str) -> String {
    key.replace('/', "0SLASH0").replace(':', "_")
}

/// What a node's name says of its record's key; the record may say more, since a `_` may have been a `:`.
pub(super) fn key(name: &str) -> String {
    name.replace("0SLASH0", "/")
}

/// A record as the data of its node.
pub(super) fn seal<R: Record>(record: &R) -> Vec<u8> {
    STANDARD.encode(record.encode()).into_bytes()
}

/// Reads the record of a node, with ZooKeeper's dates.
pub(super) fn open<R: Kind>(node: &str, data: &[u8], stat: &Stat) -> Result<R, DecodeError> {
    let mut bytes = STANDARD.decode(data).map_err(|e| DecodeError::Base64(e.to_string()))?;
    check_size(&bytes)?;
    // What is appended must not complete a message that was cut off, so it is read without first.
    let record = R::decode(&bytes)?;
    if name(record.key()) != node {
        return Err(DecodeError::OtherKey(record.key().to_owned()));
    }
    // Of a field that comes twice, the last counts.
    let mut date = |field: u8, millis| {
        bytes.push(field << 3);
        prost::encoding::encode_varint(millis, &mut bytes);
    };
    date(R::DATES.0, stat.created_ms);
    if !record.keeps_modified() {
        date(R::DATES.1, stat.modified_ms);
    }
    R::decode(&bytes)
}

/// Makes the node of a kind and all above it, where they are missing.
pub(super) async fn ensure(session: &Session, directory: &str, acl: &[Acl]) -> Result<(), ZooKeeperError> {
    let missing =
        |answer: &Result<_, ZooKeeperError>| matches!(answer, Err(ZooKeeperError::Refused { code: code::NO_NODE, .. }));
    let found = session.call(Request::exists(directory)).await;
    if !missing(&found) {
        return found.map(drop);
    }
    let ends = directory.match_indices('/').map(|(at, _)| at).skip(1).chain([directory.len()]);
    for path in ends.map(|end| &directory[..end]) {
        if !missing(&session.call(Request::exists(path)).await) {
            continue;
        }
        match session.call(Request::create(path, acl)).await {
            Ok(_) | Err(ZooKeeperError::Refused { code: code::NODE_EXISTS, .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use anabranch_hdfs_proto::hdfs::{NamenodeMembershipRecordProto, RouterRecordProto};

    use super::*;
    use crate::suite::{Sample, entry, golden};

    /// What a Java router has in the node of `/data/app_1`.
    const FROM_JAVA: &str = "CgsvZGF0YS9hcHBfMRIMCgNuczASBS9kYXRhEgwKA25zMRIFL2RhdGEY6Acg0A8wA1IEaGRmc1oKc3VwZXJncm91cGDtA2oaC\
                             AAQ////////////ARgAIP///////////wE=";

    const STAT: Stat =
        Stat { created: 8, modified: 9, created_ms: 1000, modified_ms: 2000, version: 1, length: 1, children: 0 };

    #[test]
    fn nodes_are_those_of_the_java_router() {
        assert_eq!(String::from_utf8(seal(&golden())).unwrap(), FROM_JAVA);
        assert_eq!(open::<MountEntry>("0SLASH0data0SLASH0app_1", FROM_JAVA.as_bytes(), &STAT).unwrap(), golden());
        for (key, node) in [
            ("/deep/a/b", "0SLASH0deep0SLASH0a0SLASH0b"),
            ("nn1-ns0-r1.example.com:8888", "nn1-ns0-r1.example.com_8888"),
            ("vm:18888", "vm_18888"),
        ] {
            assert_eq!(name(key), node);
            assert_eq!(name(&super::key(node)), node, "what is broken can be replaced");
        }
        let options = ZooKeeperOptions::new("a/root").unwrap();
        assert_eq!(directory::<Membership>(&options), "/root/hdfs-federation/MembershipState");
        assert_eq!(directory::<MountEntry>(&options.with_parent("/").unwrap()), "/root/MountTable");
    }

    #[test]
    fn dates_are_those_of_the_node_unless_the_record_has_expired() {
        let membership = |state: &str| {
            let message = Membership::sample("nn0", 1).message().clone();
            let state = Some(state.to_owned());
            let dates = (Some(5), Some(6));
            let record = Membership::new(NamenodeMembershipRecordProto {
                state,
                date_created: dates.0,
                date_modified: dates.1,
                ..message
            });
            open::<Membership>("nn0-ns0-host_8888", &seal(&record.unwrap()), &STAT).unwrap().message().clone()
        };
        let dates = |message: NamenodeMembershipRecordProto| (message.date_created(), message.date_modified());
        assert_eq!(dates(membership("ACTIVE")), (1000, 2000));
        assert_eq!(dates(membership("EXPIRED")), (1000, 6));
        let router = RouterState::new(RouterRecordProto {
            status: Some("EXPIRED".into()),
            ..RouterState::sample("h:1", 1).message().clone()
        });
        let router = open::<RouterState>("h_1", &seal(&router.unwrap()), &STAT).unwrap();
        assert_eq!((router.message().date_created(), router.message().date_modified()), (1000, 0));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let node = "0SLASH0data0SLASH0app_1";
        let read = |data: &[u8]| open::<MountEntry>(node, data, &STAT).unwrap_err();
        assert!(matches!(read(b"no base64!"), DecodeError::Base64(_)));
        assert!(matches!(read(STANDARD.encode(b"\xff\xff\xff").as_bytes()), DecodeError::Protobuf(_)));
        assert_eq!(read(&seal(&entry("/b", 1))), DecodeError::OtherKey("/b".to_owned()));
        // No end of a message is taken for whole because the dates follow it.
        let whole = golden().encode();
        for end in 0..whole.len() {
            let data = STANDARD.encode(&whole[..end]);
            if let Ok(record) = open::<MountEntry>(node, data.as_bytes(), &STAT) {
                assert_eq!(MountEntry::decode(&whole[..end]).unwrap().destinations, record.destinations);
            }
        }
    }
}
