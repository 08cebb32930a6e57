//! One run: writers and watchers of records that are theirs alone, over connections that fail as the seed says.

use std::net::SocketAddr;
use std::sync::Arc;

use anabranch_federation::MountEntry;
use anabranch_store::suite::history::{History, Observed, Seen, observe, write};
use anabranch_store::{Reader, Records, Snapshot};
use anabranch_testkit::fault_proxy::{Fault, FaultProxy, Way};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::*;

/// After the last fault, everything comes to an end within this.
const PATIENCE: Duration = Duration::from_secs(60);
/// Each has two records, which are often written at once.
const WRITERS: usize = 3;

/// What a run needs to know.
pub(super) struct Workload {
    pub(super) seed: u64,
    pub(super) members: Vec<SocketAddr>,
    pub(super) root: String,
    /// What a store is given to the writers as; for tests that break one on purpose.
    pub(super) writer: Given<dyn Records<MountEntry>>,
    /// The same for watchers.
    pub(super) watcher: Given<dyn Reader<MountEntry>>,
    /// After the last fault, everything comes to an end within this.
    pub(super) patience: Duration,
}

/// A store as others are given it.
pub(super) type Given<S> = Box<dyn Fn(ZooKeeperStore) -> Arc<S> + Send + Sync>;

/// How much was done.
pub(super) struct Done {
    pub(super) changes: usize,
    pub(super) events: usize,
}

/// Connections to each member, of one client.
struct Net(Vec<FaultProxy>);

impl Workload {
    pub(super) fn new(seed: u64, members: Vec<SocketAddr>) -> Self {
        let root = format!("/seed-{seed}");
        let (writer, watcher) = (Box::new(|store| Arc::new(store) as _), Box::new(|store| Arc::new(store) as _));
        Self { seed, members, root, writer, watcher, patience: PATIENCE }
    }

    /// Options of a client of these servers; trouble is noticed soon.
    fn options(&self, members: &[SocketAddr], random: &mut SmallRng) -> ZooKeeperOptions {
        let members: Vec<_> = members.iter().map(ToString::to_string).collect();
        let mut options = ZooKeeperOptions::new(&format!("{}{}", members.join(","), self.root)).expect("options");
        options.session_timeout = Duration::from_millis(random.random_range(1000..3000));
        options.retry_interval = Duration::from_millis(50);
        options.history = random.random_range(4..64);
        options
    }

    /// Runs until it is stopped; then what is wrong, if anything is.
    pub(super) async fn run(self, stop: CancellationToken) -> Result<Done, String> {
        let mut random = SmallRng::seed_from_u64(self.seed);
        let mut proxies = Vec::new();
        for member in &self.members {
            proxies.push(FaultProxy::start(*member).await.expect("a proxy"));
        }
        let net = Net(proxies);
        let far: Vec<_> = net.0.iter().map(FaultProxy::address).collect();
        // Two clients over connections that fail, and one beside them.
        let stores: Vec<_> = [&far, &far, &self.members]
            .map(|members| ZooKeeperStore::open(self.options(members, &mut random)).expect("a store"))
            .into();
        let (done, ends) = tokio::sync::watch::channel(None);
        let watchers = stores.iter().map(|store| tokio::spawn(observe((self.watcher)(store.clone()), ends.clone())));
        let watchers: Vec<JoinHandle<Vec<Seen>>> = watchers.collect();
        let writers: Vec<JoinHandle<Observed<History>>> = (0..WRITERS)
            .map(|n| {
                let (store, stop) = ((self.writer)(stores[n % stores.len()].clone()), stop.clone());
                let keys = keys(n).into();
                let random = SmallRng::from_rng(&mut random);
                tokio::spawn(write(store, keys, random, move || !stop.is_cancelled()))
            })
            .collect();
        while timeout(net.pause(&mut random), stop.cancelled()).await.is_err() {
            net.fail(&mut random).await;
        }
        net.heal();

        let mut history = History::default();
        for writer in writers {
            let writer = timeout(self.patience, writer).await.map_err(|_| "a writer does not come to its end")?;
            let Observed { found, verdict } = writer.expect("a writer");
            verdict?;
            history.merge(found);
        }
        let fresh = ZooKeeperStore::open(self.options(&self.members, &mut random)).expect("a store");
        history.judge_end(&list(&fresh).await?)?;
        self.count(&history).await?;
        done.send_replace(Some(history.last()));
        let mut events = 0;
        for (n, watcher) in watchers.into_iter().enumerate() {
            let seen =
                timeout(self.patience, watcher).await.map_err(|_| format!("watcher {n} does not come to its end"))?;
            let seen = seen.expect("a watcher");
            events += seen.len();
            history.judge(&seen).map_err(|wrong| format!("watcher {n}: {wrong}"))?;
        }
        Ok(Done { changes: history.made.values().map(Vec::len).sum(), events })
    }

