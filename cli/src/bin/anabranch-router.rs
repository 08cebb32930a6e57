//! `anabranch-router`: the router alone, before NameNodes that exist.

use std::process::ExitCode;

use anabranch_cli::router::{self, RouterArgs};
use clap::Parser;

fn main() -> ExitCode {
    router::run(&RouterArgs::parse())
}
