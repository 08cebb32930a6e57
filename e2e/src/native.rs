//! A second client, which shares no code with Hadoop's: the hdfs-native crate.

use std::any::Any;
use std::future::Future;

use anabranch_testkit::scratch::Scratch;
use anabranch_testkit::suite::Case;
use anyhow::Result;
use bytes::Bytes;
use hdfs_native::client::{Client, ClientBuilder, WriteOptions};
use rand::rngs::SmallRng;
use rand::{RngCore, SeedableRng};
use tokio::runtime::Runtime;

/// A file system and a client of it.
pub struct Native {
    runtime: Runtime,
    client: Client,
    /// What serves the file system.
    pub servers: Box<dyn Any>,
    /// Where the servers keep their files; dropped last.
    pub scratch: Scratch,
}

/// All cases.
pub const CASES: &[Case<'static, Native>] = &[
    ("bytes_come_back", bytes_come_back),
    ("ranges_are_read_across_blocks", ranges),
    ("append_continues_a_file", append),
    ("hsync_within_a_file_keeps_its_bytes", hsync),
    ("listings_are_complete", listing),
    ("rename_and_delete", rename_and_delete),
    ("attributes_can_be_set", attributes),
    ("errors_say_what_is_wrong", errors),
    ("many_writers_at_once", many_writers),
];

impl Native {
    /// A client of `uri`.
    pub fn new(uri: &str, servers: Box<dyn Any>, scratch: Scratch) -> Result<Self> {
        let runtime = Runtime::new()?;
        let client = ClientBuilder::new().with_url(uri).with_io_runtime(runtime.handle().clone()).build()?;
        Ok(Self { runtime, client, servers, scratch })
    }

    fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    async fn write(&self, path: &str, data: &[u8], options: WriteOptions) -> hdfs_native::Result<()> {
        let mut writer = self.client.create(path, options.replication(1)).await?;
        writer.write_bytes(Bytes::copy_from_slice(data)).await?;
        writer.close().await
    }

    async fn read(&self, path: &str) -> hdfs_native::Result<Bytes> {
        let mut reader = self.client.read(path).await?;
        let len = reader.file_length();
        reader.read_bytes(len).await
    }
}

fn random(len: usize, seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; len];
    SmallRng::seed_from_u64(seed).fill_bytes(&mut bytes);
    bytes
}

fn small_blocks() -> WriteOptions {
    WriteOptions::default().block_size(1 << 20)
}

fn bytes_come_back(native: &Native) {
    native.block_on(async {
        for (mount, len) in [("/data0", 0), ("/data0", 1), ("/data1", 512), ("/data1", 65_537), ("/data0", 10_000_000)]
        {
            let (path, data) = (format!("{mount}/native/bytes-{len}"), random(len, len as u64));
            native.write(&path, &data, small_blocks()).await.expect("write");
            assert_eq!(native.client.get_file_info(&path).await.expect("info").length, len);
            assert!(native.read(&path).await.expect("read") == data, "{path} came back changed");
        }
    });
}

fn ranges(native: &Native) {
    native.block_on(async {
        let data = random(5_000_000, 5);
        native.write("/data0/native/ranges", &data, small_blocks()).await.expect("write");
        let reader = native.client.read("/data0/native/ranges").await.expect("open");
        for (offset, len) in [(0, 1), (511, 2), (1_048_575, 2), (1_000_000, 3_000_000), (4_999_999, 1)] {
            let found = reader.read_range(offset, len).await.expect("range");
            assert!(found == data[offset..offset + len], "range {offset}+{len}");
        }
    });
}

fn append(native: &Native) {
    native.block_on(async {
        let (path, data) = ("/data1/native/append", random(2_500_000, 6));
        native.write(path, &data[..700_000], small_blocks()).await.expect("write");
        for part in [&data[700_000..700_001], &data[700_001..1_048_576], &data[1_048_576..]] {
            let mut writer = native.client.append(path).await.expect("append");
            writer.write_bytes(Bytes::copy_from_slice(part)).await.expect("write");
            writer.close().await.expect("close");
        }
        assert!(native.read(path).await.expect("read") == data);
    });
}

