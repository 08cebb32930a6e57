//! The replicas of one directory, and everything that may be asked of them.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::checksum::Checksum;
use super::claim::Claim;
use super::index::{Index, remove_file};
use super::layout::{Layout, failed};
use super::meta::{Header, SUMS_AT};
use super::reader::ReplicaReader;
use super::recovery::{Files, load, normalize, tail_at};
use super::replica::{Entry, Turn, View};
use super::writer::ReplicaWriter;
use super::{BlockError, BlockId, Blocks, Capacity, Replica};

/// Where and how replicas are kept.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// The directory; made if absent.
    pub dir: PathBuf,
    /// The block pool that the directory belongs to.
    pub pool: String,
    /// Bytes of the volume that blocks do not take.
    pub reserved: u64,
    /// Whether an empty directory is made a new one; not when there have to be blocks in it.
    pub may_format: bool,
    /// How long a writer that is cut off may take to let go, which is how long one call of the file system may take.
    pub fence_timeout: Duration,
}

impl StoreConfig {
    /// A reserve of 256 MiB and a minute for a hanging disk.
    pub fn new(dir: impl Into<PathBuf>, pool: impl Into<String>) -> Self {
        Self {
            dir: dir.into(),
            pool: pool.into(),
            reserved: 256 << 20,
            may_format: true,
            fence_timeout: Duration::from_secs(60),
        }
    }
}

/// Replicas in a local directory.
#[derive(Debug)]
pub struct BlockStore {
    layout: Layout,
    index: Index,
    pool: String,
    reserved: u64,
    fence_timeout: Duration,
}

impl BlockStore {
    /// Opens the directory, and formats it if it is new. Blocks for as long as the file system takes; reads no replicas.
    ///
    /// # Errors
    /// [`BlockError::Io`] when another process serves it, when it is of another format or pool, and when the file system
    /// fails.
    pub fn open(config: &StoreConfig) -> Result<Arc<Self>, BlockError> {
        Ok(Arc::new(Self {
            layout: Layout::open(&config.dir, &config.pool, config.may_format)?,
            index: Index::new(),
            pool: config.pool.clone(),
            reserved: config.reserved,
            fence_timeout: config.fence_timeout,
        }))
    }

    /// The block pool that is served.
    pub fn pool(&self) -> &str {
        &self.pool
    }

    /// Begins a new replica.
    pub(crate) async fn create(
        self: &Arc<Self>,
        block: BlockId,
        checksum: Checksum,
    ) -> Result<ReplicaWriter, BlockError> {
        self.check_space()?;
        let view = View::empty(block, checksum);
        let entry = Arc::new(Entry::created(view));
        let turn = entry.take_turn(self.fence_timeout).await?;
        let store = Arc::clone(self);
        blocking(move || {
            if !store.index.insert(&store.layout, &entry)? {
                let found = store.index.get(&store.layout, block.id)?.and_then(|other| other.view());
                let found = found.map_or("present", |view| view.state());
                return Err(BlockError::State { id: block.id, found, needed: "absent" });
            }
            match create_files(&store.layout, block, checksum) {
                Ok(files) => Ok(ReplicaWriter::new(store, turn, files, view, false)),
                Err(error) => {
                    store.unlink(block, false)?;
                    store.index.remove(&store.layout, block.id)?;
                    Err(error)
                }
            }
        })
        .await
    }

    /// Takes an existing replica over for writing: cuts off who writes it, checks that it is as the claim says, and reopens
    /// it durably in the claim's generation.
    pub(crate) async fn reopen(self: &Arc<Self>, claim: Claim) -> Result<ReplicaWriter, BlockError> {
        let entry = self.entry(claim.block.id).await?;
        // Checked twice: before, so that a stale claim never cuts off a newer writer; after, since more was written.
        claim.check_generation(&self.view(&entry).await?)?;
        let turn = entry.take_turn(self.fence_timeout).await?;
        let store = Arc::clone(self);
        blocking(move || {
            let view = store.view_now(&turn.entry)?;
            claim.check(&view)?;
            store.reopen_now(turn, view, claim.new_generation)
        })
        .await
    }

    /// Renames the replica into the open state of a generation. Its partial last chunk is verified, since its checksum will
    /// be computed onwards from the stored one.
    fn reopen_now(self: Arc<Self>, turn: Turn, view: View, generation: u64) -> Result<ReplicaWriter, BlockError> {
        let files = Files::open(&self.layout, view.block, view.finalized, true)?;
        normalize(&self.layout, &files, &view)?;
        tail_at(&self.layout, &files, &view, view.len)?;
        let reopened = View { block: BlockId { generation, ..view.block }, finalized: false, ..view };
        self.rename(&turn, view, reopened)?;
        Ok(ReplicaWriter::new(self, turn, files, reopened, true))
    }

    /// Changes state and generation durably. The picture that readers have changes with the name.
    pub(crate) fn rename(&self, turn: &Turn, from: View, to: View) -> Result<(), BlockError> {
        if (from.block, from.finalized) != (to.block, to.finalized) {
            let (old, new) = (self.layout.meta(from.block, from.finalized), self.layout.meta(to.block, to.finalized));
            std::fs::rename(&old, &new).map_err(failed("rename", &old))?;
            turn.entry.publish(to);
        }
        self.layout.sync_shard(to.block.id)
    }

