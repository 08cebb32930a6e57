//! Users of this machine. Java's programs and ours ask the program `id` for their groups: here, one that knows some more.

use std::env;
use std::fs::{self, Permissions};
use std::iter::once;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anabranch_testkit::scratch::Scratch;

/// Names the file of more users, lines such as `carl:analysts etl`.
const USERS: &str = "IDENTITY_USERS";

const ID: &str = r#"#!/bin/sh
for user; do :; done
groups=$(sed -n "s/^$user://p" "$IDENTITY_USERS")
if [ -z "$groups" ]; then
    PATH=${PATH#*:}
    exec id "$@"
fi
case $1 in
    -gn) echo "${groups%% *}" ;;
    *) echo "$groups" ;;
esac
"#;

/// The file of more users, where this machine has some.
pub fn groups() -> Option<PathBuf> {
    env::var_os(USERS).map(PathBuf::from)
}

/// This program on a machine with more users.
pub fn with_users() -> ExitCode {
    let scratch = Scratch::new("identity-users").unwrap();
    let (id, users) = (scratch.path().join("id"), scratch.path().join("users"));
    fs::write(&id, ID).unwrap();
    fs::set_permissions(&id, Permissions::from_mode(0o755)).unwrap();
    fs::write(&users, "").unwrap();
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths(once(scratch.path().to_owned()).chain(env::split_paths(&path))).unwrap();
    let mut same = Command::new(env::current_exe().unwrap());
    let ended = same.args(env::args_os().skip(1)).env("PATH", path).env(USERS, users).status().unwrap();
    ended.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}
