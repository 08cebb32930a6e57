//! A TCP proxy that does what a network does at its worst.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the client to the server.
    Requests,
    /// From the server to the client.
    Replies,
}

/// What happens to the bytes of one way, on every connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fault {
    /// They pass.
    #[default]
    None,
    /// What was read together passes this much later.
    Delay(Duration),
    /// They are kept until another fault is set, and lost if the connection is cut before.
    Withhold,
    /// They are lost, while the connection stays open.
    Drop,
    /// So many bytes pass, of all connections together, then the connection that had the last of them is cut. Happens
    /// once.
    CutAfter(u64),
}

/// A proxy in front of one server, healthy until it is told otherwise. It ends, with all its connections, when dropped.
pub struct FaultProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    state: watch::Sender<State>,
    counts: watch::Sender<Counts>,
    /// See [`FaultProxy::introduce`].
    names: watch::Sender<Option<(String, String)>>,
}

#[derive(Debug, Clone, Copy)]
struct State {
    target: SocketAddr,
    refuses: bool,
    /// Connections of earlier generations are cut.
    generation: u64,
    requests: Fault,
    replies: Fault,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    passed: [u64; 2],
    stopped: [u64; 2],
    connections: u64,
}

impl State {
    fn fault(&mut self, way: Way) -> &mut Fault {
        match way {
            Way::Requests => &mut self.requests,
            Way::Replies => &mut self.replies,
        }
    }
}

impl FaultProxy {
    /// Starts a proxy in front of `target`, on a port of its own. Must be called within a tokio runtime.
    pub async fn start(target: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let state =
            State { target, refuses: false, generation: 0, requests: Fault::default(), replies: Fault::default() };
        let (state, counts, names) = (watch::Sender::new(state), watch::Sender::default(), watch::Sender::default());
        let shared = Arc::new(Shared { state, counts, names });
        let accepting = tokio::spawn(accept(listener, shared.clone()));
        Ok(Self { address, shared, accepting })
    }

    /// Where clients connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets what happens to the bytes of one way from now on. What was withheld until now passes, unless the new fault
    /// holds it, too.
    pub fn set(&self, way: Way, fault: Fault) {
        self.shared.state.send_modify(|state| *state.fault(way) = fault);
    }

    /// Cuts all connections; new ones are accepted.
    pub fn cut(&self) {
        self.shared.state.send_modify(|state| state.generation += 1);
    }

    /// Whether new connections are closed at once. Open ones stay.
    pub fn refuse(&self, refuses: bool) {
        self.shared.state.send_modify(|state| state.refuses = refuses);
    }

    /// Sends new connections to another server. Open ones stay.
    pub fn retarget(&self, target: SocketAddr) {
        self.shared.state.send_modify(|state| state.target = target);
    }

    /// For peers that tell each other where they are: `from` in the first bytes of a connection becomes `to`, which must be
    /// as long, so that who is told calls back through another proxy.
    pub fn introduce(&self, from: &str, to: &str) {
        assert_eq!(from.len(), to.len(), "the message must stay as long as it is");
        self.shared.names.send_replace(Some((from.to_owned(), to.to_owned())));
    }

    /// From now on everything passes.
    pub fn heal(&self) {
        self.shared.state.send_modify(|state| {
            (state.refuses, state.requests, state.replies) = (false, Fault::None, Fault::None);
        });
    }

    /// How many bytes have passed one way.
    pub fn passed(&self, way: Way) -> u64 {
        self.shared.counts.borrow().passed[way as usize]
    }

    /// How many bytes were withheld or dropped one way so far.
    pub fn stopped(&self, way: Way) -> u64 {
        self.shared.counts.borrow().stopped[way as usize]
    }

    /// How many connections were made so far.
    pub fn connections(&self) -> u64 {
        self.shared.counts.borrow().connections
    }

