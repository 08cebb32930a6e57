//! Quotas of mounts: what is set on NameNodes, what is counted, and what is refused.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anabranch_hdfs_proto::hdfs as pb;
use anabranch_hrpc::{Exception, Payload, class};
use anabranch_testkit::fake_namenode::{FakeNamenode, PATIENCE};
use parking_lot::Mutex;
use tokio::time::{Instant, sleep};

use crate::forwarding::Client;
use crate::rig::{Administrator, Rig, entry};

/// How "no quota" and "as it is" are written.
const NONE: u64 = u64::MAX;
const UNCHANGED: u64 = i64::MAX as u64;

/// The directories of a NameNode: quota and use of files, quota and use of space.
#[derive(Clone, Default)]
struct Disk(Arc<Mutex<BTreeMap<String, [u64; 4]>>>);

impl Disk {
    fn of(namenode: &FakeNamenode, paths: &[&str]) -> Self {
        let disk =
            Self(Arc::new(Mutex::new(paths.iter().map(|path| (path.to_string(), [NONE, 1, NONE, 0])).collect())));
        let absent = |path: &str| Exception::new(class::FILE_NOT_FOUND, format!("Directory does not exist: {path}"));
        let of = disk.clone();
        namenode.script("getQuotaUsage", move |call| {
            let path = call.decode::<pb::GetQuotaUsageRequestProto>()?.path;
            let [quota, files, space_quota, space] = *of.0.lock().get(&path).ok_or_else(|| absent(&path))?;
            let usage = pb::QuotaUsageProto {
                file_and_directory_count: files,
                quota,
                space_consumed: space,
                space_quota,
                type_quota_infos: None,
            };
            Ok(Payload::message(&pb::GetQuotaUsageResponseProto { usage }))
        });
        let of = disk.clone();
        namenode.script("setQuota", move |call| {
            let request = call.decode::<pb::SetQuotaRequestProto>()?;
            let mut all = of.0.lock();
            let directory = all.get_mut(&request.path).ok_or_else(|| absent(&request.path))?;
            for (at, quota) in [(0, request.namespace_quota), (2, request.storagespace_quota)] {
                if quota != UNCHANGED {
                    directory[at] = quota;
                }
            }
            Ok(Payload::message(&pb::SetQuotaResponseProto {}))
        });
        disk
    }

    fn use_of(&self, path: &str, files: u64, space: u64) {
        let mut all = self.0.lock();
        let directory = all.get_mut(path).unwrap();
        (directory[1], directory[3]) = (files, space);
    }

    fn set_by_hand(&self, path: &str, files: u64, space: u64) {
        let mut all = self.0.lock();
        let directory = all.get_mut(path).unwrap();
        (directory[0], directory[2]) = (files, space);
    }

    fn limits(&self, path: &str) -> (u64, u64) {
        let [files, _, space, _] = self.0.lock()[path];
        (files, space)
    }
}

fn limited(source: &str, to: &[(&str, &str)], files: u64, space: u64) -> pb::MountTableRecordProto {
    let quota = Some(pb::QuotaUsageProto { quota: files, space_quota: space, ..Default::default() });
    pb::MountTableRecordProto { quota, ..entry(source, to) }
}

async fn rig(interval: Duration) -> Rig {
    let rig = Rig::with(|config| (config.quota.enabled, config.quota.interval) = (true, interval), |_| {});
    let rig = rig.await;
    rig.readiness.wait_ready().await;
    rig
}

const RARELY: Duration = Duration::from_secs(3600);
const OFTEN: Duration = Duration::from_millis(50);

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let ends = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < ends, "{what}");
        sleep(Duration::from_millis(5)).await;
    }
}

/// Files that are used of a mount, as administrators see it.
async fn used(root: &Administrator, source: &str) -> u64 {
    let entries = root.entries(source).await.unwrap();
    entries[0].quota.as_ref().unwrap().file_and_directory_count
}

async fn mkdirs(client: &Client, src: &str) -> Result<bool, Exception> {
    let request = pb::MkdirsRequestProto { src: src.into(), ..Default::default() };
    Ok(client.call::<pb::MkdirsResponseProto>("mkdirs", request).await?.result)
}

