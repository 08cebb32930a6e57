//! The state store in an existing ZooKeeper ensemble: the `zookeeper` driver. Java routers (`StateStoreZooKeeperImpl`) and
//! ours can use one store, at the same time.
//!
//! The records of a kind are nodes below one node, base64 of the messages. A record's [`Version`] is the transaction that
//! wrote it, and so is a [`Revision`]. All changes of a write are one transaction, with what the writer expects as its
//! condition. Reads and watches are answered from a mirror, one for each kind and store, which a follower keeps up to
//! date: a persistent recursive watch names the nodes that change (ZooKeeper 3.6 or later), and these are read, in the
//! order of the one session. Of several transactions in quick succession watchers may see what came of them as one change.
//!
//! A node without data is being written by a Java router, which makes the node first: it is no record yet. A node that
//! cannot be read is named in snapshots, and left as it is.

use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};

use anabranch_federation::MountEntry;
use futures_util::{StreamExt, stream};
use tokio::sync::watch as channel;
use tokio::task::AbortHandle;

use crate::record::DecodeError;
use crate::{
    Answer, DisabledNameservice, Event, MAX_CHANGES, Membership, Reader, Refusal, Revision, RouterState, Snapshot,
    StoreError, Version, Watch, Write, Writer,
};

mod connect;
mod error;
mod follower;
mod inbox;
mod kerberos;
mod layout;
mod mirror;
mod options;
mod protocol;
mod sasl;
mod session;
mod watch;
mod wire;
mod write;

pub use error::ZooKeeperError;
pub use options::{Acl, Auth, Kerberos, Sasl, Tls, ZooKeeperOptions};

use follower::{Kept, Status};
use layout::Kind;
use protocol::Request;
use session::{Identity, Session};

/// How many requests of one call are on their way at once.
const PIPELINED: usize = 128;

/// A store in a ZooKeeper ensemble. A clone is the same store; its session ends with the last.
#[derive(Clone)]
pub struct ZooKeeperStore {
    inner: Arc<Inner>,
}

struct Inner {
    session: Session,
    /// For whoever wants to end the session from outside.
    identity: channel::Receiver<Identity>,
    options: Arc<ZooKeeperOptions>,
    mounts: Side<MountEntry>,
    memberships: Side<Membership>,
    routers: Side<RouterState>,
    disabled: Side<DisabledNameservice>,
}

/// One kind, and its follower when somebody has asked for the kind.
struct Side<R> {
    kept: Arc<Kept<R>>,
    follower: OnceLock<AbortHandle>,
}

/// A kind that the store holds.
trait Held: Kind {
    fn side(inner: &Inner) -> &Side<Self>;
}

impl Held for MountEntry {
    fn side(inner: &Inner) -> &Side<Self> {
        &inner.mounts
    }
}

impl Held for Membership {
    fn side(inner: &Inner) -> &Side<Self> {
        &inner.memberships
    }
}

impl Held for RouterState {
    fn side(inner: &Inner) -> &Side<Self> {
        &inner.routers
    }
}

impl Held for DisabledNameservice {
    fn side(inner: &Inner) -> &Side<Self> {
        &inner.disabled
    }
}

impl<R: Kind> Side<R> {
    fn new(options: &ZooKeeperOptions) -> Self {
        Self { kept: Arc::new(Kept::new(options)), follower: OnceLock::new() }
    }
}

impl<R> Drop for Side<R> {
    fn drop(&mut self) {
        if let Some(follower) = self.follower.get() {
            follower.abort();
        }
    }
}

impl ZooKeeperStore {
    /// Opens the store. The connection is made in the background: an ensemble that is away shows when the store is used.
    ///
    /// Must be called within a tokio runtime: the work is done by tasks of it.
    ///
    /// # Errors
    /// When certificates cannot be read, or Kerberos is asked for and its library is missing.
    pub fn open(options: ZooKeeperOptions) -> Result<Self, ZooKeeperError> {
        let (mounts, memberships) = (Side::new(&options), Side::new(&options));
        let (routers, disabled) = (Side::new(&options), Side::new(&options));
        let inboxes = vec![
            Side::<MountEntry>::inbox(&mounts),
            Side::<Membership>::inbox(&memberships),
            Side::<RouterState>::inbox(&routers),
            Side::<DisabledNameservice>::inbox(&disabled),
        ];
        let (session, identity) = Session::start(options.clone(), inboxes)?;
        let options = Arc::new(options);
        let inner = Inner { session, identity, options, mounts, memberships, routers, disabled };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Id and password of the session with the ensemble, zeros before there is one: whoever knows them can end it.
    pub fn session(&self) -> (i64, [u8; 16]) {
        let identity = *self.inner.identity.borrow();
        (identity.id, identity.password)
    }
}

impl<R> Side<R> {
    fn inbox(&self) -> Arc<inbox::Inbox> {
        self.kept.inbox.clone()
    }
}

impl Inner {
    /// What is known of a kind, followed from now on.
    fn follow<R: Held>(&self) -> &Kept<R> {
        let side = R::side(self);
        side.follower.get_or_init(|| {
            let follow = follower::follow(side.kept.clone(), self.session.clone(), self.options.clone());
            tokio::spawn(follow).abort_handle()
        });
        &side.kept
    }

    /// Waits until the mirror shows all that was done before, by whomever.
    async fn barrier<R>(&self, kept: &Kept<R>) -> Result<(), ZooKeeperError> {
        let answer = self.session.call(Request::sync(kept.inbox.directory())).await?;
        kept.inbox.poke();
        self.reached(kept, answer.zxid).await
    }

    /// Waits until the mirror shows a transaction; not for ever.
    async fn reached<R>(&self, kept: &Kept<R>, zxid: u64) -> Result<(), ZooKeeperError> {
        let mut status = kept.status.subscribe();
        let late = || ZooKeeperError::Unavailable("the records cannot be read in time".to_owned());
        let settled = |status: &Status| match status {
            Status::Behind => false,
            Status::Current(through) => *through >= zxid,
            Status::Away(error) => error.stays(),
        };
        let reached = tokio::time::timeout(self.options.session_timeout, status.wait_for(settled)).await;
        let found = reached.ok().and_then(|found| found.ok().map(|status| status.clone()));
        match found.unwrap_or_else(|| kept.status.borrow().clone()) {
            Status::Current(through) if through >= zxid => Ok(()),
            Status::Away(error) => Err(error),
            Status::Behind | Status::Current(_) => Err(late()),
        }
    }
}

impl<R: Held> Reader<R> for ZooKeeperStore {
    fn list(&self) -> Answer<'_, Snapshot<R>> {
        Box::pin(async move {
            let kept = self.inner.follow::<R>();
            self.inner.barrier(kept).await?;
            let mirror = kept.mirror.lock();
            Ok(mirror.snapshot(kept.log.newest()))
        })
    }

    fn watch(&self, from: Option<Revision>) -> Box<dyn Watch<R>> {
        Box::new(watch::ZooKeeperWatch::new(self.inner.clone(), from))
    }
}

impl<R: Held> Writer<R> for ZooKeeperStore {
    fn write(&self, changes: Vec<Write<R>>) -> Answer<'_, Vec<Result<Version, Refusal>>> {
        let inner = self.inner.clone();
        Box::pin(async move {
            if changes.len() > MAX_CHANGES {
                return Err(StoreError::TooManyChanges(changes.len()));
            }
            // A task of its own: a caller that gives up must not leave a write judged but not made.
            tokio::spawn(write::write(inner, changes)).await?
        })
    }
}
