use anabranch_federation::membership::{NamenodeState, Vote};
use anabranch_hdfs_proto::hdfs::NamenodeMembershipRecordProto;
use prost::Message;

use super::{DecodeError, Record, meaning, required, unknown};

/// The tag of the statistics.
const STATS: u32 = 15;

/// What one router knows of one NameNode. Keeps the message as it came, so that what another program wrote is written back
/// as it was.
#[derive(Debug, Clone, PartialEq)]
pub struct Membership {
    key: String,
    state: NamenodeState,
    message: NamenodeMembershipRecordProto,
    /// The fields that this release does not know, encoded.
    unknown: Box<[u8]>,
}

impl Membership {
    /// The record of a message.
    ///
    /// # Errors
    /// When it lacks the nameservice, the router, the RPC or the web address, or, of a NameNode that answers, the block
    /// pool; or when its state is none.
    pub fn new(message: NamenodeMembershipRecordProto) -> Result<Self, DecodeError> {
        let states = NamenodeState::ALL.map(|state| (state.name(), state));
        let state = meaning("state", required("state", &message.state)?, &states)?;
        required("webAddress", &message.web_address)?;
        required("rpcAddress", &message.rpc_address)?;
        if !matches!(state, NamenodeState::Unavailable | NamenodeState::Expired) {
            required("blockPoolId", &message.block_pool_id)?;
        }
        let nameservice = required("nameserviceId", &message.nameservice_id)?;
        let router = required("routerId", &message.router_id)?;
        // Java writes the absent id of a NameNode without high availability like that.
        let key = format!("{}-{nameservice}-{router}", message.namenode_id.as_deref().unwrap_or("null"));
        Ok(Self { key, state, message, unknown: Box::default() })
    }

    /// The same, marked as too old to count.
    #[must_use]
    pub fn expired(self) -> Self {
        let state = NamenodeState::Expired;
        let message = NamenodeMembershipRecordProto { state: Some(state.name().to_owned()), ..self.message };
        Self { state, message, ..self }
    }

    /// The NameNode's state.
    pub fn state(&self) -> NamenodeState {
        self.state
    }

    /// Everything that the record says.
    pub fn message(&self) -> &NamenodeMembershipRecordProto {
        &self.message
    }
}

impl Vote for Membership {
    fn state(&self) -> NamenodeState {
        self.state
    }

    fn modified_ms(&self) -> u64 {
        self.message.date_modified()
    }

    fn router(&self) -> &str {
        self.message.router_id()
    }
}

impl Record for Membership {
    const KIND: &'static str = "MembershipState";

    fn key(&self) -> &str {
        &self.key
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = self.message.encode_to_vec();
        bytes.extend(&self.unknown);
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let message = NamenodeMembershipRecordProto::decode(bytes)?;
        let unknown = if message.encoded_len() == bytes.len() {
            Box::default()
        } else {
            unknown::unknown(bytes, &message.encode_to_vec(), STATS)
        };
        Ok(Self { unknown, ..Self::new(message)? })
    }
}

#[cfg(test)]
mod tests {
    use anabranch_hdfs_proto::hdfs::NamenodeMembershipStatsRecordProto;

    use super::*;

    #[test]
    fn what_newer_programs_wrote_outlives_a_mark() {
        let text = |text: &str| Some(text.to_owned());
        let message = NamenodeMembershipRecordProto {
            router_id: text("r:1"),
            nameservice_id: text("ns0"),
            block_pool_id: text("BP-1"),
            web_address: text("w:1"),
            rpc_address: text("n:1"),
            state: text("ACTIVE"),
            stats: Some(NamenodeMembershipStatsRecordProto { total_space: Some(5), ..Default::default() }),
            ..Default::default()
        };
        let mut newer = Vec::new();
        prost::encoding::uint64::encode(17, &7, &mut newer);
        // In the statistics: field 40.
        prost::encoding::bytes::encode(STATS, &vec![0xc0, 0x02, 0x07], &mut newer);
        let known = Membership::new(message).unwrap();
        let record = Membership::decode(&[known.encode(), newer.clone()].concat()).unwrap();
        assert_eq!(record.message(), known.message());
        let marked = Membership::decode(&record.expired().encode()).unwrap();
        assert_eq!((marked.state(), &*marked.unknown), (NamenodeState::Expired, &*newer));
        assert_eq!(marked.message().stats, known.message().stats);
        assert!(Membership::decode(&known.encode()).unwrap().unknown.is_empty());
    }
}
