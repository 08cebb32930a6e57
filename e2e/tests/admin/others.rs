//! Everything that is not about mounts.

use crate::compare::Step::{self, Differs, Later, Same};

const POLICY: &str = "what limits calls has no Java class here";
const LIMITS: &str = "limits of users and subclusters are those of the router's start (exit 0)";

pub const SAFE_MODE: &[Step] = &[
    Same("root", "-safemode get"),
    Same("root", "-safemode enter"),
    Same("root", "-safemode get"),
    Same("root", "-safemode enter"),
    // Administration goes on.
    Same("root", "-add /during ns0 /during"),
    Same("root", "-ls /during"),
    Same("root", "-safemode leave"),
    Same("root", "-safemode get"),
    Same("root", "-safemode leave"),
    Same("root", "-safemode"),
    Same("root", "-safemode nonsense"),
    Same("root", "-safemode enter leave"),
];

pub const NAMESERVICES: &[Step] = &[
    Later("root", "-getDisabledNameservices"),
    Same("root", "-nameservice disable ns1"),
    Later("root", "-getDisabledNameservices"),
    Same("root", "-nameservice disable ns1"),
    Same("root", "-nameservice disable ns0"),
    Later("root", "-getDisabledNameservices"),
    Same("root", "-nameservice enable ns0"),
    Same("root", "-nameservice enable ns1"),
    Later("root", "-getDisabledNameservices"),
    Same("root", "-nameservice enable ns1"),
    Same("root", "-nameservice disable ns9"),
    Same("root", "-nameservice enable ns9"),
    Same("root", "-nameservice nonsense ns1"),
    Same("root", "-nameservice disable"),
    Same("root", "-nameservice"),
    Later("root", "-getDisabledNameservices"),
];

pub const DESTINATIONS: &[Step] = &[
    Same("root", "-add /both ns0,ns1 /both -order HASH_ALL"),
    Same("root", "-add /second ns0,ns1 /second"),
    Same("root", "-getDestination /second/deep"),
    Same("root", "-getDestination /second/deep/"),
    Same("alice", "-getDestination /second/deep"),
    Same("root", "-getDestination /first"),
    Same("root", "-getDestination /none"),
    Same("root", "-getDestination /"),
    Same("root", "-getDestination relative"),
    Same("root", "-getDestination"),
    Same("root", "-getDestination /a /b"),
];

pub const REFRESH: &[Step] = &[
    Same("root", "-refresh"),
    Same("root", "-refresh x"),
    Same("root", "-refreshSuperUserGroupsConfiguration"),
    Same("root", "-refreshSuperUserGroupsConfiguration x"),
    Same("root", "-refreshCallQueue"),
    Same("root", "-refreshCallQueue x"),
    Same("root", "-refreshRouterArgs {router} nonsense"),
    Differs {
        user: "root",
        command: "-refreshRouterArgs {router} RefreshFairnessPolicyController",
        exit: 0,
        says: LIMITS,
        why: POLICY,
    },
    Differs {
        user: "root",
        command: "-refreshRouterArgs {router} RefreshFairnessPolicyController with arguments",
        exit: 0,
        says: LIMITS,
        why: POLICY,
    },
    Same("root", "-refreshRouterArgs"),
    Same("root", "-refreshRouterArgs {router}"),
];

pub const MISTAKES: &[Step] = &[
    Same("root", ""),
    Same("root", "-bogus"),
    Same("root", "bogus"),
    Same("root", "-help"),
    Same("root", "-D some.key=value -ls /none"),
];
