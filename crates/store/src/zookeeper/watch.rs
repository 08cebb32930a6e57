use super::*;
use crate::log::{Next, Position};

/// Where a watch is.
enum At {
    /// The next event is a snapshot.
    Start,
    /// The next event is the first change after this revision.
    From(Revision),
    /// The next event is the first change after this position.
    Known(Position),
}

/// A watch on a kind: reads the log of its follower at its own pace.
pub(super) struct ZooKeeperWatch<R: Held> {
    inner: Arc<Inner>,
    at: At,
    /// The last answer was an error.
    failed: bool,
    kind: PhantomData<fn() -> R>,
}

impl<R: Held> ZooKeeperWatch<R> {
    pub(super) fn new(inner: Arc<Inner>, from: Option<Revision>) -> Self {
        Self { inner, at: from.map_or(At::Start, At::From), failed: false, kind: PhantomData }
    }

    async fn event(&mut self) -> Result<Event<R>, StoreError> {
        let inner = self.inner.clone();
        let kept = inner.follow::<R>();
        let (mut news, mut status) = (kept.log.subscribe(), kept.status.subscribe());
        loop {
            let now = status.borrow_and_update().clone();
            if let Status::Away(error) = &now
                && !self.failed
            {
                return Err(error.clone().into());
            }
            if !matches!(now, Status::Current(_)) {
                // Whoever was told already is told again from time to time.
                let changed = tokio::time::timeout(self.inner.options.session_timeout, status.changed()).await;
                match (changed, now) {
                    (Ok(_), _) => continue,
                    (Err(_), Status::Away(error)) => return Err(error.into()),
                    (Err(_), _) => return Err(ZooKeeperError::Unavailable("no answer".to_owned()).into()),
                }
            }
            let position = match self.at {
                At::Known(position) => position,
                At::From(seen) => {
                    inner.barrier(kept).await?;
                    Position { epoch: kept.log.epoch(), seen }
                }
                At::Start => {
                    inner.barrier(kept).await?;
                    let mirror = kept.mirror.lock();
                    let seen = kept.log.newest();
                    self.at = At::Known(Position { epoch: kept.log.epoch(), seen });
                    return Ok(Event::Snapshot(mirror.snapshot(seen)));
                }
            };
            self.at = At::Known(position);
            match kept.log.after(position) {
                Next::Changed(revision, changes) => {
                    self.at = At::Known(Position { seen: revision, ..position });
                    return Ok(Event::Changed { revision, changes });
                }
                // After an error an event must tell that all is well again, though nothing may have changed.
                Next::Nothing if !self.failed => {}
                Next::Unknown | Next::Nothing => {
                    self.at = At::Start;
                    return Ok(Event::FellBehind);
                }
            }
            // Neither fails: both senders are in the store that this watch holds.
            tokio::select! {
                _ = news.changed() => {}
                _ = status.changed() => {}
            }
        }
    }
}

impl<R: Held> Watch<R> for ZooKeeperWatch<R> {
    fn next(&mut self) -> Answer<'_, Event<R>> {
        Box::pin(async move {
            let event = self.event().await;
            self.failed = event.is_err();
            event
        })
    }
}
