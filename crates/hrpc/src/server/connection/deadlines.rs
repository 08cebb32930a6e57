use std::time::Duration;

use tokio::time::Instant;

use crate::server::Limits;

/// A frame that brings this much within the frame time-out may go on, and so may replies of which this much is taken
/// within the write time-out: who reads a byte a minute would hold memory for ever.
pub(super) const FRAME_STEP: usize = 64 * 1024;
/// How long a peer may take to read the last words.
const LINGER: Duration = Duration::from_secs(2);

/// What a connection is waiting for, and until when. Decides from times alone; the clock is read elsewhere.
#[derive(Debug)]
pub(super) struct Deadlines {
    /// The time of this wake-up.
    pub(super) now: Instant,
    /// When a drain cuts the connection; `Some` once it has started.
    pub(super) draining: Option<Instant>,
    /// From when on the connection should end at a moment with no call in flight.
    pub(super) shed: Option<Instant>,
    shedding: bool,
    frame_timeout: Duration,
    write_timeout: Duration,
    idle_timeout: Duration,
    handshake: Option<Instant>,
    frame: Option<Instant>,
    frame_bytes: usize,
    paused: bool,
    write: Option<Instant>,
    written_bytes: usize,
    idle: Option<Instant>,
    /// The last words are being written, or were.
    closing: bool,
    linger: Option<Instant>,
}

/// What to do about a deadline that has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing happened for the idle time.
    Idle,
    /// The peer made no progress.
    Slow(&'static str),
    /// The peer has had its time to read the last words.
    Lingered,
    /// The grace of the drain is over.
    Drained,
    /// It is time to end, at a moment with no call in flight.
    Shed,
}

impl Deadlines {
    pub(super) fn new(limits: &Limits, now: Instant) -> Self {
        Self {
            now,
            draining: None,
            shed: None,
            shedding: false,
            frame_timeout: limits.frame_timeout,
            write_timeout: limits.write_timeout,
            idle_timeout: limits.idle_timeout,
            handshake: Some(now + limits.handshake_timeout),
            frame: None,
            frame_bytes: 0,
            paused: false,
            write: None,
            written_bytes: 0,
            idle: None,
            closing: false,
            linger: None,
        }
    }

    pub(super) fn established(&mut self) {
        self.handshake = None;
    }

    pub(super) fn received(&mut self, count: usize) {
        self.idle = None;
        self.frame_bytes += count;
        if self.frame_bytes >= FRAME_STEP {
            self.frame_ended();
        }
    }

    pub(super) fn frame_ended(&mut self) {
        self.frame = None;
        self.frame_bytes = 0;
    }

    /// While nothing is read, an unfinished frame is not the peer's fault.
    pub(super) fn paused(&mut self, paused: bool) {
        self.paused = paused;
    }

    pub(super) fn sent(&mut self, count: usize, all: bool) {
        self.written_bytes += count;
        if self.written_bytes >= FRAME_STEP || all {
            self.write = None;
            self.written_bytes = 0;
        }
    }

    pub(super) fn closing(&mut self) {
        *self = Self { handshake: None, frame: None, idle: None, shed: None, closing: true, ..*self };
    }

    pub(super) fn lingering(&mut self) {
        self.linger = Some(self.now + LINGER);
    }

    pub(super) fn gone(&mut self) {
        *self = Self {
            handshake: None,
            frame: None,
            idle: None,
            shed: None,
            linger: None,
            write: None,
            closing: true,
            ..*self
        };
    }

    pub(super) fn still_idle(&mut self) {
        self.idle = Some(self.now + self.idle_timeout);
    }

    /// It is time to end at a moment with no call in flight.
    pub(super) fn shedding(&mut self) {
        (self.shed, self.shedding) = (None, true);
    }

    /// Whether a moment with no call in flight ends the connection.
    pub(super) fn is_shed(&self) -> bool {
        self.shedding
    }

    /// The connection is going to wait: `idle` without calls and replies, with `unread` bytes of a frame.
    pub(super) fn waiting(&mut self, idle: bool, unread: usize, all_sent: bool) {
        let now = self.now;
        if unread == 0 || self.paused || self.closing {
            self.frame = None;
        } else {
            self.frame.get_or_insert(now + self.frame_timeout);
        }
        if all_sent {
            self.write = None;
        } else {
            self.write.get_or_insert(now + self.write_timeout);
        }
        if idle && unread == 0 && self.handshake.is_none() && !self.closing {
            self.idle.get_or_insert(now + self.idle_timeout);
        } else {
            self.idle = None;
        }
    }

