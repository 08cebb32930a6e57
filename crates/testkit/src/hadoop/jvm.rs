use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use parking_lot::Mutex;
use rustix::process::Signal;
use serde_json::Value;

use super::jars::{Jars, jdk};
use crate::pid;

/// One that used less CPU while it was waited for does not get on,
const LITTLE: Duration = Duration::from_secs(2);
/// and one that used more does not start, for which a tenth is enough.
const MUCH: Duration = Duration::from_secs(100);

/// What a JVM's compiler is set for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tuning {
    /// Soon ready, cheap to start: for tests.
    Start,
    /// As it would run in production: for measurements.
    Measure,
}

/// A Java program of `e2e/hadoop` that speaks JSON lines on its standard streams. Its log goes to a file. It ends when
/// its standard input closes, so it cannot outlive the test process, however that ends.
pub struct Jvm {
    child: Child,
    stdin: ChildStdin,
    lines: Mutex<Receiver<String>>,
    log: PathBuf,
}

impl Jvm {
    /// Starts `anabranch.<main>`, logging at `level` to the file `log`.
    pub fn start<A: AsRef<OsStr>>(
        jars: &Jars,
        tuning: Tuning,
        main: &str,
        args: impl IntoIterator<Item = A>,
        level: &str,
        log: &Path,
    ) -> Result<Self> {
        let mut java = Command::new(jdk("java"));
        match tuning {
            Tuning::Start => java.args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"]),
            Tuning::Measure => java.arg("-XX:+UseG1GC"),
        };
        java.args(["-Xmx512m", "-Djava.net.preferIPv4Stack=true"]).arg(format!("-Drig.log={level}"));
        // Where a NameNode writes what `metaSave` names.
        java.arg(format!("-Dhadoop.log.dir={}", log.parent().unwrap_or(Path::new(".")).display()));
        for package in ["lang", "io", "util", "net", "util.concurrent"] {
            java.arg(format!("--add-opens=java.base/java.{package}=ALL-UNNAMED"));
        }
        java.arg("-cp").arg(jars.class_path()).arg(format!("anabranch.{main}")).args(args);
        java.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(File::create(log)?);
        let mut child = java.spawn().with_context(|| format!("starting {:?}", java.get_program()))?;
        let stdin = child.stdin.take().context("no standard input")?;
        let stdout = child.stdout.take().context("no standard output")?;
        let (send, lines) = sync_channel(16);
        thread::spawn(move || {
            BufReader::new(stdout).lines().map_while(Result::ok).try_for_each(|line| send.send(line))
        });
        Ok(Self { child, stdin, lines: Mutex::new(lines), log: log.to_owned() })
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGSTOP: its connections stay, and nobody answers. Dropping ends it all the same.
    pub fn pause(&self) -> Result<()> {
        pid::signal(self.pid(), Signal::STOP)
    }

    /// SIGCONT, after [`Jvm::pause`].
    pub fn resume(&self) -> Result<()> {
        pid::signal(self.pid(), Signal::CONT)
    }

    /// Sends one JSON line.
    pub fn send(&mut self, request: &Value) -> Result<()> {
        writeln!(self.stdin, "{request}").and_then(|()| self.stdin.flush()).map_err(|e| self.explain(&e.to_string()))
    }

    /// Takes the next JSON line; an error if none comes in time or the program has ended.
    pub fn receive(&mut self, patience: Duration) -> Result<Value> {
        let line = self.lines.get_mut().recv_timeout(patience).map_err(|e| match e {
            RecvTimeoutError::Timeout => self.explain(&format!("no answer in {patience:?}")),
            RecvTimeoutError::Disconnected => self.explain("it ended"),
        })?;
        serde_json::from_str(&line).with_context(|| format!("not JSON: {line}"))
    }

    /// The same of a program that starts, which may take longer as long as it gets on: a machine that is busy with other things
    /// is no reason to give it up.
    pub fn receive_first(&mut self, patience: Duration) -> Result<Value> {
        let mut before = Duration::ZERO;
        loop {
            let answer = self.receive(patience);
            let used = pid::cpu(self.pid()).unwrap_or_default();
            if answer.is_ok() || used < before + LITTLE || used > MUCH {
                return answer;
            }
            before = used;
        }
    }

    fn explain(&self, what: &str) -> anyhow::Error {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let tail: Vec<&str> = log.lines().rev().take(30).collect();
        let tail = tail.into_iter().rev().collect::<Vec<_>>().join("\n");
        anyhow!("java process {}: {what}; the end of {}:\n{tail}", self.pid(), self.log.display())
    }
}

impl Drop for Jvm {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