    /// Waits until more than `than` bytes were withheld or dropped one way: with replies withheld, until the server has
    /// answered.
    pub async fn stopped_more(&self, way: Way, than: u64) {
        let mut counts = self.shared.counts.subscribe();
        // The sender lives as long as this proxy, so this cannot fail.
        let _ = counts.wait_for(|counts| counts.stopped[way as usize] > than).await;
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        let state = *shared.state.borrow();
        if !state.refuses {
            tokio::spawn(connection(client, state, shared.clone()));
        }
    }
}

async fn connection(client: TcpStream, state: State, shared: Arc<Shared>) {
    let mut states = shared.state.subscribe();
    // A server that is away looks like a connection that is closed at once.
    let Ok(server) = TcpStream::connect(state.target).await else { return };
    shared.counts.send_modify(|counts| counts.connections += 1);
    // Both fail on broken connections only, and that shows soon enough.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let requests = pump(Way::Requests, from_client, to_server, &shared, state.generation);
    let replies = pump(Way::Replies, from_server, to_client, &shared, state.generation);
    tokio::select! {
        _ = async { tokio::try_join!(requests, replies) } => {}
        _ = states.wait_for(|now| now.generation != state.generation) => {}
    }
}

/// Why a connection is over.
struct Over;

impl From<std::io::Error> for Over {
    fn from(_: std::io::Error) -> Self {
        Self
    }
}

async fn pump(
    way: Way,
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    shared: &Shared,
    generation: u64,
) -> Result<(), Over> {
    let mut buffer = vec![0; 64 << 10];
    let mut names = shared.names.borrow().clone().filter(|_| way == Way::Requests);
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return Ok(to.shutdown().await?);
        }
        if let Some((from, to)) = names.take()
            && let Some(at) = buffer[..read].windows(from.len()).position(|text| text == from.as_bytes())
        {
            buffer[at..at + to.len()].copy_from_slice(to.as_bytes());
        }
        let Passing { bytes, cut } = pass(way, read, shared, generation).await;
        to.write_all(&buffer[..bytes]).await?;
        shared.counts.send_modify(|counts| counts.passed[way as usize] += bytes as u64);
        if cut {
            return Err(Over);
        }
    }
}

/// How much of what was read passes, and whether the connection is cut then.
struct Passing {
    bytes: usize,
    cut: bool,
}

async fn pass(way: Way, read: usize, shared: &Shared, generation: u64) -> Passing {
    let mut states = shared.state.subscribe();
    let stopped = || shared.counts.send_modify(|counts| counts.stopped[way as usize] += read as u64);
    let mut withheld = false;
    loop {
        let mut state = *states.borrow_and_update();
        if state.generation != generation {
            // What was withheld until the cut is lost, even if all was healed since.
            return Passing { bytes: 0, cut: true };
        }
        match *state.fault(way) {
            Fault::None => return Passing { bytes: read, cut: false },
            Fault::Delay(time) => {
                tokio::time::sleep(time).await;
                return Passing { bytes: read, cut: false };
            }
            Fault::Drop => {
                stopped();
                return Passing { bytes: 0, cut: false };
            }
            Fault::Withhold => {
                if !std::mem::replace(&mut withheld, true) {
                    stopped();
                }
                // Fails when the proxy is gone, and the connection with it.
                let _ = states.changed().await;
            }
            Fault::CutAfter(_) => return take(way, read, shared),
        }
    }
}

/// Takes from what may still pass before the cut.
fn take(way: Way, read: usize, shared: &Shared) -> Passing {
    let mut passing = Passing { bytes: read, cut: false };
    shared.state.send_modify(|state| {
        let fault = state.fault(way);
        if let Fault::CutAfter(left) = *fault {
            passing.bytes = usize::try_from(left).map_or(read, |left| left.min(read));
            passing.cut = left <= read as u64;
            *fault = if passing.cut { Fault::None } else { Fault::CutAfter(left - read as u64) };
        }
    });
    passing
}

#[cfg(test)]
mod tests;