#[tokio::test]
async fn an_owner_sets_quotas_by_the_routers_user() {
    let rig = rig(RARELY).await;
    let (ns0, ns1) = (Disk::of(&rig.namenodes[0], &["/d", "/below"]), Disk::of(&rig.namenodes[1], &["/d"]));
    let (root, ann) = (rig.admin("root").await, rig.admin("ann").await);
    let mine = |entry: pb::MountTableRecordProto| pb::MountTableRecordProto { owner_name: Some("ann".into()), ..entry };
    let both = [("ns0", "/d"), ("ns1", "/d")];
    assert_eq!(root.add(mine(limited("/a", &both, 10, NONE))).await, Ok(true));
    assert_eq!((ns0.limits("/d"), ns1.limits("/d")), ((10, NONE), (10, NONE)));
    assert_eq!(ann.update(mine(limited("/a", &both, 20, 1 << 30))).await, Ok(true));
    assert_eq!((ns0.limits("/d"), ns1.limits("/d")), ((20, 1 << 30), (20, 1 << 30)));
    let by: Vec<_> = rig.namenodes[0].calls("setQuota").iter().map(|call| call.peer.identity.to_string()).collect();
    assert_eq!(by, ["root (auth:SIMPLE)"; 2]);
    // A mount below has what it does not limit itself from above.
    assert_eq!(ann.add(mine(limited("/a/b", &[("ns0", "/below")], 5, NONE))).await, Ok(true));
    assert_eq!(ns0.limits("/below"), (5, 1 << 30));
    // What somebody else has set is not taken back.
    ns1.set_by_hand("/d", 7, 1 << 30);
    assert_eq!(ann.remove("/a").await, Ok(true));
    assert_eq!((ns0.limits("/d"), ns1.limits("/d")), ((NONE, NONE), (7, NONE)));
    assert_eq!(ns0.limits("/below"), (5, NONE));
    assert_eq!(ann.update(mine(limited("/a/b", &[("ns0", "/below")], NONE, NONE))).await, Ok(true));
    assert_eq!(ns0.limits("/below"), (NONE, NONE));
}

#[tokio::test]
async fn mounts_without_quotas_are_not_looked_at() {
    let rig = rig(OFTEN).await;
    let ns0 = Disk::of(&rig.namenodes[0], &["/d", "/other"]);
    let root = rig.admin("root").await;
    ns0.set_by_hand("/other", 3, 4);
    assert_eq!(root.add(entry("/other", &[("ns0", "/other")])).await, Ok(true));
    assert_eq!(root.add(limited("/a", &[("ns0", "/d")], 10, NONE)).await, Ok(true));
    ns0.set_by_hand("/d", 99, 99);
    until("the quota is set right", async || ns0.limits("/d") == (10, NONE)).await;
    assert_eq!(ns0.limits("/other"), (3, 4));
}

#[tokio::test]
async fn a_subcluster_that_hangs_does_not_stop_the_others() {
    let rig = rig(OFTEN).await;
    let (ns0, ns1) = (Disk::of(&rig.namenodes[0], &["/a", "/both"]), Disk::of(&rig.namenodes[1], &["/b", "/both"]));
    let root = rig.admin("root").await;
    for mount in [
        limited("/a", &[("ns0", "/a")], 100, NONE),
        limited("/b", &[("ns1", "/b")], 100, NONE),
        limited("/both", &[("ns0", "/both"), ("ns1", "/both")], 100, NONE),
    ] {
        assert_eq!(root.add(mount).await, Ok(true));
    }
    ns1.use_of("/b", 3, 0);
    ns1.use_of("/both", 30, 0);
    until("both are counted", async || (used(&root, "/b").await, used(&root, "/both").await) == (3, 31)).await;
    rig.namenodes[1].hold("getQuotaUsage");
    let asked = rig.namenodes[1].calls("getQuotaUsage").len();
    rig.namenodes[1].wait_calls("getQuotaUsage", asked + 2).await;
    ns0.use_of("/a", 5, 0);
    ns0.use_of("/both", 7, 0);
    until("the other one is counted", async || (used(&root, "/a").await, used(&root, "/both").await) == (5, 37)).await;
    assert_eq!(used(&root, "/b").await, 3);
    rig.namenodes[1].release();
}

