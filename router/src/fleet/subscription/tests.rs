use std::collections::VecDeque;

use anabranch_store::{Answer, Membership, Revision, Snapshot, StoreError};

use super::*;

/// A store that is away for the first calls.
struct Away(VecDeque<bool>);

struct Source;

impl Reader<Membership> for Source {
    fn list(&self) -> Answer<'_, Snapshot<Membership>> {
        Box::pin(async { Err(StoreError::TooManyChanges(0)) })
    }

    fn watch(&self, _: Option<Revision>) -> Box<dyn Watch<Membership>> {
        Box::new(Away([true, false, false, true].into()))
    }
}

impl Watch<Membership> for Away {
    fn next(&mut self) -> Answer<'_, Event<Membership>> {
        let answers = self.0.pop_front().unwrap_or(true);
        Box::pin(async move {
            match answers {
                true => Ok(Event::FellBehind),
                false => Err(StoreError::TooManyChanges(0)),
            }
        })
    }
}

#[tokio::test]
async fn records_do_not_age_while_the_store_is_away_nor_right_after() {
    let mut subscription = Subscription::new(&Source);
    subscription.grace = Duration::from_millis(20);
    subscription.next().await;
    assert!(subscription.stopped.is_none(), "time counts while all is well");
    // The next calls fail. One that is cut short while the store is left alone loses nothing.
    assert!(tokio::time::timeout(Duration::from_millis(10), subscription.next()).await.is_err());
    let stood = subscription.stopped.unwrap();
    assert!(subscription.is_away());
    assert_eq!(subscription.now_ms(), stood.at_ms);
    subscription.next().await;
    assert!(!subscription.is_away());
    let until = subscription.stopped.unwrap().until.unwrap();
    if Instant::now() < until {
        assert_eq!(subscription.now_ms(), stood.at_ms, "nobody has had the time to write");
    }
    sleep_until(until).await;
    assert!(subscription.now_ms() > stood.at_ms);
}
