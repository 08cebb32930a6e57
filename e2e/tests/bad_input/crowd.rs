use std::io;
use std::time::{Duration, Instant};

use anabranch_e2e::wire::{self, CLIENT_PROTOCOL, PREAMBLE, Raw};
use anabranch_testkit::net;
use anabranch_testkit::process::user;
use rand::rngs::SmallRng;
use rand::{Rng, RngCore, SeedableRng};

use super::Rig;
use super::bystander::Bystander;

const MIB: u64 = 1 << 20;

/// Runs `act` beside a proper client, and fails if that notices or if the router's memory grows by more than `bound`.
fn beside_others<T>(rig: &Rig, bound: u64, act: impl FnOnce() -> T) -> T {
    let before = rig.router.program.resident_bytes().expect("the router runs");
    let bystander = Bystander::start(rig.router.rpc);
    let result = act();
    let after = rig.router.program.resident_bytes().expect("the router runs");
    bystander.assert_undisturbed();
    assert!(after < before + bound, "memory grew from {} to {} MiB", before / MIB, after / MIB);
    result
}

pub(super) fn garbage(rig: &Rig) {
    let mut random = SmallRng::seed_from_u64(1);
    beside_others(rig, 64 * MIB, || {
        for round in 0..500 {
            let mut raw = Raw::connect(rig.router.rpc).expect("connect");
            let mut bytes = vec![0; random.random_range(1..5000)];
            random.fill_bytes(&mut bytes);
            // Deeper and deeper into a proper conversation.
            let start: Vec<u8> = match round % 4 {
                0 => Vec::new(),
                1 => PREAMBLE.to_vec(),
                2 => [&PREAMBLE[..], &wire::context(&user(), None, CLIENT_PROTOCOL)].concat(),
                _ => [&PREAMBLE[..], &wire::context(&user(), None, CLIENT_PROTOCOL), &0x400u32.to_be_bytes()].concat(),
            };
            // The router may close in the middle of it.
            let _ = raw.send(&start).and_then(|()| raw.send(&bytes));
        }
    });
}

pub(super) fn truncated(rig: &Rig) {
    let whole = [&PREAMBLE[..], &wire::context(&user(), None, CLIENT_PROTOCOL), &wire::stat_call("/", 1)].concat();
    beside_others(rig, 64 * MIB, || {
        for len in 0..whole.len() {
            let mut raw = Raw::connect(rig.router.rpc).expect("connect");
            raw.send(&whole[..len]).expect("send");
        }
    });
}

/// The length of a frame is a promise only: memory is taken for bytes that came.
pub(super) fn announced(rig: &Rig) {
    beside_others(rig, 64 * MIB, || {
        let mut open = Vec::new();
        for _ in 0..200 {
            let mut raw = Raw::ready(rig.router.rpc, &user()).expect("handshake");
            raw.send(&(100u32 << 20).to_be_bytes()).expect("send");
            raw.send(&[0; 1024]).expect("send");
            open.push(raw);
        }
        open
    });
}

pub(super) fn slow_loris(rig: &Rig) {
    let whole = [&PREAMBLE[..], &wire::context(&user(), None, CLIENT_PROTOCOL), &wire::stat_call("/", 1)].concat();
    beside_others(rig, 64 * MIB, || {
        let mut slow: Vec<Raw> = (0..300).map(|_| Raw::connect(rig.router.rpc).expect("connect")).collect();
        let start = Instant::now();
        // One byte a second each: within the patience of no server is this ever a whole call.
        for byte in whole.iter().cycle() {
            slow.retain_mut(|raw| raw.send(&[*byte]).is_ok());
            if slow.is_empty() || start.elapsed() > Duration::from_secs(90) {
                break;
            }
            std::thread::sleep(Duration::from_secs(1));
        }
        assert!(slow.is_empty(), "{} connections are still held after {:?}", slow.len(), start.elapsed());
    });
}

/// Sends calls and never reads: the answers must pile up nowhere, and the connection must end.
pub(super) fn deaf(rig: &Rig) {
    beside_others(rig, 96 * MIB, || {
        let mut raw = Raw::ready(rig.router.rpc, &user()).expect("handshake");
        let mut sent: u64 = 0;
        let end = Instant::now() + Duration::from_secs(120);
        let refused = loop {
            let calls: Vec<u8> = (0..500).flat_map(|n| wire::stat_call("/data0", n)).collect();
            match raw.send(&calls) {
                Ok(()) => sent += calls.len() as u64,
                // The router reads no further (our patience ends) or has closed.
                Err(e) => break e,
            }
            assert!(Instant::now() < end, "the router took {} MiB of calls without an end", sent / MIB);
        };
        assert!(
            matches!(
                refused.kind(),
                io::ErrorKind::WouldBlock
                    | io::ErrorKind::TimedOut
                    | io::ErrorKind::BrokenPipe
                    | io::ErrorKind::ConnectionReset
            ),
            "{refused}"
        );
    });
}

pub(super) fn idle(rig: &Rig) {
    const CONNECTIONS: usize = 10_000;
    let address = rig.router.http.to_string();
    beside_others(rig, 256 * MIB, || {
        let mut open = Vec::with_capacity(CONNECTIONS);
        for _ in 0..CONNECTIONS {
            let mut raw = Raw::ready(rig.router.rpc, &user()).expect("handshake");
            let answer = raw.stat("/", 0).expect("an answer").expect("no close");
            assert_eq!(answer.header.status, 0);
            open.push(raw);
        }
        let alive = || anabranch_testkit::http::get(&address, "/isActive").is_ok_and(|answer| answer.status == 200);
        net::wait_until("/isActive answers beside them", Duration::from_secs(10), alive).expect("active");
        open
    });
}
