//! Generated files that are committed.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

/// How generated text meets the committed file.
pub struct Committed {
    /// The task that generates it, for messages.
    pub task: &'static str,
    /// Compare only.
    pub check: bool,
}

impl Committed {
    /// Writes the file if its content differs, or only tells that it does.
    pub fn settle(&self, target: &Path, content: &[u8]) -> anyhow::Result<()> {
        if fs::read(target).ok().as_deref() == Some(content) {
            return Ok(());
        }
        if self.check {
            bail!("{} is not what would be generated; run `cargo xtask {}`", target.display(), self.task);
        }
        if let Some(dir) = target.parent() {
            fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        }
        fs::write(target, content).with_context(|| format!("cannot write {}", target.display()))
    }
}
