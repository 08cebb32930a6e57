use anabranch_federation::EntryProblem;
use proptest::prelude::*;

use super::*;
use crate::suite::golden;

/// What a Java router stores for `/data/app_1` (without its base64).
const FROM_JAVA: &str = "0a0b2f646174612f6170705f31120c0a036e733012052f64617461120c0a036e733112052f6461746118e80720d00f3003\
    5204686466735a0a737570657267726f757060ed036a1a080010ffffffffffffffffff01180020ffffffffffffffffff01";

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |b: u8| (b as char).to_digit(16).unwrap() as u8;
    hex.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

#[test]
fn records_are_those_of_the_java_router() {
    assert_eq!(golden().encode(), bytes(FROM_JAVA));
    assert_eq!(MountEntry::decode(&bytes(FROM_JAVA)).unwrap(), golden());
}

#[test]
fn everything_comes_back() {
    for order in ORDERS {
        let limit = Limit { quota: Some(5), used: 6 };
        let by_type = vec![(StorageType::Disk, Limit::of(1)), (StorageType::Nvdimm, Limit { quota: None, used: 2 })];
        let entry = MountEntry {
            order,
            read_only: true,
            fault_tolerant: order.is_all(),
            mode: 0o1777,
            quota: Quota { files: limit, space: Limit::of(9), by_type },
            ..golden()
        };
        assert_eq!(MountEntry::decode(&entry.encode()).unwrap(), entry);
    }
}

#[test]
fn who_declared_an_entry_stands_after_the_message_of_the_java_router() {
    let declared = Declared { by: "uid/team-a/mounts".to_owned(), digest: golden().digest() };
    let entry = MountEntry { declared: Some(Box::new(declared)), ..golden() };
    let encoded = entry.encode();
    assert!(encoded.starts_with(&bytes(FROM_JAVA)));
    assert_eq!(MountEntry::decode(&encoded).unwrap(), entry);
    assert_eq!(mount_from_proto(&MountTableRecordProto::decode(&encoded[..]).unwrap()).unwrap(), golden());
}

#[test]
fn absent_fields_have_their_defaults() {
    let message = MountTableRecordProto {
        src_path: Some("/a".into()),
        destinations: vec![RemoteLocationProto { nameservice_id: Some("ns0".into()), path: Some("/b".into()) }],
        ..Default::default()
    };
    assert_eq!(mount_from_proto(&message).unwrap(), MountEntry::parse("/a", [("ns0", "/b")]).unwrap());
}

#[test]
fn meaningless_values_are_named() {
    let message = mount_to_proto(&golden());
    let with = |change: fn(&mut MountTableRecordProto)| {
        let mut message = message.clone();
        change(&mut message);
        mount_from_proto(&message).unwrap_err()
    };
    assert_eq!(with(|m| m.dest_order = Some(6)).to_string(), "field destOrder is 6; expected 0 to 5");
    assert_eq!(with(|m| m.dest_order = Some(-1)).to_string(), "field destOrder is -1; expected 0 to 5");
    assert!(matches!(with(|m| m.mode = Some(-1)), DecodeError::Field { field: "mode", .. }));
    for (error, problem) in [
        (with(|m| m.destinations.clear()), EntryProblem::NoDestination),
        (with(|m| (m.fault_tolerant, m.dest_order) = (Some(true), None)), EntryProblem::FaultTolerantOrder),
    ] {
        assert!(matches!(error, DecodeError::Entry(error) if error.problem == problem));
    }
}

proptest! {
    #[test]
    fn no_bytes_are_too_hostile(noise in proptest::collection::vec(any::<u8>(), 0..200), at in any::<prop::sample::Index>(), flip in 1u8..) {
        let _ = MountEntry::decode(&noise);
        let mut nearly = bytes(FROM_JAVA);
        let at = at.index(nearly.len());
        nearly[at] ^= flip;
        if let Ok(entry) = MountEntry::decode(&nearly) {
            prop_assert_eq!(entry.validate(), Ok(()));
        }
    }
}

/// Java's router writes a flag that is off only when somebody said so.
#[test]
fn flags_that_are_off_by_name_stay_so() {
    let silent = mount_to_proto(&golden());
    assert_eq!((silent.read_only, silent.fault_tolerant), (None, None));
    for (read_only, fault_tolerant) in [(Some(false), None), (None, Some(false)), (Some(true), Some(false))] {
        let message = MountTableRecordProto { read_only, fault_tolerant, ..silent.clone() };
        let entry = MountEntry::decode(&message.encode_to_vec()).unwrap();
        assert_eq!(entry.encode(), message.encode_to_vec());
        assert_eq!(entry.same_intent(&golden()), read_only != Some(true));
        // An entry that is changed says what it is now.
        assert_eq!(mount_to_proto(&MountEntry { read_only: true, ..entry }).read_only, Some(true));
    }
}

/// `field = number`, as a varint.
fn varint(field: u32, number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    prost::encoding::uint64::encode(field, &number, &mut bytes);
    bytes
}

#[test]
fn what_newer_programs_wrote_is_written_back() {
    let text = |field, text: &str| {
        let mut bytes = Vec::new();
        prost::encoding::string::encode(field, &text.to_owned(), &mut bytes);
        bytes
    };
    // Two fields of the message, one of them with a large tag, and one of the quota.
    let quota = prost::encoding::bytes::encode;
    let mut nested = Vec::new();
    quota(13, &varint(9, 77), &mut nested);
    let newer = [varint(15, 300), text(900, "news"), nested.clone()].concat();
    let declared = Declared { by: "uid/team-a/mounts".to_owned(), digest: golden().digest() };
    let marked = MountEntry { declared: Some(Box::new(declared)), ..golden() };
    for known in [golden(), marked] {
        let entry = MountEntry::decode(&[known.encode(), newer.clone()].concat()).unwrap();
        assert_eq!((&*entry.unknown, entry.quota.clone()), (&*newer, known.quota.clone()));
        assert!(entry.same_intent(&known) && entry.declared == known.declared);

        // Somebody updates it.
        let update = MountEntry { read_only: true, modified_ms: 9, created_ms: 9, ..golden() }.in_place_of(&entry);
        let stored = MountEntry::decode(&update.encode()).unwrap();
        assert_eq!(stored, update);
        assert_eq!((stored.read_only, stored.created_ms, &*stored.unknown), (true, entry.created_ms, &*newer));
    }
    assert_eq!(MountEntry::decode(&golden().encode()).unwrap().unknown, Box::default());
}
