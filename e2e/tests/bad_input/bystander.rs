use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anabranch_e2e::wire::Raw;
use anabranch_testkit::process::user;

/// A busy machine may hold up a call for a while; a router that serves others instead does so for as long as they like.
const TOLERATED: Duration = Duration::from_secs(3);

/// A proper client that works while others misbehave. Half of its calls are on one connection, half on new ones.
pub(super) struct Bystander {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<(u32, Duration)>,
}

impl Bystander {
    pub(super) fn start(router: SocketAddr) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = thread::spawn(move || {
            let mut kept = Raw::ready(router, &user()).expect("a proper client connects");
            let (mut calls, mut slowest) = (0, Duration::ZERO);
            while !stopped.load(Ordering::Relaxed) || calls < 20 {
                let start = Instant::now();
                succeed(&mut kept, calls);
                succeed(&mut Raw::ready(router, &user()).expect("a proper client connects"), calls);
                slowest = slowest.max(start.elapsed());
                calls += 1;
                thread::sleep(Duration::from_millis(10));
            }
            (calls, slowest)
        });
        Self { stop, thread }
    }

    /// Ends it, and fails if it was disturbed.
    pub(super) fn assert_undisturbed(self) {
        self.stop.store(true, Ordering::Relaxed);
        let (calls, slowest) = self.thread.join().expect("a proper client was disturbed");
        assert!(slowest < TOLERATED, "the slowest of {calls} calls took {slowest:?}");
    }
}

fn succeed(raw: &mut Raw, calls: u32) {
    let answer = raw.stat("/", i32::try_from(calls).expect("few calls")).expect("an answer").expect("no close");
    assert_eq!(answer.header.status, 0, "{:?}", answer.header);
}
