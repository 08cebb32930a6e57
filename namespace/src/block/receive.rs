//! WRITE_BLOCK: the client streams packets, each is acknowledged in order once it is written.

use anabranch_hdfs_proto::hdfs::op_write_block_proto::BlockConstructionStage as Stage;
use anabranch_hdfs_proto::hdfs::{
    BlockOpResponseProto, ChecksumTypeProto, OpWriteBlockProto, PacketHeaderProto, PipelineAckProto, Status,
};
use bytes::Bytes;
use prost::Message;

use super::checksum::{Checksum, MAX_CHUNK, Polynomial};
use super::claim::Claim;
use super::connection::{After, Connection};
use super::refusal::{Fault, Refusal};
use super::store::blocking;
use super::wire::{self, PacketSpan};
use super::writer::{Piece, ReplicaWriter, WriteError};

/// How much is read from the connection at once, and about how much is written to disk at once.
const ROOM: usize = 512 << 10;
/// The sequence number of an acknowledgement that answers no packet.
const UNASKED: i64 = -2;

/// A packet as it came.
#[derive(Debug)]
struct Packet {
    span: PacketSpan,
    bytes: Bytes,
}

impl Packet {
    fn header(&self) -> &PacketHeaderProto {
        &self.span.header
    }

    fn piece(&self) -> Piece<'_> {
        Piece {
            offset: self.header().offset_in_block.unsigned_abs(),
            data: &self.bytes[self.span.data.clone()],
            sums: &self.bytes[self.span.sums.clone()],
        }
    }
}

/// What became of a batch of packets.
struct Written {
    /// Acknowledgements, as bytes.
    acks: Vec<u8>,
    /// Bytes of data that were taken.
    bytes: u64,
    next: Next,
}

enum Next {
    /// More packets.
    Writer(ReplicaWriter),
    /// The block is closed.
    Finalized,
    /// A packet was not taken.
    Refused(Refusal),
}

/// Serves the operation: sets the replica up as the client's stage asks, then takes packets up to the last one.
pub(crate) async fn write_block(
    connection: &mut Connection,
    operation: &OpWriteBlockProto,
) -> Result<(After, &'static str), Fault> {
    let _counted = connection.shared.metrics.transfer("write");
    let wire = match checksum(operation) {
        Ok(wire) => wire,
        Err(refusal) => return reject(connection, refusal).await,
    };
    let writer = match set_up(connection, operation, wire).await {
        Ok(writer) => writer,
        Err(refusal) => return reject(connection, refusal).await,
    };
    let status = Status::Success.into();
    let ready = BlockOpResponseProto { status, first_bad_link: Some(String::new()), ..Default::default() };
    connection.reply(&ready).await?;
    match writer {
        Some(writer) => receive(connection, writer, wire).await,
        None => Ok((After::Keep, "ok")),
    }
}

/// A writer that is refused closes its connection, and packets may be on their way already.
async fn reject(connection: &mut Connection, refusal: Refusal) -> Result<(After, &'static str), Fault> {
    connection.reject(refusal).await.map(|(_, kind)| (After::Close, kind))
}

/// How the client checksums what it sends; `None` if it does not.
fn checksum(operation: &OpWriteBlockProto) -> Result<Option<Checksum>, Refusal> {
    let asked = &operation.requested_checksum;
    let polynomial = match asked.r#type() {
        ChecksumTypeProto::ChecksumNull => return Ok(None),
        ChecksumTypeProto::ChecksumCrc32 => Polynomial::Crc32,
        ChecksumTypeProto::ChecksumCrc32c => Polynomial::Crc32c,
    };
    Checksum::new(polynomial, asked.bytes_per_checksum).map(Some).ok_or_else(|| {
        let message = format!(
            "dfs.bytes-per-checksum is {}, accepted is 1 to {MAX_CHUNK}, since a chunk must fit into a packet",
            asked.bytes_per_checksum
        );
        Refusal::new(Status::ErrorInvalid, "malformed", message)
    })
}

/// Opens the replica; `None` if the stage only closes it. Blocks that come without checksums get some here, for the sake
/// of what the disk may do to them.
async fn set_up(
    connection: &Connection,
    operation: &OpWriteBlockProto,
    wire: Option<Checksum>,
) -> Result<Option<ReplicaWriter>, Refusal> {
    let block = connection.block(&operation.header.base_header.block)?;
    if operation.header.client_name.is_empty() {
        return Err(Refusal::unsupported("a write by another DataNode"));
    }
    if let Some(target) = operation.targets.first() {
        let bad_link = format!("{}:{}", target.id.ip_addr, target.id.xfer_port);
        let message = format!("this block gateway keeps the only replica, and sends none on to {bad_link}");
        let refusal = Refusal::new(Status::Error, "unsupported", message);
        return Err(Refusal { bad_link: Some(bad_link), ..refusal });
    }
    let (store, generation) = (&connection.shared.store, operation.latest_generation_stamp);
    let (min, max) = (operation.min_bytes_rcvd, operation.max_bytes_rcvd);
    let claim = match operation.stage() {
        Stage::PipelineSetupCreate => {
            let fallback = Checksum { polynomial: Polynomial::Crc32c, bytes_per: 512 };
            return Ok(Some(store.create(block, wire.unwrap_or(fallback)).await?));
        }
        Stage::PipelineSetupAppend => Claim::append(block, generation, min),
        Stage::PipelineSetupAppendRecovery | Stage::PipelineCloseRecovery => Claim::retry(block, generation, min),
        Stage::PipelineSetupStreamingRecovery => Claim::streaming(block, generation, min, max),
        Stage::TransferRbw | Stage::TransferFinalized => return Err(Refusal::unsupported("a transfer of replicas")),
        stage @ (Stage::DataStreaming | Stage::PipelineClose) => {
            let message = format!("no write begins with the stage {}", stage.as_str_name());
            return Err(Refusal::new(Status::ErrorInvalid, "malformed", message));
        }
    };
    let writer = store.reopen(claim).await?;
    if operation.stage() == Stage::PipelineCloseRecovery {
        blocking(move || writer.finalize()).await?;
        connection.shared.metrics.finalized.inc();
        return Ok(None);
    }
    Ok(Some(writer))
}

