//! `getQuotaUsage` over several subclusters.

use anabranch_federation::{Limits, StorageType, Usage};
use anabranch_hdfs_proto::hdfs::{
    GetQuotaUsageResponseProto, QuotaUsageProto, StorageTypeQuotaInfoProto, StorageTypeQuotaInfosProto,
};
use anabranch_hrpc::wire::Malformed;
use bytes::Bytes;
use prost::Message;

use super::{Answer, UNREADABLE, body};

/// How "no quota" is written: −1.
pub(crate) const NO_QUOTA: u64 = u64::MAX;

/// What one subcluster says of a directory.
pub fn read(reply: &[u8]) -> Result<(Limits, Usage), Malformed> {
    let message = GetQuotaUsageResponseProto::decode(body(reply)).map_err(|_| UNREADABLE)?.usage;
    // The root of a NameNode has the greatest number as its quota when it has none.
    let limit = |quota: u64| i64::try_from(quota).ok().filter(|quota| *quota < i64::MAX).map(i64::unsigned_abs);
    let mut limits = Limits { files: limit(message.quota), space: limit(message.space_quota), ..Limits::default() };
    let (files, space) = (message.file_and_directory_count, message.space_consumed);
    let mut usage = Usage { files, space, ..Usage::default() };
    for info in message.type_quota_infos.iter().flat_map(|infos| &infos.type_quota_info) {
        // What is no type of this release has no quota here either.
        let Some(kind) = info.r#type.and_then(StorageType::from_number) else { continue };
        limits.by_type[kind as usize] = limit(info.quota);
        usage.by_type[kind as usize] = info.consumed;
    }
    Ok((limits, usage))
}

/// What is used is added up; limits are `fixed`, else those that all answers have alike.
pub fn quota_usages(answers: &[Answer<'_>], fixed: Option<Limits>) -> Result<Bytes, Malformed> {
    let mut joined: Option<(Limits, Usage)> = None;
    for answer in answers {
        let (limits, usage) = read(&answer.reply)?;
        joined = Some(match joined {
            None => (limits, usage),
            Some((all, total)) => (all.common(limits), total.plus(usage)),
        });
    }
    let (common, usage) = joined.unwrap_or_default();
    let message = GetQuotaUsageResponseProto { usage: message(&fixed.unwrap_or(common), &usage) };
    Ok(message.encode_length_delimited_to_vec().into())
}

/// As a NameNode writes it: types of storage only where there is something to say of one.
fn message(limits: &Limits, usage: &Usage) -> QuotaUsageProto {
    let wire = |limit: Option<u64>| limit.unwrap_or(NO_QUOTA);
    let types = StorageType::ALL.into_iter().filter(|(kind, ..)| *kind != StorageType::RamDisk);
    let type_quota_info: Vec<_> = types
        .map(|(kind, _, number)| StorageTypeQuotaInfoProto {
            r#type: Some(number),
            quota: wire(limits.by_type[kind as usize]),
            consumed: usage.by_type[kind as usize],
        })
        .collect();
    let told = type_quota_info.iter().any(|info| info.quota != NO_QUOTA || info.consumed > 0);
    QuotaUsageProto {
        file_and_directory_count: usage.files,
        quota: wire(limits.files),
        space_consumed: usage.space,
        space_quota: wire(limits.space),
        type_quota_infos: told.then_some(StorageTypeQuotaInfosProto { type_quota_info }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(limits: Limits, usage: Usage) -> Answer<'static> {
        let message = GetQuotaUsageResponseProto { usage: message(&limits, &usage) };
        Answer { nameservice: "ns0", reply: message.encode_length_delimited_to_vec().into() }
    }

    fn ssd(quota: Option<u64>, used: u64) -> (Limits, Usage) {
        let (mut limits, mut usage) = (Limits::default(), Usage::default());
        limits.by_type[StorageType::Ssd as usize] = quota;
        usage.by_type[StorageType::Ssd as usize] = used;
        (limits, usage)
    }

    #[test]
    fn an_answer_is_read_as_it_was_written() {
        for (limits, usage) in [ssd(None, 0), ssd(Some(7), 3), ssd(None, 9)] {
            let limits = Limits { files: Some(0), ..limits };
            assert_eq!(read(&answer(limits, usage).reply).unwrap(), (limits, usage));
        }
        assert!(read(&[3, 1, 2, 3]).is_err());
    }

    #[test]
    fn the_root_of_a_namenode_has_no_quota() {
        let root = Limits { files: Some(i64::MAX.unsigned_abs()), ..Limits::default() };
        assert_eq!(read(&answer(root, Usage::default()).reply).unwrap().0, Limits::default());
    }

    #[test]
    fn use_is_added_up_and_limits_count_where_all_have_them() {
        let limits = |files, space| Limits { files, space, ..Limits::default() };
        let used = |files, space| Usage { files, space, ..ssd(None, files).1 };
        let answers = [answer(limits(Some(5), Some(9)), used(2, 30)), answer(limits(Some(5), None), used(3, 4))];
        let joined = read(&quota_usages(&answers, None).unwrap()).unwrap();
        assert_eq!(joined, (limits(Some(5), None), used(5, 34)));
        let fixed = read(&quota_usages(&answers, Some(limits(None, Some(1)))).unwrap()).unwrap();
        assert_eq!(fixed, (limits(None, Some(1)), used(5, 34)));
    }
}
