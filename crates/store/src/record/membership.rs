use anabranch_federation::membership::{NamenodeState, Vote};
use anabranch_hdfs_proto::hdfs::NamenodeMembershipRecordProto;
use prost::Message;

use super::{DecodeError, Record, meaning, required};

/// What one router knows of one NameNode. Keeps the message as it came, so that what another program wrote is written back
/// as it was.
#[derive(Debug, Clone, PartialEq)]
pub struct Membership {
    key: String,
    state: NamenodeState,
    message: NamenodeMembershipRecordProto,
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
        Ok(Self { key, state, message })
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
        self.message.encode_to_vec()
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::new(NamenodeMembershipRecordProto::decode(bytes)?)
    }
}
