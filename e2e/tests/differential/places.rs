//! Mounts of each kind, and paths in them and around them.

/// `hdfs dfsrouteradmin -add` with these arguments.
pub const MOUNTS: &[&str] = &[
    "/one ns0 /d/one",
    "/one/nested ns1 /d/nested",
    "/two ns0,ns1 /d/two -order HASH",
    "/all ns0,ns1 /d/all -order HASH_ALL",
    "/ro ns0 /d/ro -readonly",
    "/ft ns0,ns1 /d/ft -order HASH_ALL -faulttolerant",
    "/virtual/deep/mount ns1 /d/deep",
    "/led ns1,ns0 /d/led -order LEADER_FOLLOWER",
    "/dead ns2 /d/dead",
];

/// Paths that any call may be about.
pub const PATHS: &[&str] = &[
    "/",
    "/one",
    "/one/f",
    "/one/sub",
    "/one/sub/g",
    "/one/missing",
    "/one/missing/deeper",
    "/one/f/below",
    "/one/nested",
    "/one/nested/f",
    "/one/nested/missing",
    "/two",
    "/two/f",
    "/two/sub",
    "/two/sub/g",
    "/two/missing",
    "/all",
    "/all/f",
    "/all/sub",
    "/all/sub/g",
    "/all/missing",
    "/ro",
    "/ro/f",
    "/ro/sub",
    "/ro/missing",
    "/ft",
    "/ft/f",
    "/ft/missing",
    "/virtual",
    "/virtual/deep",
    "/virtual/deep/mount",
    "/virtual/deep/mount/f",
    "/virtual/other",
    "/led/f",
    "/led/missing",
    "/uncovered",
    "/d/one/f",
    "/one/",
    "/one//f",
    "/one/f/",
];

/// Paths that are wrong, or where nobody answers.
pub const ODD: &[&str] = &["", "relative", "/one/../f", "/one/./f", "/dead", "/dead/f"];
