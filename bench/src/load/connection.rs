//! One connection of a load.

use std::time::{Duration, Instant};

use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Phase, Run};
use crate::lane::{Lane, Progress};
use crate::rpc::{Reply, ReplyError, Requests, take_reply};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
const READ_BUFFER: usize = 64 << 10;

/// A connection ended early.
#[derive(Debug, Error)]
pub(super) enum ConnectionError {
    #[error("no connection in {CONNECT_TIMEOUT:?}")]
    ConnectTimeout,
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("closed by the server")]
    Closed,
    #[error("refused by the server: {0}")]
    Refused(String),
    #[error("an answer to a call that was never made")]
    Unasked,
    #[error(transparent)]
    Reply(#[from] ReplyError),
}

/// A lane and when its operation began.
struct Running {
    lane: Lane,
    since: Instant,
}

/// Keeps the lanes of connection `index` busy until the run wants no more; `answered` is called after each reply.
pub(super) async fn drive(run: &Run, index: usize, mut answered: impl FnMut()) -> Result<(), ConnectionError> {
    let load = &run.load;
    let mut wire = Wire::open(run, index).await?;
    let mut lanes: Vec<_> = (0..load.shape.pipelined)
        .map(|lane| Running { lane: Lane::new(load.op, load.lane_base(index, lane)), since: Instant::now() })
        .collect();
    let mut busy = 0;
    for (number, running) in lanes.iter().enumerate() {
        if run.begin_operation() {
            wire.send(number, &running.lane);
            busy += 1;
        }
    }
    while busy > 0 {
        wire.exchange().await?;
        // Replies of one read arrived together.
        let now = Instant::now();
        let input = std::mem::take(&mut wire.input);
        let mut rest = &input[..];
        while let Some(Reply { call_id, result }) = take_reply(&mut rest)? {
            let number = match (usize::try_from(call_id), result) {
                (Ok(id), _) => id % lanes.len(),
                (Err(_), Err(class)) => return Err(ConnectionError::Refused(class.to_owned())),
                (Err(_), Ok(_)) => return Err(ConnectionError::Unasked),
            };
            answered();
            let running = &mut lanes[number];
            if run.advance(running, result, now) {
                wire.send(number, &running.lane);
            } else {
                busy -= 1;
            }
        }
        let consumed = input.len() - rest.len();
        wire.input = input;
        wire.input.drain(..consumed);
    }
    run.stay(load.op.repeats).await;
    Ok(())
}

impl Run {
    /// Takes an answer of a lane; tells whether the lane has another call to make.
    fn advance(&self, running: &mut Running, result: Result<&[u8], &str>, now: Instant) -> bool {
        let progress = running.lane.answer(result);
        if progress == Progress::More {
            return true;
        }
        let since = std::mem::replace(&mut running.since, now);
        if progress == Progress::Ready {
            return true;
        }
        if self.phase.get() == Phase::Measure {
            match progress {
                Progress::Failed(reason) => self.fail(reason),
                _ => {
                    let mut tally = self.tally.borrow_mut();
                    tally.latency.record((now - since).as_nanos() as u64);
                    tally.answer_bytes += result.map_or(0, <[u8]>::len) as u64;
                }
            }
        }
        self.load.op.repeats && self.begin_operation()
    }

    /// Holds an idle connection open until the end.
    async fn stay(&self, repeats: bool) {
        while !repeats && self.phase.get() != Phase::Stop {
            self.phase_changed.notified().await;
        }
    }
}

/// The bytes of one connection. Requests collect until [`Wire::exchange`] and leave together.
struct Wire {
    stream: TcpStream,
    requests: Requests,
    input: Vec<u8>,
    output: Vec<u8>,
    body: Vec<u8>,
    sent: i32,
    lanes: i32,
}

impl Wire {
    async fn open(run: &Run, index: usize) -> Result<Self, ConnectionError> {
        let connect = timeout(CONNECT_TIMEOUT, TcpStream::connect(run.load.address));
        let stream = connect.await.map_err(|_| ConnectionError::ConnectTimeout)??;
        stream.set_nodelay(true)?;
        let mut requests = Requests::new(rand::random());
        let mut output = Vec::new();
        requests.open(&mut output, &run.load.user_of(index));
        let input = Vec::with_capacity(READ_BUFFER);
        let lanes = run.load.shape.pipelined as i32;
        Ok(Self { stream, requests, input, output, body: Vec::new(), sent: 0, lanes })
    }

    /// The lane is the call id modulo their number, so no map is needed. Ids start again after 2^31 calls, long after
    /// servers forgot the first.
    fn send(&mut self, number: usize, lane: &Lane) {
        let method = lane.request(&mut self.body);
        let round = self.sent % (i32::MAX / self.lanes);
        self.sent = round + 1;
        self.requests.call(&mut self.output, round * self.lanes + number as i32, method, &self.body);
    }

    /// Writes what waits and reads what is there, at least one byte.
    async fn exchange(&mut self) -> Result<(), ConnectionError> {
        if !self.output.is_empty() {
            self.stream.write_all(&self.output).await?;
            self.output.clear();
        }
        self.input.reserve(READ_BUFFER / 2);
        match self.stream.read_buf(&mut self.input).await? {
            0 => Err(ConnectionError::Closed),
            _ => Ok(()),
        }
    }
}
