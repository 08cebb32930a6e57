//! A small client of DataTransferProtocol, and a gateway to speak to.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anabranch_hdfs_proto::hdfs::op_write_block_proto::BlockConstructionStage as Stage;
use anabranch_hdfs_proto::hdfs::*;
use anabranch_namespace::block::{BlockGateway, BlockId, BlockStore, GatewayConfig, StoreConfig};
use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub const POOL: &str = "BP-1-127.0.0.1-1";
pub const CHUNK: usize = 512;

/// A gateway over a directory.
pub struct Rig {
    pub store: Arc<BlockStore>,
    pub gateway: BlockGateway,
    pub registry: prometheus::Registry,
    pub dir: PathBuf,
}

impl Rig {
    pub async fn start(dir: &Path) -> Self {
        Self::with(dir, GatewayConfig::default()).await
    }

    pub async fn with(dir: &Path, config: GatewayConfig) -> Self {
        Self::reserving(dir, config, 0).await
    }

    pub async fn reserving(dir: &Path, config: GatewayConfig, reserved: u64) -> Self {
        let store = BlockStore::open(&StoreConfig { reserved, ..StoreConfig::new(dir, POOL) }).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let registry = prometheus::Registry::new();
        let gateway = BlockGateway::start(listener, Arc::clone(&store), config, &registry).unwrap();
        Self { store, gateway, registry, dir: dir.to_owned() }
    }

    pub async fn connect(&self) -> Client {
        Client::connect(self.gateway.local_addr()).await
    }

    /// Writes a whole block.
    pub async fn put(&self, block: BlockId, data: &[u8]) {
        let mut client = self.connect().await;
        let kind = Kind::default();
        assert_eq!(client.write_block(Setup::create(block)).await.status(), Status::Success);
        client.stream(kind, 0, data).await;
    }

    /// Reads a whole block, verified.
    pub async fn get(&self, block: BlockId, len: usize) -> Vec<u8> {
        let mut client = self.connect().await;
        let read = client.read_block(block, 0, len as u64, true).await.unwrap();
        assert_eq!(read.bad_chunks, 0);
        read.data
    }

    /// Ends the gateway and lets go of the directory.
    pub async fn stop(self) {
        self.gateway.drain(Duration::from_secs(5)).await;
    }

    /// The path of a file of a block: its data, or its checksums with `suffix`.
    pub fn file(&self, block: BlockId, suffix: Option<&str>) -> PathBuf {
        let shard = self.dir.join(format!("{:03x}", block.id % 1024));
        match suffix {
            None => shard.join(format!("blk_{}", block.id)),
            Some(suffix) => shard.join(format!("blk_{}_{}.{suffix}", block.id, block.generation)),
        }
    }
}

/// Bytes that differ from place to place.
pub fn sample(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 7 + i / 251) as u8).collect()
}

pub fn block(id: u64, generation: u64) -> BlockId {
    BlockId { id, generation }
}

/// How a test checksums.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Kind {
    pub kind: ChecksumTypeProto,
    pub bytes_per: usize,
}

impl Default for Kind {
    fn default() -> Self {
        Self { kind: ChecksumTypeProto::ChecksumCrc32c, bytes_per: CHUNK }
    }
}

impl Kind {
    pub fn sum(self, data: &[u8]) -> u32 {
        match self.kind {
            ChecksumTypeProto::ChecksumCrc32c => crc32c::crc32c(data),
            _ => crc32fast::hash(data),
        }
    }

    pub fn sums(self, data: &[u8]) -> Vec<u8> {
        if self.kind == ChecksumTypeProto::ChecksumNull {
            return Vec::new();
        }
        data.chunks(self.bytes_per).flat_map(|chunk| self.sum(chunk).to_be_bytes()).collect()
    }
}

/// What a writer says at first.
#[derive(Clone)]
pub struct Setup {
    pub block: BlockId,
    pub stage: Stage,
    pub generation: u64,
    pub min: u64,
    pub max: u64,
    pub kind: Kind,
    pub targets: Vec<DatanodeInfoProto>,
}

impl Setup {
    pub fn create(block: BlockId) -> Self {
        let (stage, generation) = (Stage::PipelineSetupCreate, block.generation);
        Self { block, stage, generation, min: 0, max: 0, kind: Kind::default(), targets: Vec::new() }
    }

