//! Seeded runs on an ensemble whose members are killed, stopped and parted. Many share what happens to the ensemble; each
//! has records, connections and faults of its own.

mod disaster;
mod proof;
mod workload;

use std::collections::BTreeSet;
use std::time::Duration;

use anabranch_testkit::volume::Volume;
use anabranch_testkit::zookeeper::Links;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use tokio_util::sync::CancellationToken;

use super::*;
use disaster::{DISASTERS, Disaster};
use workload::Workload;

pub(crate) use proof::the_oracle_complains;

/// So many runs share what happens to the ensemble.
const TOGETHER: u64 = 20;
/// Disasters during a run. A turn is all of the table, each once.
const EACH: usize = 2;
const TURN: usize = DISASTERS.len() / EACH;
const _: () = assert!(DISASTERS.len().is_multiple_of(EACH));
/// What the member with a volume of its own may keep.
const MEGABYTES: u32 = 128;

/// `SEEDS=200` is ten times 20 runs, `SEED=n` that one alone.
pub(crate) fn nothing_acknowledged_is_lost(_: &Site) {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds: Vec<u64> = match number("SEED") {
        Some(seed) => vec![seed],
        None => (0..number("SEEDS").unwrap_or(TOGETHER)).collect(),
    };
    block_on(async {
        let mut ensemble = Ensemble::start().await;
        let (mut rounds, mut met) = (0, BTreeSet::new());
        for seeds in seeds.chunk_by(|a, b| a / TOGETHER == b / TOGETHER) {
            met.extend(ensemble.round(seeds).await);
            rounds += 1;
        }
        assert!(rounds < TURN || met.len() == DISASTERS.len(), "in {rounds} rounds there were only {met:?}");
    });
}

/// An ensemble whose members can be parted.
struct Ensemble {
    servers: ZooKeeper,
    links: Links,
    /// Where the first member keeps its data; `None` where no volume may be mounted.
    volume: Option<Volume>,
    _scratch: Scratch,
}

/// The disasters of a round.
fn disasters(round: u64) -> Vec<Disaster> {
    let round = usize::try_from(round).expect("a small number");
    let mut turn = DISASTERS;
    turn.shuffle(&mut SmallRng::seed_from_u64((round / TURN) as u64));
    turn[EACH * (round % TURN)..][..EACH].to_vec()
}

impl Ensemble {
    async fn start() -> Self {
        let scratch = Scratch::new("zookeeper-ensemble").expect("a directory");
        let links = Links::start(3).await.expect("proxies");
        let volume = Volume::mount(MEGABYTES).expect("a directory");
        if let Some(volume) = &volume {
            std::os::unix::fs::symlink(volume.path(), scratch.path().join("zookeeper-0")).expect("a link");
        }
        let jars = Jars::get().and_then(|jars| jars.with_zookeeper("3.9")).expect("jars");
        let servers = ZooKeeper::start(&jars, scratch.path(), &Plan::linked(&links)).expect("an ensemble");
        Self { servers, links, volume, _scratch: scratch }
    }

    /// Runs with these seeds while disasters happen that depend on the first of them: which.
    #[allow(clippy::print_stdout, reason = "says what happened, and how much was done meanwhile")]
    async fn round(&mut self, seeds: &[u64]) -> Vec<&'static str> {
        let round = seeds[0] / TOGETHER;
        let start = std::time::Instant::now();
        let mut random = SmallRng::seed_from_u64(round);
        let stop = CancellationToken::new();
        let members: Vec<_> = (0..3).map(|member| self.servers.address(member)).collect();
        let runs: Vec<_> = seeds.iter().map(|seed| Workload::new(*seed, members.clone())).collect();
        let runs: Vec<_> = runs.into_iter().map(|run| (run.seed, tokio::spawn(run.run(stop.clone())))).collect();
        let (mut timeline, disasters) = (Vec::new(), disasters(round));
        for Disaster { name, happen } in &disasters {
            tokio::time::sleep(Duration::from_millis(random.random_range(200..600))).await;
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
        assert!(wrong.is_empty(), "{}\nwhat happened:\n{}", wrong.join("\n"), timeline.join("\n"));
        disasters.iter().map(|disaster| disaster.name).collect()
    }
}
