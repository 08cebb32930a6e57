//! One call after the other on one connection: for what is done before and after a measurement.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use thiserror::Error;

use crate::op::Step;
use crate::rpc::{ReplyError, Requests, take_reply};

const TIMEOUT: Duration = Duration::from_secs(60);

/// A call failed.
#[derive(Debug, Error)]
pub enum SessionError {
    /// The connection broke, or the server took longer than a minute.
    #[error("{address}: {source}")]
    Io {
        /// The server.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The server sent what is no reply.
    #[error("{address}: {source}")]
    Reply {
        /// The server.
        address: SocketAddr,
        /// Why.
        source: ReplyError,
    },
    /// The server refused the call, or answered it with what is no success.
    #[error("{method} of {path} at {address}: {reason}")]
    Refused {
        /// The server.
        address: SocketAddr,
        /// The method.
        method: &'static str,
        /// Its path.
        path: String,
        /// Java exception class, or what is wrong with the answer.
        reason: String,
    },
}

/// A connection of one user.
pub struct Session {
    address: SocketAddr,
    stream: TcpStream,
    requests: Requests,
    output: Vec<u8>,
    input: Vec<u8>,
    next_id: i32,
}

impl Session {
    /// Connects.
    pub fn open(address: SocketAddr, user: &str) -> Result<Self, SessionError> {
        let stream = connect(address).map_err(|source| SessionError::Io { address, source })?;
        let mut requests = Requests::new(rand::random());
        let mut output = Vec::new();
        requests.open(&mut output, user);
        Ok(Self { address, stream, requests, output, input: Vec::new(), next_id: 0 })
    }

    /// Makes a call and checks its answer.
    pub fn call(&mut self, step: &Step, path: &str) -> Result<(), SessionError> {
        let mut body = Vec::new();
        (step.request)(&mut body, path, path);
        self.requests.call(&mut self.output, self.next_id, step.method, &body);
        self.next_id += 1;
        let address = self.address;
        let fault = self.exchange(step)?;
        let method = step.method;
        match fault {
            None => Ok(()),
            Some(reason) => Err(SessionError::Refused { address, method, path: path.to_owned(), reason }),
        }
    }

    /// Sends what waits; gives what is wrong with the answer.
    fn exchange(&mut self, step: &Step) -> Result<Option<String>, SessionError> {
        let address = self.address;
        let io = |source| SessionError::Io { address, source };
        self.stream.write_all(&self.output).map_err(io)?;
        self.output.clear();
        let mut buffer = [0; 4096];
        loop {
            let mut rest = &self.input[..];
            if let Some(reply) = take_reply(&mut rest).map_err(|source| SessionError::Reply { address, source })? {
                let fault = reply.result.map_or_else(Some, |body| step.answer.fault(body, body.len()));
                let fault = fault.map(str::to_owned);
                self.input.drain(..self.input.len() - rest.len());
                return Ok(fault);
            }
            match self.stream.read(&mut buffer).map_err(io)? {
                0 => return Err(io(std::io::ErrorKind::UnexpectedEof.into())),
                length => self.input.extend_from_slice(&buffer[..length]),
            }
        }
    }
}

fn connect(address: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    Ok(stream)
}
