//! ZooKeeper's protocol, as far as tests need a client that is not the one under test.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

const PATIENCE: Duration = Duration::from_secs(30);
const EXISTS: i32 = 3;
const SYNC: i32 = 9;
const CLOSE: i32 = -11;
const NO_NODE: i32 = -101;

/// A connection of a session.
pub(super) struct Raw(TcpStream);

impl Raw {
    /// Takes a session up; one with id 0 is new.
    pub(super) fn connect(address: SocketAddr, id: i64, password: [u8; 16]) -> Result<Self> {
        let mut raw = Self(TcpStream::connect(address)?);
        raw.0.set_read_timeout(Some(PATIENCE))?;
        // Version 0, no transaction seen, ten seconds, the session, not read-only.
        let mut greeting = vec![0; 12];
        greeting.extend_from_slice(&10_000i32.to_be_bytes());
        greeting.extend_from_slice(&id.to_be_bytes());
        greeting.extend_from_slice(&16i32.to_be_bytes());
        greeting.extend_from_slice(&password);
        greeting.push(0);
        raw.send(&greeting)?;
        let answer = raw.receive().context("greeting the server")?;
        ensure!(answer.get(4..8).is_some_and(|timeout| timeout != [0; 4]), "the session is not known");
        Ok(raw)
    }

    /// Brings the member to what the leader has committed.
    pub(super) fn sync(&mut self, path: &str) -> Result<()> {
        let (code, _) = self.ask(SYNC, path, &[])?;
        ensure!(code == 0, "sync: {code}");
        Ok(())
    }

    /// How often the data of a node was written, its making included; 0: there is none.
    pub(super) fn data_version(&mut self, path: &str) -> Result<u32> {
        match self.ask(EXISTS, path, &[0])? {
            (0, body) => {
                // After two transactions and two times.
                let version = body.get(32..36).context("a short answer")?;
                Ok(u32::from_be_bytes(version.try_into()?) + 1)
            }
            (NO_NODE, _) => Ok(0),
            (code, _) => bail!("{path}: {code}"),
        }
    }

    /// Ends the session.
    pub(super) fn close(mut self) -> Result<()> {
        self.send(&[1i32.to_be_bytes(), CLOSE.to_be_bytes()].concat())?;
        // The server ends the connection, with or without an answer.
        match self.0.read_to_end(&mut Vec::new()) {
            Err(error) if error.kind() != ErrorKind::ConnectionReset => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// The error code and the body of the answer.
    fn ask(&mut self, op: i32, path: &str, rest: &[u8]) -> Result<(i32, Vec<u8>)> {
        let length = i32::try_from(path.len())?.to_be_bytes();
        self.send(&[&1i32.to_be_bytes()[..], &op.to_be_bytes(), &length, path.as_bytes(), rest].concat())?;
        let answer = self.receive()?;
        // After the number of the request and a transaction.
        let code = answer.get(12..16).context("a short answer")?;
        Ok((i32::from_be_bytes(code.try_into()?), answer[16..].to_vec()))
    }

    fn send(&mut self, message: &[u8]) -> Result<()> {
        let length = u32::try_from(message.len())?.to_be_bytes();
        Ok(self.0.write_all(&[&length[..], message].concat())?)
    }

    fn receive(&mut self) -> Result<Vec<u8>> {
        let mut length = [0; 4];
        self.0.read_exact(&mut length)?;
        let mut frame = vec![0; u32::from_be_bytes(length) as usize];
        self.0.read_exact(&mut frame)?;
        Ok(frame)
    }
}
