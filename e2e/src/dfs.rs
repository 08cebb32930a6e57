//! `anabranch dfs` as a process.

use std::time::Duration;

use anabranch_testkit::process::Launch;

/// What a command left behind.
#[derive(Debug, Clone)]
pub struct Output {
    /// Exit code; none if a signal ended it.
    pub exit: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Output {
    /// Standard output of a command that must have succeeded.
    ///
    /// # Panics
    /// If it failed.
    pub fn ok(self) -> String {
        assert_eq!(self.exit, Some(0), "the command failed: {}{}", self.stdout, self.stderr);
        self.stdout
    }
}

/// Runs `anabranch dfs --fs URI ARGS...`.
///
/// # Panics
/// If it does not end.
pub fn dfs(uri: &str, args: &[&str]) -> Output {
    let launch = Launch::new("anabranch").args(["dfs", "--fs", uri]).args(args.iter().copied());
    // What it complains about is for the caller to judge.
    let launch = launch.expect_log("");
    let (exit, stdout, stderr) =
        launch.finish(Duration::from_secs(60)).unwrap_or_else(|e| panic!("dfs {args:?}: {e:#}"));
    Output { exit, stdout, stderr }
}
