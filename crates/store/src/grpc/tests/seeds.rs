//! Writers and watchers behind a network that fails at random, and servers that are replaced, with an oracle that knows
//! what was acknowledged. `SEEDS=300` runs more.

use anabranch_testkit::fault_proxy::{Fault, FaultProxy, Way};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::*;
use crate::Reader;
use crate::suite::oracle;

const WRITERS: u64 = 3;
const FAULTS: u32 = 25;

async fn run(seed: u64) {
    let mut random = SmallRng::seed_from_u64(seed);
    let store = JournalStore::new(
        MemoryJournal::default(),
        &Options { history: random.random_range(4..64), ..Options::default() },
    );
    let mut served = Served::start(store.clone()).await;
    let proxy = FaultProxy::start(served.address).await.unwrap();
    let short = Duration::from_millis(300);
    let options = ClientOptions {
        connect: short,
        call: short,
        keep_alive: short,
        ..ClientOptions::new([proxy.address().to_string()])
    };
    let client = || Arc::new(GrpcStore::new(&options).unwrap());
    let (done, ends) = tokio::sync::watch::channel(None);
    let watchers: Vec<_> = (0..3).map(|_| tokio::spawn(oracle::watcher(client(), ends.clone()))).collect();
    let stopped = CancellationToken::new();
    let writers = (0..WRITERS).map(|n| {
        let stopped = stopped.clone();
        tokio::spawn(oracle::writer(client(), format!("/w{n}"), move |tag| tag == 0 || !stopped.is_cancelled()))
    });
    let writers: Vec<_> = writers.collect();

    for _ in 0..FAULTS {
        tokio::time::sleep(Duration::from_millis(random.random_range(1..25))).await;
        let bytes = random.random_range(0..3000);
        match random.random_range(0..9) {
            0 | 1 => proxy.heal(),
            2 => proxy.cut(),
            3 => proxy.set(Way::Replies, Fault::CutAfter(bytes)),
            4 => proxy.set(Way::Requests, Fault::CutAfter(bytes)),
            5 => proxy.set(Way::Replies, Fault::Withhold),
            6 => proxy.set(Way::Requests, Fault::Withhold),
            7 => proxy.set(Way::Replies, Fault::Delay(Duration::from_millis(random.random_range(0..20)))),
            _ => {
                let next = Served::start(store.clone()).await;
                proxy.retarget(next.address);
                // The old one is stopped as by a deployment, or dies.
                if random.random_bool(0.5) {
                    served.stop.cancel();
                }
                served = next;
                proxy.cut();
            }
        }
    }
    proxy.heal();
    stopped.cancel();
    let (mut last, mut made) = (0, 0);
    for (n, writer) in (0..WRITERS).zip(writers) {
        let known = writer.await.unwrap();
        assert!(known.tag > 0, "writer {n} got to work");
        (last, made) = (last.max(known.version.0), made + known.tag);
    }
    // Every revision is one change of one writer: none was lost, none was made twice.
    let list = Reader::<MountEntry>::list(&store).await.unwrap();
    let stored: u64 = list.records.iter().map(|stored| stored.record.tag()).sum();
    assert_eq!((list.revision, last, stored), (made, made, made));
    done.send_replace(Some(last));
    for watcher in watchers {
        let tags = tokio::time::timeout(PATIENCE, watcher).await.expect("the end").unwrap();
        assert_eq!(tags.values().sum::<u64>(), made);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_made_twice_or_missed() {
    let seeds = std::env::var("SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(5);
    for seed in 0..seeds {
        eprintln!("seed {seed}");
        tokio::time::timeout(Duration::from_secs(120), run(seed)).await.unwrap_or_else(|_| panic!("seed {seed} hangs"));
    }
}
