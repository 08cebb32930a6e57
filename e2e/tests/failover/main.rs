//! A nameservice with high availability behind two routers that are one nameservice to Java's clients. NameNodes hand over, die
//! and hang, and routers are killed, while clients work. `ROUNDS=20 cargo test --workspace --test failover` goes on for longer.

#![allow(clippy::unwrap_used, reason = "what fails here is the test")]

mod clients;
mod lost_replies;
mod rig;
mod routers;

use std::process::ExitCode;

use anabranch_testkit::suite::{self, Case};

use clients::Clients;
use rig::{Rig, Site};

fn main() -> ExitCode {
    let cases: [Case<'_, Site>; 3] = [
        ("without_retry_cache_what_is_done_twice_is_noticed", lost_replies::is_noticed_without_retry_cache),
        ("a_lost_reply_does_nothing_twice", lost_replies::does_nothing_twice),
        ("clients_notice_no_failover", unnoticed),
    ];
    suite::run(Site::start, &cases)
}

/// What happens while clients work, who go on before all is mended.
type Step = (&'static str, fn(&mut Rig));

/// Each of the three NameNodes becomes active, and each of the others is left.
const STEPS: [Step; 5] = [
    ("a NameNode hands over", |rig| rig.fail_over(1)),
    ("a NameNode hands over and a router is killed", |rig| {
        rig.routers.kill(0);
        rig.fail_over(1);
    }),
    ("a NameNode is killed, and a router before another is active", |rig| {
        rig.quorum.kill(rig.quorum.active());
        rig.routers.kill(1);
        rig.fail_over(1);
    }),
    ("a NameNode hangs, and goes on when another is active", |rig| {
        let hangs = rig.quorum.active();
        rig.quorum.pause(hangs).unwrap();
        rig.fail_over(1);
        rig.quorum.resume(hangs).unwrap();
    }),
    ("two of three NameNodes are killed", |rig| {
        // The one that hung has ended itself, or does not know yet that it is not active any more.
        rig.quorum.kill(rig.quorum.after_active(2));
        rig.quorum.kill(rig.quorum.active());
        rig.fail_over(1);
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
            rig.mend();
        }
    }
    println!("    {}", clients.end());
}
