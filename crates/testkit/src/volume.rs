//! A volume that fills up.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

const FILLER: &str = "filler";

/// A small volume in memory while it lives.
pub struct Volume {
    dir: TempDir,
}

impl Volume {
    /// Mounts a volume of so many megabytes; `None` where that is not permitted: it takes root.
    pub fn mount(megabytes: u32) -> Result<Option<Self>> {
        let dir = tempfile::Builder::new().prefix("anabranch-volume-").tempdir()?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "tmpfs"]).arg(dir.path());
        let mounted = mount.output().is_ok_and(|output| output.status.success());
        Ok(mounted.then_some(Self { dir }))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Makes it larger, or smaller.
    pub fn resize(&self, megabytes: u32) -> Result<()> {
        let mut mount = Command::new("mount");
        mount.args(["-o", &format!("remount,size={megabytes}m")]).arg(self.path());
        let output = mount.output()?;
        if !output.status.success() {
            bail!("{mount:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }

    /// Takes all the room that there is.
    pub fn fill(&self) -> Result<()> {
        let mut filler = File::options().append(true).create(true).open(self.path().join(FILLER))?;
        let zeros = [0; 64 << 10];
        loop {
            match filler.write_all(&zeros) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => return Ok(()),
                Err(error) => return Err(error).context("filling the volume"),
            }
        }
    }

    /// Gives back what [`Volume::fill`] took.
    pub fn drain(&self) -> Result<()> {
        Ok(fs::remove_file(self.path().join(FILLER))?)
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        // What is open on it still goes with whoever has it open.
        let unmounted = Command::new("umount").arg("-l").arg(self.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()) || std::thread::panicking(), "the volume stays mounted");
    }
}
