//! From frames to calls, and from answers to frames.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use super::{Finished, Phase, Session, calls};
use crate::handshake::{Established, Step};
use crate::header::{ResponseHeader, call_id, put_frame};
use crate::inbound::{self, Fatal, Inbound, Request};
use crate::server::{Handler, meta};
use crate::{Call, CallId, Exception, Payload, Peer, Reply, class, frame};

/// No frame can be longer than Java can count; a little is left for the header.
const MAX_REPLY: usize = i32::MAX as usize - 64 * 1024;

impl<H: Handler, F: Future<Output = Finished>> Session<'_, H, F> {
    /// Takes in whole frames, as long as there is room for calls.
    pub(super) fn take_frames(&mut self, start: &impl Fn(Call, usize) -> F) -> bool {
        let mut progress = false;
        loop {
            match &mut self.phase {
                Phase::Handshake(handshake) => match handshake.advance(&mut self.transport.input) {
                    Step::More => return progress,
                    Step::Reply(bytes) => self.transport.outbox.push(bytes),
                    Step::Established(established) => self.establish(established),
                    Step::Refuse(bytes) => {
                        self.shared.stats.handshakes_failed.fetch_add(1, Relaxed);
                        self.close_with(bytes);
                    }
                    Step::Close(error) => {
                        self.shared.stats.handshakes_failed.fetch_add(1, Relaxed);
                        self.cut(&error);
                    }
                },
                Phase::Open(peer) => {
                    let peer = peer.clone();
                    if !self.has_room() {
                        return progress;
                    }
                    match frame::split(&mut self.transport.input, self.shared.limits.max_frame) {
                        Ok(None) => return progress,
                        Ok(Some(frame)) => self.take_frame(frame, peer, start),
                        Err(error) => {
                            self.shared.stats.connections_cut.fetch_add(1, Relaxed);
                            self.cut(&error);
                        }
                    }
                }
                Phase::Deciding(_) => return progress,
                Phase::Closing | Phase::Lingering | Phase::Gone => {
                    self.transport.input.clear();
                    return progress;
                }
            }
            progress = true;
            self.deadlines.frame_ended();
        }
    }

    fn establish(&mut self, established: Established) {
        let (handler, address) = (self.handler, self.address);
        self.phase = Phase::Deciding(Box::pin(async move {
            let verdict = handler.authorize(address, &established.identity, &established.protocol).await;
            (established, verdict)
        }));
    }

    /// Opens or refuses the connection, when that is decided.
    pub(super) fn poll_decision(&mut self, cx: &mut Context<'_>) -> bool {
        let Phase::Deciding(decision) = &mut self.phase else { return false };
        let Poll::Ready((established, verdict)) = decision.as_mut().poll(cx) else { return false };
        let Established { identity, protocol, retry_count } = established;
        match verdict {
            Ok(()) => {
                self.deadlines.established();
                let peer =
                    Peer { address: self.address, identity, gone: CancellationToken::new(), note: AtomicU64::new(0) };
                self.phase = Phase::Open(Arc::new(peer));
            }
            Err(exception) => {
                tracing::debug!(address = %self.address, %identity, protocol, %exception, "refused a connection");
                self.shared.stats.handshakes_failed.fetch_add(1, Relaxed);
                let exception = Exception::unauthorized_by(exception);
                self.close_with(Fatal { call_id: call_id::CONNECTION_CONTEXT, retry_count, exception }.frame());
            }
        }
        true
    }

    fn take_frame(&mut self, frame: Bytes, peer: Arc<Peer>, start: &impl Fn(Call, usize) -> F) {
        match inbound::classify(&frame) {
            Inbound::Ping => {}
            Inbound::Call(request) => {
                self.shared.stats.calls.fetch_add(1, Relaxed);
                self.admit(request, frame.len(), peer, start);
            }
            Inbound::Bad(id, exception) => {
                self.shared.stats.calls.fetch_add(1, Relaxed);
                self.reply(&id, Err(exception));
            }
            Inbound::Fatal(fatal) => {
                tracing::debug!(address = %self.address, exception = %fatal.exception, "closing a connection");
                self.shared.stats.connections_cut.fetch_add(1, Relaxed);
                self.close_with(fatal.frame());
            }
        }
    }

    fn admit(&mut self, request: Request, bytes: usize, peer: Arc<Peer>, start: &impl Fn(Call, usize) -> F) {
        if self.deadlines.draining.is_some() {
            self.shared.stats.calls_refused.fetch_add(1, Relaxed);
            let exception = Exception::new(class::RETRIABLE, "The server is shutting down; try another one");
            return self.reply(&request.id, Err(exception));
        }
        match calls::look_up(request, peer, self.handler.protocols()) {
            Ok(call) if call.protocol == meta::PROTOCOL.name => {
                let reply = meta::answer(&call, self.handler.protocols());
                self.reply(&call.id, reply);
            }
            Ok(call) => self.calls.push(start(call, bytes)),
            Err((id, exception)) => self.reply(&id, Err(exception)),
        }
    }

    /// Answers a call, unless there is nobody to answer.
    pub(super) fn reply(&mut self, id: &CallId, reply: Reply) {
        if !matches!(self.phase, Phase::Open(_)) {
            return;
        }
        match reply {
            Ok(payload) if payload.len() > MAX_REPLY => {
                let message = format!("The reply has {} bytes; a frame holds {MAX_REPLY}", payload.len());
                self.reply(id, Err(Exception::new(class::IO, message)));
            }
            Ok(Payload(pieces)) => {
                let length = pieces.iter().map(Bytes::len).sum();
                let header = ResponseHeader::success(id.call_id, &id.client_id, id.retry_count);
                self.transport.outbox.append(|out| put_frame(out, &header, length));
                pieces.into_iter().for_each(|piece| self.transport.outbox.push(piece));
            }
            Err(exception) => {
                self.shared.stats.calls_failed.fetch_add(1, Relaxed);
                let header = ResponseHeader::failure(id, &exception);
                self.transport.outbox.append(|out| put_frame(out, &header, 0));
            }
        }
    }
}
