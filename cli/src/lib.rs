//! The programs of Anabranch as a library: `anabranch` and `anabranch-router` are thin around it.

pub mod dfs;
pub mod local;
pub mod manifest;
pub mod router;

mod console;
mod failure;
mod machine;
mod runtimes;
mod signals;
mod table;

use std::process::ExitCode;

use anabranch_telemetry::Build;

use failure::Failure;

/// The build of these programs. `ANABRANCH_REVISION` is set by whoever builds them.
pub const BUILD: Build = Build::of(env!("CARGO_PKG_VERSION"), option_env!("ANABRANCH_REVISION"));

/// What `--version` prints after the program's name.
pub fn version() -> String {
    BUILD.to_string()
}

/// Runs `anabranch dfs` to its end.
pub fn run_dfs(args: dfs::DfsArgs) -> ExitCode {
    match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime.block_on(dfs::run(args)),
        Err(error) => Failure::internal(format!("cannot start threads: {error}")).report(),
    }
}