#[tokio::test]
async fn calls_are_refused_by_what_all_subclusters_use() {
    let rig = rig(RARELY).await;
    let (ns0, ns1) = (Disk::of(&rig.namenodes[0], &["/d", "/free"]), Disk::of(&rig.namenodes[1], &["/d"]));
    for namenode in &rig.namenodes {
        namenode.answer("mkdirs", pb::MkdirsResponseProto { result: true });
        namenode.answer("delete", pb::DeleteResponseProto { result: true });
        namenode.answer("rename2", pb::Rename2ResponseProto {});
    }
    let (root, client) = (rig.admin("root").await, rig.client("ann").await);
    ns0.use_of("/d", 3, 600);
    ns1.use_of("/d", 3, 600);
    assert_eq!(root.add(limited("/q", &[("ns0", "/d"), ("ns1", "/d")], 5, 1000)).await, Ok(true));
    assert_eq!(root.add(entry("/free", &[("ns0", "/free")])).await, Ok(true));

    let said = |exception: Exception| (exception.class.to_string(), exception.message);
    let message = "The NameSpace quota (directories and files) of directory /q is exceeded: quota=5 file count=6";
    let files = (class::NS_QUOTA_EXCEEDED.to_owned(), message.to_owned());
    assert_eq!(said(mkdirs(&client, "/q/x").await.unwrap_err()), files);
    assert_eq!(mkdirs(&client, "/free/x").await, Ok(true));
    // What frees, and what stays inside, may go on.
    let delete = pb::DeleteRequestProto { src: "/q/x".into(), recursive: true };
    client.call::<pb::DeleteResponseProto>("delete", delete).await.unwrap();
    let rename = |src: &str, dst: &str| pb::Rename2RequestProto {
        src: src.into(),
        dst: dst.into(),
        overwrite_dest: false,
        move_to_trash: None,
    };
    client.call::<pb::Rename2ResponseProto>("rename2", rename("/q/x", "/q/y")).await.unwrap();
    client.call::<pb::Rename2ResponseProto>("rename2", rename("/q/x", "/free/y")).await.unwrap();
    let inwards = client.call::<pb::Rename2ResponseProto>("rename2", rename("/free/x", "/q/y")).await;
    assert_eq!(said(inwards.unwrap_err()), files);

    let append = |src: &str| pb::AppendRequestProto { src: src.into(), client_name: "t".into(), flag: None };
    let full = client.call::<pb::AppendResponseProto>("append", append("/q/x")).await.unwrap_err();
    let message =
        "The DiskSpace quota of /q is exceeded: quota = 1000 B = 1000 B but diskspace consumed = 1200 B = 1.17 KB";
    assert_eq!(said(full), (class::DS_QUOTA_EXCEEDED.to_owned(), message.to_owned()));
    let text = rig.metrics.render().unwrap();
    for line in [
        r#"anabranch_quota_refused_total{limits="files"} 2"#,
        r#"anabranch_quota_refused_total{limits="space"} 1"#,
        "anabranch_quota_mounts 1",
        "anabranch_quota_mounts_exceeded 1",
    ] {
        assert!(text.lines().any(|found| found == line), "no {line} in {text}");
    }

    // Nobody waits for the next round when there is room again.
    ns1.use_of("/d", 2, 100);
    until("it is counted again", async || mkdirs(&client, "/q/x").await == Ok(true)).await;
}

/// However many calls are refused: nobody is to be kept busy by counting.
#[tokio::test]
async fn what_refuses_calls_is_counted_again_and_again_with_a_rest_between() {
    const COUNTS: usize = 4;
    let rig = rig(RARELY).await;
    let ns0 = Disk::of(&rig.namenodes[0], &["/d"]);
    let (root, client) = (rig.admin("root").await, rig.client("ann").await);
    ns0.use_of("/d", 6, 0);
    assert_eq!(root.add(limited("/q", &[("ns0", "/d")], 5, NONE)).await, Ok(true));
    let counts = || rig.namenodes[0].calls("getQuotaUsage").len();
    let before = counts();
    let mut first = None;
    until("it is counted", async || {
        assert_eq!(mkdirs(&client, "/q/x").await.unwrap_err().class, class::NS_QUOTA_EXCEEDED);
        if counts() > before {
            first.get_or_insert_with(Instant::now);
        }
        counts() >= before + COUNTS
    })
    .await;
    // Two rests at least: one count comes in between, since the mount table has changed.
    let took = first.unwrap().elapsed();
    assert!(took > Duration::from_millis(1_500), "{COUNTS} counts in {took:?}");
}

