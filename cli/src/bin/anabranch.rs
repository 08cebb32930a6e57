//! `anabranch`: a federation on this machine, and its files.

use std::process::ExitCode;

use anabranch_cli::dfs::DfsArgs;
use anabranch_cli::local::{self, LocalArgs};
use anabranch_cli::{run_dfs, version};
use clap::{Parser, Subcommand};

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
}

fn main() -> ExitCode {
    match Args::parse().command {
        Command::Local(args) => local::run(&args),
        Command::Dfs(args) => run_dfs(args),
    }
}
