//! What is listed by number over several subclusters, and keys for data on the wire.

use anabranch_hdfs_proto::hdfs as pb;
use anabranch_hrpc::{Payload, class};
use anabranch_testkit::fake_namenode::FakeNamenode;
use tokio::time::{Duration, timeout};

use crate::rig::{Client, Mount, Rig, config, directory, table};

const MOUNTS: &[Mount<'_>] =
    &[("/data", &[("ns1", "/warehouse")]), ("/data/hot", &[("ns2", "/hot")]), ("/gone", &[("ns9", "/")])];

/// A NameNode with open files, of which it shows two at a time.
async fn namenode(pool: &str, files: &'static [(i64, &'static str)]) -> FakeNamenode {
    let fake = FakeNamenode::start(pool).await.unwrap();
    fake.script("listOpenFiles", move |call| {
        let request = call.decode::<pb::ListOpenFilesRequestProto>()?;
        let below = request.path().to_owned();
        let behind = files.iter().filter(|(id, path)| *id > request.id && path.starts_with(&below));
        let entry = |(id, path): &(i64, &str)| pb::OpenFilesBatchResponseProto {
            id: *id,
            path: (*path).to_owned(),
            client_name: "writer".into(),
            client_machine: "m".into(),
        };
        let entries = behind.clone().take(2).map(entry).collect();
        let page = pb::ListOpenFilesResponseProto { entries, has_more: behind.count() > 2, types: request.types };
        Ok(Payload::message(&page))
    });
    fake
}

async fn page(client: &Client, id: i64, path: Option<&str>) -> (Vec<(i64, String)>, bool) {
    let request = pb::ListOpenFilesRequestProto { id, types: vec![1], path: path.map(str::to_owned) };
    let page: pb::ListOpenFilesResponseProto = client.call("listOpenFiles", request).await.unwrap();
    assert!(page.types == [1] || page.entries.is_empty(), "what else NameNodes say is kept");
    (page.entries.into_iter().map(|entry| (entry.id, entry.path)).collect(), page.has_more)
}

/// All pages, as a Java client asks for them.
async fn all(client: &Client, path: Option<&str>) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), 0);
    loop {
        let (entries, more) = page(client, cursor, path).await;
        cursor = entries.last().map_or(cursor, |(id, _)| *id);
        let empty = entries.is_empty();
        found.extend(entries.into_iter().map(|(_, path)| path));
        if !more || empty {
            assert!(!more, "an empty page is taken for the last one");
            return found;
        }
    }
}

#[tokio::test]
async fn open_files_of_all_mounts_are_listed_by_number_and_as_clients_see_them() {
    let first = namenode(
        "BP-1",
        &[(1, "/elsewhere/a"), (2, "/elsewhere/b"), (3, "/warehouse/c"), (4, "/warehouse/hot/d"), (9, "/warehouse/e")],
    )
    .await;
    let second = namenode(
        "BP-2",
        &[(3, "/hot/x"), (5, "/cold/y"), (6, "/cold/z"), (7, "/cold/q"), (8, "/hot/w"), (12, "/hotter")],
    )
    .await;
    let config = config(&[("ns1", &[first.address]), ("ns2", &[second.address])]);
    let rig = Rig::start(config, Some(table(MOUNTS, None))).await;
    let client = rig.client("root").await;
    // ns2 shows 3 and 5, and has more; ns1 is asked below /warehouse only, so for 3, 4 and 9.
    assert_eq!(page(&client, 0, None).await, (vec![(3, "/data/c".into()), (3, "/data/hot/x".into())], true));
    let expected = ["/data/c", "/data/hot/x", "/data/hot/w", "/data/e"];
    for path in [None, Some("/"), Some("/data"), Some("/data/")] {
        assert_eq!(all(&client, path).await, expected, "{path:?}");
    }
    assert_eq!(all(&client, Some("/data/hot")).await, ["/data/hot/x", "/data/hot/w"]);
    assert_eq!(all(&client, Some("/data/e")).await, ["/data/e"]);
    assert!(all(&client, Some("/gone")).await.is_empty(), "nobody has ever heard of ns9");
    let asked = |namenode: &FakeNamenode| {
        let calls = namenode.calls("listOpenFiles");
        calls
            .iter()
            .map(|call| call.decode::<pb::ListOpenFilesRequestProto>().unwrap().path().to_owned())
            .collect::<Vec<_>>()
    };
    assert!(asked(&first).iter().all(|path| path.starts_with("/warehouse")));
    assert!(asked(&second).iter().all(|path| path == "/hot"));

    let request = pb::ListOpenFilesRequestProto { id: 0, types: vec![1], path: Some("/else".into()) };
    let refused = client.call::<pb::ListOpenFilesResponseProto>("listOpenFiles", request.clone()).await.unwrap_err();
    assert!(refused.message.starts_with("Cannot find locations for /else"), "{refused:?}");
    // A part that is missing would look like the whole.
    second.throw("listOpenFiles", class::ACCESS_CONTROL, "Superuser privilege is required");
    let request = pb::ListOpenFilesRequestProto { path: None, ..request };
    let refused = client.call::<pb::ListOpenFilesResponseProto>("listOpenFiles", request).await.unwrap_err();
    assert_eq!(refused.class, class::ACCESS_CONTROL);
}

