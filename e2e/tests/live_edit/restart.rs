use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anabranch_e2e::dfs::dfs;
use anabranch_e2e::files::{assert_same_file, write_random};
use anabranch_e2e::wire::Raw;
use anabranch_testkit::http;
use anabranch_testkit::process::user;
use bytes::Bytes;
use hdfs_native::client::{Client, ClientBuilder, WriteOptions};

use super::Site;

const END: Duration = Duration::from_secs(45);

#[test]
fn a_second_run_finds_the_files_of_the_first() {
    let site = Site::new("second-run");
    let (local, back) = (site.dir().join("local"), site.dir().join("back"));
    write_random(&local, 5_000_000, 1);
    {
        let mut router = site.start(&[]);
        for mount in ["/data0", "/data1"] {
            let target = format!("{mount}/kept/file");
            dfs(&router.uri(), &["mkdir", "-p", &format!("{mount}/kept")]).ok();
            dfs(&router.uri(), &["put", &local.display().to_string(), &target]).ok();
        }
        router.program.interrupt().expect("a signal");
        let status = router.program.wait(END).expect("an end");
        assert_eq!(status.code(), Some(0), "{}", router.program.tail());
    }
    let router = site.start(&[]);
    for mount in ["/data0", "/data1"] {
        dfs(&router.uri(), &["get", "--force", &format!("{mount}/kept/file"), &back.display().to_string()]).ok();
        assert_same_file(&local, &back);
    }
}

#[test]
fn control_c_drains() {
    let site = Site::new("drain");
    let mut router = site.start(&[]);
    let mut idle = Raw::ready(router.rpc, &user()).expect("handshake");
    assert!(idle.stat("/", 0).expect("an answer").is_some());
    let address = router.http.to_string();
    assert_eq!(http::get(&address, "/isActive").expect("an answer").status, 200);

    let start = Instant::now();
    router.program.interrupt().expect("a signal");
    // An idle connection is closed at a moment with no call in flight: at once.
    assert!(idle.answer().expect("an end").is_none(), "an idle connection got an answer nobody asked for");
    let status = router.program.wait(END).expect("an end");
    assert_eq!(status.code(), Some(0), "{}", router.program.tail());
    assert!(start.elapsed() < Duration::from_secs(20), "an idle router took {:?} to drain", start.elapsed());
    assert!(Raw::connect(router.rpc).is_err(), "somebody still listens");
}

/// Writers note every file that was acknowledged; after each crash all of these must be there, whole.
#[test]
fn kill_and_restart_keep_acknowledged_files() {
    const ROUNDS: usize = 8;
    let site = Site::new("crash");
    let mut acknowledged: Vec<String> = Vec::new();
    for round in 0..ROUNDS {
        let mut router = site.start(&[]);
        verify(&router.uri(), &acknowledged);
        let stop = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let (uri, stop) = (router.uri(), stop.clone());
                thread::spawn(move || {
                    write_until_it_breaks(&uri, &format!("/data{}/crash/r{round}-w{writer}", writer % 2), &stop)
                })
            })
            .collect();
        // Later in each round, so that the crash meets different moments.
        thread::sleep(Duration::from_millis(400 + 130 * round as u64));
        router.program.kill().expect("a kill");
        stop.store(true, Ordering::Relaxed);
        for writer in writers {
            acknowledged.extend(writer.join().expect("a writer"));
        }
    }
    assert!(acknowledged.len() >= ROUNDS, "only {} files were written", acknowledged.len());
    let router = site.start(&[]);
    verify(&router.uri(), &acknowledged);
}

fn client(uri: &str, runtime: &tokio::runtime::Runtime) -> Client {
    ClientBuilder::new().with_url(uri).with_io_runtime(runtime.handle().clone()).build().expect("a client")
}

/// The content of a file follows from its name.
fn content(path: &str) -> Bytes {
    Bytes::from(path.repeat(200))
}

fn write_until_it_breaks(uri: &str, prefix: &str, stop: &AtomicBool) -> Vec<String> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let client = client(uri, &runtime);
    let mut written = Vec::new();
    runtime.block_on(async {
        for n in 0.. {
            let path = format!("{prefix}-{n}");
            // A client that waits for a dead server need not be waited for.
            let write = tokio::time::timeout(Duration::from_secs(20), write(&client, &path));
            match write.await {
                Ok(Ok(())) => written.push(path),
                Ok(Err(_)) | Err(_) => return,
            }
            if stop.load(Ordering::Relaxed) {
                return;
            }
        }
    });
    runtime.shutdown_background();
    written
}

async fn write(client: &Client, path: &str) -> hdfs_native::Result<()> {
    let mut writer = client.create(path, WriteOptions::default().replication(1)).await?;
    writer.write_bytes(content(path)).await?;
    writer.close().await
}

fn verify(uri: &str, paths: &[String]) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let client = client(uri, &runtime);
    runtime.block_on(async {
        for path in paths {
            let mut reader =
                client.read(path).await.unwrap_or_else(|e| panic!("{path} was acknowledged and is lost: {e}"));
            let found = reader.read_bytes(reader.file_length()).await.unwrap_or_else(|e| panic!("{path}: {e}"));
            assert!(found == content(path), "{path} has {} bytes, not what was written", found.len());
        }
    });
}
