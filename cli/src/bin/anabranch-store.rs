//! `anabranch-store`: a state store for many routers.

use std::process::ExitCode;

use anabranch_cli::store::{self, StoreArgs};
use clap::Parser;

fn main() -> ExitCode {
    store::run(&StoreArgs::parse())
}
