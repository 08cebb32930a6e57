//! Reports of routers that serve what the store holds.

use std::sync::Arc;
use std::time::Duration;

use anabranch_federation::MountEntry;
use anabranch_hdfs_proto::hdfs::RouterRecordProto;
use anabranch_store::{Event, Reader, RouterState, StateStore, Version, Writer};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

/// How often a router says what it serves; real ones do so every five seconds, and at once when that is news.
const PAUSE: Duration = Duration::from_millis(500);

/// Routers that follow a store as real ones do, as far as the operator can tell. They end when dropped.
pub struct Routers {
    held: Vec<watch::Sender<bool>>,
    _tasks: JoinSet<()>,
}

impl Routers {
    /// So many of them.
    pub fn start(store: Arc<dyn StateStore>, count: usize) -> Self {
        let (mut tasks, mut held) = (JoinSet::new(), Vec::new());
        for number in 0..count {
            let (sender, receiver) = watch::channel(false);
            tasks.spawn(report(store.clone(), format!("router-{number}:8888"), receiver));
            held.push(sender);
        }
        Self { held, _tasks: tasks }
    }

    /// One of them stays behind, or catches up.
    pub fn hold(&self, number: usize, held: bool) {
        self.held[number].send_replace(held);
    }
}

async fn report(store: Arc<dyn StateStore>, address: String, held: watch::Receiver<bool>) {
    let mut mounts = Reader::<MountEntry>::watch(&*store, None);
    let (mut known, mut served, mut version, mut said) = (None, None, Version::ABSENT, None);
    loop {
        if !*held.borrow() {
            served = known;
        }
        let message = RouterRecordProto {
            address: Some(address.clone()),
            status: Some("RUNNING".to_owned()),
            ..RouterRecordProto::default()
        };
        let state = RouterState::new(message).unwrap().serving(served);
        // Once in five seconds even without news: the operator takes who is silent for dead.
        let due = said.is_none_or(|(told, at): (_, Instant)| told != served || at.elapsed() > Duration::from_secs(5));
        if due && let Ok(written) = Writer::<RouterState>::put(&*store, state, version).await {
            (version, said) = (written, Some((served, Instant::now())));
        }
        let next = Instant::now() + PAUSE;
        while let Ok(event) = timeout_at(next, mounts.next()).await {
            match event {
                Ok(Event::Snapshot(snapshot)) => known = Some(snapshot.revision),
                Ok(Event::Changed { revision, .. }) => known = Some(revision),
                Ok(Event::FellBehind) => {}
                // It is away: this is tried again.
                Err(_) => tokio::time::sleep_until(next).await,
            }
        }
    }
}
