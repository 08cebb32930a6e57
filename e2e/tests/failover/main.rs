//! A nameservice with high availability behind two routers that are one nameservice to Java's clients. NameNodes hand over, die
//! and hang, and routers are killed, while clients work. `ROUNDS=20 cargo test --workspace --test failover` goes on for longer.

#![allow(clippy::unwrap_used, reason = "what fails here is the test")]

mod clients;
mod rig;

use std::process::ExitCode;

use anabranch_testkit::suite;

use clients::Clients;
use rig::{Rig, Site};

fn main() -> ExitCode {
    suite::run(Site::start, &[("clients_notice_no_failover", unnoticed)])
}

/// What happens while clients work.
type Step = (&'static str, fn(&mut Rig));

const STEPS: [Step; 4] = [
    ("a NameNode hands over", |rig| rig.fail_over()),
    ("a NameNode hands over and a router is killed", |rig| {
        rig.kill_router(0);
        rig.fail_over();
        rig.restart_router(0);
    }),
    ("a NameNode is killed, and a router before another is active", |rig| {
        let killed = rig.pair.active();
        rig.pair.kill(killed);
        rig.kill_router(1);
        rig.fail_over();
        rig.restart_router(1);
        rig.pair.restart(killed).unwrap();
    }),
    ("a NameNode hangs", |rig| {
        rig.pair.pause(rig.pair.active()).unwrap();
        rig.fail_over();
    }),
];

#[allow(clippy::print_stdout, reason = "says what was measured")]
fn unnoticed(site: &Site) {
    let rounds = std::env::var("ROUNDS").map_or(1, |rounds| rounds.parse().unwrap());
    let rig = &mut *site.rig.lock();
    let mut clients = Clients::start(site, rig);
    for _ in 0..rounds {
        for (name, step) in STEPS {
            println!("    {name}: {}", clients.come_through(|| step(rig)));
        }
        // The one that hangs is gone for the next round.
        let hung = 1 - rig.pair.active();
        rig.pair.kill(hung);
        rig.pair.restart(hung).unwrap();
    }
    println!("    {}", clients.end());
}
