//! One connection of a server: a state machine that its task polls by hand, so that one wake-up reads, runs calls and
//! writes.

mod calls;
mod deadlines;
mod frames;
mod unanswered;

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::net::TcpStream;
use tokio::sync::futures::OwnedNotified;
use tokio::time::Instant;

pub(super) use calls::{Finished, serve_call};
use deadlines::{Deadlines, FRAME_STEP, Verdict};
use unanswered::Unanswered;

use super::drain::Word;
use super::{Drain, Handler, Shared};
use crate::handshake::{Established, Handshake};
use crate::timer::Timer;
use crate::transport::Transport;
use crate::{Call, Exception, Peer, frame};

/// Replies gather up to this size while there is still something to read.
const FLUSH_AT: usize = 64 * 1024;

pub(super) struct Session<'s, H, F> {
    address: SocketAddr,
    transport: Transport,
    handler: &'s H,
    shared: &'s Shared,
    phase: Phase<'s>,
    calls: Unanswered<F>,
    deadlines: Deadlines,
    /// Bytes of an unfinished frame, and of replies that the peer has not taken, that the budget knows of.
    held: usize,
    /// Waits for the budget; set while reading is stopped for it.
    room: Option<Pin<Box<OwnedNotified>>>,
}

/// What a connection context said, and whether that is true.
type Decided = (Established, Result<(), Exception>);

enum Phase<'s> {
    Handshake(Handshake),
    /// Whether the peer may be who it says it is, is being found out.
    Deciding(Pin<Box<dyn Future<Output = Decided> + Send + 's>>),
    Open(Arc<Peer>),
    /// The last words are being written.
    Closing,
    /// They are; the peer closes first, so that it has read them.
    Lingering,
    /// Nothing can be read or written; calls still run.
    Gone,
}

impl<'s, H: Handler, F: Future<Output = Finished>> Session<'s, H, F> {
    pub(super) fn new(stream: TcpStream, address: SocketAddr, shared: &'s Shared, handler: &'s H) -> Self {
        Self {
            address,
            transport: Transport::new(stream, shared.limits.max_frame),
            handler,
            shared,
            phase: Phase::Handshake(Handshake::new(shared.limits.max_frame)),
            calls: Unanswered::new(),
            deadlines: Deadlines::new(&shared.limits, Instant::now()),
            held: 0,
            room: None,
        }
    }

    /// Serves the connection to its end. `start` makes the future of a call that came in a frame of so many bytes.
    pub(super) async fn run(mut self, start: impl Fn(Call, usize) -> F, drain: &Drain) {
        let mut timer = Timer::new(self.deadlines.next());
        while self.deadlines.draining.is_none() {
            let token = drain.token();
            {
                let serve = poll_fn(|cx| self.poll(cx, &start, &mut timer));
                tokio::select! {
                    biased;
                    () = serve => return,
                    () = token.cancelled() => {}
                }
            }
            match drain.word() {
                Word::Drain(deadline) => self.deadlines.draining = Some(deadline),
                Word::Shed(within) => {
                    self.deadlines.shed = Some(Instant::now() + rand::random_range(Duration::ZERO..=within));
                }
            }
        }
        poll_fn(|cx| self.poll(cx, &start, &mut timer)).await;
    }

