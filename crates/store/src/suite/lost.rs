//! Writes that are made and of which nobody hears.

use super::*;

/// A request of so many bytes has a record of [`lost_reply`] in it.
pub const LARGE: u64 = 10_000;

fn large(tag: u64) -> MountEntry {
    MountEntry { group: "g".repeat(2 * LARGE as usize), ..entry("/a", tag) }
}

/// Holds a driver with a connection to telling the truth about a write whose reply is lost, and to making it once. `lose`
/// keeps the reply to the next write, cuts the connection when there is one, and lets everything pass again.
pub async fn lost_reply(store: &dyn Records<MountEntry>, lose: impl AsyncFn()) {
    let mut version = store.put(large(0), Version::ABSENT).await.unwrap();
    let mut watch = store.watch(None);
    assert!(matches!(heard(&mut *watch).await, Event::Snapshot(_)));
    for tag in 1..=3 {
        let ((), told) = tokio::join!(biased; lose(), store.put(large(tag), version));
        let told = told.unwrap_err();
        assert!(told.may_be_done(), "{told}");
        let Event::Changed { changes, .. } = heard(&mut *watch).await else { panic!("expected a change") };
        let [Change::Put { record, version: made }] = &*changes else { panic!("{changes:?}") };
        assert!(record.tag() == tag && *made > version, "{} {made:?} after {version:?}", record.tag());
        // Who writes it once more is refused, since it was made.
        let again = store.put(large(tag), version).await;
        let refused = |refusal: &Refusal| matches!(refusal, Refusal::Conflict { found, .. } if found == made);
        assert!(matches!(&again, Err(StoreError::Refused(refusal)) if refused(refusal)), "{again:?}");
        version = *made;
    }
    let list = store.list().await.unwrap();
    assert_eq!((list.records[0].record.tag(), list.records[0].version), (3, version));
}

/// The next event in which something is said. A watch may tell that its connection was cut, and that it is back.
async fn heard<R>(watch: &mut dyn Watch<R>) -> Event<R> {
    let event = async {
        loop {
            match watch.next().await {
                Ok(Event::Changed { changes, .. }) if changes.is_empty() => {}
                Ok(event) => return event,
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), event).await.expect("no event in 30 s")
}
