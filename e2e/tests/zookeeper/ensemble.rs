//! Seeded runs on an ensemble whose members are killed, stopped and parted. Many share what happens to the ensemble; each
//! has records, connections and faults of its own.

mod disaster;
mod proof;
mod workload;

use std::time::Duration;

use anabranch_testkit::zookeeper::Links;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use tokio_util::sync::CancellationToken;

use super::*;
use disaster::{DISASTERS, Disaster};
use workload::Workload;

pub(crate) use proof::the_oracle_complains;

/// So many runs share what happens to the ensemble.
const TOGETHER: u64 = 25;
/// Disasters during a run: one of the table in turn, then one that the seed chooses.
const EACH: usize = 2;
/// How often a round is run when the ensemble's members come to differ, as those of 3.8 may (ZOOKEEPER-4712, 4785): it is
/// the ensemble that has lost something then, and no client can tell what.
const ATTEMPTS: u32 = 3;

/// `SEEDS=250` is ten times 25 runs, `SEED=n` that one alone.
pub(crate) fn nothing_acknowledged_is_lost(_: &Site) {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds: Vec<u64> = match number("SEED") {
        Some(seed) => vec![seed],
        None => (0..number("SEEDS").unwrap_or(TOGETHER)).collect(),
    };
    block_on(async {
        let mut ensemble = Ensemble::start().await;
        for seeds in seeds.chunk_by(|a, b| a / TOGETHER == b / TOGETHER) {
            let mut attempts = 1;
            while !ensemble.round(seeds).await {
                attempts += 1;
                assert!(attempts <= ATTEMPTS, "the members came to differ {ATTEMPTS} times");
                ensemble = Ensemble::start().await;
            }
        }
    });
}

/// An ensemble whose members can be parted.
struct Ensemble {
    servers: ZooKeeper,
    links: Links,
    _scratch: Scratch,
}

impl Ensemble {
    async fn start() -> Self {
        let scratch = Scratch::new("zookeeper-ensemble").expect("a directory");
        let links = Links::start(3).await.expect("proxies");
        let jars = Jars::get().expect("jars");
        let servers = ZooKeeper::start(&jars, scratch.path(), &Plan::linked(&links)).expect("an ensemble");
        Self { servers, links, _scratch: scratch }
    }

    /// Whether all members have the same in these nodes.
    fn agrees(&self, nodes: &[String]) -> bool {
        let counts = |member| ZooKeeper::writes(self.servers.address(member), nodes).expect("an answer");
        (1..3).all(|member| counts(member) == counts(0))
    }

    /// Runs with these seeds while disasters happen that depend on the first of them. False when that tells nothing, because
    /// the members came to differ from each other.
    #[allow(clippy::print_stdout, reason = "says what happened, and how much was done meanwhile")]
    async fn round(&mut self, seeds: &[u64]) -> bool {
        let round = seeds[0] / TOGETHER;
        let start = std::time::Instant::now();
        let mut random = SmallRng::seed_from_u64(round);
        let stop = CancellationToken::new();
        let members: Vec<_> = (0..3).map(|member| self.servers.address(member)).collect();
        let runs: Vec<_> = seeds.iter().map(|seed| Workload::new(*seed, members.clone())).collect();
        let nodes: Vec<_> = runs.iter().flat_map(Workload::nodes).collect();
        let runs = runs.into_iter();
        let runs: Vec<_> = runs.map(|run| (run.seed, tokio::spawn(run.run(stop.clone())))).collect();
        let mut timeline = Vec::new();
        for n in 0..EACH {
            let in_turn = usize::try_from(round).unwrap_or_default() % DISASTERS.len();
            let next = if n == 0 { in_turn } else { random.random_range(0..DISASTERS.len()) };
            tokio::time::sleep(Duration::from_millis(random.random_range(200..600))).await;
            let Disaster { name, happen } = DISASTERS[next];
            let since = start.elapsed();
            let what = happen(self, &mut random).await;
            let until = start.elapsed();
            self.servers.wait().expect("an ensemble that serves");
            timeline.push(format!("{since:.1?} to {until:.1?}: {name}, {what}; served at {:.1?}", start.elapsed()));
        }
        stop.cancel();
        let (mut changes, mut events, mut wrong) = (0, 0, Vec::new());
        for (seed, run) in runs {
            match run.await.expect("a run") {
                Ok(done) => (changes, events) = (changes + done.changes, events + done.events),
                Err(evidence) => wrong.push(format!("SEED={seed}: {evidence}")),
            }
        }
        let (first, last) = (seeds[0], seeds[seeds.len() - 1]);
        println!("seeds {first} to {last}, {:.1?}: {changes} changes, {events} events", start.elapsed());
        println!("    {}", timeline.join("\n    "));
        if !wrong.is_empty() && !self.agrees(&nodes) {
            println!("    the members of the ensemble have come to differ from each other; once more, with a new one");
            return false;
        }
        assert!(wrong.is_empty(), "{}\nwhat happened:\n{}", wrong.join("\n"), timeline.join("\n"));
        true
    }
}