#[tokio::test]
async fn clients_set_quotas_beside_mounts_only() {
    let rig = rig(RARELY).await;
    let (ns0, ns1) = (Disk::of(&rig.namenodes[0], &["/v", "/d", "/d/in"]), Disk::of(&rig.namenodes[1], &["/d"]));
    let (root, client) = (rig.admin("root").await, rig.client("ann").await);
    assert_eq!(root.add(limited("/v/q", &[("ns0", "/d"), ("ns1", "/d")], 50, NONE)).await, Ok(true));
    let set = |path: &str, files| pb::SetQuotaRequestProto {
        path: path.into(),
        namespace_quota: files,
        storagespace_quota: UNCHANGED,
        storage_type: None,
    };
    let usage = async |path: &str| {
        let request = pb::GetQuotaUsageRequestProto { path: path.into() };
        let usage = client.call::<pb::GetQuotaUsageResponseProto>("getQuotaUsage", request).await?.usage;
        Ok::<_, Exception>((usage.quota, usage.file_and_directory_count))
    };
    let refused = client.call::<pb::SetQuotaResponseProto>("setQuota", set("/v/q", 7)).await.unwrap_err();
    assert_eq!(refused.class, class::ACCESS_CONTROL);
    assert_eq!(refused.message, "Permission denied: ann (auth:SIMPLE) is not allowed to change quota of /v/q");
    // One of the two has no such directory.
    client.call::<pb::SetQuotaResponseProto>("setQuota", set("/v/q/in", 7)).await.unwrap();
    assert_eq!(ns0.limits("/d/in"), (7, NONE));
    assert_eq!(usage("/v/q/in").await, Ok((7, 1)));
    assert_eq!(usage("/v/q").await, Ok((50, 2)));
    // Above mounts, the directory of the default nameservice counts, too.
    assert_eq!(usage("/v").await, Ok((NONE, 3)));
    client.call::<pb::SetQuotaResponseProto>("setQuota", set("/v", 9)).await.unwrap();
    assert_eq!([ns0.limits("/v"), ns0.limits("/d"), ns1.limits("/d")], [(9, NONE); 3]);
    assert_eq!(usage("/v").await, Ok((9, 3)));
    assert_eq!(usage("/nowhere").await.unwrap_err().class, class::FILE_NOT_FOUND);
    // A part that does not answer makes the sum unknown.
    rig.namenodes[1].throw("getQuotaUsage", class::IO, "no");
    assert_eq!(usage("/v").await.unwrap_err().message, "no");
}

#[tokio::test]
async fn where_quotas_mean_nothing_nobody_is_asked() {
    let rig = Rig::ready().await;
    let ns0 = Disk::of(&rig.namenodes[0], &["/d"]);
    ns0.use_of("/d", 100, 0);
    rig.namenodes[0].answer("mkdirs", pb::MkdirsResponseProto { result: true });
    let (root, client) = (rig.admin("root").await, rig.client("ann").await);
    assert_eq!(root.add(limited("/a", &[("ns0", "/d")], 5, NONE)).await, Ok(true));
    assert_eq!(mkdirs(&client, "/a/x").await, Ok(true));
    let request = pb::GetQuotaUsageRequestProto { path: "/a".into() };
    let refused = client.call::<pb::GetQuotaUsageResponseProto>("getQuotaUsage", request).await.unwrap_err();
    assert_eq!((&*refused.class, &*refused.message), (class::IO, "The quota system is disabled in Router."));
    assert!(rig.namenodes[0].calls("getQuotaUsage").is_empty() && rig.namenodes[0].calls("setQuota").is_empty());
}
