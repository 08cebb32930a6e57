//! Runs commands against both routers and compares what they leave behind.

use std::fmt::Write as _;
use std::time::Duration;

use anabranch_e2e::servers::Router;
use anabranch_testkit::hadoop::{Cluster, Output, Session, Shell};
use anabranch_testkit::net;
use anabranch_testkit::scratch::Scratch;

/// Java's router reads its store twice a second.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Both routers and what runs commands.
pub struct Site {
    pub shell: Shell,
    /// Where Java's router serves administrators.
    pub java: String,
    /// Where ours does.
    pub ours: String,
    /// In order of their end: a router without NameNodes would complain.
    pub servers: (Router, Cluster, Scratch),
}

/// One command.
pub enum Step {
    /// Both do and say the same.
    Same(&'static str, &'static str),
    /// The same of a command that only looks, as soon as Java's router has read its store again.
    Later(&'static str, &'static str),
    /// Ours differs, for a reason: it ends with this exit code and says this.
    Differs { user: &'static str, command: &'static str, exit: i64, says: &'static str, why: &'static str },
    /// Brings both to the same state after a difference; what they say does not matter.
    Quietly(&'static str),
}

impl Site {
    /// Runs steps, and fails with all that differ unexpectedly.
    pub fn compare(&self, steps: &[Step]) {
        let mut wrong = String::new();
        for step in steps {
            match step {
                Step::Same(user, command) => {
                    let (java, ours) = self.both(user, command);
                    if java != ours {
                        let _ = writeln!(wrong, "\n{user}: {command}\n  java: {java:?}\n  ours: {ours:?}");
                    }
                }
                Step::Later(user, command) => {
                    let ours = self.run(user, command, &self.ours);
                    let same = || self.run(user, command, &self.java) == ours;
                    if net::wait_until("Java's router says the same", PATIENCE, same).is_err() {
                        let java = self.run(user, command, &self.java);
                        let _ = writeln!(wrong, "\n{user}: {command}\n  java: {java:?}\n  ours: {ours:?}");
                    }
                }
                Step::Differs { user, command, exit, says, why } => {
                    let (java, ours) = self.both(user, command);
                    let said = ours.out.contains(says) || ours.err.contains(says);
                    if java == ours || ours.exit != *exit || !said {
                        let _ = writeln!(
                            wrong,
                            "\n{user}: {command} should differ ({why})\n  java: {java:?}\n  ours: {ours:?}"
                        );
                    }
                }
                Step::Quietly(command) => drop(self.both("root", command)),
            }
        }
        assert!(wrong.is_empty(), "{wrong}");
    }

    /// `hdfs dfsrouteradmin` at a router.
    pub fn admin(&self, router: &str) -> Session<'_> {
        self.shell.at("hdfs://unused").user("root").set("dfs.federation.router.admin-address", router)
    }

    fn both(&self, user: &str, command: &str) -> (Said, Said) {
        (self.run(user, command, &self.java), self.run(user, command, &self.ours))
    }

    fn run(&self, user: &str, command: &str, router: &str) -> Said {
        let session = self.admin(router).user(user);
        let command = command.replace("{router}", router);
        let args: Vec<&str> = command.split_whitespace().map(|arg| if arg == "''" { "" } else { arg }).collect();
        let said = Said::of(session.dfsrouteradmin(&args), router);
        // Java's router shows a change when it has read its store again.
        session.user("root").dfsrouteradmin(&["-refresh"]).ok();
        said
    }
}

/// What a command left behind, without what belongs to one router only.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    exit: i64,
    out: String,
    err: String,
}

impl Said {
    fn of(output: Output, router: &str) -> Self {
        let plain = |text: &str| comparable(text).replace(router, "ROUTER");
        Self { exit: output.exit, out: plain(&output.stdout), err: plain(&output.stderr) }
    }
}

/// The rule: lines of the client's log, of the stack traces that Java's servers append to their messages, and empty ones
/// at the end, which such a trace leaves, do not count.
fn comparable(text: &str) -> String {
    let logged = |line: &str| {
        let dated = line.get(..4).is_some_and(|year| year.bytes().all(|digit| digit.is_ascii_digit()));
        dated && line.get(4..5) == Some("-")
    };
    let traced =
        |line: &str| line.starts_with("\tat ") || line.starts_with("Caused by: ") || line.starts_with("\t... ");
    let kept = text.lines().filter(|line| !logged(line) && !traced(line));
    kept.fold(String::new(), |text, line| text + line + "\n").trim_end_matches('\n').to_owned()
}