    /// Opens a replica for reading, in at least this block's generation.
    pub(crate) async fn reader(self: &Arc<Self>, block: BlockId) -> Result<ReplicaReader, BlockError> {
        let entry = self.entry(block.id).await?;
        let store = Arc::clone(self);
        blocking(move || {
            let mut view = store.view_now(&entry)?;
            loop {
                if view.block.generation < block.generation {
                    let (id, found) = (block.id, view.block.generation);
                    return Err(BlockError::Generation { id, found, min: block.generation, max: u64::MAX });
                }
                match Files::open(&store.layout, view.block, view.finalized, false) {
                    Ok(files) => return Ok(ReplicaReader::new(Arc::clone(&store), files, view)),
                    // A rename overtook us if the picture changed meanwhile.
                    Err(error) => match store.view_now(&entry)? {
                        same if (same.block, same.finalized) == (view.block, view.finalized) => return Err(error),
                        newer => view = newer,
                    },
                }
            }
        })
        .await
    }

    /// The directory's files and directories.
    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The entry of a block that must exist.
    async fn entry(self: &Arc<Self>, id: u64) -> Result<Arc<Entry>, BlockError> {
        self.find(id).await?.ok_or(BlockError::NotFound { id })
    }

    async fn find(self: &Arc<Self>, id: u64) -> Result<Option<Arc<Entry>>, BlockError> {
        if let Some(found) = self.index.get_read(id) {
            return Ok(found);
        }
        let store = Arc::clone(self);
        blocking(move || store.index.get(&store.layout, id)).await
    }

    async fn view(self: &Arc<Self>, entry: &Arc<Entry>) -> Result<View, BlockError> {
        if let Some(view) = entry.view() {
            return Ok(view);
        }
        let (store, entry) = (Arc::clone(self), Arc::clone(entry));
        blocking(move || store.view_now(&entry)).await
    }

    fn view_now(&self, entry: &Entry) -> Result<View, BlockError> {
        entry.view_or(|block, finalized| load(&self.layout, block, finalized))
    }

    fn space(&self) -> Result<Capacity, BlockError> {
        let root = self.layout.root();
        let volume = rustix::fs::statvfs(root).map_err(|error| failed("examine", root)(error.into()))?;
        let total = volume.f_blocks.saturating_mul(volume.f_frsize);
        let free = volume.f_bavail.saturating_mul(volume.f_frsize);
        let remaining = free.saturating_sub(self.reserved);
        Ok(Capacity { total, used: total.saturating_sub(free), remaining })
    }

    /// Refuses to take the reserve, which is for what shares the volume: the metadata, above all.
    pub(crate) fn check_space(&self) -> Result<(), BlockError> {
        let space = self.space()?;
        if space.remaining > 0 {
            return Ok(());
        }
        let free = space.total.saturating_sub(space.used);
        Err(BlockError::NoSpace { path: self.layout.root().to_owned(), free, reserved: self.reserved })
    }

    /// Removes both files; the checksums first, since data without checksums is removed at the next start.
    fn unlink(&self, block: BlockId, finalized: bool) -> Result<(), BlockError> {
        remove_file(&self.layout.meta(block, finalized))?;
        remove_file(&self.layout.data(block.id))
    }

    async fn delete_one(self: &Arc<Self>, block: BlockId) -> Result<(), BlockError> {
        let Some(entry) = self.find(block.id).await? else { return Ok(()) };
        if entry.block().generation > block.generation {
            return Ok(());
        }
        let turn = entry.take_turn(self.fence_timeout).await?;
        let store = Arc::clone(self);
        blocking(move || {
            let (present, finalized) = turn.entry.place();
            if present.generation > block.generation {
                return Ok(());
            }
            store.unlink(present, finalized)?;
            store.index.remove(&store.layout, block.id)?;
            drop(turn);
            Ok(())
        })
        .await
    }
}

impl Blocks for Arc<BlockStore> {
    fn replica(&self, id: u64) -> BoxFuture<'_, Result<Option<Replica>, BlockError>> {
        Box::pin(async move {
            match self.find(id).await? {
                Some(entry) => self.view(&entry).await.map(|view| Some(view.replica())),
                None => Ok(None),
            }
        })
    }

    fn recover(
        &self,
        block: BlockId,
        new_generation: u64,
        new_length: Option<u64>,
    ) -> BoxFuture<'_, Result<u64, BlockError>> {
        Box::pin(async move {
            let mut writer = self.reopen(Claim::recovery(block, new_generation, new_length)).await?;
            blocking(move || {
                if let Some(len) = new_length {
                    writer.truncate(len)?;
                }
                writer.finalize().map(|replica| replica.len)
            })
            .await
        })
    }

    fn delete(&self, blocks: Vec<BlockId>) -> BoxFuture<'_, Result<(), BlockError>> {
        Box::pin(async move {
            for block in blocks {
                self.delete_one(block).await?;
            }
            Ok(())
        })
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<BlockId>, BlockError>> {
        let store = Arc::clone(self);
        Box::pin(blocking(move || store.index.list(&store.layout)))
    }

    fn capacity(&self) -> Result<Capacity, BlockError> {
        self.space()
    }
}

fn create_files(layout: &Layout, block: BlockId, checksum: Checksum) -> Result<Files, BlockError> {
    layout.make_shard(block.id)?;
    let create = |path| File::options().read(true).write(true).create_new(true).open(path);
    let (data_path, meta_path) = (layout.data(block.id), layout.meta(block, false));
    let data = create(&data_path).map_err(failed("create", &data_path))?;
    let meta = create(&meta_path).map_err(failed("create", &meta_path))?;
    let mut page = Header { id: block.id, checksum }.encode().to_vec();
    page.resize(SUMS_AT as usize, 0);
    meta.write_all_at(&page, 0).map_err(failed("write", &meta_path))?;
    Ok(Files { data, meta })
}

/// Runs work that waits for the file system on a thread made for that.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(failed) => match failed.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is being shut down, and with it the task that waits here.
            Err(_) => std::future::pending().await,
        },
    }
}
