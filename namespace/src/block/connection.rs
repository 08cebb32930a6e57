//! One client: operations one after the other.

use std::sync::Arc;

use anabranch_hdfs_proto::hdfs::data_transfer_encryptor_message_proto::DataTransferEncryptorStatus;
use anabranch_hdfs_proto::hdfs::{
    BlockChecksumOptionsProto, BlockChecksumTypeProto, BlockOpResponseProto, DataTransferEncryptorMessageProto,
    ExtendedBlockProto, OpBlockChecksumProto, OpBlockChecksumResponseProto, OpReadBlockProto, OpWriteBlockProto,
    ReleaseShortCircuitAccessResponseProto, ShortCircuitShmResponseProto, Status,
};
use prost::Message;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;

use super::BlockId;
use super::digest::{Method, digest};
use super::gateway::Shared;
use super::input::Input;
use super::refusal::{Fault, Refusal};
use super::store::blocking;
use super::wire::{self, Malformed, Opening};

/// Room for the messages of operations; writers make more.
const ROOM: usize = 4 << 10;

/// Checksums of stripes in one answer; each has four bytes.
const MOST_STRIPES: u64 = 64 << 10;

/// What becomes of a connection after an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    Keep,
    Close,
}

/// The operations that a client may name.
const WRITE_BLOCK: u8 = 80;
const READ_BLOCK: u8 = 81;
const BLOCK_CHECKSUM: u8 = 85;
const RELEASE_SHORT_CIRCUIT_FDS: u8 = 88;
const REQUEST_SHORT_CIRCUIT_SHM: u8 = 89;
/// Known operations that are answered with `ERROR_UNSUPPORTED`, and what they are called.
const UNSUPPORTED: [(u8, &str); 8] = [
    (82, "READ_METADATA"),
    (83, "REPLACE_BLOCK"),
    (84, "COPY_BLOCK"),
    (86, "TRANSFER_BLOCK"),
    (87, "REQUEST_SHORT_CIRCUIT_FDS"),
    (RELEASE_SHORT_CIRCUIT_FDS, "RELEASE_SHORT_CIRCUIT_FDS"),
    (REQUEST_SHORT_CIRCUIT_SHM, "REQUEST_SHORT_CIRCUIT_SHM"),
    (90, "BLOCK_GROUP_CHECKSUM"),
];

