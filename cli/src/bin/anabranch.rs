//! `anabranch`: a federation on this machine, and its files.

use std::path::PathBuf;
use std::process::ExitCode;

use anabranch_cli::dfs::DfsArgs;
use anabranch_cli::explain::{self, ExplainArgs};
use anabranch_cli::local::{self, LocalArgs};
use anabranch_cli::{run_dfs, version};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

/// HDFS federation: many clusters, one file system, unmodified Hadoop clients.
///
/// Start with `anabranch local -f examples/quickstart`, then try `anabranch dfs ls /` in another terminal.
#[derive(Parser)]
#[command(name = "anabranch", version = version())]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a whole federation in one process: router, state store and embedded subclusters.
    Local(LocalArgs),
    /// Work with the files of a federation, without Java.
    Dfs(DfsArgs),
    /// Say where paths live and why: from manifests, or asked of a router that runs.
    Explain(ExplainArgs),
}

fn main() -> ExitCode {
    let matches = named(Args::command()).get_matches();
    let args = Args::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    match args.command {
        Command::Local(args) => local::run(&args),
        Command::Dfs(args) => run_dfs(args),
        Command::Explain(args) => explain::run(args),
    }
}

/// As help shows the program: by its file name, and as the plugin of kubectl that it is when installed as one.
fn named(command: clap::Command) -> clap::Command {
    let file = std::env::args_os().next().map(PathBuf::from);
    let plugin = file.is_some_and(|file| file.file_stem().is_some_and(|name| name == "kubectl-anabranch"));
    if plugin { command.bin_name("kubectl anabranch") } else { command }
}