#[tokio::test]
async fn the_default_subcluster_gives_the_key_for_data_else_one_that_has_some() {
    let (first, second) = (FakeNamenode::start("BP-1").await.unwrap(), FakeNamenode::start("BP-2").await.unwrap());
    let key = |pool: Option<&str>| pb::GetDataEncryptionKeyResponseProto {
        data_encryption_key: pool
            .map(|pool| pb::DataEncryptionKeyProto { block_pool_id: pool.into(), ..Default::default() }),
    };
    let config = config(&[("ns1", &[first.address]), ("ns2", &[second.address])]);
    let rig = Rig::start(config, Some(table(&[], Some("ns2")))).await;
    let client = rig.client("ann").await;
    let rows = [
        (Some("BP-1"), Some("BP-2"), Some("BP-2")),
        (Some("BP-1"), None, Some("BP-1")),
        (None, Some("BP-2"), Some("BP-2")),
        (None, None, None),
    ];
    for (one, two, expected) in rows {
        first.answer("getDataEncryptionKey", key(one));
        second.answer("getDataEncryptionKey", key(two));
        let got: pb::GetDataEncryptionKeyResponseProto =
            client.call("getDataEncryptionKey", pb::GetDataEncryptionKeyRequestProto {}).await.unwrap();
        assert_eq!(got.data_encryption_key.map(|key| key.block_pool_id).as_deref(), expected);
    }
}

