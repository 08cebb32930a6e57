//! Tasks of the build: what is generated and committed is made here, and checked here.

use clap::{Parser, Subcommand};

mod committed;
mod crds;
mod docs;
mod proto;

/// Generates what is committed from what is written by hand.
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    task: Task,
    /// Change nothing; fail when the committed files differ from what would be generated.
    #[arg(long, global = true)]
    check: bool,
}

#[derive(Subcommand)]
enum Task {
    /// Rust types, method lists and services from `crates/hdfs-proto/proto` and `crates/store/proto`.
    Proto,
    /// `crds/` and `charts/anabranch/crds/` from the custom resource types.
    Crds,
    /// `docs/configuration.md` from the table of configuration keys.
    Docs,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    match args.task {
        Task::Proto => proto::generate(args.check),
        Task::Crds => crds::generate(args.check),
        Task::Docs => docs::generate(args.check),
    }
}
