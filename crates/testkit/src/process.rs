//! The project's own programs as processes.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use parking_lot::{Condvar, Mutex};
use rustix::process::Signal;
use serde_json::Value;

use crate::hadoop::workspace;
use crate::pid;

/// The path of one of our programs, of the same build profile as the running test.
///
/// # Panics
/// If it was not built.
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap_or_else(|e| panic!("where am I: {e}"));
    let found = test.ancestors().map(|dir| dir.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| {
        panic!("{name} is not built: run `cargo build --workspace --all-targets` in {}", workspace().display())
    })
}

/// How to start a program.
#[derive(Debug, Clone)]
pub struct Launch {
    name: String,
    args: Vec<OsString>,
    env: Vec<(String, String)>,
    expected: Vec<String>,
}

impl Launch {
    /// One of our programs without arguments.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), args: Vec::new(), env: Vec::new(), expected: Vec::new() }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, key: &str, value: &str) -> Self {
        self.env.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Warnings and errors that contain this text are no reason to fail.
    #[must_use]
    pub fn expect_log(mut self, text: &str) -> Self {
        self.expected.push(text.to_owned());
        self
    }

    /// Starts it.
    pub fn start(&self) -> Result<Program> {
        let path = program(&self.name);
        let mut command = Command::new(&path);
        command.args(&self.args).envs(self.env.iter().cloned()).env("HADOOP_USER_NAME", user());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("starting {}", path.display()))?;
        let log = Arc::new(Log::default());
        let out = child.stdout.take().context("no standard output")?;
        let err = child.stderr.take().context("no standard error")?;
        let readers = vec![follow(out, &log, Stream::Out), follow(err, &log, Stream::Err)];
        Ok(Program { launch: self.clone(), child, log, readers, checked: false })
    }

    /// Runs it to its end: the exit code, standard output, standard error.
    pub fn finish(&self, patience: Duration) -> Result<(Option<i32>, String, String)> {
        let mut program = self.start()?;
        let status = program.wait(patience)?;
        Ok((status.code(), program.text(Stream::Out), program.text(Stream::Err)))
    }
}

/// Whom the tests act as.
pub fn user() -> String {
    std::env::var("USER").unwrap_or_else(|_| "root".to_owned())
}

/// One of the two output streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

#[derive(Default)]
struct Log {
    lines: Mutex<Vec<(Stream, String)>>,
    grown: Condvar,
}

fn follow(pipe: impl Read + Send + 'static, log: &Arc<Log>, stream: Stream) -> JoinHandle<()> {
    let log = log.clone();
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            log.lines.lock().push((stream, line));
            log.grown.notify_all();
        }
    })
}

/// A running program. It is killed when dropped, and the test fails if it logged a warning or an error that was not
/// expected.
pub struct Program {
    launch: Launch,
    child: Child,
    log: Arc<Log>,
    readers: Vec<JoinHandle<()>>,
    checked: bool,
}

impl Program {
    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line on either stream.
    pub fn wait_for(&mut self, what: &str, patience: Duration, matches: impl Fn(&str) -> bool) -> Result<String> {
        self.watch(what, patience, |lines| lines.iter().find(|(_, line)| matches(line)).map(|(_, line)| line.clone()))
    }

    /// Waits for a JSON object on standard output, on one line or several.
    pub fn wait_for_json(&mut self, patience: Duration) -> Result<Value> {
        self.watch("a JSON object", patience, |lines| {
            let out: Vec<&str> =
                lines.iter().filter(|(s, _)| *s == Stream::Out).map(|(_, line)| line.as_str()).collect();
            let start = out.iter().position(|line| line.starts_with('{'))?;
            (start..out.len()).find_map(|end| serde_json::from_str(&out[start..=end].join("\n")).ok())
        })
    }

