//! `anabranch-store` as a process: what it refuses, whom it serves, and what it keeps when it is killed or its disk is full.

#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anabranch_federation::MountEntry;
use anabranch_store::grpc::{ClientOptions, ClientTls};
use anabranch_store::suite::history::{History, Observed, observe, write};
use anabranch_store::suite::{entry, oracle};
use anabranch_store::{DisabledNameservice, Event, GrpcStore, Reader, StoreError, Version, Writer};
use anabranch_testkit::certificates::Authority;
use anabranch_testkit::process::{Launch, Program};
use anabranch_testkit::volume::Volume;
use anabranch_testkit::{http, net};
use futures_util::{StreamExt, stream};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(60);
const FREE: [&str; 2] = ["--listen", "127.0.0.1:0"];

fn launch<'a>(args: impl IntoIterator<Item = &'a str>) -> Launch {
    Launch::new("anabranch-store").args(args)
}

/// A store in a directory, at an address that stays the same.
fn rocksdb(dir: &Path, address: SocketAddr) -> Launch {
    launch(["--data", dir.to_str().unwrap(), "--listen", &address.to_string()])
}

/// Starts a program and waits until it listens; gives its address.
fn start(launch: &Launch) -> (Program, SocketAddr) {
    let mut program = launch.start().unwrap();
    let line = program.wait_for("an address", PATIENCE, |line| line.contains("state store is listening")).unwrap();
    let address = line.split_once("rpc=").unwrap().1.split(' ').next().unwrap().parse().unwrap();
    (program, address)
}

fn client(address: SocketAddr) -> GrpcStore {
    GrpcStore::new(&ClientOptions::new([address.to_string()])).unwrap()
}

/// What it says on standard error before it ends with exit code 2.
fn refused<'a>(args: impl IntoIterator<Item = &'a str>) -> String {
    let (code, out, err) = launch(args).finish(PATIENCE).unwrap();
    assert_eq!((code, out.as_str()), (Some(2), ""), "{err}");
    err
}

#[test]
fn mistakes_end_it_with_one_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let err = refused(FREE);
    assert_eq!(err, "error: --driver rocksdb keeps its records in a directory: say which with --data DIR\n");
    let memory = ["--listen", "127.0.0.1:0", "--driver", "memory"];
    let err = refused(memory.into_iter().chain(["--tls-cert", "x"]));
    assert!(err.contains("--tls-key"), "{err}");

    let none = path("none.crt");
    let err = refused(memory.into_iter().chain(["--tls-cert", &none, "--tls-key", &none]));
    let unusable = "error: cannot use the TLS certificates";
    assert_eq!(err, format!("{unusable}: {none}: No such file or directory (os error 2)\n"));
    std::fs::write(path("bad"), "no certificate").unwrap();
    let err = refused(memory.into_iter().chain(["--tls-cert", &path("bad"), "--tls-key", &path("bad")]));
    assert_eq!(err, format!("{unusable}: {}: no certificate\n", path("bad")));

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let err = refused(["--driver", "memory", "--listen", &address]);
    assert!(err.starts_with(&format!("error: cannot listen on {address}: Address already in use")), "{err}");

    let data = path("data");
    let (_holder, _) = start(&launch(FREE.into_iter().chain(["--data", &data])));
    let err = refused(FREE.into_iter().chain(["--data", &data]));
    assert!(err.contains(&format!("{data} is in use by another process")), "{err}");
}