    pub fn again(block: BlockId, stage: Stage, generation: u64, min: u64, max: u64) -> Self {
        Self { stage, generation, min, max, ..Self::create(block) }
    }
}

/// What a read gave.
#[derive(Debug)]
pub struct Got {
    pub data: Vec<u8>,
    pub bad_chunks: usize,
    pub kind: ChecksumTypeProto,
}

pub struct Client {
    pub stream: TcpStream,
    pub seqno: i64,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap(), seqno: 0 }
    }

    pub fn header(block: BlockId, len: u64) -> ClientOperationHeaderProto {
        ClientOperationHeaderProto {
            base_header: BaseHeaderProto {
                block: ExtendedBlockProto {
                    pool_id: POOL.into(),
                    block_id: block.id,
                    generation_stamp: block.generation,
                    num_bytes: Some(len),
                },
                ..Default::default()
            },
            client_name: "test".into(),
        }
    }

    pub async fn operation(&mut self, code: u8, message: &impl Message) {
        let mut bytes = vec![0, 28, code];
        bytes.extend(message.encode_length_delimited_to_vec());
        self.stream.write_all(&bytes).await.unwrap();
    }

    pub async fn message<M: Message + Default>(&mut self) -> std::io::Result<M> {
        let (mut len, mut shift) = (0usize, 0);
        loop {
            let byte = self.within_u8().await?;
            len |= usize::from(byte & 0x7F) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let mut bytes = vec![0; len];
        self.exact(&mut bytes).await?;
        Ok(M::decode(&bytes[..]).unwrap())
    }

    async fn within_u8(&mut self) -> std::io::Result<u8> {
        let mut byte = [0];
        self.exact(&mut byte).await?;
        Ok(byte[0])
    }

    pub async fn exact(&mut self, bytes: &mut [u8]) -> std::io::Result<()> {
        let read = self.stream.read_exact(bytes);
        tokio::time::timeout(Duration::from_secs(20), read).await.expect("the gateway is silent").map(drop)
    }

    /// Whether the gateway closed the connection and said nothing more.
    pub async fn is_closed(&mut self) -> bool {
        self.within_u8().await.is_err()
    }

    pub async fn write_block(&mut self, setup: Setup) -> BlockOpResponseProto {
        let operation = OpWriteBlockProto {
            header: Self::header(setup.block, 0),
            targets: setup.targets,
            stage: setup.stage.into(),
            pipeline_size: 1,
            min_bytes_rcvd: setup.min,
            max_bytes_rcvd: setup.max,
            latest_generation_stamp: setup.generation,
            requested_checksum: ChecksumProto {
                r#type: setup.kind.kind.into(),
                bytes_per_checksum: setup.kind.bytes_per as u32,
            },
            ..Default::default()
        };
        self.operation(80, &operation).await;
        self.message().await.unwrap()
    }

    /// Sends a packet and does not wait for its acknowledgement.
    pub async fn packet(&mut self, offset: u64, data: &[u8], sums: &[u8], last: bool, sync: bool) -> i64 {
        let seqno = self.seqno;
        self.seqno += 1;
        self.raw_packet(seqno, offset, data, sums, last, sync).await;
        seqno
    }

    pub async fn raw_packet(&mut self, seqno: i64, offset: u64, data: &[u8], sums: &[u8], last: bool, sync: bool) {
        let header = PacketHeaderProto {
            offset_in_block: offset as i64,
            seqno,
            last_packet_in_block: last,
            data_len: data.len() as i32,
            sync_block: sync.then_some(true),
        };
        let mut bytes = (4 + sums.len() as u32 + data.len() as u32).to_be_bytes().to_vec();
        bytes.extend((header.encoded_len() as u16).to_be_bytes());
        bytes.extend(header.encode_to_vec());
        bytes.extend(sums);
        bytes.extend(data);
        self.stream.write_all(&bytes).await.unwrap();
    }

    pub async fn ack(&mut self) -> std::io::Result<(i64, Status)> {
        let ack: PipelineAckProto = self.message().await?;
        assert_eq!(ack.reply.len(), 1);
        assert_eq!(ack.flag, [ack.reply[0] as u32]);
        Ok((ack.seqno, ack.reply().next().unwrap()))
    }

    /// Sends one packet and waits until it is acknowledged.
    pub async fn send(&mut self, kind: Kind, offset: u64, data: &[u8], sync: bool) {
        let seqno = self.packet(offset, data, &kind.sums(data), false, sync).await;
        assert_eq!(self.ack().await.unwrap(), (seqno, Status::Success));
    }

    /// Sends the rest of a block in packets of 126 chunks, and the last packet.
    pub async fn stream(&mut self, kind: Kind, mut offset: u64, data: &[u8]) {
        let first = self.seqno;
        for piece in data.chunks(126 * kind.bytes_per) {
            self.packet(offset, piece, &kind.sums(piece), false, false).await;
            offset += piece.len() as u64;
        }
        self.packet(offset, &[], &[], true, false).await;
        for seqno in first..self.seqno {
            assert_eq!(self.ack().await.unwrap(), (seqno, Status::Success));
        }
    }

    /// Closes a block.
    pub async fn close(&mut self, len: u64) {
        self.stream(Kind::default(), len, &[]).await;
    }

    /// Reads a range, checks every checksum, and tells the gateway. The error is the gateway's refusal.
    pub async fn read_block(
        &mut self,
        block: BlockId,
        offset: u64,
        len: u64,
        sums: bool,
    ) -> Result<Got, (Status, String)> {
        let operation = OpReadBlockProto {
            header: Self::header(block, 0),
            offset,
            len,
            send_checksums: Some(sums),
            ..Default::default()
        };
        self.operation(81, &operation).await;
        let response: BlockOpResponseProto = self.message().await.unwrap();
        if response.status() != Status::Success {
            return Err((response.status(), response.message().to_owned()));
        }
        let info = response.read_op_checksum_info.unwrap();
        let kind = Kind { kind: info.checksum.r#type(), bytes_per: info.checksum.bytes_per_checksum as usize };
        assert_eq!(info.chunk_offset, offset - offset % kind.bytes_per as u64);
        let (mut data, mut bad_chunks) = (Vec::new(), 0);
        loop {
            let (header, packet_sums, bytes) =
                self.read_packet().await.map_err(|error| (Status::Error, error.to_string()))?;
            assert_eq!(header.offset_in_block as u64, info.chunk_offset + data.len() as u64);
            if header.last_packet_in_block {
                assert!(bytes.is_empty());
                break;
            }
            let expected = kind.sums(&bytes);
            assert_eq!(packet_sums.len(), expected.len());
            bad_chunks += packet_sums.chunks(4).zip(expected.chunks(4)).filter(|(sent, right)| sent != right).count();
            data.extend(bytes);
        }
        let status = if bad_chunks == 0 { Status::ChecksumOk } else { Status::ErrorChecksum };
        let verdict = ClientReadStatusProto { status: status.into() };
        self.stream.write_all(&verdict.encode_length_delimited_to_vec()).await.unwrap();
        let skip = (offset - info.chunk_offset) as usize;
        let data = data[skip..data.len().min(skip + len as usize)].to_vec();
        Ok(Got { data, bad_chunks, kind: kind.kind })
    }

    async fn read_packet(&mut self) -> std::io::Result<(PacketHeaderProto, Vec<u8>, Vec<u8>)> {
        let mut prefix = [0; 6];
        self.exact(&mut prefix).await?;
        let [a, b, c, d, e, f] = prefix;
        let mut header = vec![0; usize::from(u16::from_be_bytes([e, f]))];
        self.exact(&mut header).await?;
        let header = PacketHeaderProto::decode(&header[..]).unwrap();
        let mut sums = vec![0; u32::from_be_bytes([a, b, c, d]) as usize - 4 - header.data_len as usize];
        self.exact(&mut sums).await?;
        let mut data = vec![0; header.data_len as usize];
        self.exact(&mut data).await?;
        Ok((header, sums, data))
    }

    pub async fn checksum(&mut self, block: BlockId, len: u64, kind: BlockChecksumTypeProto) -> BlockOpResponseProto {
        let operation = OpBlockChecksumProto {
            header: Self::header(block, len).base_header,
            block_checksum_options: Some(BlockChecksumOptionsProto {
                block_checksum_type: Some(kind.into()),
                stripe_length: None,
            }),
        };
        self.operation(85, &operation).await;
        self.message().await.unwrap()
    }
}
