//! READ_BLOCK: the replica's chunks in packets, with their stored checksums, so that the client verifies what the disk
//! gave. A client that wants no checksums gets data that was verified here.

use anabranch_hdfs_proto::hdfs::{
    BlockOpResponseProto, ChecksumProto, ChecksumTypeProto, ClientReadStatusProto, OpReadBlockProto, PacketHeaderProto,
    ReadOpChecksumInfoProto, Status,
};

use super::BlockError;
use super::checksum::SUM;
use super::connection::{After, Connection};
use super::reader::ReplicaReader;
use super::refusal::{Fault, Refusal};
use super::store::blocking;
use super::wire::{self, PACKET_PREFIX};

/// Data of a packet, at least one chunk.
const PACKET: u64 = 64 << 10;
/// Data that is read from disk at once, at least one packet.
const PIECE: u64 = 1 << 20;

/// A read under way. It moves to the thread that reads and back.
#[derive(Debug)]
struct Read {
    reader: ReplicaReader,
    with_sums: bool,
    /// Where the next packet begins, a chunk's begin.
    at: u64,
    /// Where the read ends: a chunk's end, or the replica's.
    end: u64,
    seqno: i64,
    is_done: bool,
    sums: Vec<u8>,
    /// Of data alone, where the checksums are not sent.
    out: Vec<u8>,
    used: usize,
}

/// Serves the operation.
pub(crate) async fn read_block(
    connection: &mut Connection,
    operation: &OpReadBlockProto,
) -> Result<(After, &'static str), Fault> {
    let _counted = connection.shared.metrics.transfer("read");
    let mut read = match prepare(connection, operation).await {
        Ok(read) => read,
        Err(refusal) => return connection.reject(refusal).await,
    };
    connection.reply(&accepted(&read, operation.offset)).await?;
    let mut spare = Vec::new();
    loop {
        let full = std::mem::replace(&mut read.out, std::mem::take(&mut spare));
        let used = read.used;
        if read.is_done {
            connection.send(&full[..used]).await?;
            break;
        }
        // The next piece is read while this one is sent.
        let next = blocking(move || {
            let filled = read.fill();
            (read, filled)
        });
        let (sent, (back, filled)) = tokio::join!(connection.send(&full[..used]), next);
        sent?;
        filled.map_err(|error| Fault::Late(error.into()))?;
        (read, spare) = (back, full);
    }
    let sent = read.end.saturating_sub(read.reader.view().checksum.floor(operation.offset));
    connection.shared.metrics.read.inc_by(sent);
    finish(connection).await
}

/// Opens the replica and reads the first piece, so that what is wrong with it is told in the answer.
async fn prepare(connection: &Connection, operation: &OpReadBlockProto) -> Result<Read, Refusal> {
    let block = connection.block(&operation.header.base_header.block)?;
    let reader = connection.shared.store.reader(block).await?;
    let (view, offset, len) = (reader.view(), operation.offset, operation.len);
    let end = offset.checked_add(len).filter(|end| *end <= view.len).ok_or_else(|| {
        let message = format!("offset {offset} and length {len} do not fit block {block} of {} bytes", view.len);
        Refusal::new(Status::Error, "range", message)
    })?;
    let end = view.checksum.chunks(end).saturating_mul(view.checksum.chunk()).min(view.len);
    let mut read = Read {
        with_sums: operation.send_checksums(),
        at: view.checksum.floor(offset),
        end,
        seqno: 0,
        is_done: false,
        sums: Vec::new(),
        out: Vec::new(),
        used: 0,
        reader,
    };
    let (read, filled) = blocking(move || {
        let filled = read.fill();
        (read, filled)
    })
    .await;
    filled?;
    Ok(read)
}

fn accepted(read: &Read, offset: u64) -> BlockOpResponseProto {
    let checksum = read.reader.view().checksum;
    let sent = match read.with_sums {
        true => checksum.proto(),
        false => ChecksumProto { r#type: ChecksumTypeProto::ChecksumNull.into(), ..checksum.proto() },
    };
    BlockOpResponseProto {
        status: Status::Success.into(),
        read_op_checksum_info: Some(ReadOpChecksumInfoProto { checksum: sent, chunk_offset: checksum.floor(offset) }),
        ..Default::default()
    }
}

/// Reads the client's verdict. A client that does not want the connection any more closes it instead.
async fn finish(connection: &mut Connection) -> Result<(After, &'static str), Fault> {
    let patience = connection.shared.config.read_timeout;
    let parse = |input: &[u8]| wire::delimited::<ClientReadStatusProto>("a read's status", input);
    match connection.input.next(64, patience, parse).await {
        Ok(Some((verdict, _))) if matches!(verdict.status(), Status::Success | Status::ChecksumOk) => {
            Ok((After::Keep, "ok"))
        }
        Ok(Some((verdict, _))) => {
            if verdict.status() == Status::ErrorChecksum {
                tracing::warn!("a client found a checksum error in what it read");
                connection.shared.metrics.reported.inc();
            }
            Ok((After::Close, "reported"))
        }
        Ok(None) => Ok((After::Close, "ok")),
        Err(error) => Err(error.into()),
    }
}

impl Read {
    /// Reads the next packets into `out`; after the last data comes a packet without any.
    fn fill(&mut self) -> Result<(), BlockError> {
        let checksum = self.reader.view().checksum;
        let packet = checksum.chunk() * (PACKET / checksum.chunk()).max(1);
        let piece_end = (self.at + packet * (PIECE / packet).max(1)).min(self.end);
        let data = piece_end.saturating_sub(self.at);
        let sums = checksum.chunks(data) as usize * SUM;
        let packets = data.div_ceil(packet) as usize;
        let sent_sums = if self.with_sums { sums } else { 0 };
        self.used = 0;
        self.out.resize(data as usize + sent_sums + (packets + 1) * PACKET_PREFIX, 0);
        self.sums.resize(sums, 0);
        self.reader.read_sums(self.at, &mut self.sums)?;
        let mut sum_at = 0;
        while self.at < piece_end {
            let len = packet.min(piece_end - self.at);
            let sums = sum_at..sum_at + checksum.chunks(len) as usize * SUM;
            self.put_packet(len as usize, &sums)?;
            sum_at = sums.end;
            self.at += len;
        }
        if self.at >= self.end {
            self.put_packet(0, &(0..0))?;
            self.is_done = true;
        }
        Ok(())
    }

    /// Writes one packet; `sums` says which of the checksums at hand belong to it.
    fn put_packet(&mut self, len: usize, sums: &std::ops::Range<usize>) -> Result<(), BlockError> {
        let header = PacketHeaderProto {
            offset_in_block: self.at as i64,
            seqno: self.seqno,
            last_packet_in_block: len == 0,
            data_len: len as i32,
            sync_block: None,
        };
        let sums = &self.sums[sums.clone()];
        let sent = if self.with_sums { sums } else { &[] };
        let out = &mut self.out[self.used..];
        wire::put_packet_header(&header, sent.len(), out);
        let (head, data) = out.split_at_mut(PACKET_PREFIX + sent.len());
        head[PACKET_PREFIX..].copy_from_slice(sent);
        let data = &mut data[..len];
        self.reader.read_data(self.at, data)?;
        if !self.with_sums {
            self.reader.verify(self.at, data, sums)?;
        }
        self.used += PACKET_PREFIX + sent.len() + len;
        self.seqno += 1;
        Ok(())
    }
}
