//! The task of a session: connects, writes requests, hands out answers and events, and connects again.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;

use super::*;
use crate::zookeeper::connect::{Connected, Dialer, Input};
use crate::zookeeper::protocol::{Happened, code};
use crate::zookeeper::wire::{In, Out};

/// How many requests wait for their answers.
const IN_FLIGHT: usize = 1000;
/// How many bytes wait to be written before more requests are taken.
const OUTPUT: usize = 1 << 20;
/// How many connections may end soon after another before the next one has to wait.
const SHORT: u32 = 3;
const EVENT: i32 = -1;
const PING: i32 = -2;
const OP_PING: i32 = 11;
const OP_CLOSE: i32 = -11;

pub(super) struct Server {
    dialer: Dialer,
    queue: mpsc::Receiver<Call>,
    inboxes: Vec<Arc<Inbox>>,
    state: watch::Sender<State>,
    identity: watch::Sender<Identity>,
    connections: u64,
    /// How many connections in a row ended soon.
    short: u32,
}

/// Why a connection is over.
enum End {
    /// No handle is left.
    Closed,
    Broken(ZooKeeperError),
}

impl From<ZooKeeperError> for End {
    fn from(error: ZooKeeperError) -> Self {
        Self::Broken(error)
    }
}

impl From<std::io::Error> for End {
    fn from(error: std::io::Error) -> Self {
        Self::Broken(error.into())
    }
}

/// A request that was written, or is about to be.
struct Sent {
    xid: i32,
    path: String,
    answer: oneshot::Sender<Result<Answer, ZooKeeperError>>,
}

impl Server {
    pub(super) fn new(
        dialer: Dialer,
        queue: mpsc::Receiver<Call>,
        inboxes: Vec<Arc<Inbox>>,
        state: watch::Sender<State>,
        identity: watch::Sender<Identity>,
    ) -> Self {
        Self { dialer, queue, inboxes, state, identity, connections: 0, short: 0 }
    }

    pub(super) async fn run(mut self) {
        while !self.queue.is_closed() {
            match self.dialer.connect().await {
                Ok(connected) => {
                    self.connections += 1;
                    self.identity.send_replace(self.dialer.identity());
                    self.inboxes.iter().for_each(|inbox| inbox.connected(self.connections));
                    self.state.send_replace(State::Connected(self.connections));
                    let start = Instant::now();
                    let end = self.serve(connected).await;
                    self.dialer.lost_contact();
                    self.inboxes.iter().for_each(|inbox| inbox.lost());
                    match end {
                        End::Closed => return,
                        End::Broken(error) => {
                            tracing::info!(%error, "lost a connection to ZooKeeper; looking for another server");
                            self.state.send_replace(State::Connecting);
                        }
                    }
                    let soon = start.elapsed() < self.dialer.retry_interval();
                    self.short = if soon { self.short + 1 } else { 0 };
                    if self.short > SHORT {
                        tokio::time::sleep(self.dialer.retry_interval()).await;
                    }
                }
                Err(error) => {
                    // They were not sent. Who waits any longer may wait for ever.
                    while let Ok(call) = self.queue.try_recv() {
                        let _ = call.answer.send(Err(error.clone()));
                    }
                    self.state.send_replace(State::Failing(error));
                    tokio::time::sleep(self.dialer.retry_interval()).await;
                }
            }
        }
    }

    async fn serve(&mut self, connected: Connected) -> End {
        let Connected { stream, input, timeout } = connected;
        let (reader, writer) = tokio::io::split(stream);
        let mut connection = Connection {
            input,
            output: Vec::new(),
            unflushed: false,
            sent: VecDeque::new(),
            next_xid: 1,
            number: self.connections,
            last_written: Instant::now(),
            last_read: Instant::now(),
            timeout,
        };
        let end = self.exchange(&mut connection, reader, writer).await;
        // Nobody knows whether they were carried out, so they are not sent again; but a server that demands to know who
        // asks has carried out none.
        let why = match &end {
            End::Broken(error @ ZooKeeperError::Authentication(_)) => error.clone(),
            _ => ZooKeeperError::Lost,
        };
        for sent in connection.sent {
            let _ = sent.answer.send(Err(why.clone()));
        }
        end
    }

    async fn exchange(
        &mut self,
        connection: &mut Connection,
        mut reader: impl AsyncRead + Unpin,
        mut writer: impl AsyncWrite + Unpin,
    ) -> End {
        loop {
            let room = connection.sent.len() < IN_FLIGHT && connection.output.len() < OUTPUT;
            let writes = !connection.output.is_empty() || connection.unflushed;
            let deadline = connection.next_deadline();
            let ended = tokio::select! {
                call = self.queue.recv(), if room => match call {
                    Some(call) => connection.push(call),
                    None => {
                        connection.close();
                        // A server that does not get it gives the session up by itself, later.
                        let _ = tokio::time::timeout(connection.timeout / 3, async {
                            writer.write_all(&connection.output).await?;
                            writer.flush().await
                        }).await;
                        return End::Closed;
                    }
                },
                read = reader.read_buf(&mut connection.input.0) => match read {
                    Ok(0) => Err(ZooKeeperError::Lost.into()),
                    Ok(_) => connection.received(&self.inboxes, &mut self.dialer),
                    Err(error) => Err(error.into()),
                },
                written = write_some(&mut writer, &connection.output), if writes => match written {
                    Ok(count) => connection.wrote(count),
                    Err(error) => Err(error.into()),
                },
                () = tokio::time::sleep_until(deadline) => connection.tick(),
            };
            if let Err(end) = ended {
                return end;
            }
        }
    }
}