#[test]
fn plain_text_is_served_on_this_machine_unless_it_is_told_otherwise() {
    let help = launch(["--help"]).finish(PATIENCE).unwrap().1;
    assert!(help.contains("[default: 0.0.0.0:8890 with --tls-cert, else 127.0.0.1:8890]"), "{help}");
    assert!(help.contains("--max-connections <NUMBER>"), "{help}");
    // Somebody may serve there on this machine; what cannot be listened on is named.
    let mut program = launch(["--driver", "memory"]).start().unwrap();
    let says = |line: &str| line.contains("127.0.0.1:8890");
    program.wait_for("its address", PATIENCE, says).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_serves_its_clients_and_drains_when_asked() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new("test").unwrap();
    let (certificate, key) = authority.issue("127.0.0.1").unwrap().write(dir.path(), "server").unwrap();
    let ca = dir.path().join("ca.crt");
    std::fs::write(&ca, authority.pem()).unwrap();
    let web = net::free_address().unwrap().to_string();
    let text = |path: &Path| path.display().to_string();
    let (certificate, key, ca) = (text(&certificate), text(&key), text(&ca));
    let tls = ["--tls-cert", &certificate, "--tls-key", &key, "--client-ca", &ca];
    let args = FREE.into_iter().chain(["--driver", "memory", "--http", &web]).chain(tls);
    let (mut program, address) = start(&launch(args));

    let identity = authority.issue("router").unwrap().write(dir.path(), "client").unwrap();
    let tls = ClientTls { ca: ca.into(), identity: Some(identity), domain: None };
    let options = ClientOptions { tls: Some(tls), ..ClientOptions::new([address.to_string()]) };
    let store = GrpcStore::new(&options).unwrap();
    store.put(entry("/a", 1), Version::ABSENT).await.unwrap();
    let mut watch = Reader::<MountEntry>::watch(&store, None);
    assert!(matches!(watch.next().await.unwrap(), Event::Snapshot(snapshot) if snapshot.records.len() == 1));
    assert!(Reader::<MountEntry>::list(&client(address)).await.is_err(), "plain text");

    assert_eq!(http::get(&web, "/isActive").unwrap().status, 200);
    let metrics = http::get(&web, "/metrics").unwrap().body;
    for expected in ["anabranch_store_watches{kind=\"MountTable\"} 1", "anabranch_build_info"] {
        assert!(metrics.contains(expected), "{metrics}");
    }
    program.terminate().unwrap();
    let ended = tokio::time::timeout(PATIENCE, watch.next()).await.expect("the end of the watch");
    assert!(matches!(ended, Err(StoreError::NotDone(_))), "{ended:?}");
    assert_eq!(program.wait(PATIENCE).unwrap().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_only_read_has_an_address_too() {
    let readers = net::free_address().unwrap();
    let at = readers.to_string();
    let args = FREE.into_iter().chain(["--driver", "memory", "--listen-read-only", &at]);
    let (_program, address) = start(&launch(args));
    let version = client(address).put(entry("/a", 1), Version::ABSENT).await.unwrap();
    let reader = client(readers);
    let refused = reader.put(entry("/a", 2), version).await.unwrap_err();
    assert!(matches!(refused, StoreError::ReadOnly(_)), "{refused}");
    assert!(refused.to_string().contains("at the address of the fleet's own routers"), "{refused}");
    let list = Reader::<MountEntry>::list(&reader).await.unwrap();
    assert_eq!((list.records.len(), list.revision), (1, version.0));
}

/// Kills and restarts a store under its writers and watchers.
async fn kill_and_restart(seed: u64) {
    const WRITERS: u64 = 3;
    const KILLS: u32 = 4;
    let mut random = SmallRng::seed_from_u64(seed);
    let dir = tempfile::tempdir().unwrap();
    let address = net::free_address().unwrap();
    let launch = rocksdb(&dir.path().join("data"), address);
    let (mut program, _) = start(&launch);
    let (done, ends) = tokio::sync::watch::channel(None);
    let watchers: Vec<_> =
        (0..3).map(|_| tokio::spawn(oracle::watcher(Arc::new(client(address)), ends.clone()))).collect();
    let stop = CancellationToken::new();
    let writers = (0..WRITERS).map(|n| {
        let stop = stop.clone();
        let store = Arc::new(client(address));
        tokio::spawn(oracle::writer(store, format!("/w{n}"), move |tag| tag == 0 || !stop.is_cancelled()))
    });
    let writers: Vec<_> = writers.collect();
    for _ in 0..KILLS {
        tokio::time::sleep(Duration::from_millis(random.random_range(20..300))).await;
        program.kill().unwrap();
        drop(program);
        (program, _) = start(&launch);
    }
    stop.cancel();
    let (mut last, mut made) = (0, 0);
    for writer in writers {
        let known = tokio::time::timeout(PATIENCE, writer).await.expect("the end").unwrap();
        assert!(known.tag > 0, "every writer got to work");
        (last, made) = (last.max(known.version.0), made + known.tag);
    }
    // Every revision is one change of one writer: none was lost, none was made twice.
    let list = Reader::<MountEntry>::list(&client(address)).await.unwrap();
    assert_eq!((list.revision.max(last), list.records.len() as u64), (made, WRITERS));
    done.send_replace(Some(last));
    for watcher in watchers {
        let tags = tokio::time::timeout(PATIENCE, watcher).await.expect("the end").unwrap();
        assert_eq!(tags.values().sum::<u64>(), made);
    }
}

/// `SEEDS=300` runs more.
#[tokio::test(flavor = "multi_thread")]
async fn kill_9_loses_nothing_that_was_acknowledged() {
    let seeds = std::env::var("SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(2);
    for seed in 0..seeds {
        eprintln!("seed {seed}");
        kill_and_restart(seed).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_writes_and_is_still_read() {
    let Some(volume) = Volume::mount(24).unwrap() else {
        eprintln!("skipped: only root mounts a volume that fills up");
        return;
    };
    let data = volume.path().join("data");
    let told = format!("{}: No space left on device: free some space", data.display());
    let launch = rocksdb(&data, net::free_address().unwrap()).expect_log(&told);
    let (mut program, address) = start(&launch);
    let store = client(address);
    let large = |n: u64| MountEntry { group: "g".repeat(400_000), ..entry(&format!("/{n:03}"), n) };
    let mut made = 0;
    let refused = loop {
        match store.put(large(made), Version::ABSENT).await {
            Ok(_) => made += 1,
            Err(error) => break error,
        }
        assert!(made < 1000, "the volume does not fill up");
    };
    assert!(made > 5, "{made}");
    // One more is refused, too, and what was acknowledged is all there.
    let again = store.put(large(made + 1), Version::ABSENT).await.unwrap_err();
    for refused in [refused, again] {
        assert!(refused.to_string().contains(&told) && !refused.may_be_done(), "{refused}");
    }
    let names = async || {
        let list = Reader::<MountEntry>::list(&client(address)).await.unwrap();
        list.records.iter().map(|stored| stored.record.source.to_string()).collect::<Vec<_>>()
    };
    let mut acknowledged: Vec<_> = (0..made).map(|n| format!("/{n:03}")).collect();
    assert_eq!(names().await, acknowledged);
    let mut watch = Reader::<MountEntry>::watch(&store, None);
    assert!(matches!(watch.next().await.unwrap(), Event::Snapshot(_)));
    program.wait_for("the reason", PATIENCE, |line| line.contains(&told)).unwrap();

    // Killed and started anew, it still says so, and is read.
    program.kill().unwrap();
    drop(program);
    let (mut program, _) = start(&launch);
    program.wait_for("the reason", PATIENCE, |line| line.contains(&told)).unwrap();
    assert_eq!(names().await, acknowledged);
    let store = client(address);
    let refused = store.put(large(made), Version::ABSENT).await.unwrap_err();
    assert!(refused.to_string().contains(&told) && !refused.may_be_done(), "{refused}");

    // When there is room, it is written again.
    volume.resize(96).unwrap();
    store.put(large(made), Version::ABSENT).await.unwrap();
    acknowledged.push(format!("/{made:03}"));
    assert_eq!(names().await, acknowledged);
    program.wait_for("the good news", PATIENCE, |line| line.contains("there is room on the disk again")).unwrap();
    assert!(!program.has_ended());
    program.kill().unwrap();
    drop(program);
    let (_program, _) = start(&launch);
    assert_eq!(names().await, acknowledged);
}

/// What writers and watchers of a store know whose disk fills up, and which is killed then now and then.
async fn fill_and_drain(seed: u64, volume: Volume) {
    const WRITERS: usize = 3;
    const TIMES: u32 = 3;
    let mut random = SmallRng::seed_from_u64(seed);
    let (data, address) = (volume.path().join("data"), net::free_address().unwrap());
    let launch = rocksdb(&data, address).expect_log("No space left on device");
    let (mut program, _) = start(&launch);
    let (stop, (done, ends)) = (CancellationToken::new(), tokio::sync::watch::channel(None));
    let watchers = [(); 2].map(|()| tokio::spawn(observe(Arc::new(client(address)), ends.clone())));
    let writers: Vec<_> = (0..WRITERS)
        .map(|n| {
            let (keys, stop) = (vec![format!("/w{n}"), format!("/w{n}/below")], stop.clone());
            let random = SmallRng::from_rng(&mut random);
            tokio::spawn(write(Arc::new(client(address)), keys, random, move || !stop.is_cancelled()))
        })
        .collect();
    for _ in 0..TIMES {
        tokio::time::sleep(Duration::from_millis(random.random_range(0..60))).await;
        volume.fill().unwrap();
        until(address, false).await;
        if random.random_bool(0.3) {
            program.kill().unwrap();
            drop(program);
            (program, _) = start(&launch);
            until(address, false).await;
        }
        Reader::<MountEntry>::list(&client(address)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(random.random_range(0..60))).await;
        volume.drain().unwrap();
        until(address, true).await;
    }
    stop.cancel();
    let mut history = History::default();
    for writer in writers {
        let Observed { found, verdict } = tokio::time::timeout(PATIENCE, writer).await.expect("the end").unwrap();
        verdict.unwrap();
        history.merge(found);
    }
    assert!(history.last() > 0, "somebody got to work");
    done.send_replace(Some(history.last()));
    for watcher in watchers {
        history.judge(&tokio::time::timeout(PATIENCE, watcher).await.expect("the end").unwrap()).unwrap();
    }
    history.judge_end(&Reader::<MountEntry>::list(&client(address)).await.unwrap()).unwrap();
    program.kill().unwrap();
    drop(program);
    let (_program, _) = start(&launch);
    history.judge_end(&Reader::<MountEntry>::list(&client(address)).await.unwrap()).unwrap();
}

/// Writes a record of a kind of its own until that ends as `wanted`: true, it is made; false, it is refused for lack of room.
async fn until(address: SocketAddr, wanted: bool) {
    let (store, end) = (client(address), tokio::time::Instant::now() + PATIENCE);
    for tag in 1.. {
        let stored = Reader::<DisabledNameservice>::list(&store).await.unwrap().records.pop();
        let version = stored.map_or(Version::ABSENT, |stored| stored.version);
        let made = match store.put(DisabledNameservice::since("probe", tag).unwrap(), version).await {
            Ok(_) => true,
            Err(error) if error.to_string().contains("No space left on device") => false,
            Err(error) => panic!("{error}"),
        };
        if made == wanted {
            return;
        }
        assert!(tokio::time::Instant::now() < end, "made: {made}");
    }
}

/// `SEEDS=300` runs more, some at a time: for the most part they wait.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_loses_nothing_that_was_acknowledged() {
    const TOGETHER: usize = 8;
    const MEGABYTES: u32 = 16;
    let seeds: u64 = std::env::var("SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(4);
    let runs = (0..seeds).map_while(|seed| Some(fill_and_drain(seed, Volume::mount(MEGABYTES).unwrap()?)));
    let ended = stream::iter(runs).buffer_unordered(TOGETHER).count().await;
    eprintln!("{ended} of {seeds} runs; only root mounts volumes that fill up");
}
