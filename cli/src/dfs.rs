//! `anabranch dfs`: files of a federation, for whoever has no Java at hand.
//!
//! The protocol is spoken by the hdfs-native crate; here are the commands, what they print, and what they advise.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

mod get;
mod list;
mod output;
mod progress;
mod put;
mod remote;
mod tree;

use output::Output;
use remote::Remote;

use crate::format::Format;

/// Options of all commands.
#[derive(Debug, Args)]
pub struct DfsArgs {
    /// The file system: a router, a NameNode, or a nameservice of the configuration in $HADOOP_CONF_DIR.
    #[arg(long, global = true, value_name = "URL", default_value = "hdfs://127.0.0.1:8888")]
    fs: String,
    /// Who calls. [default: $HADOOP_USER_NAME, else who you are here]
    #[arg(long, global = true, value_name = "NAME")]
    user: Option<String>,
    /// What is printed: tables for people, or JSON, one object a line, for programs.
    #[arg(long, global = true, value_enum, default_value_t)]
    output: Format,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List a file, or what a directory holds.
    Ls {
        #[arg(default_value = "/")]
        path: String,
        /// And all that is below.
        #[arg(short = 'R', long)]
        recursive: bool,
    },
    /// Print files to standard output.
    Cat {
        #[arg(required = true)]
        paths: Vec<String>,
    },
    /// Copy local files and directories into the federation.
    Put {
        #[arg(required = true)]
        local: Vec<PathBuf>,
        remote: String,
        /// Replace files that exist.
        #[arg(short, long)]
        force: bool,
        /// Files under way at once.
        #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..))]
        parallel: u8,
    },
    /// Copy files and directories from the federation to here.
    Get {
        remote: String,
        #[arg(default_value = ".")]
        local: PathBuf,
        /// Replace files that exist.
        #[arg(short, long)]
        force: bool,
        /// Files under way at once.
        #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..))]
        parallel: u8,
    },
    /// Make directories.
    Mkdir {
        #[arg(required = true)]
        paths: Vec<String>,
        /// Also the missing ones above; no error when it exists.
        #[arg(short, long)]
        parents: bool,
    },
    /// Delete files, at once and for good: nothing goes to the trash.
    Rm {
        #[arg(required = true)]
        paths: Vec<String>,
        /// Directories too, with all that is below.
        #[arg(short, long)]
        recursive: bool,
        /// No error when there is nothing to delete.
        #[arg(short, long)]
        force: bool,
    },
    /// Move or rename, within a subcluster.
    Mv { from: String, to: String },
    /// Show all that is known of a file or directory.
    Stat {
        #[arg(required = true)]
        paths: Vec<String>,
    },
    /// Sum up directories: bytes, files, directories.
    Du {
        #[arg(default_value = "/")]
        paths: Vec<String>,
    },
}

/// Runs one command; its errors go to standard error, each with what to do next.
pub async fn run(args: DfsArgs) -> ExitCode {
    let out = Output::new(args.output == Format::Json);
    let result = match Remote::connect(&args.fs, args.user).await {
        Ok(remote) => execute(args.command, &remote, &out).await,
        Err(error) => Err(error),
    };
    match result.and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is_closed_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            out.error(&error);
            ExitCode::FAILURE
        }
    }
}

async fn execute(command: Command, remote: &Remote, out: &Output) -> Result<(), remote::Error> {
    match command {
        Command::Ls { path, recursive } => list::ls(remote, &path, recursive, out).await,
        Command::Cat { paths } => get::cat(remote, &paths, out).await,
        Command::Put { local, remote: to, force, parallel } => {
            put::put(remote, &local, &to, tree::Options { force, parallel: parallel.into() }, out).await
        }
        Command::Get { remote: from, local, force, parallel } => {
            get::get(remote, &from, &local, tree::Options { force, parallel: parallel.into() }, out).await
        }
        Command::Mkdir { paths, parents } => list::mkdir(remote, &paths, parents).await,
        Command::Rm { paths, recursive, force } => list::rm(remote, &paths, recursive, force).await,
        Command::Mv { from, to } => list::mv(remote, &from, &to).await,
        Command::Stat { paths } => list::stat(remote, &paths, out).await,
        Command::Du { paths } => list::du(remote, &paths, out).await,
    }
}
