use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use parking_lot::Mutex;
use serde_json::json;

use super::{Jars, Jvm, Tuning};

/// A command that moves 300 MB takes some seconds; none takes minutes.
const PATIENCE: Duration = Duration::from_secs(240);

/// A JVM that runs Hadoop's command line tools, one after the other.
pub struct Shell {
    jvm: Mutex<Jvm>,
}

/// Defaults of the clients. The last two let a client ask sooner, and oftener, whether a NameNode has heard of a block
/// from its DataNode: the first pause is 400 ms otherwise, for each file.
const CONFIGURATION: &[(&str, &str)] = &[
    ("dfs.replication", "1"),
    ("dfs.client.block.write.locateFollowingBlock.initial.delay.ms", "10"),
    ("dfs.client.block.write.locateFollowingBlock.retries", "10"),
];

/// What a command left behind.
#[derive(Debug, Clone)]
pub struct Output {
    /// Exit code.
    pub exit: i64,
    /// Standard output.
    pub stdout: String,
    /// Standard error, log lines of the client included.
    pub stderr: String,
}

impl Output {
    /// Standard output of a command that must have succeeded.
    ///
    /// # Panics
    /// If it failed.
    pub fn ok(self) -> String {
        assert_eq!(self.exit, 0, "the command failed: {}{}", self.stdout, self.stderr);
        self.stdout
    }

    /// Standard error of a command that must have failed.
    ///
    /// # Panics
    /// If it succeeded.
    pub fn refused(self) -> String {
        assert_ne!(self.exit, 0, "the command succeeded: {}{}", self.stdout, self.stderr);
        self.stderr
    }
}

impl Shell {
    /// Starts the JVM, its log in `dir`.
    pub fn start(jars: &Jars, dir: &Path) -> Result<Self> {
        let none: [&str; 0] = [];
        let jvm = Jvm::start(jars, Tuning::Start, "Shell", none, "WARN", &dir.join("shell.log"))?;
        Ok(Self { jvm: Mutex::new(jvm) })
    }

    /// Commands that go to the file system `uri`.
    pub fn at(&self, uri: &str) -> Session<'_> {
        let user = std::env::var("USER").unwrap_or_else(|_| "root".to_owned());
        let settings = CONFIGURATION.iter().copied().chain([("fs.defaultFS", uri)]);
        let conf = settings.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        Session { shell: self, user, conf }
    }
}

/// A user, a configuration and a shell.
#[derive(Clone)]
pub struct Session<'a> {
    shell: &'a Shell,
    user: String,
    conf: BTreeMap<String, String>,
}

impl Session<'_> {
    /// The same as another user.
    #[must_use]
    pub fn user(mut self, name: &str) -> Self {
        name.clone_into(&mut self.user);
        self
    }

    /// The same with one more property.
    #[must_use]
    pub fn set(mut self, key: &str, value: &str) -> Self {
        self.conf.insert(key.to_owned(), value.to_owned());
        self
    }

    /// `hdfs dfs ARGS...`.
    ///
    /// # Panics
    /// If the shell itself is broken.
    pub fn dfs(&self, args: &[&str]) -> Output {
        self.run("dfs", args, "")
    }

    /// `hdfs dfs ARGS...` with something on its standard input.
    ///
    /// # Panics
    /// If the shell itself is broken.
    pub fn dfs_with_input(&self, args: &[&str], stdin: &str) -> Output {
        self.run("dfs", args, stdin)
    }

    /// `hdfs dfsadmin ARGS...`.
    ///
    /// # Panics
    /// If the shell itself is broken.
    pub fn dfsadmin(&self, args: &[&str]) -> Output {
        self.run("dfsadmin", args, "")
    }

    /// `hdfs haadmin ARGS...`.
    ///
    /// # Panics
    /// If the shell itself is broken.
    pub fn haadmin(&self, args: &[&str]) -> Output {
        self.run("haadmin", args, "")
    }

    /// `hdfs groups USERS...`.
    ///
    /// # Panics
    /// If the shell itself is broken.
    pub fn groups(&self, users: &[&str]) -> Output {
        self.run("groups", users, "")
    }

    /// `hdfs dfsrouteradmin ARGS...`.
    ///
    /// # Panics
    /// If the shell itself is broken.
    pub fn dfsrouteradmin(&self, args: &[&str]) -> Output {
        self.run("dfsrouteradmin", args, "")
    }

    /// `hadoop key ARGS...`.
    ///
    /// # Panics
    /// If the shell itself is broken.
    pub fn key(&self, args: &[&str]) -> Output {
        self.run("key", args, "")
    }

    /// `hdfs crypto ARGS...`.
    ///
    /// # Panics
    /// If the shell itself is broken.
    pub fn crypto(&self, args: &[&str]) -> Output {
        self.run("crypto", args, "")
    }

    /// `hdfs cacheadmin ARGS...`.
    ///
    /// # Panics
    /// If the shell itself is broken.
    pub fn cacheadmin(&self, args: &[&str]) -> Output {
        self.run("cacheadmin", args, "")
    }

    /// `hdfs lsSnapshottableDir`.
    ///
    /// # Panics
    /// If the shell itself is broken.
    pub fn snapshottable(&self) -> Output {
        self.run("lsSnapshottableDir", &[], "")
    }

    /// `hdfs snapshotDiff ARGS...`.
    ///
    /// # Panics
    /// If the shell itself is broken.
    pub fn snapshot_diff(&self, args: &[&str]) -> Output {
        self.run("snapshotDiff", args, "")
    }

    fn run(&self, tool: &str, args: &[&str], stdin: &str) -> Output {
        self.try_run(tool, args, stdin).unwrap_or_else(|e| panic!("{tool} {}: {e:#}", args.join(" ")))
    }

    fn try_run(&self, tool: &str, args: &[&str], stdin: &str) -> Result<Output> {
        let request = json!({ "tool": tool, "user": self.user, "conf": self.conf, "args": args, "stdin": stdin });
        let mut jvm = self.shell.jvm.lock();
        jvm.send(&request)?;
        let answer = jvm.receive(PATIENCE)?;
        let text = |key: &str| answer[key].as_str().map(str::to_owned).context("a shell answer without its fields");
        Ok(Output {
            exit: answer["exit"].as_i64().context("a shell answer without exit code")?,
            stdout: text("stdout")?,
            stderr: text("stderr")?,
        })
    }
}