    fn poll(&mut self, cx: &mut Context<'_>, start: &impl Fn(Call, usize) -> F, timer: &mut Timer) -> Poll<()> {
        self.deadlines.now = Instant::now();
        loop {
            let mut progress = self.poll_calls(cx);
            progress |= self.poll_decision(cx);
            progress |= self.take_frames(start);
            progress |= self.poll_read(cx);
            if !progress || self.transport.outbox.len() >= FLUSH_AT {
                progress |= self.poll_write(cx);
            }
            if !progress {
                self.settle();
                if self.finished() {
                    return Poll::Ready(());
                }
                match timer.poll(cx, self.deadlines.next()) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(()) => {
                        self.deadlines.now = Instant::now();
                        if self.on_time().is_ready() {
                            return Poll::Ready(());
                        }
                    }
                }
            }
        }
    }

    /// Collects the calls that ended.
    fn poll_calls(&mut self, cx: &mut Context<'_>) -> bool {
        let mut progress = false;
        while let Poll::Ready(finished) = self.calls.poll_next(cx) {
            progress = true;
            self.reply(&finished.id, finished.reply);
        }
        progress
    }

    /// Whether another frame may be taken in.
    fn has_room(&self) -> bool {
        self.calls.len() < self.shared.limits.max_calls_per_connection
            && self.transport.outbox.len() < self.shared.limits.max_unsent_bytes
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> bool {
        if matches!(self.phase, Phase::Gone | Phase::Deciding(_)) || !self.may_read(cx) {
            return false;
        }
        match self.transport.poll_read(cx) {
            Poll::Pending => false,
            Poll::Ready(Ok(0)) => {
                tracing::trace!(address = %self.address, "the peer closed the connection");
                self.gone();
                true
            }
            Poll::Ready(Ok(count)) => {
                self.shared.stats.bytes_received.fetch_add(count as u64, Relaxed);
                self.deadlines.received(count);
                true
            }
            Poll::Ready(Err(error)) => {
                self.lost(&error);
                true
            }
        }
    }

    fn may_read(&mut self, cx: &mut Context<'_>) -> bool {
        if matches!(self.phase, Phase::Closing | Phase::Lingering) {
            return true;
        }
        let (full, lacks_budget) = (!self.has_room(), self.lacks_budget(cx));
        // Large frames that are kept from ending by each other would hold the budget for ever; so their time runs on.
        self.deadlines.paused(full || lacks_budget && self.transport.input.len() < FRAME_STEP);
        !full && !lacks_budget
    }

    /// Whether the server holds too much to read more; if so, the task is woken when that changes.
    fn lacks_budget(&mut self, cx: &mut Context<'_>) -> bool {
        loop {
            if self.shared.budget.has_room() {
                self.room = None;
                return false;
            }
            if let Some(room) = &mut self.room {
                match room.as_mut().poll(cx) {
                    Poll::Pending => return true,
                    Poll::Ready(()) => self.room = None,
                }
            } else {
                self.room = Some(Box::pin(self.shared.budget.wait()));
            }
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> bool {
        if self.transport.outbox.is_empty() || matches!(self.phase, Phase::Gone) {
            return false;
        }
        let mut written = 0;
        let flushed = self.transport.poll_flush(cx, &mut written);
        self.shared.stats.bytes_sent.fetch_add(written as u64, Relaxed);
        if let Poll::Ready(Err(error)) = flushed {
            self.lost(&error);
            return true;
        }
        self.deadlines.sent(written, self.transport.outbox.is_empty());
        written > 0
    }

    /// Before waiting: accounts for what is held and gives back what is not needed.
    fn settle(&mut self) {
        let idle = self.calls.is_empty() && self.transport.outbox.is_empty();
        let lives = matches!(self.phase, Phase::Open(_) | Phase::Handshake(_) | Phase::Deciding(_));
        if idle && lives && self.deadlines.draining.is_some() {
            self.close();
        }
        if idle && self.transport.input.is_empty() && self.deadlines.is_shed() && matches!(self.phase, Phase::Open(_)) {
            self.shared.stats.connections_shed.fetch_add(1, Relaxed);
            self.close();
        }
        if matches!(self.phase, Phase::Closing) && self.transport.outbox.is_empty() {
            self.transport.shut_down_writing();
            self.phase = Phase::Lingering;
            self.deadlines.lingering();
        }
        if idle {
            self.transport.shrink();
        }
        self.deadlines.waiting(idle, self.transport.input.len(), self.transport.outbox.is_empty());
        let held = self.transport.input.len() + self.transport.outbox.len();
        if held != self.held {
            self.shared.budget.hold(held);
            self.shared.budget.release(self.held);
            self.held = held;
        }
    }

    fn finished(&self) -> bool {
        matches!(self.phase, Phase::Gone) && self.calls.is_empty()
    }

    /// Something is overdue. Ready: there is nothing more to do.
    fn on_time(&mut self) -> Poll<()> {
        let Some(verdict) = self.deadlines.verdict() else { return Poll::Pending };
        let stats = &self.shared.stats;
        match verdict {
            Verdict::Idle if stats.connections_open.load(Relaxed) <= self.shared.limits.idle_threshold => {
                self.deadlines.still_idle();
            }
            Verdict::Idle => {
                stats.connections_idled.fetch_add(1, Relaxed);
                self.close();
            }
            // The next moment without a call is seen when it comes; this one may be.
            Verdict::Shed => self.deadlines.shedding(),
            Verdict::Drained => return Poll::Ready(()),
            Verdict::Lingered => self.gone(),
            Verdict::Slow(what) => {
                tracing::debug!(address = %self.address, what, "cut a connection that took too long");
                match self.phase {
                    Phase::Handshake(_) | Phase::Deciding(_) => stats.handshakes_failed.fetch_add(1, Relaxed),
                    _ => stats.connections_cut.fetch_add(1, Relaxed),
                };
                self.gone();
            }
        }
        Poll::Pending
    }

    /// Last words.
    fn close_with(&mut self, bytes: Bytes) {
        self.transport.outbox.push(bytes);
        self.close();
    }

    fn close(&mut self) {
        self.leave(Phase::Closing);
        self.deadlines.closing();
    }

    fn lost(&mut self, error: &io::Error) {
        tracing::debug!(address = %self.address, %error, "lost a connection");
        self.gone();
    }

    fn cut(&mut self, error: &frame::FrameTooLong) {
        tracing::debug!(address = %self.address, %error, "closing a connection");
        self.gone();
    }

    fn gone(&mut self) {
        self.leave(Phase::Gone);
        self.transport.discard();
        self.deadlines.gone();
    }

    fn leave(&mut self, next: Phase<'s>) {
        if let Phase::Open(peer) = std::mem::replace(&mut self.phase, next) {
            peer.gone.cancel();
        }
    }
}

impl<H, F> Drop for Session<'_, H, F> {
    fn drop(&mut self) {
        if let Phase::Open(peer) = &self.phase {
            peer.gone.cancel();
        }
        self.shared.budget.release(self.held);
    }
}
