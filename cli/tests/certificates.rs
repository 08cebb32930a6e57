//! Certificates of `anabranch-store` and of its clients are replaced while they run.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anabranch_federation::MountEntry;
use anabranch_store::grpc::{ClientOptions, ClientTls};
use anabranch_store::suite::entry;
use anabranch_store::{Change, Event, GrpcStore, Reader, StoreError, Version, Watch, Writer};
use anabranch_testkit::certificates::{Authority, Issued};
use anabranch_testkit::net;
use anabranch_testkit::process::{Launch, Program, Stream};

const PATIENCE: Duration = Duration::from_secs(60);

/// A volume as kubelet projects it: files are links into a directory, which is a link that is replaced at once.
struct Volume {
    dir: tempfile::TempDir,
    generation: u32,
}

impl Volume {
    fn new(issued: &Issued, authorities: &[&Authority]) -> Self {
        let mut volume = Self { dir: tempfile::tempdir().unwrap(), generation: 0 };
        volume.replace(issued, authorities);
        for name in ["tls.crt", "tls.key", "ca.crt"] {
            symlink(Path::new("..data").join(name), volume.file(name)).unwrap();
        }
        volume
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn replace(&mut self, issued: &Issued, authorities: &[&Authority]) {
        self.generation += 1;
        let data = format!("..{}", self.generation);
        let inner = self.dir.path().join(&data);
        fs::create_dir(&inner).unwrap();
        fs::write(inner.join("tls.crt"), &issued.certificate).unwrap();
        fs::write(inner.join("tls.key"), &issued.key).unwrap();
        let authorities: String = authorities.iter().map(|authority| authority.pem()).collect();
        fs::write(inner.join("ca.crt"), authorities).unwrap();
        symlink(&data, self.file("..next")).unwrap();
        fs::rename(self.file("..next"), self.file("..data")).unwrap();
    }

    fn tls(&self) -> ClientTls {
        let identity = Some((self.file("tls.crt"), self.file("tls.key")));
        ClientTls { ca: self.file("ca.crt"), identity, domain: None }
    }

    fn launch(&self, address: SocketAddr) -> Launch {
        let text = |name: &str| self.file(name).display().to_string();
        Launch::new("anabranch-store").args(["--driver", "memory", "--listen", &address.to_string()]).args([
            "--tls-cert",
            &text("tls.crt"),
            "--tls-key",
            &text("tls.key"),
            "--client-ca",
            &text("ca.crt"),
        ])
    }
}

fn start(launch: &Launch) -> Program {
    let mut program = launch.start().unwrap();
    program.wait_for("an address", PATIENCE, |line| line.contains("state store is listening")).unwrap();
    program
}

fn store(address: SocketAddr, volume: &Volume) -> GrpcStore {
    let options = ClientOptions { tls: Some(volume.tls()), ..ClientOptions::new([address.to_string()]) };
    GrpcStore::new(&options).unwrap()
}

/// What a client finds that connects now.
async fn list(address: SocketAddr, volume: &Volume) -> Result<usize, StoreError> {
    Ok(Reader::<MountEntry>::list(&store(address, volume)).await?.records.len())
}

/// Waits until a client that connects then is served, or is not.
async fn until_served(what: &str, address: SocketAddr, volume: &Volume, served: bool) {
    let end = Instant::now() + PATIENCE;
    loop {
        let found = list(address, volume).await;
        if found.is_ok() == served {
            return;
        }
        assert!(Instant::now() < end, "{what}: {found:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Follows the mounts to the one that is called `/end`: how often each was written. Panics when a change may have been
/// missed.
async fn follow(mut watch: Box<dyn Watch<MountEntry>>) -> BTreeMap<String, u64> {
    let (mut writes, mut before) = (BTreeMap::new(), 0);
    while !writes.contains_key("/end") {
        match watch.next().await.unwrap() {
            Event::Snapshot(_) => panic!("a snapshot after {before}"),
            Event::Changed { revision, changes } => {
                assert_eq!(revision, before + 1);
                before = revision;
                for change in changes.iter() {
                    let Change::Put { record: put, .. } = change else { panic!("{change:?}") };
                    *writes.entry(put.source.to_string()).or_default() += 1;
                }
            }
            Event::FellBehind => panic!("fell behind after {before}"),
        }
    }
    writes
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_rotated_under_a_live_watch() {
    let (old, new) = (Authority::new("old").unwrap(), Authority::new("new").unwrap());
    let [server, client] = ["127.0.0.1", "router"];
    let mut served = Volume::new(&old.issue(server).unwrap(), &[&old]);
    let mut own = Volume::new(&old.issue(client).unwrap(), &[&old]);
    let address = net::free_address().unwrap();
    let launch = served.launch(address).expect_log("new TLS certificates cannot be used");
    let mut program = start(&launch);
    let live = Arc::new(store(address, &own));
    let mut watch = Reader::<MountEntry>::watch(&*live, None);
    assert!(matches!(watch.next().await.unwrap(), Event::Snapshot(empty) if empty.revision == 0));
    let watcher = tokio::spawn(follow(watch));
    let stop = tokio_util::sync::CancellationToken::new();
    let writer = tokio::spawn({
        let (live, stop) = (live.clone(), stop.clone());
        async move {
            let (mut version, mut made) = (Version::ABSENT, 0);
            while !stop.is_cancelled() {
                version = live.put(entry("/a", made), version).await.unwrap();
                made += 1;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            live.put(entry("/end", 0), Version::ABSENT).await.unwrap();
            made
        }
    });
    // Strangers of each time: of the old authority only, of the new one only, and one whose time is over.
    let past = Volume::new(&old.issue(client).unwrap(), &[&old]);
    let future = Volume::new(&new.issue(client).unwrap(), &[&new]);
    let expired = Volume::new(&new.issue_expired(client).unwrap(), &[&old, &new]);
    assert!(list(address, &past).await.is_ok());
    assert!(list(address, &future).await.is_err());

    // A broken file changes nothing, and is told once.
    let broken = Issued { certificate: "broken".to_owned(), ..old.issue(server).unwrap() };
    served.replace(&broken, &[&old]);
    let told = |line: &str| line.contains("new TLS certificates cannot be used");
    let line = program.wait_for("a warning", PATIENCE, told).unwrap();
    let certificate = served.file("tls.crt").display().to_string();
    assert!(line.contains(&format!("{certificate}: no certificate")), "{line}");
    assert!(list(address, &past).await.is_ok(), "the certificate from before");

    // Both sides trust both authorities, then certificates change, then the old authority goes.
    let both = [&old, &new];
    served.replace(&old.issue(server).unwrap(), &both);
    own.replace(&old.issue(client).unwrap(), &both);
    let between = Volume::new(&new.issue(client).unwrap(), &both);
    until_served("a client of the new authority", address, &between, true).await;
    assert!(list(address, &past).await.is_ok(), "a client of the old authority");
    let expired_now = list(address, &expired).await.unwrap_err();
    assert!(!matches!(expired_now, StoreError::Refused(_)), "{expired_now}");
    served.replace(&new.issue(server).unwrap(), &both);
    own.replace(&new.issue(client).unwrap(), &both);
    until_served("a client that trusts the new authority only", address, &future, true).await;
    assert!(list(address, &past).await.is_err(), "a client that trusts the old authority only");
    served.replace(&new.issue(server).unwrap(), &[&new]);
    own.replace(&new.issue(client).unwrap(), &[&new]);
    let removed = Volume::new(&old.issue(client).unwrap(), &both);
    until_served("a client whose authority was removed", address, &removed, false).await;

    stop.cancel();
    let made = tokio::time::timeout(PATIENCE, writer).await.expect("the end").unwrap();
    let seen = tokio::time::timeout(PATIENCE, watcher).await.expect("the end").unwrap();
    assert_eq!(seen, BTreeMap::from([("/a".to_owned(), made), ("/end".to_owned(), 1)]));
    assert!(made > 100, "{made}");
    let log = program.text(Stream::Err);
    assert_eq!(log.matches("new TLS certificates cannot be used").count(), 1);

    // The client that has been there all the time connects anew by what its files say now.
    program.kill().unwrap();
    drop(program);
    let _program = start(&launch);
    assert_eq!(Reader::<MountEntry>::list(&*live).await.unwrap().records.len(), 0);
}
