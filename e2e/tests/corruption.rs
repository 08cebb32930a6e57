//! Bytes that change on disk must not reach a reader: the checksums of HDFS go all the way.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anabranch_e2e::dfs::dfs;
use anabranch_e2e::files::write_random;
use anabranch_e2e::servers::{self, Router};
use anabranch_testkit::hadoop::{Jars, Shell};
use anabranch_testkit::scratch::Scratch;
use anabranch_testkit::suite;
use anyhow::Result;

struct Rig {
    shell: Shell,
    router: Router,
    scratch: Scratch,
}

fn main() -> ExitCode {
    suite::run(
        setup,
        &[
            ("a_changed_byte_of_data_is_an_error", changed_data),
            ("a_block_cut_short_is_an_error", cut_short),
            ("other_files_are_not_affected", others),
        ],
    )
}

fn setup() -> Result<Rig> {
    let scratch = Scratch::new("corruption")?;
    let shell = Shell::start(&Jars::get()?, scratch.path())?;
    let router = servers::local_expecting(scratch.path(), &["a client found a block corrupt", "is corrupt:"])?;
    Ok(Rig { shell, router, scratch })
}

impl Rig {
    /// Puts a file of random bytes; gives its path and the file on the server's disk that holds its block.
    fn put(&self, name: &str, seed: u64) -> (String, PathBuf) {
        let local = self.scratch.path().join(name);
        write_random(&local, 1_000_000, seed);
        let remote = format!("/data0/{name}");
        self.shell.at(&self.router.uri()).dfs(&["-put", &local.display().to_string(), &remote]).ok();
        let marker = fs::read(&local).expect("a local file")[500_000..500_064].to_vec();
        let found = files_with(&self.scratch.path().join("data"), &marker);
        assert_eq!(found.len(), 1, "block files of {remote}: {found:?}");
        (remote, found[0].clone())
    }

    /// Both clients must refuse to give wrong bytes.
    fn assert_unreadable(&self, remote: &str) {
        let back = self.scratch.path().join("back");
        // Java asks for the block's locations three times more, after pauses of this base.
        let session = self.shell.at(&self.router.uri()).set("dfs.client.retry.window.base", "10");
        let error = session.dfs(&["-get", "-f", remote, &back.display().to_string()]).refused();
        assert!(
            error.contains("Checksum") || error.contains("checksum") || error.contains("Could not obtain block"),
            "{error}"
        );
        let native = dfs(&self.router.uri(), &["get", "--force", remote, &back.display().to_string()]);
        assert_ne!(native.exit, Some(0), "{native:?}");
    }
}

fn changed_data(rig: &Rig) {
    let (remote, block) = rig.put("changed", 11);
    let mut bytes = fs::read(&block).expect("a block file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&block, bytes).expect("a block file");
    rig.assert_unreadable(&remote);
}

fn cut_short(rig: &Rig) {
    let (remote, block) = rig.put("cut", 12);
    let bytes = fs::read(&block).expect("a block file");
    fs::write(&block, &bytes[..bytes.len() - 100_000]).expect("a block file");
    rig.assert_unreadable(&remote);
}

fn others(rig: &Rig) {
    let (remote, _) = rig.put("whole", 13);
    let back = rig.scratch.path().join("whole.back");
    rig.shell.at(&rig.router.uri()).dfs(&["-get", &remote, &back.display().to_string()]).ok();
    anabranch_e2e::files::assert_same_file(&rig.scratch.path().join("whole"), &back);
}

/// Files below `dir` that contain `marker`.
fn files_with(dir: &Path, marker: &[u8]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("the data directory") {
        let path = entry.expect("a directory entry").path();
        if path.is_dir() {
            found.extend(files_with(&path, marker));
        } else if fs::read(&path).is_ok_and(|bytes| bytes.windows(marker.len()).any(|window| window == marker)) {
            found.push(path);
        }
    }
    found
}
