//! What routers do to the records of those that are silent: mark, and later delete, at the same time as others and as the
//! writer that is back.

use super::*;
use crate::{NamenodeState, RouterStatus};

/// When the silent one wrote last.
const LAST_MS: u64 = 1000;

pub(super) async fn members(store: &dyn Records<Membership>) {
    let fresh = Membership::sample("nn0", 1);
    let (state, modified) = (Some(NamenodeState::Expired.name().to_owned()), Some(LAST_MS));
    let marked = NamenodeMembershipRecordProto { state, date_modified: modified, ..fresh.message().clone() };
    let date =
        |record: &Membership| (record.state() == NamenodeState::Expired).then(|| record.message().date_modified());
    sweep(store, fresh, Membership::new(marked).unwrap(), date).await;
}

pub(super) async fn routers(store: &dyn Records<RouterState>) {
    let fresh = RouterState::sample("host:8888", 1);
    let (status, modified) = (Some(RouterStatus::Expired.name().to_owned()), Some(LAST_MS));
    let marked = RouterRecordProto { status, date_modified: modified, ..fresh.message().clone() };
    let date =
        |record: &RouterState| (record.status() == RouterStatus::Expired).then(|| record.message().date_modified());
    sweep(store, fresh, RouterState::new(marked).unwrap(), date).await;
}

/// `marked_since` tells the date of a record that is marked.
async fn sweep<R: Record>(store: &dyn Records<R>, fresh: R, marked: R, marked_since: impl Fn(&R) -> Option<u64>) {
    let key = fresh.key().to_owned();
    let first = store.put(fresh.clone(), Version::ABSENT).await.unwrap();
    let mut watch = store.watch(None);
    snapshot(&mut *watch).await;
    let mark = |expected| store.put(marked.clone(), expected);
    let delete = |expected| store.delete(key.clone(), expected);
    let stored = async || store.list().await.unwrap().records.pop().map(|stored| marked_since(&stored.record));

    // Of two that mark it, one does. It keeps its date, by which it will be deleted.
    let second = one_of(tokio::join!(mark(first), mark(first)));
    assert_eq!(changed(&mut *watch).await, (second.0, vec![format!("+{key}")]));
    assert_eq!(stored().await, Some(Some(LAST_MS)));
    // Its writer is back, before it is deleted.
    let third = store.put(fresh.clone(), second).await.unwrap();
    assert_eq!(changed(&mut *watch).await, (third.0, vec![format!("+{key}")]));
    for late in [delete(second).await, mark(second).await] {
        assert!(
            matches!(late, Err(StoreError::Refused(Refusal::Conflict { found, .. })) if found == third),
            "{late:?}"
        );
    }
    assert_eq!(stored().await, Some(None));
    let fourth = mark(third).await.unwrap();
    assert_eq!(changed(&mut *watch).await, (fourth.0, vec![format!("+{key}")]));
    let last = one_of(tokio::join!(delete(fourth), delete(fourth)));
    assert_eq!(changed(&mut *watch).await, (last.0, vec![format!("-{key}")]));
    assert_eq!(stored().await, None);
    // A writer that is back after all begins anew.
    assert!(mark(fourth).await.is_err());
    store.put(fresh, Version::ABSENT).await.unwrap();
}

/// What the one got that was first; the other was refused.
fn one_of(answers: (Result<Version, StoreError>, Result<Version, StoreError>)) -> Version {
    match answers {
        (Ok(version), Err(StoreError::Refused(_))) | (Err(StoreError::Refused(_)), Ok(version)) => version,
        others => panic!("{others:?}"),
    }
}
