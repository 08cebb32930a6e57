use std::future::Future;

use tokio::time::{Instant, timeout_at};
use tokio_util::task::AbortOnDropHandle;

/// A probe that may take longer than one round of a heartbeat: it goes on meanwhile, and there is one at a time. It ends
/// when this is dropped.
#[derive(Debug)]
pub(super) struct Ongoing<T>(Option<AbortOnDropHandle<T>>);

impl<T> Default for Ongoing<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Send + 'static> Ongoing<T> {
    /// Starts the probe, if the last one has ended.
    pub(super) fn start<F: Future<Output = T> + Send + 'static>(&mut self, probe: impl FnOnce() -> F) {
        if self.0.is_none() {
            self.0 = Some(AbortOnDropHandle::new(tokio::spawn(probe())));
        }
    }

    /// What came of it, once; none if it takes longer than until then.
    pub(super) async fn until(&mut self, deadline: Instant) -> Option<T> {
        let ended = timeout_at(deadline, self.0.as_mut()?).await.ok()?;
        self.0 = None;
        ended.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn a_probe_goes_on_between_rounds_and_is_heard_once() {
        let mut ongoing = Ongoing::default();
        let (send, receive) = oneshot::channel::<u32>();
        ongoing.start(|| receive);
        assert!(ongoing.until(Instant::now()).await.is_none());
        let never = || async { panic!("a second one beside the first") };
        ongoing.start(never);
        send.send(7).unwrap();
        let patience = Instant::now() + Duration::from_secs(30);
        assert_eq!(ongoing.until(patience).await, Some(Ok(7)));
        assert!(ongoing.until(patience).await.is_none(), "nothing is under way");
    }

    #[tokio::test]
    async fn a_probe_ends_with_who_asked() {
        let mut ongoing = Ongoing::default();
        let (mut send, receive) = oneshot::channel::<u32>();
        ongoing.start(|| receive);
        drop(ongoing);
        send.closed().await;
    }
}
