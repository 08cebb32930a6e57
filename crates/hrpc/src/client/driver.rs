//! The task of a connection: writes what is queued, reads replies, keeps time.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::time::Instant;

use super::pending::{Outcome, Shared};
use super::{ClientError, ConnectOptions, Request};
use crate::header::{HeaderError, MethodHeader, RequestHeader, ResponseHeader, Status, call_id, put_frame};
use crate::timer::Timer;
use crate::transport::Transport;
use crate::wire::{Encode, take_delimited};
use crate::{CallId, frame};

/// Requests are taken off the queue while less than this is unwritten: what is not taken can still be withdrawn.
const WRITE_AHEAD: usize = 128 * 1024;

pub(super) struct Driver {
    transport: Transport,
    shared: Arc<Shared>,
    options: ConnectOptions,
    batch: Vec<Request>,
    /// When something was last heard, or a ping sent.
    heard: Instant,
    /// When the last call was seen in flight.
    used: Instant,
    /// When the server last took something, or there was nothing to take.
    wrote: Instant,
    /// Whether a call was ever answered: the server has accepted the connection context.
    answered: bool,
}

/// Why the connection ended; `None` if the reason is known already.
type End = Option<String>;

impl Driver {
    pub(super) fn new(transport: Transport, shared: Arc<Shared>, options: ConnectOptions) -> Self {
        let now = Instant::now();
        Self { transport, shared, options, batch: Vec::new(), heard: now, used: now, wrote: now, answered: false }
    }

    pub(super) async fn run(mut self) {
        let shared = self.shared.clone();
        let mut timer = Timer::new(Some(self.deadline(true)));
        let end = loop {
            let work = shared.work.notified();
            let turn = poll_fn(|cx| self.poll(cx, &mut timer));
            tokio::select! {
                biased;
                // Whoever else is ready to call does so first: one write then carries all.
                () = work => tokio::task::yield_now().await,
                end = turn => break end,
            }
        };
        if let Some(reason) = end {
            shared.close(&reason);
        }
        self.transport.shut_down_writing();
    }

    fn poll(&mut self, cx: &mut Context<'_>, timer: &mut Timer) -> Poll<End> {
        match self.turn(cx, timer) {
            Ok(()) => Poll::Pending,
            Err(end) => Poll::Ready(end),
        }
    }

    /// Does what can be done now.
    fn turn(&mut self, cx: &mut Context<'_>, timer: &mut Timer) -> Result<(), End> {
        let mut now = Instant::now();
        loop {
            if self.shared.is_closed() {
                return Err(None);
            }
            let progress = self.write(cx, now)? | self.read(cx, now)?;
            if progress {
                continue;
            }
            let waiting = self.shared.in_flight() > 0;
            if waiting {
                self.used = now;
            } else {
                self.transport.shrink();
            }
            if timer.poll(cx, Some(self.deadline(waiting))).is_pending() {
                return Ok(());
            }
            now = Instant::now();
            self.on_time(now, waiting)?;
        }
    }

    fn write(&mut self, cx: &mut Context<'_>, now: Instant) -> Result<bool, End> {
        let unwritten = self.transport.outbox.len();
        if unwritten < WRITE_AHEAD {
            self.shared.take(WRITE_AHEAD - unwritten, &mut self.batch);
            for request in self.batch.drain(..) {
                put_request(&mut self.transport, request);
            }
        }
        if self.transport.outbox.is_empty() {
            self.wrote = now;
            return Ok(false);
        }
        let mut written = 0;
        let flushed = self.transport.poll_flush(cx, &mut written);
        if let Poll::Ready(Err(error)) = flushed {
            return Err(Some(error.to_string()));
        }
        if written > 0 {
            self.wrote = now;
        }
        Ok(written > 0)
    }

    fn read(&mut self, cx: &mut Context<'_>, now: Instant) -> Result<bool, End> {
        match self.transport.poll_read(cx) {
            Poll::Pending => return Ok(false),
            Poll::Ready(Ok(0)) => return Err(Some("the server closed it".to_owned())),
            Poll::Ready(Err(error)) => return Err(Some(error.to_string())),
            Poll::Ready(Ok(_)) => self.heard = now,
        }
        loop {
            match frame::split(&mut self.transport.input, self.options.max_frame) {
                Ok(None) => return Ok(true),
                Ok(Some(frame)) => self.reply(&frame)?,
                Err(error) => return Err(Some(format!("the server sent a {error}"))),
            }
        }
    }

    fn reply(&mut self, frame: &Bytes) -> Result<(), End> {
        let mut rest = &frame[..];
        let header = take_delimited(&mut rest).ok_or(HeaderError::Truncated).and_then(ResponseHeader::decode);
        let header = header.map_err(|error| Some(format!("the server sent a broken reply: {error}")))?;
        let outcome = match header.status {
            Status::Success => result(frame, rest),
            Status::Error => Err(ClientError::Remote(header.exception())),
            Status::Fatal => {
                let refused = header.call_id < 0 && !self.answered;
                self.shared.fail(header.call_id, refused, &header.exception());
                return Err(None);
            }
        };
        self.answered = true;
        let client_id = frame.slice_ref(header.client_id);
        self.shared.answer(&CallId { client_id, call_id: header.call_id, retry_count: header.retry_count }, outcome);
        Ok(())
    }

    /// When something has to be done although nothing happens.
    fn deadline(&self, waiting: bool) -> Instant {
        let next = if waiting { self.heard + self.options.ping_interval } else { self.used + self.options.idle_close };
        if self.transport.outbox.is_empty() { next } else { next.min(self.wrote + self.options.write_timeout) }
    }

    fn on_time(&mut self, now: Instant, waiting: bool) -> Result<(), End> {
        if !self.transport.outbox.is_empty() && now >= self.wrote + self.options.write_timeout {
            return Err(Some("the server takes nothing".to_owned()));
        }
        if waiting && now >= self.heard + self.options.ping_interval {
            self.heard = now;
            let ping = RequestHeader::new(call_id::PING, &[], -1);
            self.transport.outbox.append(|out| put_frame(out, &ping, 0));
        }
        if !waiting && now >= self.used + self.options.idle_close && self.shared.close_if_unused("idle") {
            return Err(None);
        }
        Ok(())
    }
}

fn put_request(transport: &mut Transport, request: Request) {
    let mut context = Vec::new();
    if let Some(caller_context) = &request.caller_context {
        caller_context.encode(&mut context);
    }
    let header = RequestHeader {
        caller_context: request.caller_context.is_some().then_some(&context[..]),
        ..RequestHeader::new(request.id.call_id, &request.id.client_id, request.id.retry_count)
    };
    let method = MethodHeader { method: request.method.as_str(), protocol: request.protocol, version: request.version };
    transport.outbox.append(|out| {
        put_frame(out, &header, method.delimited_len() + request.payload.len());
        method.encode_delimited(out);
    });
    request.payload.0.into_iter().for_each(|piece| transport.outbox.push(piece));
}

/// The result message with its length, if it is whole.
fn result(frame: &Bytes, rest: &[u8]) -> Outcome {
    let mut end = rest;
    match take_delimited(&mut end) {
        Some(_) => Ok(frame.slice_ref(&rest[..rest.len() - end.len()])),
        None => Err(ClientError::Protocol("the result message is cut off".to_owned())),
    }
}
