//! The calls of a connection: those that wait to be sent, and those that wait for a reply.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use foldhash::fast::RandomState;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use tokio::time::timeout_at;

use super::{ClientError, Request};
use crate::{CallId, Exception};

pub(super) type Outcome = Result<Bytes, ClientError>;

/// What callers and driver share.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    max_queued: usize,
    /// Wakes the driver: something was queued, or the connection is to close.
    pub(super) work: Notify,
    /// Wakes callers: the queue has room again, or the connection is closed.
    room: Notify,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Queued>,
    queued_bytes: usize,
    pending: HashMap<CallId, Pending, RandomState>,
    next_ticket: u64,
    closed: Option<Arc<str>>,
}

#[derive(Debug)]
struct Queued {
    request: Request,
    length: usize,
    ticket: u64,
}

#[derive(Debug)]
struct Pending {
    /// Tells this call from an earlier one of the same identity.
    ticket: u64,
    sent: bool,
    reply: oneshot::Sender<Outcome>,
}

/// A call that is queued or sent; dropping it forgets the call.
#[must_use]
#[derive(Debug)]
pub(super) struct Waiting<'s> {
    pub(super) reply: oneshot::Receiver<Outcome>,
    shared: &'s Shared,
    id: CallId,
    ticket: u64,
    sent: Option<bool>,
}

/// What became of a call that was to be queued.
enum Enqueued<'s> {
    Waiting(Waiting<'s>),
    Full(Request),
}

impl Shared {
    pub(super) fn new(max_queued: usize) -> Self {
        Self { state: Mutex::default(), max_queued, work: Notify::new(), room: Notify::new() }
    }

    /// Queues a call, as soon as the queue has room and before the deadline of the call.
    pub(super) async fn enqueue_in_time(
        &self,
        mut request: Request,
        length: usize,
    ) -> Result<Waiting<'_>, ClientError> {
        loop {
            let room = self.room.notified();
            request = match self.enqueue(request, length)? {
                Enqueued::Waiting(waiting) => return Ok(waiting),
                Enqueued::Full(request) => request,
            };
            let in_time = timeout_at(request.deadline, room).await;
            in_time.map_err(|_| ClientError::Timeout { sent: false })?;
        }
    }

    fn enqueue(&self, request: Request, length: usize) -> Result<Enqueued<'_>, ClientError> {
        let (sender, reply) = oneshot::channel();
        let id = request.id.clone();
        let ticket = {
            let mut state = self.state.lock();
            if let Some(reason) = &state.closed {
                return Err(ClientError::Closed { sent: false, reason: reason.clone() });
            }
            if state.pending.contains_key(&id) {
                return Err(ClientError::DuplicateCall);
            }
            if state.queued_bytes >= self.max_queued {
                return Ok(Enqueued::Full(request));
            }
            let ticket = state.next_ticket;
            state.next_ticket += 1;
            state.queued_bytes += length;
            state.pending.insert(id.clone(), Pending { ticket, sent: false, reply: sender });
            state.queue.push_back(Queued { request, length, ticket });
            ticket
        };
        self.work.notify_one();
        Ok(Enqueued::Waiting(Waiting { reply, shared: self, id, ticket, sent: None }))
    }

    /// Takes calls off the queue to send them, up to about `bytes`. Calls that nobody waits for any more are left out.
    pub(super) fn take(&self, bytes: usize, out: &mut Vec<Request>) {
        let mut state = self.state.lock();
        let state = &mut *state;
        let was_full = state.queued_bytes >= self.max_queued;
        let mut taken = 0;
        while taken < bytes
            && let Some(queued) = state.queue.pop_front()
        {
            state.queued_bytes -= queued.length;
            if let Some(pending) = state.pending.get_mut(&queued.request.id)
                && pending.ticket == queued.ticket
            {
                pending.sent = true;
                taken += queued.length;
                out.push(queued.request);
            }
        }
        if was_full && state.queued_bytes < self.max_queued {
            self.room.notify_waiters();
        }
    }

    /// Answers a call. One that nobody waits for any more is no error.
    pub(super) fn answer(&self, id: &CallId, outcome: Outcome) {
        let pending = self.state.lock().pending.remove(id);
        if let Some(pending) = pending {
            let _ = pending.reply.send(outcome);
        }
    }

    /// A FATAL reply: ends the connection. It names no client, and a call only if that one is at fault. `all`: the
    /// connection itself was refused, so that no call was executed.
    pub(super) fn fail(&self, call_id: i32, all: bool, exception: &Exception) {
        let (calls, reason) = self.end(&format!("the server ended it: {exception}"));
        for (id, pending) in calls {
            let outcome = if all || id.call_id == call_id {
                Err(ClientError::Fatal(exception.clone()))
            } else {
                Err(ClientError::Closed { sent: pending.sent, reason: reason.clone() })
            };
            let _ = pending.reply.send(outcome);
        }
    }

    /// Ends the connection; calls in flight fail. The first reason stays.
    pub(super) fn close(&self, reason: &str) {
        let (calls, reason) = self.end(reason);
        for pending in calls.into_values() {
            let outcome = Err(ClientError::Closed { sent: pending.sent, reason: reason.clone() });
            let _ = pending.reply.send(outcome);
        }
    }

    /// Ends the connection if no call is in flight.
    pub(super) fn close_if_unused(&self, reason: &str) -> bool {
        let mut state = self.state.lock();
        if state.closed.is_none() && state.pending.is_empty() {
            state.closed = Some(reason.into());
        }
        state.closed.is_some()
    }

    fn end(&self, reason: &str) -> (HashMap<CallId, Pending, RandomState>, Arc<str>) {
        let mut state = self.state.lock();
        let reason = state.closed.get_or_insert_with(|| reason.into()).clone();
        state.queue.clear();
        state.queued_bytes = 0;
        let calls = std::mem::take(&mut state.pending);
        drop(state);
        self.work.notify_one();
        self.room.notify_waiters();
        (calls, reason)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state.lock().closed.is_some()
    }

    pub(super) fn in_flight(&self) -> usize {
        self.state.lock().pending.len()
    }

    /// Removes a call; tells whether it was sent, if it was there.
    fn forget(&self, id: &CallId, ticket: u64) -> Option<bool> {
        let mut state = self.state.lock();
        if state.pending.get(id)?.ticket != ticket {
            return None;
        }
        state.pending.remove(id).map(|pending| pending.sent)
    }
}

impl Waiting<'_> {
    /// Gives the call up and tells whether the server may have got it.
    pub(super) fn sent(&mut self) -> bool {
        // Answered at this very moment: it had been sent.
        *self.sent.get_or_insert_with(|| self.shared.forget(&self.id, self.ticket).unwrap_or(true))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.sent.is_none() && !self.reply.is_terminated() {
            self.shared.forget(&self.id, self.ticket);
        }
    }
}
