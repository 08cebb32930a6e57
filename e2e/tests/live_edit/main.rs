//! `anabranch local` as somebody who tries it meets it: wrong input, edits while it runs, Ctrl-C, kill -9.

mod edit;
mod quickstart;
mod refuse;
mod restart;

use std::fs;
use std::path::{Path, PathBuf};

use anabranch_e2e::servers::{self, Router};
use anabranch_testkit::net;
use anabranch_testkit::scratch::Scratch;

/// A federation whose manifests a test may edit.
struct Site {
    scratch: Scratch,
    manifests: PathBuf,
}

impl Site {
    fn new(name: &str) -> Self {
        let scratch = Scratch::new(name).expect("a temporary directory");
        let manifests = servers::manifests(scratch.path()).expect("manifests");
        Self { scratch, manifests }
    }

    fn dir(&self) -> &Path {
        self.scratch.path()
    }

    fn mounts(&self) -> PathBuf {
        self.manifests.join("mounts.yaml")
    }

    fn mounts_text(&self) -> String {
        fs::read_to_string(self.mounts()).expect("mounts.yaml")
    }

    /// As an editor saves: a new file under the old name.
    fn save_mounts(&self, text: &str) {
        let fresh = self.dir().join("mounts.new");
        fs::write(&fresh, text).expect("a new file");
        fs::rename(fresh, self.mounts()).expect("a new file under the old name");
    }

    /// Starts the federation, whose log may contain warnings with `expected` in them.
    fn start(&self, expected: &[&str]) -> Router {
        let (rpc, http) = (net::free_address().expect("a port"), net::free_address().expect("a port"));
        let launch = servers::local_launch(self.dir(), &self.manifests, rpc, http);
        let launch = expected.iter().fold(launch, |launch, text| launch.expect_log(text));
        Router::start(&launch, rpc, http).unwrap_or_else(|e| panic!("{e:#}"))
    }
}

/// A mount of `path` on the same path of a nameservice, as it is appended to the manifests.
fn mount(path: &str, nameservice: &str) -> String {
    format!("    - path: {path}\n      destinations:\n        - nameservice: {nameservice}\n          path: {path}\n")
}