/// A client's connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) input: Input,
    output: OwnedWriteHalf,
    pub(crate) shared: Arc<Shared>,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream, shared: Arc<Shared>) -> Self {
        let (input, output) = stream.into_split();
        Self { input: Input::new(input), output, shared }
    }

    /// Serves operations until the client closes the connection, is idle for too long, or an operation leaves the
    /// connection in a state that nothing can follow.
    pub(crate) async fn serve(mut self) -> Result<(), Fault> {
        let shared = Arc::clone(&self.shared);
        let mut patience = shared.config.read_timeout;
        loop {
            let opening = tokio::select! {
                biased;
                () = shared.draining.cancelled() => return Ok(()),
                opening = self.input.next(ROOM, patience, wire::opening) => opening,
            };
            let after = match opening? {
                None => return Ok(()),
                Some((Opening::Handshake, _)) => self.refuse_handshake().await?,
                Some((Opening::Operation(code), _)) => self.operate(code).await?,
            };
            if after == After::Close {
                self.output.shutdown().await?;
                self.input.discard(shared.config.keepalive).await;
                return Ok(());
            }
            patience = shared.config.keepalive;
        }
    }

    async fn operate(&mut self, code: u8) -> Result<After, Fault> {
        let name = match code {
            WRITE_BLOCK => "write",
            READ_BLOCK => "read",
            BLOCK_CHECKSUM => "checksum",
            _ => "other",
        };
        let done = match code {
            WRITE_BLOCK => self.write_block().await,
            READ_BLOCK => self.read_block().await,
            BLOCK_CHECKSUM => self.block_checksum().await,
            _ => self.refuse(code).await,
        };
        let outcome = done.as_ref().map_or_else(Fault::kind, |(_, outcome)| outcome);
        self.shared.metrics.operations.with_label_values(&[name, outcome]).inc();
        done.map(|(after, _)| after)
    }

    /// Reads an operation's message.
    pub(crate) async fn message<M: Message + Default>(&mut self, what: &'static str) -> Result<M, Fault> {
        let patience = self.shared.config.read_timeout;
        let found = self.input.next(ROOM, patience, |input| wire::delimited::<M>(what, input)).await?;
        found.map(|(message, _)| message).ok_or_else(|| Fault::Broken(std::io::ErrorKind::UnexpectedEof.into()))
    }

    /// Sends bytes; the client must take some of them every now and then.
    pub(crate) async fn send(&mut self, mut bytes: &[u8]) -> Result<(), Fault> {
        while !bytes.is_empty() {
            let sent = tokio::time::timeout(self.shared.config.write_timeout, self.output.write(bytes));
            match sent.await.map_err(|_| Fault::Silent)?? {
                0 => return Err(Fault::Broken(std::io::ErrorKind::WriteZero.into())),
                sent => bytes = &bytes[sent..],
            }
        }
        Ok(())
    }

    /// Sends a message with its length before it.
    pub(crate) async fn reply(&mut self, message: &impl Message) -> Result<(), Fault> {
        self.send(&message.encode_length_delimited_to_vec()).await
    }

    /// Answers with an error. The connection stays usable, since nothing of an operation is under way.
    pub(crate) async fn reject(&mut self, refusal: Refusal) -> Result<(After, &'static str), Fault> {
        tracing::debug!(status = ?refusal.status, message = refusal.message, "refused");
        let kind = refusal.kind;
        self.reply(&refusal.response()).await?;
        Ok((After::Keep, kind))
    }

    async fn refuse(&mut self, code: u8) -> Result<(After, &'static str), Fault> {
        let Some((_, name)) = UNSUPPORTED.iter().find(|(known, _)| *known == code) else {
            let reason = format!("unknown operation {code}");
            return Err(Malformed::Message { what: "an operation", reason }.into());
        };
        // The message is read so that closing the connection does not destroy the answer on its way.
        self.input.next(ROOM, self.shared.config.read_timeout, |input| wire::delimited::<()>(name, input)).await?;
        let refusal = Refusal::unsupported(name);
        let (status, error) = (refusal.status.into(), Some(refusal.message.clone()));
        match code {
            RELEASE_SHORT_CIRCUIT_FDS => self.reply(&ReleaseShortCircuitAccessResponseProto { status, error }).await?,
            REQUEST_SHORT_CIRCUIT_SHM => self.reply(&ShortCircuitShmResponseProto { status, error, id: None }).await?,
            _ => self.reply(&refusal.response()).await?,
        }
        Ok((After::Close, "unsupported"))
    }

    /// Answers a client that wants authentication or encryption, in the handshake's own message.
    async fn refuse_handshake(&mut self) -> Result<After, Fault> {
        self.message::<DataTransferEncryptorMessageProto>("a handshake").await?;
        let message = "this block gateway has no SASL on the data transfer protocol; the client asks for it because of \
                       dfs.data.transfer.protection, dfs.encrypt.data.transfer or Kerberos";
        let answer = DataTransferEncryptorMessageProto {
            status: DataTransferEncryptorStatus::Error.into(),
            message: Some(message.into()),
            ..Default::default()
        };
        self.reply(&answer).await?;
        Ok(After::Close)
    }

    /// The block that an operation is about, if it is of the pool that is served.
    pub(crate) fn block(&self, block: &ExtendedBlockProto) -> Result<BlockId, Refusal> {
        let pool = self.shared.store.pool();
        if block.pool_id != pool {
            let message = format!("block pool {:?} is not served here, only {pool:?} is", block.pool_id);
            return Err(Refusal::new(Status::ErrorInvalid, "pool", message));
        }
        Ok(BlockId { id: block.block_id, generation: block.generation_stamp })
    }

    async fn block_checksum(&mut self) -> Result<(After, &'static str), Fault> {
        let operation: OpBlockChecksumProto = self.message("BLOCK_CHECKSUM").await?;
        match self.checksum_of(&operation).await {
            Ok(response) => {
                let status = Status::Success.into();
                let checksum_response = Some(response);
                self.reply(&BlockOpResponseProto { status, checksum_response, ..Default::default() }).await?;
                Ok((After::Keep, "ok"))
            }
            Err(refusal) => self.reject(refusal).await,
        }
    }

    async fn checksum_of(&self, operation: &OpBlockChecksumProto) -> Result<OpBlockChecksumResponseProto, Refusal> {
        let asked = &operation.header.block;
        let reader = self.shared.store.reader(self.block(asked)?).await?;
        let options = operation.block_checksum_options.unwrap_or_default();
        let (view, len) = (reader.view(), asked.num_bytes());
        let method = match options.block_checksum_type() {
            BlockChecksumTypeProto::Md5crc => Method::Md5OfCrcs,
            BlockChecksumTypeProto::CompositeCrc => Method::Composite { stripe: options.stripe_length() },
        };
        if !options.stripe_length().is_multiple_of(view.checksum.chunk()) {
            let message = format!("a stripe of {} bytes is not made of whole chunks", options.stripe_length());
            return Err(Refusal::new(Status::ErrorInvalid, "malformed", message));
        }
        let stripes = len.min(view.len).checked_div(options.stripe_length()).unwrap_or(0);
        if stripes > MOST_STRIPES {
            let message = format!("{stripes} stripes, accepted are up to {MOST_STRIPES}");
            return Err(Refusal::new(Status::ErrorInvalid, "malformed", message));
        }
        let made = blocking(move || digest(&reader, len, method)).await?;
        Ok(OpBlockChecksumResponseProto {
            bytes_per_crc: view.checksum.bytes_per,
            crc_per_block: view.checksum.chunks(view.len),
            block_checksum: made.into(),
            crc_type: Some(view.checksum.polynomial.proto().into()),
            block_checksum_options: Some(BlockChecksumOptionsProto {
                block_checksum_type: Some(options.block_checksum_type().into()),
                stripe_length: Some(options.stripe_length()),
            }),
        })
    }

    async fn write_block(&mut self) -> Result<(After, &'static str), Fault> {
        let operation: OpWriteBlockProto = self.message("WRITE_BLOCK").await?;
        super::receive::write_block(self, &operation).await
    }

    async fn read_block(&mut self) -> Result<(After, &'static str), Fault> {
        let operation: OpReadBlockProto = self.message("READ_BLOCK").await?;
        super::send::read_block(self, &operation).await
    }
}
