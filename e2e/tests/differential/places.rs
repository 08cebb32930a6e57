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
    "/rnd ns0,ns1 /d/rnd -order RANDOM",
    "/space ns0,ns1 /d/space -order SPACE",
    "/local ns0,ns1 /d/local -order LOCAL",
    // There is no NameNode at the address of ns2, and nobody knows ns3.
    "/down ns2 /d/down",
    "/half ns0,ns2 /d/half -order HASH_ALL",
    "/halfft ns0,ns2 /d/halfft -order HASH_ALL -faulttolerant",
    "/dead ns3 /d/dead",
];

/// Mounts of routers without a default nameservice; `/names` and `/bytes` have quotas, and there are blocks in
/// `/bytes` and `/there`.
pub const STRICT_MOUNTS: &[&str] = &[
    "/one ns0 /d/one",
    "/one/nested ns1 /d/nested",
    "/all ns0,ns1 /d/all -order HASH_ALL",
    "/virtual/deep/mount ns1 /d/deep",
    "/all/inner ns1 /d/nested",
    "/shut ns0 /d/ro -readonly",
    "/shut/open ns1 /d/deep",
    "/whole ns1 /",
    "/again ns0 /d/one",
    "/names ns0,ns1 /kept/names -order HASH_ALL",
    "/bytes ns0 /kept/bytes",
    "/there ns1 /kept/bytes",
];

/// Where no default nameservice counts.
pub const NOWHERE: &[&str] = &["/", "/uncovered", "/d/one/f", "/virtual", "/virtual/other", "/virtual/deep/mount/f"];

/// In mounts that lie in others of another kind, that show a whole nameservice, or what others show.
pub const TANGLED: &[&str] = &[
    "/all/inner",
    "/all/inner/f",
    "/all/inner/missing",
    "/shut",
    "/shut/open",
    "/shut/open/f",
    "/shut/open/missing",
    "/whole",
    "/whole/d/one/f",
    "/again/f",
];

/// In a nameservice whose NameNode is in safe mode.
pub const HELD: &[&str] = &["/one/nested", "/one/nested/f", "/one/nested/missing"];

/// Where it counts whether a nameservice is in service.
pub const DISABLED: &[&str] =
    &["/", "/one/nested", "/one/nested/f", "/all", "/all/only1", "/all/missing", "/virtual", "/virtual/deep/mount/f"];

/// Where it counts whether a router is in safe mode.
pub const SAFE: &[&str] = &["/", "/one", "/one/f", "/all/missing", "/uncovered"];

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

/// Where it counts in which order subclusters are asked, since files are in one of them only.
pub const ORDERED: &[&str] = &[
    "/two/only0",
    "/two/only1",
    "/all/only0",
    "/all/only1",
    "/ft/only0",
    "/ft/only1",
    "/led/only0",
    "/led/only1",
    "/rnd",
    "/rnd/only0",
    "/rnd/only1",
    "/rnd/missing",
    "/space",
    "/space/only0",
    "/space/only1",
    "/space/missing",
    "/local",
    "/local/only0",
    "/local/only1",
    "/local/missing",
];

/// Files that changing calls find wherever they are, when any subcluster may be asked first.
pub const DRAWN: &[&str] = &["/rnd/only1", "/space/only1", "/local/only0"];

/// Where a subcluster is away.
pub const AWAY: &[&str] =
    &["/down", "/down/f", "/half", "/half/f", "/half/only0", "/half/missing", "/halfft/f", "/halfft/missing"];

/// Those that a user is tried with who owns nothing.
pub const OTHERS: &[&str] = &[
    "/",
    "/one/f",
    "/one/missing",
    "/one/secret",
    "/one/secret/s",
    "/one/nested/f",
    "/two/f",
    "/all/f",
    "/all/missing",
    "/ro/f",
    "/virtual",
    "/led/f",
    "/uncovered",
];

/// What there is in snapshots; see [`crate::namenodes::Namenode::snapshot`].
pub const SNAPSHOTS: &[&str] = &[
    "/one",
    "/one/.snapshot",
    "/one/.snapshot/a",
    "/one/.snapshot/a/f",
    "/one/.snapshot/a/late",
    "/one/.snapshot/none",
    "/all",
    "/all/.snapshot",
    "/all/.snapshot/a",
    "/all/.snapshot/a/f",
    "/two/.snapshot/a/sub",
    "/virtual/deep/mount/.snapshot",
];

/// Those that each changing call is tried with: after most of these, everything is made anew.
pub const CHANGED: &[&str] = &[
    "/one",
    "/one/f",
    "/one/sub",
    "/one/missing",
    "/one/f/below",
    "/one/nested/f",
    "/two",
    "/two/f",
    "/two/sub",
    "/two/missing",
    "/all",
    "/all/f",
    "/all/sub",
    "/all/missing",
    "/all/only0",
    "/all/only0/below",
    "/all/only1/below",
    "/ro/f",
    "/ft/missing",
    "/virtual",
    "/virtual/other",
    "/virtual/deep/mount/f",
    "/led/f",
    "/uncovered",
    "/one/f/",
    "",
    "relative",
    "/one/../f",
];

/// Paths that are wrong, or where nobody answers.
pub const ODD: &[&str] = &["", "relative", "/one/../f", "/one/./f", "/dead", "/dead/f"];
