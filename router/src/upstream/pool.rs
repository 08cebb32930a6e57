//! Connections to one NameNode, shared by all calls of a user.

use std::future::Future;
use std::sync::Arc;

use anabranch_hrpc::{Connection, Identity};
use hashbrown::{Equivalent, HashMap};
use parking_lot::{Mutex, RwLock};
use smallvec::SmallVec;
use tokio::sync::watch;
use tokio::time::Instant;

use super::trouble::Trouble;

/// How many users come and go between two looks for those without connections.
const SWEEP_EVERY: usize = 64;

/// Connections by user and protocol.
pub(super) struct Pool {
    slots: RwLock<HashMap<Key, Arc<Slot>>>,
    max_users: usize,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    identity: Identity,
    protocol: &'static str,
}

/// The open connections of one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connected {
    /// Whose.
    pub identity: Identity,
    /// The protocol's name.
    pub protocol: &'static str,
    /// How many.
    pub open: usize,
    /// How many of them have calls in flight.
    pub active: usize,
    /// Whether one more is being opened.
    pub opening: bool,
}

/// A key that borrows, so that a look-up clones nothing. Hashes as [`Key`] does.
#[derive(Hash)]
struct KeyRef<'a> {
    identity: &'a Identity,
    protocol: &'static str,
}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        *self.identity == key.identity && self.protocol == key.protocol
    }
}

/// What came of opening a connection: nothing yet, or the end with its error.
type Opened = Option<Result<(), Trouble>>;

/// The connections of one user.
#[derive(Default)]
struct Slot(Mutex<Connections>);

#[derive(Default)]
struct Connections {
    live: SmallVec<[Connection; 1]>,
    /// The one attempt under way to open another; all that need it wait for it.
    opening: Option<watch::Receiver<Opened>>,
}

impl Slot {
    fn get(&self, others: usize) -> Option<Connection> {
        let mut connections = self.0.lock();
        connections.live.retain(|connection| !connection.is_closed());
        connections.live.get(others).cloned()
    }

    fn is_idle(&self) -> bool {
        let connections = self.0.lock();
        connections.opening.is_none() && connections.live.iter().all(Connection::is_closed)
    }
}

impl Pool {
    pub(super) fn new(max_users: usize) -> Self {
        Self { slots: RwLock::default(), max_users }
    }

    /// An open connection, if there are more than `others`.
    pub(super) fn get(&self, identity: &Identity, protocol: &'static str, others: usize) -> Option<Connection> {
        self.slots.read().get(&KeyRef { identity, protocol })?.get(others)
    }

    /// The same, opening one where there is none. Many calls that need it wait for one attempt; no lock is held
    /// meanwhile, and the attempt goes on when the call that began it is forgotten.
    pub(super) async fn open<F>(
        &self,
        identity: &Identity,
        protocol: &'static str,
        others: usize,
        deadline: Instant,
        open: impl FnOnce() -> F,
    ) -> Result<Connection, Trouble>
    where
        F: Future<Output = Result<Connection, Trouble>> + Send + 'static,
    {
        let slot = self.slot(identity, protocol)?;
        let mut opened = {
            let mut connections = slot.0.lock();
            match &connections.opening {
                Some(opening) => opening.clone(),
                None => {
                    let (sender, receiver) = watch::channel(None);
                    connections.opening = Some(receiver.clone());
                    tokio::spawn(finish(slot.clone(), open(), sender));
                    receiver
                }
            }
        };
        let ended = match tokio::time::timeout_at(deadline, opened.wait_for(Option::is_some)).await {
            Err(_) => return Err(Trouble::TimedOut),
            Ok(Ok(ended)) => ended.clone(),
            Ok(Err(_)) => None,
        };
        match ended {
            Some(Err(trouble)) => Err(trouble),
            Some(Ok(())) | None => {
                slot.get(others).ok_or_else(|| Trouble::NotSent("the connection closed at once".to_owned()))
            }
        }
    }

    /// What is open now.
    pub(super) fn users(&self) -> Vec<Connected> {
        let slots = self.slots.read();
        let users = slots.iter().map(|(key, slot)| {
            let connections = slot.0.lock();
            let open = || connections.live.iter().filter(|connection| !connection.is_closed());
            Connected {
                identity: key.identity.clone(),
                protocol: key.protocol,
                open: open().count(),
                active: open().filter(|connection| connection.in_flight() > 0).count(),
                opening: connections.opening.is_some(),
            }
        });
        users.filter(|user| user.open > 0 || user.opening).collect()
    }

    fn slot(&self, identity: &Identity, protocol: &'static str) -> Result<Arc<Slot>, Trouble> {
        if let Some(slot) = self.slots.read().get(&KeyRef { identity, protocol }) {
            return Ok(slot.clone());
        }
        let mut slots = self.slots.write();
        if slots.len() % SWEEP_EVERY == SWEEP_EVERY - 1 || slots.len() >= self.max_users {
            slots.retain(|_, slot| !slot.is_idle());
        }
        if slots.len() >= self.max_users {
            let reason = format!("{} users have connections already, the most that are allowed", slots.len());
            return Err(Trouble::NotSent(reason));
        }
        let key = Key { identity: identity.clone(), protocol };
        Ok(slots.entry(key).or_default().clone())
    }
}

async fn finish<F>(slot: Arc<Slot>, open: F, done: watch::Sender<Opened>)
where
    F: Future<Output = Result<Connection, Trouble>>,
{
    let result = open.await;
    let ended = {
        let mut connections = slot.0.lock();
        connections.opening = None;
        result.map(|connection| connections.live.push(connection))
    };
    done.send_replace(Some(ended));
}
