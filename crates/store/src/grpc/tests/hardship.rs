//! Clients that are slow, many or wrong, and stores that fail.

use tonic::transport::Endpoint;

use super::super::proto::state_store_client::StateStoreClient;
use super::super::proto::{ListRequest, WatchRequest, WriteRequest};
use super::*;
use crate::suite::{changed, entry, snapshot};
use crate::{Answer, Event, Membership, Reader, Revision, Snapshot, StoreError, Version, Watch, Write, Writer};

#[tokio::test]
async fn an_unknown_kind_is_told_with_those_that_are_known() {
    let served = Served::start(journal_store()).await;
    let channel = Endpoint::from_shared(format!("http://{}", served.address)).unwrap().connect().await.unwrap();
    let mut calls = StateStoreClient::new(channel);
    let kind = || "Surprise".to_owned();
    let answers = [
        calls.list(ListRequest { kind: kind() }).await.map(drop),
        calls.watch(WatchRequest { kind: kind(), from: None }).await.map(drop),
        calls.write(WriteRequest { kind: kind(), changes: Vec::new() }).await.map(drop),
    ];
    for answer in answers {
        let status = answer.unwrap_err();
        assert_eq!(status.code(), tonic::Code::Unimplemented);
        let expected = "no records of kind \"Surprise\" are kept; there are MountTable, MembershipState, RouterState, \
                        DisabledNameservice";
        assert_eq!(status.message(), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_watcher_falls_behind_and_holds_up_nobody() {
    let store = journal_store();
    let served = Served::start(store.clone()).await;
    // Both on one connection.
    let client = client(served.address);
    let mut slow = Reader::<MountEntry>::watch(&client, None);
    let mut quick = Reader::<MountEntry>::watch(&client, None);
    snapshot(&mut *slow).await;
    snapshot(&mut *quick).await;
    // Far more than what fits into the buffers on the way.
    let mut version = Version::ABSENT;
    for tag in 0..100 {
        let large = MountEntry { group: "g".repeat(20_000), ..entry("/a", tag) };
        version = client.put(large, version).await.unwrap();
        assert_eq!(changed(&mut *quick).await.0, version.0);
    }
    let (mut seen, mut changes, mut gaps) = (0, 0, 0.0);
    // It may fall behind again while it is told of the first time.
    while seen < version.0 {
        match suite::next(&mut *slow).await {
            Event::Changed { revision, .. } => {
                assert!(revision > seen);
                (seen, changes) = (revision, changes + 1);
            }
            Event::FellBehind => {
                let at = snapshot(&mut *slow).await.0;
                assert!(at > seen);
                (seen, gaps) = (at, gaps + 1.0);
            }
            Event::Snapshot(_) => panic!("a snapshot without a reason"),
        }
    }
    assert!(gaps > 0.0 && changes < 50, "{changes} changes were kept for it");
    assert_eq!(served.metric("anabranch_store_fell_behind_total"), gaps);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_watches_than_a_connection_takes_hold_up_no_call() {
    let served = Served::start(journal_store()).await;
    let client = client(served.address);
    let version = client.put(entry("/a", 1), Version::ABSENT).await.unwrap();
    let mut watches: Vec<_> = (0..100).map(|_| Reader::<MountEntry>::watch(&client, None)).collect();
    for watch in &mut watches {
        assert_eq!(snapshot(&mut **watch).await.0, version.0);
    }
    let version = client.put(entry("/b", 1), Version::ABSENT).await.unwrap();
    for watch in &mut watches {
        assert_eq!(changed(&mut **watch).await.0, version.0);
    }
    assert_eq!(served.metric("anabranch_store_watches"), 100.0);
}

#[tokio::test]
async fn what_is_too_large_to_send_is_not_sent() {
    let served = Served::start(JournalStore::in_memory()).await;
    let client = client(served.address);
    let put = |n: usize| Write::Put {
        record: MountEntry { owner: "x".repeat(1_000_000), ..entry(&format!("/{n}"), 1) },
        expected: Version::ABSENT,
    };
    // Large, but accepted; watchers and lists get it in parts.
    let mut watch = Reader::<MountEntry>::watch(&client, None);
    snapshot(&mut *watch).await;
    let answers = client.write((0..16).map(put).collect()).await.unwrap();
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(changed(&mut *watch).await.1.len(), 16);
    assert_eq!(Reader::<MountEntry>::list(&client).await.unwrap().records.len(), 16);
    let error = client.write((0..17).map(put).collect()).await.unwrap_err();
    assert!(matches!(error, StoreError::TooManyBytes(bytes) if bytes > 17_000_000), "{error}");
}

/// A store that can be made to fail.
#[derive(Clone)]
struct Failing {
    store: JournalStore,
    fails: Arc<std::sync::atomic::AtomicBool>,
}

impl Failing {
    fn check(&self) -> Result<(), StoreError> {
        let fails = self.fails.load(std::sync::atomic::Ordering::Relaxed);
        if fails { Err(anabranch_journal::Error::Storage("disk full".into()).into()) } else { Ok(()) }
    }
}

impl<R: crate::Record> Reader<R> for Failing
where
    JournalStore: Reader<R>,
{
    fn list(&self) -> Answer<'_, Snapshot<R>> {
        Box::pin(async move {
            self.check()?;
            self.store.list().await
        })
    }

    fn watch(&self, from: Option<Revision>) -> Box<dyn Watch<R>> {
        self.store.watch(from)
    }
}

impl<R: crate::Record> Writer<R> for Failing
where
    JournalStore: Writer<R>,
{
    fn write(&self, changes: Vec<Write<R>>) -> Answer<'_, Vec<Result<Version, crate::Refusal>>> {
        Box::pin(async move {
            self.check()?;
            self.store.write(changes).await
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_is_told_and_heals() {
    let failing = Failing { store: journal_store(), fails: Arc::default() };
    let options = ServerOptions { probe: Duration::from_millis(50), ..ServerOptions::default() };
    let served = Served::with(failing.clone(), options, "127.0.0.1:0".parse().unwrap()).await;
    let client = client(served.address);
    let version = client.put(entry("/a", 1), Version::ABSENT).await.unwrap();
    let mut watch = Reader::<MountEntry>::watch(&client, None);
    assert_eq!(snapshot(&mut *watch).await.0, version.0);
    failing.fails.store(true, std::sync::atomic::Ordering::Relaxed);
    let error = client.put(entry("/b", 1), Version::ABSENT).await.unwrap_err();
    assert!(error.to_string().contains("disk full"), "{error}");
    // Once the server has noticed, it begins nothing.
    tokio::time::timeout(PATIENCE, async {
        while client.put(entry("/b", 1), Version::ABSENT).await.unwrap_err().may_be_done() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
    // So do its watchers learn, those that came before and those that come now.
    let error = tokio::time::timeout(PATIENCE, watch.next()).await.expect("an error").unwrap_err();
    assert!(error.to_string().contains("disk full"), "{error}");
    let error = Reader::<Membership>::watch(&client, None).next().await.unwrap_err();
    assert!(error.to_string().contains("the store does not answer: state store: disk full"), "{error}");
    failing.fails.store(false, std::sync::atomic::Ordering::Relaxed);
    tokio::time::timeout(PATIENCE, async {
        while client.put(entry("/b", 1), Version::ABSENT).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_stops_waiting_holds_up_no_other() {
    // Accepts, but never says anything: no handshake ends.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let authority = anabranch_testkit::certificates::Authority::new("test").unwrap();
    let files = super::tls::Files::new();
    let tls = files.trusting(&authority, None);
    let connect = Duration::from_millis(300);
    let options = ClientOptions { tls: Some(tls), connect, ..ClientOptions::new([address.to_string()]) };
    let client = GrpcStore::new(&options).unwrap();
    let mut watch = Reader::<MountEntry>::watch(&client, None);
    assert!(tokio::time::timeout(Duration::from_millis(50), watch.next()).await.is_err());
    // The watch is kept and not asked again; a list has its own answer all the same.
    let answer = tokio::time::timeout(PATIENCE, Reader::<MountEntry>::list(&client)).await.expect("an answer");
    assert!(matches!(answer, Err(StoreError::NotDone(_))), "{answer:?}");
    drop(watch);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_nothing_keeps_no_place_from_a_client() {
    let options = ServerOptions { connections: 2, keep_alive: Duration::from_secs(1), ..ServerOptions::default() };
    let served = Served::with(journal_store(), options, "127.0.0.1:0".parse().unwrap()).await;
    let first = client(served.address);
    let version = first.put(entry("/a", 1), Version::ABSENT).await.unwrap();
    assert_eq!(served.metric("anabranch_store_connections"), 1.0);
    assert_eq!(served.metric("anabranch_store_connections_limit"), 2.0);
    // Somebody takes the last place, and is not heard of again.
    let silent = tokio::net::TcpStream::connect(served.address).await.unwrap();
    let full = async {
        while served.metric("anabranch_store_connections") < 2.0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, full).await.expect("a connection");
    let mut watch = Reader::<MountEntry>::watch(&client(served.address), None);
    let event = tokio::time::timeout(PATIENCE, snapshot(&mut *watch)).await.expect("a place");
    assert_eq!(event.0, version.0);
    // Those who speak have kept theirs.
    first.put(entry("/b", 1), Version::ABSENT).await.unwrap();
    drop(silent);
}
