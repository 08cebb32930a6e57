//! Keeps the mirror of a kind up to date, by one watch on all of its nodes.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::{StreamExt, stream};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::inbox::{Inbox, Notes};
use super::layout::{self, Kind};
use super::mirror::{Found, Mirror, Read};
use super::protocol::{Request, Stat, code};
use super::session::{Answer, Session, State};
use super::wire::In;
use super::{ZooKeeperError, ZooKeeperOptions};
use crate::Change;
use crate::log::{Capacity, Log};

/// How many nodes are read at once; each may hold a megabyte.
const READS: usize = 128;
/// How often what changes while nodes are read is read again, before the state of no single moment is accepted.
const ROUNDS: usize = 100;

/// What is known of a kind, kept up to date by a follower.
pub(super) struct Kept<R> {
    pub(super) inbox: Arc<Inbox>,
    pub(super) mirror: Mutex<Mirror<R>>,
    /// Pushed to with the mirror locked.
    pub(super) log: Log<R>,
    pub(super) status: watch::Sender<Status>,
}

/// How up to date it is.
#[derive(Debug, Clone)]
pub(super) enum Status {
    /// Reading.
    Behind,
    /// Shows all transactions up to this one.
    Current(u64),
    /// ZooKeeper is away.
    Away(ZooKeeperError),
}

impl<R: Kind> Kept<R> {
    pub(super) fn new(options: &ZooKeeperOptions) -> Self {
        Self {
            inbox: Arc::new(Inbox::new(layout::directory::<R>(options))),
            mirror: Mutex::new(Mirror::new()),
            log: Log::new(Capacity { changes: options.history, bytes: options.history_bytes }, 0),
            status: watch::Sender::new(Status::Behind),
        }
    }

    fn set(&self, status: Status) {
        self.status.send_replace(status);
    }
}

/// Follows until it is dropped.
pub(super) async fn follow<R: Kind>(kept: Arc<Kept<R>>, session: Session, options: Arc<ZooKeeperOptions>) {
    let mut state = session.state();
    loop {
        let now = state.borrow_and_update().clone();
        match now {
            State::Connecting => {}
            State::Failing(error) => kept.set(Status::Away(error)),
            State::Connected(connection) => {
                let mut follower =
                    Follower { kept: &kept, session: &session, connection, staged: HashMap::new(), order: 0 };
                let error = follower.run(&options).await;
                if matches!(error, ZooKeeperError::Lost | ZooKeeperError::Expired) {
                    kept.set(Status::Behind);
                    // The session notices, too, unless it was only the directory that was lost.
                    continue;
                }
                tracing::debug!(kind = R::KIND, %error, "cannot follow the records");
                kept.set(Status::Away(error));
                tokio::time::sleep(options.retry_interval).await;
                continue;
            }
        }
        if state.changed().await.is_err() {
            kept.set(Status::Away(ZooKeeperError::Closed));
            return;
        }
    }
}

/// A follower on one connection.
struct Follower<'a, R> {
    kept: &'a Kept<R>,
    session: &'a Session,
    connection: u64,
    /// What was read and is not shown yet, and when.
    staged: HashMap<String, (u64, Read<R>)>,
    order: u64,
}