fn hsync(native: &Native) {
    native.block_on(async {
        let path = "/data0/native/hsync";
        let mut writer = native.client.create(path, small_blocks().replication(1)).await.expect("create");
        for part in ["one ", "two ", "three"] {
            writer.write_bytes(Bytes::from_static(part.as_bytes())).await.expect("write");
            writer.hsync().await.expect("hsync");
        }
        writer.close().await.expect("close");
        assert_eq!(native.read(path).await.expect("read"), "one two three");
    });
}

fn listing(native: &Native) {
    native.block_on(async {
        let writes = (0..120).map(|n| async move {
            let path = format!("/data0/native/list/d{}/f{n:03}", n % 3);
            native.write(&path, b"x", small_blocks()).await.expect("write");
        });
        futures_util::future::join_all(writes).await;
        let all = native.client.list_status("/data0/native/list", true).await.expect("list");
        assert_eq!(all.iter().filter(|status| !status.isdir).count(), 120);
        let root = native.client.list_status("/", false).await.expect("list");
        let paths: Vec<&str> = root.iter().map(|status| status.path.as_str()).collect();
        assert!(paths.contains(&"/data0") && paths.contains(&"/data1"), "{paths:?}");
    });
}

fn rename_and_delete(native: &Native) {
    native.block_on(async {
        native.write("/data1/native/from", b"one", small_blocks()).await.expect("write");
        native.write("/data1/native/to", b"two", small_blocks()).await.expect("write");
        native.client.rename("/data1/native/from", "/data1/native/to", false).await.expect_err("the target exists");
        native.client.rename("/data1/native/from", "/data1/native/to", true).await.expect("rename");
        assert_eq!(native.read("/data1/native/to").await.expect("read"), "one");
        native.client.get_file_info("/data1/native/from").await.expect_err("it moved");
        assert!(native.client.delete("/data1/native/to", false).await.expect("delete"));
        assert!(!native.client.delete("/data1/native/to", false).await.expect("delete again"));
    });
}

fn attributes(native: &Native) {
    native.block_on(async {
        let path = "/data0/native/attributes";
        native.write(path, b"x", small_blocks().permission(0o600)).await.expect("write");
        native.client.set_permission(path, 0o641).await.expect("permission");
        native.client.set_owner(path, Some("alice"), Some("analysts")).await.expect("owner");
        native.client.set_times(path, 1_000_000, 2_000_000).await.expect("times");
        let status = native.client.get_file_info(path).await.expect("info");
        assert_eq!((status.permission, status.owner.as_str(), status.group.as_str()), (0o641, "alice", "analysts"));
        assert_eq!(status.modification_time, 1_000_000);
        let summary = native.client.get_content_summary("/data0/native/attributes").await.expect("summary");
        assert_eq!((summary.length, summary.file_count), (1, 1));
    });
}

fn errors(native: &Native) {
    native.block_on(async {
        let error = native.client.get_file_info("/data0/native/missing").await.expect_err("it is missing");
        assert!(matches!(error, hdfs_native::HdfsError::FileNotFound(_)), "{error:?}");
        native.write("/data0/native/file", b"x", small_blocks().overwrite(true)).await.expect("write");
        let error = native.client.create("/data0/native/file", WriteOptions::default()).await.map(drop);
        assert!(matches!(error, Err(hdfs_native::HdfsError::AlreadyExists(_))), "{error:?}");
        native.client.mkdirs("/data0/native/file/below", 0o755, true).await.expect_err("the parent is a file");
    });
}

fn many_writers(native: &Native) {
    native.block_on(async {
        let writes = (0..64).map(|n| async move {
            let (path, data) = (format!("/data{}/native/many/{n}", n % 2), random(100_000 + n, n as u64));
            native.write(&path, &data, small_blocks()).await.expect("write");
            assert!(native.read(&path).await.expect("read") == data, "{path} came back changed");
        });
        futures_util::future::join_all(writes).await;
    });
}
