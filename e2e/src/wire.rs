//! Hadoop RPC byte by byte, for what a proper client never sends.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use anabranch_hdfs_proto::common::{
    IpcConnectionContextProto, RequestHeaderProto, RpcRequestHeaderProto, RpcResponseHeaderProto, UserInformationProto,
};
use anabranch_hdfs_proto::hdfs::GetFileInfoRequestProto;
use bytes::{Bytes, BytesMut};
use prost::Message;
use socket2::{Domain, Socket, Type};

/// The protocol that a router serves.
pub const CLIENT_PROTOCOL: &str = "org.apache.hadoop.hdfs.protocol.ClientProtocol";

/// `hrpc`, version 9, service class 0, no authentication.
pub const PREAMBLE: [u8; 7] = *b"hrpc\x09\x00\x00";

/// Call id of the connection context.
pub const CONTEXT: i32 = -3;

/// How long an answer may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection that sends what it is told.
pub struct Raw(TcpStream);

/// An answer: its header, and what follows it.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The header.
    pub header: RpcResponseHeaderProto,
    /// The rest of the frame.
    pub body: Bytes,
}

impl Raw {
    /// Connects.
    pub fn connect(address: SocketAddr) -> io::Result<Self> {
        Self::over(TcpStream::connect_timeout(&address, PATIENCE)?)
    }

    /// Connects from an address of this machine.
    pub fn connect_from(from: IpAddr, to: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(to), Type::STREAM, None)?;
        socket.bind(&SocketAddr::new(from, 0).into())?;
        socket.connect_timeout(&to.into(), PATIENCE)?;
        Self::over(socket.into())
    }

    fn over(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self(stream))
    }

    /// Connects and does the handshake as `user`.
    pub fn ready(address: SocketAddr, user: &str) -> io::Result<Self> {
        let mut raw = Self::connect(address)?;
        raw.send(&PREAMBLE)?;
        raw.send(&context(user, None, CLIENT_PROTOCOL))?;
        Ok(raw)
    }

    /// Where it connects from.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// Sends bytes. The peer may have closed already: then reading tells.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    /// The next answer; none when the server closed the connection.
    pub fn answer(&mut self) -> io::Result<Option<Answer>> {
        let mut length = [0; 4];
        match self.0.read_exact(&mut length) {
            Ok(()) => {}
            Err(e) if matches!(e.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) => {
                return Ok(None);
            }
            Err(e) => return Err(e),
        }
        let mut frame = vec![0; u32::from_be_bytes(length) as usize];
        self.0.read_exact(&mut frame)?;
        let mut frame = Bytes::from(frame);
        let header = RpcResponseHeaderProto::decode_length_delimited(&mut frame)?;
        Ok(Some(Answer { header, body: frame }))
    }

    /// All bytes until the server closes.
    pub fn read_to_end(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.0.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// One getFileInfo and its answer.
    pub fn stat(&mut self, path: &str, call_id: i32) -> io::Result<Option<Answer>> {
        let request = GetFileInfoRequestProto { src: path.to_owned() };
        self.send(&call(call_id, "getFileInfo", CLIENT_PROTOCOL, 1, &request.encode_length_delimited_to_vec()))?;
        self.answer()
    }
}

/// A frame around parts that bring their own lengths.
pub fn frame(parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut frame = u32::try_from(length).expect("a small frame").to_be_bytes().to_vec();
    parts.iter().for_each(|part| frame.extend_from_slice(part));
    frame
}

/// A request header as any client sends it.
pub fn header(call_id: i32) -> RpcRequestHeaderProto {
    RpcRequestHeaderProto {
        rpc_kind: Some(2),
        rpc_op: Some(0),
        call_id,
        client_id: Bytes::from_static(b"0123456789abcdef"),
        retry_count: Some(0),
        ..Default::default()
    }
}

/// The frame of a connection context.
pub fn context(user: &str, real: Option<&str>, protocol: &str) -> Vec<u8> {
    let user_info = UserInformationProto { effective_user: Some(user.to_owned()), real_user: real.map(str::to_owned) };
    let context = IpcConnectionContextProto { user_info: Some(user_info), protocol: Some(protocol.to_owned()) };
    frame(&[&header(CONTEXT).encode_length_delimited_to_vec(), &context.encode_length_delimited_to_vec()])
}

/// The frame of a call with a parameter message that brings its length.
pub fn call(call_id: i32, method: &str, protocol: &str, version: u64, parameter: &[u8]) -> Vec<u8> {
    call_with(&header(call_id), method, protocol, version, parameter)
}

/// The same with a header of one's own.
pub fn call_with(
    header: &RpcRequestHeaderProto,
    method: &str,
    protocol: &str,
    version: u64,
    parameter: &[u8],
) -> Vec<u8> {
    let request = RequestHeaderProto {
        method_name: method.to_owned(),
        declaring_class_protocol_name: protocol.to_owned(),
        client_protocol_version: version,
    };
    frame(&[&header.encode_length_delimited_to_vec(), &request.encode_length_delimited_to_vec(), parameter])
}

/// The getFileInfo frame of a proper client.
pub fn stat_call(path: &str, call_id: i32) -> Vec<u8> {
    let mut parameter = BytesMut::new();
    let request = GetFileInfoRequestProto { src: path.to_owned() };
    request.encode_length_delimited(&mut parameter).expect("a growing buffer");
    call(call_id, "getFileInfo", CLIENT_PROTOCOL, 1, &parameter)
}