impl<R: Kind> Follower<'_, R> {
    async fn run(&mut self, options: &ZooKeeperOptions) -> ZooKeeperError {
        let ran = async {
            let revision = self.begin(options).await?;
            self.load(revision).await?;
            loop {
                self.kept.inbox.news().await;
                self.catch_up().await?;
            }
        };
        match ran.await {
            Ok(never) => never,
            Err(error) => error,
        }
    }

    async fn call(&self, request: Request) -> Result<Answer, ZooKeeperError> {
        self.session.call_on(self.connection, request).await
    }

    /// Asks about the directory, which somebody may have removed: then all begins anew.
    async fn ask(&self, request: fn(&str) -> Request) -> Result<Answer, ZooKeeperError> {
        match self.call(request(self.kept.inbox.directory())).await {
            Err(ZooKeeperError::Refused { code: code::NO_NODE, .. }) => Err(ZooKeeperError::Lost),
            answer => answer,
        }
    }

    /// Starts the watch, and notes all nodes as changed: the last transaction that made or removed one.
    async fn begin(&self, options: &ZooKeeperOptions) -> Result<u64, ZooKeeperError> {
        let inbox = &self.kept.inbox;
        let directory = inbox.directory();
        layout::ensure(self.session, directory, &options.acl).await?;
        inbox.begin(self.connection);
        match self.call(Request::add_watch(directory)).await {
            Err(ZooKeeperError::Refused { code: code::UNIMPLEMENTED, .. }) => return Err(ZooKeeperError::TooOld),
            answer => answer?,
        };
        // This member may be behind the one before.
        self.call(Request::sync(directory)).await?;
        let names = In(&self.ask(Request::get_children).await?.body).texts()?;
        names.iter().for_each(|name| inbox.note(name));
        // What is known and no longer there was removed.
        self.kept.mirror.lock().names().for_each(|name| inbox.note(name));
        self.children().await
    }

    /// The last transaction that made or removed a node.
    async fn children(&self) -> Result<u64, ZooKeeperError> {
        let answer = self.ask(Request::exists).await?;
        Ok(Stat::read(&mut In(&answer.body))?.children)
    }

    /// Shows the state of the first moment in which no node changed while the last were read.
    async fn load(&mut self, revision: u64) -> Result<(), ZooKeeperError> {
        let mut revision = revision;
        for round in 1.. {
            let names = match self.kept.inbox.take(self.connection) {
                Notes::Interrupted => return Err(ZooKeeperError::Lost),
                Notes::Changed(names, _) => names,
            };
            revision = revision.max(self.read(&names).await?);
            let settled = self.kept.inbox.settled(self.connection);
            if let Some(through) = settled.or((round == ROUNDS).then_some(revision)) {
                self.show(|_| true, true, Some(revision));
                self.kept.set(Status::Current(through));
                break;
            }
        }
        self.catch_up().await
    }

    /// Shows what has changed, until nothing has: the state of a moment in which nothing changed while nodes were read, as
    /// one change. What comes between, nobody could tell from what was overwritten meanwhile.
    async fn catch_up(&mut self) -> Result<(), ZooKeeperError> {
        let mut rounds = 0;
        loop {
            let (names, before) = match self.kept.inbox.take(self.connection) {
                Notes::Interrupted => return Err(ZooKeeperError::Lost),
                Notes::Changed(names, before) => (names, before),
            };
            if names.is_empty() && self.staged.is_empty() {
                self.kept.set(Status::Current(before));
                return Ok(());
            }
            self.read(&names).await?;
            rounds += 1;
            let shown = match self.kept.inbox.settled(self.connection) {
                Some(through) => {
                    self.show(|_| true, true, None);
                    through
                }
                None if rounds < ROUNDS => continue,
                // It never rests: what had happened when the reading began is shown, lest nothing ever is.
                None => {
                    self.show(|read| read.zxid <= before, false, None);
                    before
                }
            };
            rounds = 0;
            self.kept.set(Status::Current(shown));
        }
    }

    /// Reads the nodes with these names, and then the last transaction that made or removed one.
    async fn read(&mut self, names: &[String]) -> Result<u64, ZooKeeperError> {
        let reads = stream::iter(names.to_vec()).map(|name| self.node(name)).buffered(READS);
        let read: Vec<Result<Read<R>, ZooKeeperError>> = reads.collect().await;
        let children = self.children().await?;
        for read in read {
            let mut read = read?;
            if read.found == Found::Removed {
                read.zxid = children;
            }
            self.order += 1;
            self.staged.insert(read.name.clone(), (self.order, read));
        }
        let newest = self.staged.values().map(|(_, read)| read.zxid).max();
        Ok(children.max(newest.unwrap_or_default()))
    }

    async fn node(&self, name: String) -> Result<Read<R>, ZooKeeperError> {
        let path = format!("{}/{name}", self.kept.inbox.directory());
        let answer = match self.call(Request::get_data(&path)).await {
            Err(ZooKeeperError::Refused { code: code::NO_NODE, .. }) => {
                return Ok(Read { name, zxid: 0, found: Found::Removed });
            }
            answer => answer?,
        };
        let mut from = In(&answer.body);
        let data = from.bytes()?;
        let stat = Stat::read(&mut from)?;
        let found = match data {
            [] => Found::Empty,
            data => match layout::open::<R>(&name, data, &stat) {
                Ok(record) => Found::Record(Arc::new(record)),
                Err(reason) => Found::Broken(reason),
            },
        };
        Ok(Read { name, zxid: stat.modified, found })
    }

    /// Shows those of the staged nodes that are `ready`, `at_once` or revision by revision. After a reading of all nodes,
    /// `whole` is its revision.
    fn show(&mut self, ready: impl Fn(&Read<R>) -> bool, at_once: bool, whole: Option<u64>) {
        let mut read: Vec<_> = self.staged.extract_if(|_, (_, read)| ready(read)).map(|(_, staged)| staged).collect();
        read.sort_by_key(|(order, _)| *order);
        let read = read.into_iter().map(|(_, read)| read).collect();
        let log = &self.kept.log;
        let mut mirror = self.kept.mirror.lock();
        let first = !std::mem::replace(&mut mirror.loaded, true);
        let steps = mirror.apply(read, at_once);
        if let (true, Some(revision)) = (first, whole) {
            log.restart(revision);
            return;
        }
        for step in steps {
            // Nodes that came and went while nobody looked leave nothing to read but their revision.
            let revision = whole.unwrap_or(step.revision);
            // An ensemble that was set up anew counts anew.
            let forward = revision > log.newest();
            if forward && !step.damaged {
                let bytes = step.changes.iter().map(Change::bytes).sum();
                log.push(revision, step.changes.into(), bytes);
            } else {
                log.restart(revision);
            }
        }
    }
}