/// Writes what it can: how much; or flushes when there is nothing to write.
async fn write_some(writer: &mut (impl AsyncWrite + Unpin), output: &[u8]) -> std::io::Result<Option<usize>> {
    if output.is_empty() {
        return writer.flush().await.map(|()| None);
    }
    writer.write(output).await.map(Some)
}

/// What a connection is about to write, waits for, and has read.
struct Connection {
    input: Input,
    output: Vec<u8>,
    unflushed: bool,
    sent: VecDeque<Sent>,
    next_xid: i32,
    number: u64,
    last_written: Instant,
    last_read: Instant,
    /// After how long without contact the server gives the session up.
    timeout: Duration,
}

impl Connection {
    fn push(&mut self, call: Call) -> Result<(), End> {
        let Call { request, connection, answer } = call;
        if connection.is_some_and(|number| number != self.number) {
            let _ = answer.send(Err(ZooKeeperError::Lost));
            return Ok(());
        }
        let xid = self.next_xid;
        self.next_xid = self.next_xid.checked_add(1).unwrap_or(1);
        self.frame(xid, request.op, &request.body);
        self.sent.push_back(Sent { xid, path: request.path, answer });
        Ok(())
    }

    fn close(&mut self) {
        self.frame(self.next_xid, OP_CLOSE, &[]);
    }

    fn frame(&mut self, xid: i32, op: i32, body: &[u8]) {
        let mut out = Out(std::mem::take(&mut self.output));
        // Far below i32::MAX: what is larger than a server takes was refused before.
        out.int(i32::try_from(body.len() + 8).unwrap_or(i32::MAX)).int(xid).int(op);
        out.0.extend_from_slice(body);
        self.output = out.0;
    }

    fn wrote(&mut self, count: Option<usize>) -> Result<(), End> {
        self.unflushed = count.is_some();
        match count {
            Some(0) => return Err(ZooKeeperError::Lost.into()),
            Some(count) => {
                self.output.drain(..count);
                self.last_written = Instant::now();
            }
            None => {}
        }
        Ok(())
    }

    fn received(&mut self, inboxes: &[Arc<Inbox>], dialer: &mut Dialer) -> Result<(), End> {
        self.last_read = Instant::now();
        while let Some(frame) = self.input.frame()? {
            let mut from = In(&frame);
            let (xid, zxid, error) = (from.int()?, from.long()?, from.int()?);
            match xid {
                EVENT => {
                    let happened = Happened::read(from.0)?;
                    inboxes.iter().for_each(|inbox| inbox.happened(&happened));
                }
                PING => {}
                _ => {
                    let zxid = u64::try_from(zxid).unwrap_or_default();
                    dialer.saw(zxid);
                    inboxes.iter().for_each(|inbox| inbox.arrived(zxid));
                    // Answers come in the order of the requests.
                    let sent = self.sent.pop_front().filter(|sent| sent.xid == xid);
                    let Sent { path, answer, .. } = sent.ok_or(ZooKeeperError::Malformed)?;
                    let (result, end) = match error {
                        0 => (Ok(Answer { zxid, body: from.0.to_vec() }), None),
                        code::AUTH_FAILED | code::MUST_AUTHENTICATE => {
                            let error = ZooKeeperError::Authentication("the server demands SASL".to_owned());
                            (Err(error.clone()), Some(error))
                        }
                        code::SESSION_EXPIRED | code::SESSION_MOVED => {
                            (Err(ZooKeeperError::Expired), Some(ZooKeeperError::Expired))
                        }
                        code => (Err(ZooKeeperError::Refused { code, path }), None),
                    };
                    // Whoever asked may have given up.
                    let _ = answer.send(result);
                    if let Some(error) = end {
                        return Err(error.into());
                    }
                }
            }
        }
        Ok(())
    }

    /// A third of the timeout after the last write a ping is due, and after two thirds without a word from the server
    /// there is still time to find another.
    fn next_deadline(&self) -> Instant {
        (self.last_written + self.timeout / 3).min(self.last_read + self.timeout * 2 / 3)
    }

    fn tick(&mut self) -> Result<(), End> {
        if self.last_read.elapsed() >= self.timeout * 2 / 3 {
            return Err(ZooKeeperError::Unavailable("the server does not answer any more".to_owned()).into());
        }
        if self.last_written.elapsed() >= self.timeout / 3 {
            self.frame(PING, OP_PING, &[]);
            self.last_written = Instant::now();
        }
        Ok(())
    }
}
