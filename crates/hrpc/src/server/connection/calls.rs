use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use futures_util::FutureExt;

use crate::inbound::Request;
use crate::server::{Handler, Protocol, Shared, meta};
use crate::{Call, CallId, Exception, Name, Peer, Reply, class};

/// A call that was answered.
#[derive(Debug)]
pub(in crate::server) struct Finished {
    pub(super) id: CallId,
    pub(super) reply: Reply,
}

/// Finds the protocol of a call among those that are served.
pub(super) fn look_up(request: Request, peer: Arc<Peer>, served: &[Protocol]) -> Result<Call, (CallId, Exception)> {
    let named = request.protocol.as_str();
    let Some(protocol) = served.iter().chain([&meta::PROTOCOL]).find(|protocol| protocol.name == named) else {
        let exception = Exception::no_such_protocol(named);
        return Err((request.id, exception));
    };
    if protocol.version != request.version {
        let exception = Exception::protocol_version_mismatch(protocol.name, request.version, protocol.version);
        return Err((request.id, exception));
    }
    Ok(Call {
        id: request.id,
        method: request.method,
        protocol: protocol.name,
        caller_context: request.caller_context,
        federated_state: request.federated_state,
        payload: request.payload,
        message_at: request.message_at,
        peer,
    })
}

/// Runs a call with the handler. A panic of the handler becomes an error of this call alone.
pub(in crate::server) async fn serve_call<H: Handler>(
    handler: &H,
    shared: &Shared,
    call: Call,
    bytes: usize,
) -> Finished {
    let _in_flight = InFlight::new(shared, bytes);
    let (id, method) = (call.id.clone(), call.method.clone());
    let answer = AssertUnwindSafe(async { handler.call(call).await });
    let reply = answer.catch_unwind().await.unwrap_or_else(|panic| Err(panicked(&method, &*panic)));
    Finished { id, reply }
}

fn panicked(method: &Name, panic: &(dyn std::any::Any + Send)) -> Exception {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
    tracing::error!(%method, panic = text, "a handler panicked");
    Exception::new(class::IO, format!("Internal error in {method}; the server's log tells more"))
}

/// Counts a call for as long as it lives, also when it is dropped unfinished.
struct InFlight<'s> {
    shared: &'s Shared,
    bytes: usize,
}

impl<'s> InFlight<'s> {
    fn new(shared: &'s Shared, bytes: usize) -> Self {
        shared.stats.calls_in_flight.fetch_add(1, Relaxed);
        shared.budget.hold(bytes);
        Self { shared, bytes }
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.shared.budget.release(self.bytes);
        self.shared.stats.calls_in_flight.fetch_sub(1, Relaxed);
    }
}
