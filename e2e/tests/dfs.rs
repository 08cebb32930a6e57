//! `anabranch dfs`, the command line without Java, against `anabranch local`.

use std::process::ExitCode;

use anabranch_e2e::dfs::dfs;
use anabranch_e2e::files::{assert_same_file, assert_same_tree, write_random, write_tree};
use anabranch_e2e::servers::{self, Router};
use anabranch_testkit::scratch::Scratch;
use anabranch_testkit::suite;
use anyhow::Result;

struct Rig {
    router: Router,
    scratch: Scratch,
}

fn main() -> ExitCode {
    suite::run(
        setup,
        &[
            ("files_go_there_and_back", files),
            ("trees_go_there_and_back", trees),
            ("names_are_made_moved_and_removed", names),
            ("sizes_and_attributes_are_shown", attributes),
            ("errors_name_the_path", errors),
        ],
    )
}

fn setup() -> Result<Rig> {
    let scratch = Scratch::new("dfs")?;
    let router = servers::local(scratch.path())?;
    Ok(Rig { router, scratch })
}

impl Rig {
    fn ok(&self, args: &[&str]) -> String {
        dfs(&self.router.uri(), args).ok()
    }

    fn refused(&self, args: &[&str]) -> String {
        let output = dfs(&self.router.uri(), args);
        assert_ne!(output.exit, Some(0), "{args:?} succeeded: {}", output.stdout);
        output.stderr
    }

    fn local(&self, name: &str) -> String {
        self.scratch.path().join(name).display().to_string()
    }
}

fn files(rig: &Rig) {
    for (mount, len) in [("/data0", 0), ("/data1", 70_001), ("/data0", 20_000_000)] {
        let (local, back) = (rig.local(&format!("f{len}")), rig.local(&format!("f{len}.back")));
        write_random(local.as_ref(), len, len as u64);
        let remote = format!("{mount}/f{len}");
        rig.ok(&["put", &local, &remote]);
        rig.refused(&["put", &local, &remote]);
        rig.ok(&["put", "--force", &local, &remote]);
        rig.ok(&["get", &remote, &back]);
        assert_same_file(local.as_ref(), back.as_ref());
    }
    std::fs::write(rig.local("text"), "some text\n").expect("a local file");
    rig.ok(&["put", &rig.local("text"), "/data0/text"]);
    assert_eq!(rig.ok(&["cat", "/data0/text", "/data0/text"]), "some text\nsome text\n");
}

fn trees(rig: &Rig) {
    let (local, back) = (rig.local("tree"), rig.local("tree.back"));
    write_tree(local.as_ref(), 5, 200);
    rig.ok(&["put", &local, "/data1/tree"]);
    assert_eq!(rig.ok(&["ls", "-R", "/data1/tree"]).matches("/f00").count(), 200);
    rig.ok(&["get", "/data1/tree", &back]);
    assert_same_tree(local.as_ref(), back.as_ref());
}

fn names(rig: &Rig) {
    rig.refused(&["mkdir", "/data0/names/a/b"]);
    rig.ok(&["mkdir", "--parents", "/data0/names/a/b"]);
    rig.ok(&["mv", "/data0/names/a", "/data0/names/c"]);
    assert!(rig.ok(&["ls", "/data0/names/c"]).contains("/data0/names/c/b"));
    let error = rig.refused(&["mv", "/data0/names/c", "/data1/c"]);
    assert!(error.contains("/data0/names/c") && error.contains("/data1/c"), "{error}");
    rig.refused(&["rm", "/data0/names"]);
    rig.ok(&["rm", "--recursive", "/data0/names"]);
    rig.refused(&["ls", "/data0/names"]);
}

fn attributes(rig: &Rig) {
    write_random(rig.local("sized").as_ref(), 12_345, 1);
    rig.ok(&["mkdir", "--parents", "/data0/sizes"]);
    rig.ok(&["put", &rig.local("sized"), "/data0/sizes/one"]);
    rig.ok(&["put", &rig.local("sized"), "/data0/sizes/two"]);
    let stat = rig.ok(&["--output", "json", "stat", "/data0/sizes/one"]);
    assert!(stat.contains("12345"), "{stat}");
    let du = rig.ok(&["--output", "json", "du", "/data0/sizes"]);
    assert!(du.contains("24690"), "{du}");
    let root = rig.ok(&["ls", "/"]);
    assert!(root.contains("/data0") && root.contains("/data1"), "{root}");
}

fn errors(rig: &Rig) {
    for command in ["ls", "cat", "stat", "du", "rm"] {
        let error = rig.refused(&[command, "/data1/missing"]);
        assert!(error.contains("/data1/missing"), "{command}: {error}");
        assert!(!error.contains("panicked") && !error.contains("\tat "), "{command}: {error}");
    }
    rig.ok(&["rm", "--force", "/data1/missing"]);
}