    fn all(&self) -> [(Option<Instant>, Verdict); 7] {
        [
            (self.draining, Verdict::Drained),
            (self.linger, Verdict::Lingered),
            (self.handshake, Verdict::Slow("handshake")),
            (self.frame, Verdict::Slow("frame")),
            (self.write, Verdict::Slow("write")),
            (self.idle, Verdict::Idle),
            (self.shed, Verdict::Shed),
        ]
    }

    /// The next one to come.
    pub(super) fn next(&self) -> Option<Instant> {
        self.all().into_iter().filter_map(|(at, _)| at).min()
    }

    /// What has passed, the weightiest first.
    pub(super) fn verdict(&self) -> Option<Verdict> {
        self.all().into_iter().find(|(at, _)| at.is_some_and(|at| at <= self.now)).map(|(_, verdict)| verdict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Established, with time-outs of 10 s (frame), 20 s (write), 30 s (idle).
    fn established() -> (Deadlines, Instant) {
        let limits = Limits {
            frame_timeout: 10 * SECOND,
            write_timeout: 20 * SECOND,
            idle_timeout: 30 * SECOND,
            ..Limits::default()
        };
        let start = Instant::now();
        let mut deadlines = Deadlines::new(&limits, start);
        assert_eq!(deadlines.next(), Some(start + limits.handshake_timeout));
        deadlines.established();
        (deadlines, start)
    }

    #[test]
    fn waiting_has_an_end_for_each_reason() {
        // idle, bytes unread, all sent: when, and what then.
        let rows = [
            (true, 0, true, Some(30), Some(Verdict::Idle)),
            (false, 0, true, None, None),
            (true, 5, true, Some(10), Some(Verdict::Slow("frame"))),
            (false, 5, true, Some(10), Some(Verdict::Slow("frame"))),
            (false, 0, false, Some(20), Some(Verdict::Slow("write"))),
            (false, 5, false, Some(10), Some(Verdict::Slow("frame"))),
        ];
        for (idle, unread, all_sent, after, verdict) in rows {
            let (mut deadlines, start) = established();
            deadlines.waiting(idle, unread, all_sent);
            assert_eq!(deadlines.next(), after.map(|seconds| start + seconds * SECOND));
            assert_eq!(deadlines.verdict(), None);
            deadlines.now = deadlines.next().unwrap_or(start + 1000 * SECOND);
            assert_eq!(deadlines.verdict(), verdict);
        }
    }

    #[test]
    fn a_frame_goes_on_while_it_brings_enough() {
        let (mut deadlines, start) = established();
        deadlines.waiting(true, 5, true);
        for (second, count, expected) in [(4, 10, 10), (8, FRAME_STEP, 18), (12, FRAME_STEP - 1, 18), (16, 1, 26)] {
            deadlines.now = start + second * SECOND;
            deadlines.received(count);
            deadlines.waiting(true, 5, true);
            assert_eq!(deadlines.next(), Some(start + expected * SECOND), "second {second}");
        }
    }

    #[test]
    fn a_pause_is_not_the_peers_fault() {
        let (mut deadlines, _) = established();
        deadlines.waiting(false, 5, true);
        deadlines.paused(true);
        deadlines.waiting(false, 5, true);
        assert_eq!(deadlines.next(), None);
    }

    #[test]
    fn a_reply_goes_on_while_enough_of_it_is_taken() {
        let (mut deadlines, start) = established();
        deadlines.waiting(false, 0, false);
        for (second, count, expected) in [(5, 1, 20), (15, FRAME_STEP, 35), (20, FRAME_STEP - 1, 35), (25, 1, 45)] {
            deadlines.now = start + second * SECOND;
            deadlines.sent(count, false);
            deadlines.waiting(false, 0, false);
            assert_eq!(deadlines.next(), Some(start + expected * SECOND), "second {second}");
        }
        deadlines.sent(9, true);
        deadlines.waiting(false, 0, true);
        assert_eq!(deadlines.next(), None);
    }

    #[test]
    fn the_end_of_the_drain_comes_first() {
        let (mut deadlines, start) = established();
        deadlines.waiting(true, 5, false);
        deadlines.draining = Some(start + 40 * SECOND);
        deadlines.now = start + 50 * SECOND;
        assert_eq!(deadlines.verdict(), Some(Verdict::Drained));
        deadlines.gone();
        assert_eq!(deadlines.next(), deadlines.draining);
    }
}
