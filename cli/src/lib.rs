//! The programs of Anabranch as a library: `anabranch`, `anabranch-router`, `anabranch-namespace` and
//! `anabranch-store` are thin around it.

pub mod dfs;
pub mod explain;
pub mod local;
pub mod manifest;
pub mod namespace;
pub mod router;
pub mod store;

mod console;
mod failure;
mod format;
mod human;
mod log_format;
mod machine;
mod runtimes;
mod signals;
mod table;
mod zookeeper;

use std::process::ExitCode;
use std::sync::LazyLock;

use anabranch_telemetry::Build;

use failure::Failure;

/// A call takes some twenty small allocations on whichever thread it runs, which this allocator is made for.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The build of these programs. `ANABRANCH_REVISION` is set by whoever builds them.
pub const BUILD: Build = Build::of(env!("CARGO_PKG_VERSION"), option_env!("ANABRANCH_REVISION"));

/// What `--version` prints after the program's name.
pub fn version() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| BUILD.to_string());
    &TEXT
}

/// Runs `anabranch dfs` to its end.
pub fn run_dfs(args: dfs::DfsArgs) -> ExitCode {
    match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime.block_on(dfs::run(args)),
        Err(error) => Failure::internal(format!("cannot start threads: {error}")).report(),
    }
}