async fn receive(
    connection: &mut Connection,
    mut writer: ReplicaWriter,
    wire: Option<Checksum>,
) -> Result<(After, &'static str), Fault> {
    let cut = writer.cut();
    loop {
        let draining = connection.shared.draining.clone();
        let patience = connection.shared.config.read_timeout;
        let first = tokio::select! {
            biased;
            () = cut.cancelled() => return Err(Fault::Fenced),
            () = draining.cancelled() => {
                // The replica stays open; the client comes back and claims it.
                drop(writer);
                connection.send(&ack(UNASKED, Status::OobRestart)).await?;
                return Ok((After::Close, "restart"));
            }
            first = connection.input.next(ROOM, patience, wire::packet) => first?,
        };
        let Some((span, bytes)) = first else { return Err(Fault::Broken(std::io::ErrorKind::UnexpectedEof.into())) };
        let batch = batch(connection, Packet { span, bytes })?;
        let written = blocking(move || write(writer, wire, &batch)).await;
        connection.shared.metrics.written.inc_by(written.bytes);
        connection.send(&written.acks).await?;
        match written.next {
            Next::Writer(back) => writer = back,
            Next::Finalized => {
                connection.shared.metrics.finalized.inc();
                return Ok((After::Keep, "ok"));
            }
            Next::Refused(refusal) => {
                tracing::debug!(message = refusal.message, "a packet was refused");
                return Ok((After::Close, refusal.kind));
            }
        }
    }
}

/// The packets that came already, up to the block's last one.
fn batch(connection: &mut Connection, first: Packet) -> Result<Vec<Packet>, Fault> {
    let mut len = first.bytes.len();
    let mut batch = vec![first];
    while len < ROOM && batch.last().is_some_and(|packet| !packet.header().last_packet_in_block) {
        let Some((span, bytes)) = connection.input.ready(wire::packet)? else { break };
        len += bytes.len();
        batch.push(Packet { span, bytes });
    }
    Ok(batch)
}

/// Writes packets and says what is answered. Blocks.
fn write(mut writer: ReplicaWriter, wire: Option<Checksum>, batch: &[Packet]) -> Written {
    let before = writer.view().len;
    let (taken, refused) = writer.write(wire, batch.iter().map(Packet::piece));
    let bytes = writer.view().len - before;
    let (kept, next) = match (settle(writer, &batch[..taken]), refused) {
        (Ok(next), None) => (taken, next),
        (Ok(_), Some(error)) => (taken, Next::Refused(error.into())),
        (Err((lost, error)), _) => (taken - lost, Next::Refused(error.into())),
    };
    let mut acks = Vec::new();
    for packet in &batch[..kept] {
        acks.extend(ack(packet.header().seqno, Status::Success));
    }
    if let (Next::Refused(refusal), Some(packet)) = (&next, batch.get(kept)) {
        let status = if refusal.status == Status::ErrorChecksum { refusal.status } else { Status::Error };
        acks.extend(ack(packet.header().seqno, status));
    }
    Written { acks, bytes, next }
}

/// Does what written packets ask for: syncs, closes the block. If that fails, says how many of them must not be
/// acknowledged.
fn settle(mut writer: ReplicaWriter, done: &[Packet]) -> Result<Next, (usize, WriteError)> {
    if let Some(last) = done.last().filter(|packet| packet.header().last_packet_in_block) {
        let (said, has) = (last.piece().offset + last.piece().data.len() as u64, writer.view().len);
        if said != has {
            let detail = format!("the block is closed at {said}, but has {has} bytes");
            return Err((1, WriteError::Malformed(detail)));
        }
        return writer.finalize().map(|_| Next::Finalized).map_err(|error| (done.len(), error.into()));
    }
    if done.iter().any(|packet| packet.header().sync_block()) {
        writer.sync().map_err(|error| (done.len(), error.into()))?;
    }
    Ok(Next::Writer(writer))
}

/// An acknowledgement by the only node of the pipeline. The flag repeats the status, since newer clients read that; its
/// other bits would say that the node is congested.
fn ack(seqno: i64, status: Status) -> Vec<u8> {
    let flag = vec![(status as i32).unsigned_abs()];
    let ack = PipelineAckProto { seqno, reply: vec![status.into()], downstream_ack_time_nanos: Some(0), flag };
    ack.encode_length_delimited_to_vec()
}