    /// Asks the server how often it wrote each node: as often as the history says, or one was applied twice.
    async fn count(&self, history: &History) -> Result<(), String> {
        let (keys, expected): (Vec<_>, Vec<_>) = history.writes().into_iter().unzip();
        let nodes: Vec<_> = keys.iter().map(|key| node(&self.root, key)).collect();
        let (member, nodes) = (self.members[0], Arc::new(nodes));
        let answers = async {
            loop {
                let nodes = nodes.clone();
                let found = tokio::task::spawn_blocking(move || ZooKeeper::writes(member, &nodes)).await;
                // A member that has just come back ends its connections when it finds another leader.
                match found.expect("a task") {
                    Ok(found) => return found,
                    Err(_) => sleep(Duration::from_millis(20)).await,
                }
            }
        };
        let found = timeout(self.patience, answers).await.map_err(|_| "the writes cannot be counted")?;
        if found == expected {
            return Ok(());
        }
        Err(format!("{keys:?} were written {found:?} times, made was {expected:?}"))
    }
}

/// The records of a writer.
fn keys(writer: usize) -> [String; 2] {
    [format!("/w{writer}"), format!("/w{writer}/below")]
}

fn node(root: &str, key: &str) -> String {
    format!("{root}/hdfs-federation/MountTable/{}", key.replace('/', "0SLASH0"))
}

/// What is stored, as soon as it can be read.
async fn list(store: &ZooKeeperStore) -> Result<Snapshot<MountEntry>, String> {
    let answers = async {
        loop {
            if let Ok(list) = Reader::<MountEntry>::list(store).await {
                return list;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, answers).await.map_err(|_| "the records cannot be read".to_owned())
}

impl Net {
    fn all(&self, act: impl Fn(&FaultProxy)) {
        self.0.iter().for_each(act);
    }

    fn heal(&self) {
        self.all(FaultProxy::heal);
    }

    fn pause(&self, random: &mut SmallRng) -> Duration {
        Duration::from_millis(random.random_range(10..400))
    }

    /// One fault; some last until the next.
    async fn fail(&self, random: &mut SmallRng) {
        let bytes = random.random_range(0..3000);
        let one = &self.0[random.random_range(0..self.0.len())];
        match random.random_range(0..10) {
            0..=2 => self.heal(),
            3 => self.all(FaultProxy::cut),
            4 => self.all(|proxy| proxy.set(Way::Replies, Fault::CutAfter(bytes))),
            5 => self.all(|proxy| proxy.set(Way::Requests, Fault::CutAfter(bytes))),
            6 => {
                let late = Fault::Delay(Duration::from_millis(random.random_range(0..30)));
                self.all(|proxy| proxy.set(Way::Replies, late));
            }
            7 => {
                one.refuse(true);
                one.cut();
            }
            8 => self.lose_replies().await,
            _ => self.expire(random).await,
        }
    }

    /// Requests arrive and are carried out, and the connections are cut before the replies.
    async fn lose_replies(&self) {
        let before: Vec<_> = self.0.iter().map(|proxy| proxy.stopped(Way::Replies)).collect();
        self.all(|proxy| proxy.set(Way::Replies, Fault::Withhold));
        let answered =
            self.0.iter().zip(before).map(|(proxy, before)| Box::pin(proxy.stopped_more(Way::Replies, before)));
        // Nobody may be asking.
        let _ = timeout(Duration::from_millis(500), futures_util::future::select_all(answered)).await;
        self.all(FaultProxy::cut);
        self.heal();
    }

    /// Pings are withheld until the server gives the session up, or nearly so.
    async fn expire(&self, random: &mut SmallRng) {
        self.all(|proxy| proxy.set(Way::Requests, Fault::Withhold));
        sleep(Duration::from_millis(random.random_range(800..3500))).await;
        self.heal();
    }
}
