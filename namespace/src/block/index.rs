//! Which replicas there are. A directory is read when one of its blocks is first asked for, so that a start costs the same
//! however many blocks are kept. Everything here may block.

use std::collections::hash_map::Entry as Place;
use std::collections::{HashMap, HashSet};
use std::io;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use super::layout::{Layout, Name, SHARDS, failed};
use super::meta::SUMS_AT;
use super::replica::Entry;
use super::{BlockError, BlockId};

type Entries = HashMap<u64, Arc<Entry>>;

#[derive(Debug, Default)]
struct Shard {
    entries: OnceLock<Mutex<Entries>>,
    loading: Mutex<()>,
}

/// Every replica by its number.
#[derive(Debug)]
pub(crate) struct Index {
    shards: Vec<Shard>,
}

impl Index {
    pub(crate) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Shard::default()).collect() }
    }

    /// The replica with this number.
    pub(crate) fn get(&self, layout: &Layout, id: u64) -> Result<Option<Arc<Entry>>, BlockError> {
        Ok(self.shard(layout, id)?.lock().get(&id).cloned())
    }

    /// The replica with this number if its directory was read before; never blocks.
    pub(crate) fn get_read(&self, id: u64) -> Option<Option<Arc<Entry>>> {
        let entries = self.shards.get((id % SHARDS) as usize)?.entries.get()?;
        Some(entries.lock().get(&id).cloned())
    }

    /// Adds a replica; false if its number is taken.
    pub(crate) fn insert(&self, layout: &Layout, entry: &Arc<Entry>) -> Result<bool, BlockError> {
        let id = entry.block().id;
        match self.shard(layout, id)?.lock().entry(id) {
            Place::Occupied(_) => Ok(false),
            Place::Vacant(place) => {
                place.insert(Arc::clone(entry));
                Ok(true)
            }
        }
    }

    /// Forgets a replica.
    pub(crate) fn remove(&self, layout: &Layout, id: u64) -> Result<(), BlockError> {
        self.shard(layout, id)?.lock().remove(&id);
        Ok(())
    }

    /// Every replica.
    pub(crate) fn list(&self, layout: &Layout) -> Result<Vec<BlockId>, BlockError> {
        let mut blocks = Vec::new();
        for shard in 0..SHARDS {
            blocks.extend(self.shard(layout, shard)?.lock().values().map(|entry| entry.block()));
        }
        Ok(blocks)
    }

    fn shard(&self, layout: &Layout, id: u64) -> Result<&Mutex<Entries>, BlockError> {
        let shard = &self.shards[(id % SHARDS) as usize];
        let _loading = match shard.entries.get() {
            Some(entries) => return Ok(entries),
            None => shard.loading.lock(),
        };
        if let Some(entries) = shard.entries.get() {
            return Ok(entries);
        }
        let entries = read_shard(layout, &layout.shard(id))?;
        Ok(shard.entries.get_or_init(|| Mutex::new(entries)))
    }
}

/// Reads one directory and removes what a crash left half made or half removed: data without checksums, and checksums
/// whose header never reached the disk. Neither was ever synced, so nothing in them was promised.
fn read_shard(layout: &Layout, path: &Path) -> Result<Entries, BlockError> {
    let (mut data, mut metas) = (HashSet::new(), HashMap::<u64, (BlockId, bool)>::new());
    let files = match std::fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Entries::new()),
        files => files.map_err(failed("read", path))?,
    };
    for file in files {
        let file = file.map_err(failed("read", path))?;
        match file.file_name().to_str().and_then(Name::parse) {
            Some(Name::Data(id)) => {
                data.insert(id);
            }
            Some(Name::Meta(block, finalized)) => {
                let is_torn = !finalized && file.metadata().map_err(failed("examine", &file.path()))?.len() < SUMS_AT;
                if is_torn {
                    tracing::info!(%block, "removing a replica that was never synced");
                    remove_file(&file.path())?;
                } else if metas.get(&block.id).is_none_or(|(other, _)| other.generation < block.generation) {
                    metas.insert(block.id, (block, finalized));
                }
            }
            None => tracing::info!(file = %file.path().display(), "not a replica, left alone"),
        }
    }
    for id in data.difference(&metas.keys().copied().collect()) {
        tracing::info!(id, "removing data without checksums");
        remove_file(&layout.data(*id))?;
    }
    Ok(metas.into_iter().map(|(id, (block, finalized))| (id, Arc::new(Entry::found(block, finalized)))).collect())
}

/// Removes a file; one that is gone already is fine.
pub(crate) fn remove_file(path: &Path) -> Result<(), BlockError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path)(error)),
        _ => Ok(()),
    }
}
