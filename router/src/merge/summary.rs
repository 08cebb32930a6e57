//! `getContentSummary` over several subclusters.

use anabranch_hdfs_proto::hdfs::{ContentSummaryProto, GetContentSummaryResponseProto, StorageTypeQuotaInfosProto};
use anabranch_hrpc::wire::Malformed;
use bytes::{Bytes, BytesMut};
use prost::Message;

use super::{Answer, UNREADABLE};

/// What is used is added up. Quotas and the erasure coding policy are those of the path itself, which is asked first.
pub fn summaries(answers: &[Answer<'_>]) -> Result<Bytes, Malformed> {
    if let [only] = answers {
        return Ok(only.reply.clone());
    }
    let mut total: Option<ContentSummaryProto> = None;
    for answer in answers {
        let summary = GetContentSummaryResponseProto::decode(answer.message()).map_err(|_| UNREADABLE)?.summary;
        total = Some(match total {
            None => summary,
            Some(total) => added(total, summary),
        });
    }
    let message = GetContentSummaryResponseProto { summary: total.unwrap_or_default() };
    let mut out = BytesMut::with_capacity(message.encoded_len() + 5);
    // The buffer grows as needed, so encoding cannot fail.
    let _ = message.encode_length_delimited(&mut out);
    Ok(out.freeze())
}

fn added(total: ContentSummaryProto, more: ContentSummaryProto) -> ContentSummaryProto {
    let sum = |a: Option<u64>, b: Option<u64>| match (a, b) {
        (None, None) => None,
        (a, b) => Some(a.unwrap_or(0).saturating_add(b.unwrap_or(0))),
    };
    ContentSummaryProto {
        length: total.length.saturating_add(more.length),
        file_count: total.file_count.saturating_add(more.file_count),
        directory_count: total.directory_count.saturating_add(more.directory_count),
        quota: total.quota,
        space_consumed: total.space_consumed.saturating_add(more.space_consumed),
        space_quota: total.space_quota,
        type_quota_infos: types(total.type_quota_infos, more.type_quota_infos),
        snapshot_length: sum(total.snapshot_length, more.snapshot_length),
        snapshot_file_count: sum(total.snapshot_file_count, more.snapshot_file_count),
        snapshot_directory_count: sum(total.snapshot_directory_count, more.snapshot_directory_count),
        snapshot_space_consumed: sum(total.snapshot_space_consumed, more.snapshot_space_consumed),
        erasure_coding_policy: total
            .erasure_coding_policy
            .filter(|policy| !policy.is_empty())
            .or(more.erasure_coding_policy),
    }
}

fn types(
    total: Option<StorageTypeQuotaInfosProto>,
    more: Option<StorageTypeQuotaInfosProto>,
) -> Option<StorageTypeQuotaInfosProto> {
    let mut total = total?;
    for info in more.into_iter().flat_map(|infos| infos.type_quota_info) {
        let same = total.type_quota_info.iter_mut().find(|known| known.r#type == info.r#type);
        if let Some(known) = same {
            known.consumed = known.consumed.saturating_add(info.consumed);
        }
    }
    Some(total)
}
