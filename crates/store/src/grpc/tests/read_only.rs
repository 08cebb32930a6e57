//! Who may read and not write.

use super::*;
use crate::suite::entry;
use crate::{Event, Reader, StoreError, Version, Writer};

#[tokio::test]
async fn readers_are_told_of_changes_and_make_none() {
    let [listener, readers] =
        [TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap()];
    let (writer, reader) = (client(listener.local_addr().unwrap()), client(readers.local_addr().unwrap()));
    let (stop, registry) = (CancellationToken::new(), prometheus::Registry::new());
    let server = StoreServer::new(Arc::new(journal_store()), ServerOptions::default(), &registry, stop.clone());
    let serving = tokio::spawn(server.unwrap().read_only(readers).serve(listener));

    let version = writer.put(entry("/a", 1), Version::ABSENT).await.unwrap();
    let mut watch = Reader::<MountEntry>::watch(&reader, None);
    assert!(matches!(watch.next().await.unwrap(), Event::Snapshot(snapshot) if snapshot.records.len() == 1));
    let mount = reader.put(entry("/a", 2), version).await;
    let member = reader.put(Membership::sample("/b", 1), Version::ABSENT).await.map(drop);
    let delete = Writer::<MountEntry>::delete(&reader, "/a".to_owned(), version).await;
    for refused in [mount.map(drop), member, delete.map(drop)] {
        let refused = refused.unwrap_err();
        assert!(matches!(&refused, StoreError::ReadOnly(_)) && !refused.may_be_done(), "{refused:?}");
        assert!(refused.to_string().contains("is read-only"), "{refused}");
    }
    // The next change is the writer's.
    writer.put(entry("/a", 3), version).await.unwrap();
    let event = watch.next().await.unwrap();
    assert!(matches!(&event, Event::Changed { revision, .. } if *revision == version.0 + 1), "{event:?}");
    assert_eq!(Reader::<Membership>::list(&reader).await.unwrap().records.len(), 0);

    stop.cancel();
    tokio::time::timeout(PATIENCE, serving).await.expect("the end").unwrap().unwrap();
    assert!(matches!(watch.next().await, Err(StoreError::NotDone(_))));
}