#[tokio::test]
async fn the_key_for_data_is_that_of_the_subcluster_in_which_the_client_is() {
    let namenodes = [FakeNamenode::start("BP-1").await.unwrap(), FakeNamenode::start("BP-2").await.unwrap()];
    for (fake, pool) in namenodes.iter().zip(["BP-1", "BP-2"]) {
        let key = pb::DataEncryptionKeyProto { block_pool_id: pool.into(), ..Default::default() };
        fake.answer("getDataEncryptionKey", pb::GetDataEncryptionKeyResponseProto { data_encryption_key: Some(key) });
        fake.answer("getBlockLocations", pb::GetBlockLocationsResponseProto { locations: Some(Default::default()) });
        fake.answer("create", pb::CreateResponseProto { fs: Some(directory("", "ann")) });
        fake.answer("getFileInfo", pb::GetFileInfoResponseProto { fs: Some(directory("", "ann")) });
    }
    let config = config(&[("ns1", &[namenodes[0].address]), ("ns2", &[namenodes[1].address])]);
    let rig = Rig::start(config, Some(table(MOUNTS, Some("ns1")))).await;
    let key = async |client: &Client| {
        let request = pb::GetDataEncryptionKeyRequestProto {};
        let reply: pb::GetDataEncryptionKeyResponseProto = client.call("getDataEncryptionKey", request).await.unwrap();
        reply.data_encryption_key.unwrap().block_pool_id
    };
    let (client, other) = (rig.client("ann").await, rig.client("ann").await);
    assert_eq!(key(&client).await, "BP-1", "the default one's");
    let read = |src: &str| pb::GetBlockLocationsRequestProto { src: src.into(), ..Default::default() };
    let _: pb::GetBlockLocationsResponseProto = client.call("getBlockLocations", read("/data/hot/f")).await.unwrap();
    assert_eq!((key(&client).await, key(&other).await), ("BP-2".into(), "BP-1".into()));
    client.info("/data/f").await.unwrap();
    assert_eq!(key(&client).await, "BP-2", "who looks goes to no DataNode");
    let create = pb::CreateRequestProto { src: "/data/f".into(), ..Default::default() };
    let _: pb::CreateResponseProto = client.call("create", create).await.unwrap();
    assert_eq!(key(&client).await, "BP-1");
    let _: pb::GetBlockLocationsResponseProto = other.call("getBlockLocations", read("/data/hot/f")).await.unwrap();
    assert_eq!((key(&client).await, key(&other).await), ("BP-1".into(), "BP-2".into()));
    // However long it takes: with another key, the client could not read there.
    namenodes[1].hold("getDataEncryptionKey");
    let waiting = key(&other);
    tokio::pin!(waiting);
    assert!(timeout(Duration::from_millis(1500), &mut waiting).await.is_err(), "another one's key");
    namenodes[1].release();
    assert_eq!(waiting.await, "BP-2");
    // Who has none, or does not say it, has nothing to give.
    namenodes[1].throw("getDataEncryptionKey", class::IO, "no");
    assert_eq!(key(&other).await, "BP-1");
    namenodes[1].answer("getDataEncryptionKey", pb::GetDataEncryptionKeyResponseProto::default());
    assert_eq!(key(&other).await, "BP-1");
}

/// As much of a directory as tells it from others.
fn snapshottable(parent: &str, name: &str, owner: &str) -> pb::SnapshottableDirectoryStatusProto {
    pb::SnapshottableDirectoryStatusProto {
        dir_status: directory(name, owner),
        snapshot_quota: 65_536,
        snapshot_number: 1,
        parent_fullpath: parent.to_owned().into(),
    }
}

#[tokio::test]
async fn snapshottable_directories_are_shown_as_clients_see_them() {
    let (first, second) = (FakeNamenode::start("BP-1").await.unwrap(), FakeNamenode::start("BP-2").await.unwrap());
    let list = |entries: &[(&str, &str, &str)]| pb::GetSnapshottableDirListingResponseProto {
        snapshottable_dir_list: (!entries.is_empty()).then(|| pb::SnapshottableDirectoryListingProto {
            snapshottable_dir_listing: entries
                .iter()
                .map(|(parent, name, of)| snapshottable(parent, name, of))
                .collect(),
        }),
    };
    let mounts: &[Mount<'_>] = &[
        ("/data", &[("ns1", "/warehouse")]),
        ("/data/hot", &[("ns2", "/hot")]),
        ("/all", &[("ns1", "/w"), ("ns2", "/w")]),
    ];
    let config = config(&[("ns1", &[first.address]), ("ns2", &[second.address])]);
    let rig = Rig::start(config, Some(table(mounts, None))).await;
    let client = rig.client("ann").await;
    let shown = async || {
        let request = pb::GetSnapshottableDirListingRequestProto {};
        let reply: pb::GetSnapshottableDirListingResponseProto =
            client.call("getSnapshottableDirListing", request).await.unwrap();
        reply
    };
    first.answer("getSnapshottableDirListing", list(&[("/", "elsewhere", "a")]));
    second.answer("getSnapshottableDirListing", list(&[]));
    assert_eq!(shown().await, list(&[]), "as NameNodes answer without any");
    first.answer("getSnapshottableDirListing", list(&[("/", "warehouse", "a"), ("/w", "x", "b")]));
    second.answer("getSnapshottableDirListing", list(&[("/", "hot", "c"), ("/hot", "deep", "d"), ("/w", "x", "e")]));
    let all = [("/", "data", "a"), ("/all", "x", "b"), ("/data", "hot", "c"), ("/data/hot", "deep", "d")];
    assert_eq!(shown().await, list(&all));
    // Reports leave out what is away.
    second.stop().await;
    assert_eq!(shown().await, list(&all[..2]));
}