    fn watch<T>(
        &mut self,
        what: &str,
        patience: Duration,
        look: impl Fn(&[(Stream, String)]) -> Option<T>,
    ) -> Result<T> {
        let end = Instant::now() + patience;
        loop {
            let ended = self.child.try_wait()?;
            if ended.is_some() {
                self.readers.drain(..).for_each(|reader| drop(reader.join()));
            }
            let mut lines = self.log.lines.lock();
            if let Some(found) = look(&lines) {
                return Ok(found);
            }
            if let Some(status) = ended {
                bail!("{} ended ({status}) without {what}:\n{}", self.launch.name, render(&lines));
            }
            if Instant::now() > end {
                bail!("{}: no {what} in {patience:?}:\n{}", self.launch.name, render(&lines));
            }
            self.log.grown.wait_for(&mut lines, Duration::from_millis(50));
        }
    }

    /// All it wrote to a stream so far.
    pub fn text(&self, stream: Stream) -> String {
        let lines = self.log.lines.lock();
        lines.iter().filter(|(s, _)| *s == stream).fold(String::new(), |text, (_, line)| text + line + "\n")
    }

    /// SIGINT, as Ctrl-C sends it.
    pub fn interrupt(&self) -> Result<()> {
        pid::signal(self.pid(), Signal::INT)
    }

    /// SIGTERM.
    pub fn terminate(&self) -> Result<()> {
        pid::signal(self.pid(), Signal::TERM)
    }

    /// SIGKILL, and its end.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Waits for its end.
    pub fn wait(&mut self, patience: Duration) -> Result<ExitStatus> {
        let end = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait()? {
                self.readers.drain(..).for_each(|reader| drop(reader.join()));
                return Ok(status);
            }
            if Instant::now() > end {
                bail!("{} still runs after {patience:?}:\n{}", self.launch.name, render(&self.log.lines.lock()));
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Resident memory in bytes.
    pub fn resident_bytes(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()))?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("no VmRSS")?;
        let kib: u64 = line.split_whitespace().nth(1).context("no number")?.parse()?;
        Ok(kib * 1024)
    }

    /// Warnings and errors so far that nobody expected.
    pub fn surprises(&self) -> Vec<String> {
        let lines = self.log.lines.lock();
        let surprising = |line: &&(Stream, String)| {
            is_complaint(&line.1) && !self.launch.expected.iter().any(|e| line.1.contains(e.as_str()))
        };
        lines.iter().filter(surprising).map(|(_, line)| line.clone()).collect()
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_some())
    }

    /// The last lines that it wrote, for messages.
    pub fn tail(&self) -> String {
        render(&self.log.lines.lock())
    }

    /// Leaves the log to the caller: dropping the program checks nothing.
    pub fn ignore_log(&mut self) {
        self.checked = true;
    }
}

impl Drop for Program {
    #[allow(clippy::print_stderr, reason = "the reader of a failed test needs it")]
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.readers.drain(..).for_each(|reader| drop(reader.join()));
        if thread::panicking() {
            eprintln!("--- the end of {}'s log\n{}", self.launch.name, render(&self.log.lines.lock()));
        } else if !self.checked {
            let surprises = self.surprises();
            assert!(
                surprises.is_empty(),
                "{} logged what was not expected:\n{}",
                self.launch.name,
                surprises.join("\n")
            );
        }
    }
}

/// Whether a line is a warning or an error, in the text and in the JSON form of the log.
fn is_complaint(line: &str) -> bool {
    let head: String = line.chars().take(80).collect();
    head.split_whitespace().take(3).any(|word| matches!(word, "WARN" | "ERROR"))
        || line.contains(r#""level":"WARN""#)
        || line.contains(r#""level":"ERROR""#)
        || line.starts_with("thread '") && line.contains("panicked")
}

fn render(lines: &[(Stream, String)]) -> String {
    let start = lines.len().saturating_sub(60);
    lines[start..].iter().fold(String::new(), |mut text, (stream, line)| {
        let mark = if *stream == Stream::Out { "out" } else { "err" };
        let _ = writeln!(text, "{mark}| {line}");
        text
    })
}
