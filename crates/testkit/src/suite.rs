//! Runs test cases that share something slow to start, such as a cluster, in a test binary with `harness = false`.
//!
//! The standard harness has no place to end what its tests share. Here the shared thing is a value: it is made before
//! the first case and dropped after the last, and a case is a function that borrows it.

use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;

/// A name and what it runs.
pub type Case<'a, S> = (&'a str, fn(&S));

/// Runs those of `cases` whose names contain one of the program's arguments (all, if there are none), in order. Names that
/// no case has are a mistake, which must not look like a success.
///
/// Takes the flags of the standard harness that `cargo test` and IDEs send: `--list`, `--exact`, `--skip NAME`; others
/// have no meaning here and are ignored.
#[allow(clippy::print_stdout, reason = "this is the output of a test harness")]
pub fn run<S>(setup: impl FnOnce() -> Result<S>, cases: &[Case<'_, S>]) -> ExitCode {
    let request = Request::from_args(std::env::args().skip(1));
    let chosen = match request.choose(cases) {
        Ok(chosen) => chosen,
        Err(wrong) => {
            println!("{wrong}");
            return ExitCode::from(101);
        }
    };
    if request.list {
        chosen.iter().for_each(|(name, _)| println!("{name}: test"));
        return ExitCode::SUCCESS;
    }
    println!("\nrunning {} tests", chosen.len());
    if chosen.is_empty() {
        return ExitCode::SUCCESS;
    }
    let start = Instant::now();
    let shared = match setup() {
        Ok(shared) => shared,
        Err(e) => {
            println!("set-up failed: {e:#}");
            return ExitCode::FAILURE;
        }
    };
    println!("set-up took {:.1} s", start.elapsed().as_secs_f32());
    let mut failed: Vec<&str> =
        chosen.iter().filter(|(name, case)| !passes(name, || case(&shared))).map(|c| c.0).collect();
    // What the shared thing finds wrong when it ends (an unexpected warning in a log) counts as well.
    if panic::catch_unwind(AssertUnwindSafe(|| drop(shared))).is_err() {
        failed.push("(end of the shared set-up)");
    }
    let verdict = if failed.is_empty() { "ok" } else { "FAILED" };
    let passed = chosen.len() - failed.len().min(chosen.len());
    println!(
        "\ntest result: {verdict}. {passed} passed; {} failed; in {:.1} s",
        failed.len(),
        start.elapsed().as_secs_f32()
    );
    failed.iter().for_each(|name| println!("    {name}"));
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(101) }
}

#[allow(clippy::print_stdout, reason = "this is the output of a test harness")]
fn passes(name: &str, case: impl FnOnce()) -> bool {
    let start = Instant::now();
    let passed = panic::catch_unwind(AssertUnwindSafe(case)).is_ok();
    println!("test {name} ... {} ({:.1} s)", if passed { "ok" } else { "FAILED" }, start.elapsed().as_secs_f32());
    passed
}

#[derive(Default)]
struct Request {
    list: bool,
    exact: bool,
    names: Vec<String>,
    skipped: Vec<String>,
}

impl Request {
    fn from_args(args: impl Iterator<Item = String>) -> Self {
        let mut request = Self::default();
        let mut args = args;
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--list" => request.list = true,
                "--exact" => request.exact = true,
                "--skip" => request.skipped.extend(args.next()),
                "--test-threads" | "--format" | "--color" | "--logfile" | "-Z" => drop(args.next()),
                flag if flag.starts_with('-') => {}
                name => request.names.push(name.to_owned()),
            }
        }
        request
    }

    /// The cases that are wanted, or why that cannot be.
    fn choose<'a, 'b, S>(&self, cases: &'a [Case<'b, S>]) -> Result<Vec<&'a Case<'b, S>>, String> {
        let chosen: Vec<_> = cases.iter().filter(|(name, _)| self.wants(name)).collect();
        if chosen.is_empty() && !self.names.is_empty() {
            let names: Vec<_> = cases.iter().map(|(name, _)| *name).collect();
            return Err(format!("no case is called {}; there are:\n{}", self.names.join(" or "), names.join("\n")));
        }
        Ok(chosen)
    }

    fn wants(&self, name: &str) -> bool {
        let named = |wanted: &String| if self.exact { name == wanted } else { name.contains(wanted.as_str()) };
        (self.names.is_empty() || self.names.iter().any(named))
            && !self.skipped.iter().any(|s| name.contains(s.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Arguments, and the cases that they choose, or what is said of them.
    type Row<'a> = (&'a [&'a str], Result<&'a [&'a str], &'a str>);

    #[test]
    fn a_name_that_no_case_has_is_told() {
        let cases: &[Case<'_, ()>] = &[("one_thing", |()| ()), ("another_thing", |()| ())];
        let choose = |args: &[&str]| {
            let chosen = Request::from_args(args.iter().map(|arg| (*arg).to_owned())).choose(cases)?;
            Ok(chosen.iter().map(|(name, _)| *name).collect::<Vec<_>>())
        };
        let rows: [Row<'_>; 6] = [
            (&[], Ok(&["one_thing", "another_thing"])),
            (&["another"], Ok(&["another_thing"])),
            (&["--exact", "one_thing"], Ok(&["one_thing"])),
            (&["--skip", "thing"], Ok(&[])),
            (&["nothing"], Err("no case is called nothing; there are:\none_thing\nanother_thing")),
            (&["--exact", "one"], Err("no case is called one; there are:\none_thing\nanother_thing")),
        ];
        for (args, expected) in rows {
            assert_eq!(choose(args), expected.map(<[_]>::to_vec).map_err(str::to_owned), "{args:?}");
        }
    }
}
