//! What happens to an ensemble.

use std::pin::Pin;

use tokio::time::sleep;

use super::*;

/// One thing that may happen, and its end.
#[derive(Clone, Copy)]
pub(super) struct Disaster {
    pub(super) name: &'static str,
    /// Lets it happen and ends it again; tells to whom.
    pub(super) happen: for<'a> fn(&'a mut Ensemble, &'a mut SmallRng) -> Happening<'a>,
}

type Happening<'a> = Pin<Box<dyn Future<Output = String> + 'a>>;

pub(super) const DISASTERS: [Disaster; 10] = [
    Disaster { name: "the leader is killed", happen: |on, random| Box::pin(kill(on, random, true)) },
    Disaster { name: "the leader is parted from the others", happen: |on, random| Box::pin(isolate(on, random, true)) },
    Disaster { name: "a follower is killed", happen: |on, random| Box::pin(kill(on, random, false)) },
    Disaster { name: "a follower is parted", happen: |on, random| Box::pin(isolate(on, random, false)) },
    Disaster { name: "the leader stands still", happen: |on, random| Box::pin(pause(on, random, true)) },
    Disaster { name: "all are parted", happen: |on, random| Box::pin(part(on, random)) },
    Disaster { name: "the leader is not heard", happen: |on, random| Box::pin(mute(on, random)) },
    Disaster { name: "a follower stands still", happen: |on, random| Box::pin(pause(on, random, false)) },
    Disaster { name: "all connections between members break", happen: |on, random| Box::pin(cut(on, random)) },
    Disaster { name: "a member's disk is full", happen: |on, random| Box::pin(fill(on, random)) },
];

/// Longer than members wait for each other, now and then.
async fn last(random: &mut SmallRng) {
    sleep(Duration::from_millis(random.random_range(300..2500))).await;
}

fn choose(on: &Ensemble, random: &mut SmallRng, leader: bool) -> usize {
    let leads = on.servers.leader().unwrap_or_default();
    if leader { leads } else { (leads + random.random_range(1..3)) % 3 }
}

async fn kill(on: &mut Ensemble, random: &mut SmallRng, leader: bool) -> String {
    let member = choose(on, random, leader);
    on.servers.kill(member);
    sleep(Duration::from_millis(random.random_range(0..1500))).await;
    on.servers.restart(member).expect("a restart");
    format!("member {member}")
}

async fn pause(on: &mut Ensemble, random: &mut SmallRng, leader: bool) -> String {
    let member = choose(on, random, leader);
    on.servers.pause(member).expect("a signal");
    last(random).await;
    on.servers.resume(member).expect("a signal");
    format!("member {member}")
}

async fn isolate(on: &mut Ensemble, random: &mut SmallRng, leader: bool) -> String {
    let member = choose(on, random, leader);
    on.links.part(|from, to| from == member || to == member);
    heal(on, random).await + &format!(", member {member}")
}

async fn mute(on: &mut Ensemble, random: &mut SmallRng) -> String {
    let member = choose(on, random, true);
    on.links.part(|from, _| from == member);
    heal(on, random).await + &format!(", member {member}")
}

async fn part(on: &mut Ensemble, random: &mut SmallRng) -> String {
    on.links.part(|_, _| true);
    heal(on, random).await
}

async fn cut(on: &mut Ensemble, random: &mut SmallRng) -> String {
    for _ in 0..random.random_range(1..4) {
        on.links.cut();
        sleep(Duration::from_millis(random.random_range(0..300))).await;
    }
    "and are made again".to_owned()
}

/// A server that could not write its log is of no use until it is started anew, even when there is room again.
async fn fill(on: &mut Ensemble, random: &mut SmallRng) -> String {
    let Some(volume) = &on.volume else { return "but only root mounts a volume that fills up".to_owned() };
    let leads = on.servers.leader() == Some(0);
    volume.fill().expect("a full disk");
    last(random).await;
    volume.drain().expect("room");
    on.servers.kill(0);
    on.servers.restart(0).expect("a restart");
    format!("member 0, which {}", if leads { "led" } else { "followed" })
}

/// What was kept arrives late, or is lost.
async fn heal(on: &mut Ensemble, random: &mut SmallRng) -> String {
    last(random).await;
    let lost = random.random_bool(0.5);
    if lost {
        on.links.cut();
    }
    on.links.heal();
    format!("what was said meanwhile is {}", if lost { "lost" } else { "late" })
}
