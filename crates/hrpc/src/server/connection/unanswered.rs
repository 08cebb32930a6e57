use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

/// The calls of a connection that have no answer yet. Most clients wait for the answer before they call again: a call that
/// is alone is polled with the connection's own waker, which saves what it takes to tell which of several was woken.
pub(super) struct Unanswered<F> {
    alone: Option<Pin<Box<F>>>,
    others: FuturesUnordered<F>,
}

impl<F: Future> Unanswered<F> {
    pub(super) fn new() -> Self {
        Self { alone: None, others: FuturesUnordered::new() }
    }

    pub(super) fn len(&self) -> usize {
        usize::from(self.alone.is_some()) + self.others.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn push(&mut self, call: F) {
        if self.is_empty() {
            self.alone = Some(Box::pin(call));
        } else {
            self.others.push(call);
        }
    }

    /// The next call that ended; pending also when there is none.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<F::Output> {
        if let Some(call) = &mut self.alone
            && let Poll::Ready(output) = call.as_mut().poll(cx)
        {
            self.alone = None;
            return Poll::Ready(output);
        }
        if self.others.is_empty() {
            return Poll::Pending;
        }
        match self.others.poll_next_unpin(cx) {
            Poll::Ready(Some(output)) => Poll::Ready(output),
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn calls_end_in_any_order_and_each_once() {
        for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0]] {
            let (senders, receivers): (Vec<_>, Vec<_>) = (0..3).map(|_| oneshot::channel()).unzip();
            let mut calls = Unanswered::new();
            receivers.into_iter().for_each(|receiver| calls.push(receiver));
            assert_eq!(calls.len(), 3);
            let mut senders: Vec<_> = senders.into_iter().map(Some).collect();
            for at in order {
                let sender = senders[at].take().unwrap();
                let ended = poll_fn(|cx| calls.poll_next(cx));
                let (sent, ended) = tokio::join!(async { sender.send(at) }, ended);
                assert_eq!((sent, ended), (Ok(()), Ok(at)));
            }
            assert!(calls.is_empty());
            // The place of the one that is alone is free again.
            calls.push(oneshot::channel().1);
            assert!(calls.alone.is_some());
        }
    }
}
