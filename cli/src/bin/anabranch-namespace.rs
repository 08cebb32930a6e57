//! `anabranch-namespace`: an embedded subcluster alone.

use std::process::ExitCode;

use anabranch_cli::namespace::{self, NamespaceArgs};
use clap::Parser;

fn main() -> ExitCode {
    namespace::run(&NamespaceArgs::parse())
}
